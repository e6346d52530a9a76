"""A chat as GraphQL types."""

from datetime import datetime
from typing import Self

import strawberry

from assistant.answer_types import Answer
from assistant.chat import switchboard
from assistant.chat.reading import ChatState, ChatStatus, Said
from assistant.chat.switchboard import ChatEventKind
from backend.service.conversation_types import Message  # noqa: F401  (before AuthorKind: it describes the enum)
from backend.service.documents import AuthorKind

strawberry.enum(ChatStatus, description="Who answers the customer now.")
strawberry.enum(ChatEventKind, description="What happened in a chat; QUIET says only that it is still open.")


@strawberry.type(description="Something said in a chat, as its customer sees it.")
class ChatMessage:
    id: strawberry.ID
    author: AuthorKind
    author_name: str = strawberry.field(description="How a person of ours is called; empty for all others.")
    text: str
    at: datetime
    answer: Answer | None = strawberry.field(description="With what the assistant said: what it rests on.")

    @classmethod
    def of(cls, said: Said) -> Self:
        return cls(
            id=strawberry.ID(said.message.id),
            author=said.message.author_kind,
            author_name=said.message.author_name,
            text=said.message.body,
            at=said.message.at,
            answer=Answer.of(said.answer) if said.answer else None,
        )


@strawberry.type(description="A conversation as its customer sees it: the latest 200 messages, oldest first.")
class Chat:
    conversation_id: strawberry.ID
    version: int
    status: ChatStatus
    is_assigned: bool = strawberry.field(description="Whether a person of ours has taken it.")
    person_name: str = strawberry.field(description="Who of ours wrote last; empty when nobody did.")
    messages: list[ChatMessage]
    has_earlier: bool

    @classmethod
    def of(cls, state: ChatState) -> Self:
        return cls(
            conversation_id=strawberry.ID(state.conversation.id),
            version=state.conversation.version,
            status=state.status,
            is_assigned=state.conversation.assignee_id is not None,
            person_name=state.person_name,
            messages=[ChatMessage.of(one) for one in state.said],
            has_earlier=state.has_earlier,
        )


@strawberry.type(
    description="A hint without words: on CHANGED read the chat again, on TYPING `author` types."
)
class ChatEvent:
    kind: ChatEventKind
    version: int | None
    author: AuthorKind | None

    @classmethod
    def of(cls, event: switchboard.ChatEvent) -> Self:
        return cls(kind=event.kind, version=event.version or None, author=event.author)
