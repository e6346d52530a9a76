"""The chat's events as JSON. What is refused in the middle of a stream is an event, too."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import structlog
import svcs

from assistant.answer_types import Answer
from assistant.chat.switchboard import ChatEventKind, Switchboard
from assistant.turn import ask
from backend.core.access import Actor
from backend.core.errors import CRMError
from backend.core.store import Store
from knowledge.search import KnowledgeBase

log = structlog.get_logger()

Events = AsyncGenerator[dict[str, Any], None]


async def tell_answer(
    services: svcs.Container, actor: Actor, *, conversation_id: str, text: str, mutation_id: str | None
) -> Events:
    """Ask, and yield the steps of the turn as JSON; see ``assistant.streaming``."""
    store, knowledge = await services.aget(Store, KnowledgeBase)
    answer = Answer.of(
        await ask(
            store, knowledge, actor, conversation_id=conversation_id, text=text, mutation_id=mutation_id
        )
    )
    yield {"step": "TEXT", "delta": answer.text}
    yield {"step": "DONE"}


async def tell_chat(switchboard: Switchboard, actor: Actor, conversation_id: str) -> Events:
    """Yield what happens in a conversation as JSON; an empty event keeps the line open."""
    first = True
    try:
        async with aclosing(switchboard.watch(actor, conversation_id)) as events:
            async for event in events:
                first = False
                if event.kind is ChatEventKind.QUIET:
                    yield {}
                else:
                    author = event.author.name if event.author else None
                    yield {"kind": event.kind.name, "version": event.version or None, "author": author}
    except CRMError as error:
        if first:
            raise
        yield {"kind": "ERROR", "message": str(error), **error.extensions()}
