"""Drafts of articles as GraphQL types and inputs."""

import asyncio
from datetime import datetime
from typing import Annotated, Protocol, Self

import strawberry

from assistant.advice import documents
from assistant.advice.documents import FaqState
from backend.core.graphql import Forbidden, Info, InvalidInput, NotFound
from backend.service.documents import Message
from knowledge.article_types import Article  # before Visibility: it describes the enum
from knowledge.documents import Article as StoredArticle
from knowledge.documents import Visibility

SOURCES_SHOWN = 20
MOST_LOOKED_AT = 100  # of a draft: some may not be the reader's to read
strawberry.enum(FaqState, name="FaqSuggestionState", description="Whether people have decided on a draft.")


class HasArticleId(Protocol):
    article_id: strawberry.ID | None


async def article_of(root: strawberry.Parent[HasArticleId], info: Info) -> Article | None:
    """Resolve the article that a suggestion became."""
    found = await info.context.related(StoredArticle, root.article_id)
    return Article.of(found) if found is not None else None


@strawberry.type(description="One of the questions that a draft was made from, as it was asked.")
class FaqSource:
    conversation_id: strawberry.ID
    message_id: strawberry.ID
    text: str
    at: datetime


class HasMessageIds(Protocol):
    message_ids: strawberry.Private[list[str]]


async def sources_of(root: strawberry.Parent[HasMessageIds], info: Info) -> list[FaqSource]:
    """Resolve the questions that the reader may read, in one query, the newest first."""
    messages = await asyncio.gather(*(info.context.related(Message, id) for id in root.message_ids))
    found = [
        FaqSource(
            conversation_id=strawberry.ID(one.conversation_id),
            message_id=strawberry.ID(one.id),
            text=one.body,
            at=one.at,
        )
        for one in messages
        if one is not None
    ]
    return sorted(found, key=lambda one: (one.at, one.message_id), reverse=True)[:SOURCES_SHOWN]


@strawberry.type(
    description="What several customers asked and no article answers, with the best answer that was given."
)
class FaqSuggestion:
    id: strawberry.ID
    question: str
    answer: str
    locale: str
    asked: int = strawberry.field(description="How many conversations opened with it.")
    people: int = strawberry.field(description="How many people asked it; never fewer than three.")
    best_article: float = strawberry.field(description="How probably the best article there is answers it.")
    state: FaqState
    article_id: strawberry.ID | None
    article: Article | None = strawberry.field(
        resolver=article_of, description="The draft that it became; null when it is not visible to you."
    )
    message_ids: strawberry.Private[list[str]]
    sources: list[FaqSource] = strawberry.field(
        resolver=sources_of, description="The newest 20 questions behind it that you may read."
    )
    dismissed_because: str
    created_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, record: documents.FaqSuggestion) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            question=record.question,
            answer=record.answer,
            locale=record.locale,
            asked=record.asked,
            people=record.people,
            best_article=record.best_article,
            state=record.state,
            article_id=strawberry.ID(record.article_id) if record.article_id else None,
            message_ids=record.message_ids[-MOST_LOOKED_AT:],
            dismissed_because=record.dismissed_because,
            created_at=record.created_at or record.decided_at,  # type: ignore[arg-type]  # stored ones have it
            decided_at=record.decided_at,
        )


@strawberry.input(
    description="Make an article draft of it, in your words or its own; publish it with `articleUpdate`."
)
class FaqSuggestionApproveInput:
    id: strawberry.ID
    title: str | None = None
    body: str | None = None
    locale: str | None = None
    visibility: Visibility = Visibility.CUSTOMERS
    mutation_id: str | None = None


@strawberry.input(description="Put a draft aside for good.")
class FaqSuggestionDismissInput:
    id: strawberry.ID
    because: str | None = None
    mutation_id: str | None = None


FaqSuggestionResult = Annotated[
    FaqSuggestion | InvalidInput | NotFound | Forbidden, strawberry.union("FaqSuggestionResult")
]
