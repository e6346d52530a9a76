"""Suggested replies, similar tickets and summaries as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from assistant.advice import documents, summary
from assistant.advice.documents import ReplySource, ReplyVerdict
from assistant.advice.replies import Suggestion
from assistant.advice.similar_tickets import Similar
from assistant.answer_types import CitedArticle, TicketReference
from backend.core.graphql import Forbidden, InvalidInput, NotFound
from backend.service.ticket_types import Ticket

strawberry.enum(ReplySource, description="What a suggested reply is taken from.")
strawberry.enum(ReplyVerdict, description="What an agent made of a suggested reply.")


@strawberry.type(description="The approved text that a reply is.")
class MacroReference:
    id: strawberry.ID
    title: str


@strawberry.type(description="What a suggested reply rests on: a settled ticket, a macro or an article.")
class ReplyCitation:
    article: CitedArticle | None
    ticket: TicketReference | None
    macro: MacroReference | None
    quote: str


@strawberry.type(
    description="A reply that an agent may send, edit or leave; say which by `replyRecord`: we learn from it."
)
class SuggestedReply:
    text: str
    confidence: float
    source: ReplySource
    source_id: strawberry.ID
    citations: list[ReplyCitation]

    @classmethod
    def of(cls, found: Suggestion) -> Self:
        article = ticket = macro = None
        if found.quotation is not None:
            hit = found.quotation.hit
            article = CitedArticle(
                id=strawberry.ID(hit.article_id),
                version=hit.article_version,
                title=hit.title,
                locale=hit.locale,
            )
        if found.ticket is not None:
            ticket = TicketReference(id=strawberry.ID(found.ticket.id), number=found.ticket.number)
        if found.macro is not None:
            macro = MacroReference(id=strawberry.ID(found.macro.id), title=found.macro.title)
        cited = ReplyCitation(article=article, ticket=ticket, macro=macro, quote=found.quote)
        return cls(
            text=found.text,
            confidence=found.confidence,
            source=found.source,
            source_id=strawberry.ID(found.source_id),
            citations=[cited],
        )


@strawberry.input(
    description="What became of a suggested reply. Of an edited one, `suggested` and `sent` tell how much "
    "was kept; neither is stored."
)
class ReplyRecordInput:
    ticket_id: strawberry.ID
    source: ReplySource
    source_id: strawberry.ID
    verdict: ReplyVerdict
    suggested: str | None = None
    sent: str | None = None
    message_id: strawberry.ID | None = None
    mutation_id: str | None = None


@strawberry.type(description="What was made of a suggested reply; `kept` of its words were sent.")
class ReplyOutcome:
    id: strawberry.ID
    ticket_id: strawberry.ID
    source: ReplySource
    source_id: strawberry.ID
    verdict: ReplyVerdict
    kept: float

    @classmethod
    def of(cls, record: documents.ReplyOutcome) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            ticket_id=strawberry.ID(record.ticket_id),
            source=record.source,
            source_id=strawberry.ID(record.source_id),
            verdict=record.verdict,
            kept=record.kept,
        )


ReplyRecordResult = Annotated[
    ReplyOutcome | InvalidInput | NotFound | Forbidden, strawberry.union("ReplyRecordResult")
]


@strawberry.type(description="A ticket that is probably about the same matter.")
class SimilarTicket:
    ticket: Ticket
    probability: float
    answer: str | None = strawberry.field(description="What settled it, as it was written to the customer.")
    answer_message_id: strawberry.ID | None

    @classmethod
    def of(cls, found: Similar) -> Self:
        answer = found.answer
        return cls(
            ticket=Ticket.of(found.ticket),
            probability=found.chance,
            answer=answer.body if answer else None,
            answer_message_id=strawberry.ID(answer.id) if answer else None,
        )


@strawberry.type(
    description="A sentence of a conversation, letter by letter `body[start:end]` of its message; `role` is "
    "wanted, answered, open or said."
)
class SummaryPoint:
    text: str
    role: str
    who: str
    message_id: strawberry.ID
    at: datetime
    start: int
    end: int

    @classmethod
    def of(cls, point: summary.Point) -> Self:
        return cls(
            text=point.text,
            role=point.role,
            who=point.who,
            message_id=strawberry.ID(point.message_id),
            at=point.at,
            start=point.start,
            end=point.end,
        )


@strawberry.type(description="A conversation in some of its own sentences, in the order they were said.")
class ConversationSummary:
    language: str
    messages: int
    points: list[SummaryPoint]

    @classmethod
    def of(cls, found: summary.Summary) -> Self:
        points = [SummaryPoint.of(point) for point in found.points]
        return cls(language=found.language, messages=found.messages, points=points)
