"""Summaries of conversations and tickets: of what the asker may read of them, and nothing else."""

import asyncio

from assistant.advice.similar_tickets import is_erased
from assistant.advice.summary import MOST_POINTS, Said, Summary, summarise
from assistant.documents import Answer, Decision
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation, Message, MessageDirection
from backend.service.rules import ConversationState
from knowledge.text import Language, guess_language, language_of_locale

MESSAGES_READ = 500  # the latest of one conversation


async def conversation_summary(
    uow: UnitOfWork, conversation_id: str, *, locale: str | None = None, first: int = 5
) -> Summary:
    """Return up to ``first`` (1–10) sentences that tell a conversation, in the order they were said.

    Notes among ourselves take no part: a summary is what was said with the customer. Raise NotFound for a
    conversation that is not visible, Forbidden for customers.
    """
    if not 1 <= first <= MOST_POINTS:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_POINTS}"))
    conversation = await uow.access(Conversation, conversation_id)
    if uow.actor.is_customer:
        raise Forbidden("read", "conversation_summary")
    of_it = {"conversation_id": conversation.id, "direction": {"$ne": MessageDirection.INTERNAL.value}}
    found = await uow.find(Message, of_it, sort=[("at", -1)], limit=MESSAGES_READ)
    undecided = await _undecided(uow, conversation.id)
    said = [
        Said(one.id, one.author_kind.value, one.at, one.body, tells=one.answer_id not in undecided)
        for one in sorted(found, key=lambda one: (one.at, one.id))
        if not is_erased(one.body)
    ]
    language = _language(said, locale or uow.actor.locale)
    is_over = conversation.state in (ConversationState.RESOLVED, ConversationState.CLOSED)
    return await asyncio.to_thread(summarise, said, language=language, most=first, is_over=is_over)


async def _undecided(uow: UnitOfWork, conversation_id: str) -> set[str | None]:
    """Return the turns in which the assistant answered nothing: it asked back, or handed over."""
    turns = await uow.find(Answer, {"conversation_id": conversation_id})
    return {one.id for one in turns if one.decision is not Decision.ANSWERED}


def _language(said: list[Said], locale: str) -> Language:
    """Return the language that most of the words are in; the asker's where there are none."""
    return guess_language(" ".join(one.body[:500] for one in said), default=language_of_locale(locale))
