"""The chat's events as JSON. What is refused in the middle of a stream is an event, too."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import svcs

from assistant.answering import Answering
from assistant.chat.switchboard import ChatEventKind, Switchboard
from assistant.streaming import stream_answer
from backend.core.access import Actor
from backend.core.errors import CRMError

Events = AsyncGenerator[dict[str, Any], None]


async def tell_answer(
    services: svcs.Container, actor: Actor, *, conversation_id: str, text: str, mutation_id: str | None
) -> Events:
    """Ask, and yield the events of the turn as JSON; see ``assistant.streaming``."""
    answering = await services.aget(Answering)
    first = True
    try:
        turn = stream_answer(
            answering, actor, conversation_id=conversation_id, text=text, mutation_id=mutation_id
        )
        async with aclosing(turn) as events:
            async for event in events:
                yield event.json()
                first = False
    except CRMError as error:
        if first:
            raise
        yield {**error.extensions(), "step": "ERROR", "message": str(error)}


async def tell_chat(switchboard: Switchboard, actor: Actor, conversation_id: str) -> Events:
    """Yield what happens in a conversation as JSON; an empty event keeps the line open."""
    first = True
    try:
        async with aclosing(switchboard.hear(actor, conversation_id)) as events:
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
        yield {**error.extensions(), "kind": "ERROR", "message": str(error)}
