"""What a turn works with, and the turns under way: one a process."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from assistant.writer import Writer
from backend.core.store import Store
from backend.identity.actors import Actors
from knowledge.search import KnowledgeBase

T = TypeVar("T")


@dataclass(kw_only=True)
class Answering:
    """The store, the knowledge base, who may still listen, and a writer where a language model is set.

    ``close`` it before them.
    """

    store: Store
    knowledge: KnowledgeBase
    actors: Actors
    writer: Writer | None = None
    _under_way: set[asyncio.Task[object]] = field(default_factory=set)

    def begin(self, turn: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Run ``turn`` to its end, also when whoever waits for it goes away: a question asked is answered."""
        task = asyncio.create_task(turn, name="turn")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Return when no turn is under way any more, and let the writer go."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self.writer is not None:
            await self.writer.close()

    def _ended(self, task: "asyncio.Task[T]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has raised it; if nobody did, the question is asked again
