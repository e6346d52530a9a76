"""Answers as GraphQL types and inputs."""

from typing import Self

import strawberry

from assistant import documents, streaming
from assistant.documents import Decision, Mode, Reason
from assistant.steps import Step

strawberry.enum(Decision, description="What the assistant made of a question.")
strawberry.enum(Reason, description="Why it was decided so.")
strawberry.enum(
    Mode,
    name="AnswerTextMode",
    description="How an answer's text was made: quoted, a fixed sentence, or written by a model.",
)
strawberry.enum(Step, description="What of a turn has begun, or what an event of it brings.")


@strawberry.input(
    description="A question in a conversation. The same `mutationId` again returns the first answer."
)
class AskInput:
    conversation_id: strawberry.ID
    text: str
    mutation_id: str | None = None


@strawberry.type(description="The version of an article that was quoted.")
class CitedArticle:
    id: strawberry.ID
    version: int
    title: str
    locale: str


@strawberry.type(description="Words that stand, letter by letter, in that version of the article.")
class Citation:
    article: CitedArticle
    quote: str

    @classmethod
    def of(cls, evidence: documents.Evidence) -> Self:
        article = CitedArticle(
            id=strawberry.ID(evidence.article_id),
            version=evidence.article_version,
            title=evidence.title,
            locale=evidence.locale,
        )
        return cls(article=article, quote=evidence.quote)


@strawberry.type(description="The ticket in which people take over, or that a reply is drawn from.")
class TicketReference:
    id: strawberry.ID
    number: str


@strawberry.type(description="What was read off a record of your own; `quote` stands in the answer's text.")
class RecordCitation:
    kind: str
    id: strawberry.ID
    version: int
    quote: str


@strawberry.type(description="One of several questions of a message, with what became of it.")
class AnswerPart:
    question: str
    decision: Decision
    reason: Reason
    confidence: float
    citations: list[Citation] = strawberry.field(
        description="The ones of the answer that are for this question."
    )

    @classmethod
    def of(cls, record: documents.Answer, number: int) -> Self:
        part = record.parts[number]
        return cls(
            question=part.question,
            decision=part.decision,
            reason=part.reason,
            confidence=part.confidence,
            citations=[Citation.of(one) for one in record.evidence if one.cited and one.part == number],
        )


@strawberry.type(description="What the assistant says to a message, and what that rests on.")
class Answer:
    id: strawberry.ID
    text: str
    decision: Decision = strawberry.field(
        description="Of several questions, with confidence and reason: that of the one served worst."
    )
    confidence: float = strawberry.field(
        description="Calibrated probability that the article answers; 0 where none was looked up."
    )
    reason: Reason
    citations: list[Citation]
    parts: list[AnswerPart] = strawberry.field(
        description="The questions of a message that held several, in their order; else none."
    )
    ticket: TicketReference | None
    locale: str = strawberry.field(description="The language of the question, in which the answer is framed.")
    mode: Mode
    records: list[RecordCitation]
    helpful: bool | None = strawberry.field(description="What who asked said of it; null until they do.")
    outdated: bool = strawberry.field(
        description="An article that it cites has another text now, ran out or is gone."
    )

    @classmethod
    def of(cls, record: documents.Answer, *, outdated: bool = False) -> Self:
        ticket = None
        if record.ticket_id is not None:
            ticket = TicketReference(id=strawberry.ID(record.ticket_id), number=record.ticket_number)
        return cls(
            id=strawberry.ID(record.id),
            text=record.text,
            decision=record.decision,
            confidence=record.confidence,
            reason=record.reason,
            citations=[Citation.of(evidence) for evidence in record.evidence if evidence.cited],
            parts=[AnswerPart.of(record, number) for number in range(len(record.parts))],
            ticket=ticket,
            locale=record.language,
            mode=record.mode,
            records=[
                RecordCitation(
                    kind=one.kind, id=strawberry.ID(one.record_id), version=one.version, quote=one.quote
                )
                for one in record.records
            ],
            helpful=record.feedback.helpful if record.feedback else None,
            outdated=outdated,
        )


@strawberry.input(description="What you think of an answer to a question of yours.")
class AnswerRateInput:
    id: strawberry.ID
    helpful: bool
    mutation_id: str | None = None


@strawberry.input(
    description="What you, of the staff, find of an answer: right or wrong, and what it should have been. "
    "With `send` that text goes to the customer as yours."
)
class AnswerReviewInput:
    id: strawberry.ID
    right: bool
    text: str | None = None
    send: bool = False
    mutation_id: str | None = None


@strawberry.type(
    description="What happened of a turn: `delta` with TEXT, `citations` with CITATIONS, `answer` with DONE."
)
class AnswerEvent:
    step: Step
    delta: str | None
    citations: list[Citation] | None
    answer: Answer | None

    @classmethod
    def of(cls, event: streaming.AnswerEvent) -> Self:
        cited = [Citation.of(one) for one in event.citations]
        return cls(
            step=event.step,
            delta=event.delta if event.step is Step.TEXT else None,
            citations=cited if event.step is Step.CITATIONS else None,
            answer=Answer.of(event.answer) if event.answer else None,
        )
