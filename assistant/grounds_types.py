"""The grounds of an answer as GraphQL types, for staff."""

from datetime import datetime
from typing import Self

import strawberry

from assistant import documents, grounds
from assistant.answer_types import Answer, Citation


@strawberry.type(description="A passage that was looked at; `score` is what it was ranked by.")
class AnswerEvidence:
    passage: Citation
    score: float
    dense: float = strawberry.field(
        description="Cosine of question and passage; 0 where words alone found it."
    )
    lexical: float = strawberry.field(description="BM25 of the question's words.")
    cited: bool = strawberry.field(description="The answer shows it.")
    part: int = strawberry.field(
        description="For which of several questions: its place in `parts`, from 0; 0 where there was one."
    )


@strawberry.type(description="How one of several questions of a message was looked up and judged.")
class AnswerPartGrounds:
    question: str
    asked_as: str
    intent: str
    confidence: float
    threshold: float


@strawberry.type(description="What one of yours found of an answer.")
class AnswerReviewed:
    right: bool
    text: str = strawberry.field(description="What it should have been; empty where nothing was written.")
    by: strawberry.ID
    at: datetime


@strawberry.type(
    description="What an answer was decided on. `evidence` leaves out articles that you may not read."
)
class AnswerGrounds:
    answer: Answer
    question: str
    asked_as: str = strawberry.field(
        description="The question as looked up where it leaned on the turn before, or a slip of the pen "
        "in it was read as the word meant; else empty."
    )
    intent: str
    threshold: float = strawberry.field(description="The confidence from which it is answered.")
    evidence: list[AnswerEvidence]
    parts: list[AnswerPartGrounds] = strawberry.field(description="None where one question was asked.")
    draft_refused: str = strawberry.field(
        description="Why a language model's draft was not shown; empty where there was none or it was."
    )
    model_ids: list[str]
    latency_ms: int
    review: AnswerReviewed | None

    @classmethod
    def of(cls, found: grounds.Grounds) -> Self:
        record = found.answer
        review = record.review
        return cls(
            answer=Answer.of(record),
            question=record.question,
            asked_as=record.asked_as,
            intent=record.intent,
            threshold=record.threshold,
            evidence=[_evidence(one) for one in found.evidence],
            parts=[
                AnswerPartGrounds(
                    question=part.question,
                    asked_as=part.asked_as,
                    intent=part.intent,
                    confidence=part.confidence,
                    threshold=part.threshold,
                )
                for part in record.parts
            ],
            draft_refused=record.draft_refused,
            model_ids=record.model_ids,
            latency_ms=record.latency_ms,
            review=AnswerReviewed(
                right=review.right, text=review.text, by=strawberry.ID(review.by), at=review.at
            )
            if review
            else None,
        )


def _evidence(one: documents.Evidence) -> AnswerEvidence:
    return AnswerEvidence(
        passage=Citation.of(one),
        score=one.score,
        dense=one.dense,
        lexical=one.lexical,
        cited=one.cited,
        part=one.part,
    )
