"""The switchboard: tells every open chat of this process what happens in its conversation.

One look at the store for all chats of a workspace, at each of its commits. What is told is a hint without
words: whoever hears it asks for what they may read. Who types is told within this process alone and is
stored nowhere.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import structlog

from backend.core.access import Actor, system_actor
from backend.core.errors import RateLimited, Unauthenticated
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.service.documents import AuthorKind, Conversation

log = structlog.get_logger()

LOOK_EVERY = timedelta(seconds=5)  # also without news: rights may have gone, and the session ended
MOST_LINES = 12  # of one person: some tabs, on some devices
MOST_CONVERSATIONS = 1_000  # in one look; more than that in one commit are looked for again


class ChatEventKind(StrEnum):
    """What happened: something to read again, somebody types, or nothing (which keeps proxies awake)."""

    CHANGED = "changed"
    TYPING = "typing"
    QUIET = "quiet"


@dataclass(frozen=True)
class ChatEvent:
    kind: ChatEventKind
    version: int = 0  # of the conversation, with CHANGED
    author: AuthorKind | None = None  # with TYPING


@dataclass(eq=False)
class _Line:
    """One open chat."""

    rings: asyncio.Event = field(default_factory=asyncio.Event)
    typing: set[AuthorKind] = field(default_factory=set)


class _Ear:
    """Listens to the commits of one workspace; who waits for ``listens`` misses none."""

    def __init__(self, listen: Callable[[Callable[[], None]], Coroutine[Any, Any, None]], name: str) -> None:
        self.listens = asyncio.Event()
        self.task = asyncio.create_task(listen(self.listens.set), name=name)
        self.task.add_done_callback(self._report_end)

    def _report_end(self, task: asyncio.Task[None]) -> None:
        self.listens.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error(
                "chat.deaf", exc_info=error
            )  # chats go on looking by themselves; the next gets a new ear


class Switchboard:
    """The open chats of this process."""

    def __init__(self, store: Store, actors: Actors) -> None:
        self._store, self._actors = store, actors
        self._lines: dict[str, dict[str, set[_Line]]] = {}
        self._ears: dict[str, _Ear] = {}
        self._held: dict[str, int] = defaultdict(int)

    async def hear(self, actor: Actor, conversation_id: str) -> AsyncGenerator[ChatEvent, None]:
        """Yield what happens in a conversation from now on, CHANGED at once; end when the session ends.

        Raise NotFound for a conversation that the actor may not see (any more), RateLimited for too many
        open chats of one person.
        """
        seen = 0
        async with self._line(actor, conversation_id) as line:
            while True:
                try:
                    actor = await self._actors.renewed(actor)
                except Unauthenticated:
                    return
                line.rings.clear()
                conversation = await self._store.unit_of_work(actor).access(Conversation, conversation_id)
                if conversation.version > seen:
                    seen = conversation.version
                    yield ChatEvent(ChatEventKind.CHANGED, version=seen)
                while line.typing:
                    yield ChatEvent(ChatEventKind.TYPING, author=line.typing.pop())
                try:
                    async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                        await line.rings.wait()
                except TimeoutError:
                    yield ChatEvent(ChatEventKind.QUIET)

    async def note_typing(self, uow: UnitOfWork, conversation_id: str) -> None:
        """Tell the others in a conversation that the actor types. Raise NotFound when it is not theirs."""
        await uow.access(Conversation, conversation_id, action="update")
        author = AuthorKind.CUSTOMER if uow.actor.is_customer else AuthorKind.AGENT
        for line in self._lines.get(uow.actor.workspace_id, {}).get(conversation_id, ()):
            line.typing.add(author)
            line.rings.set()

    async def close(self) -> None:
        """Hang up."""
        tasks = [ear.task for ear in self._ears.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _line(self, actor: Actor, conversation_id: str) -> AsyncIterator[_Line]:
        if self._held[actor.user_id] >= MOST_LINES:
            raise RateLimited(
                f"This chat is open in {MOST_LINES} places already; close one of them, then try again.",
                retry_after=timedelta(seconds=30),
            )
        line, workspace_id = _Line(), actor.workspace_id
        self._held[actor.user_id] += 1
        self._lines.setdefault(workspace_id, {}).setdefault(conversation_id, set()).add(line)
        try:
            await self._ear(workspace_id).listens.wait()
            yield line
        finally:
            self._hang_up(actor, conversation_id, line)

    def _ear(self, workspace_id: str) -> _Ear:
        ear = self._ears.get(workspace_id)
        if ear is None or ear.task.done():
            ear = self._ears[workspace_id] = _Ear(
                partial(self._listen, workspace_id), name=f"chats {workspace_id}"
            )
        return ear

    def _hang_up(self, actor: Actor, conversation_id: str, line: _Line) -> None:
        self._held[actor.user_id] -= 1
        if not self._held[actor.user_id]:
            del self._held[actor.user_id]
        lines = self._lines[actor.workspace_id]
        lines[conversation_id].discard(line)
        if not lines[conversation_id]:
            del lines[conversation_id]
        if not lines:
            del self._lines[actor.workspace_id]
            if ear := self._ears.pop(actor.workspace_id, None):
                ear.task.cancel()

    async def _listen(self, workspace_id: str, listens: Callable[[], None]) -> None:
        """Ring the chats whose conversations a commit touched."""
        reader, house = self._store.reader, system_actor(workspace_id)
        seen = await reader.newest_version(workspace_id)
        listens()  # nothing else runs before the bell is heard
        async for newest in self._store.bell.commits(workspace_id):
            changed = await reader.by_version(
                house, Conversation, after=seen, until=newest, most=MOST_CONVERSATIONS, newest_first=False
            )
            seen = newest if len(changed) < MOST_CONVERSATIONS else changed[-1].version
            for one in changed:
                for line in self._lines.get(workspace_id, {}).get(one.id, ()):
                    line.rings.set()
