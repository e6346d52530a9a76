"""What a chat shows: who answers now, and what was said, with what each answer rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.documents import Answer
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import AuthorKind, Conversation, Message, MessageDirection
from backend.service.rules import ConversationState

MOST_MESSAGES = 200  # the latest; what came before is in the agents' desk


class ChatStatus(StrEnum):
    """Who answers the customer now."""

    ASSISTANT = "assistant"
    WAITING = "waiting"
    PERSON = "person"
    ENDED = "ended"


STATUSES = {
    ConversationState.OPEN: ChatStatus.ASSISTANT,
    ConversationState.WAITING_HUMAN: ChatStatus.WAITING,
    ConversationState.HUMAN: ChatStatus.PERSON,
    ConversationState.RESOLVED: ChatStatus.ENDED,
    ConversationState.CLOSED: ChatStatus.ENDED,
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message, with the answer that it is when the assistant said it."""

    message: Message
    answer: Answer | None


@dataclass(frozen=True, kw_only=True)
class ChatState:
    """A conversation as its customer sees it; ``person_name`` is who of ours wrote last."""

    conversation: Conversation
    status: ChatStatus
    person_name: str
    said: Sequence[Said]
    has_earlier: bool


async def read_chat(uow: UnitOfWork, conversation_id: str) -> ChatState:
    """Return how a conversation stands and the latest of what was said; internal notes are never part of it.

    Raise NotFound for a conversation that the actor may not see.
    """
    conversation = await uow.access(Conversation, conversation_id)
    where = {"conversation_id": conversation.id, "direction": {"$ne": MessageDirection.INTERNAL}}
    latest = await uow.find(Message, where, sort=[("at", -1), ("_id", -1)], limit=MOST_MESSAGES + 1)
    messages = latest[:MOST_MESSAGES][::-1]
    answers = await _answers(uow, [one.answer_id for one in messages if one.answer_id])
    by_us = (one.author_name for one in latest if one.author_kind is AuthorKind.AGENT)
    return ChatState(
        conversation=conversation,
        status=STATUSES[conversation.state],
        person_name=next(by_us, ""),
        said=[Said(message=one, answer=answers.get(one.answer_id or "")) for one in messages],
        has_earlier=len(latest) > MOST_MESSAGES,
    )


async def _answers(uow: UnitOfWork, ids: Sequence[str]) -> dict[str, Answer]:
    found = await uow.find(Answer, {"_id": {"$in": list(ids)}}) if ids else []
    return {one.id: one for one in found}
