"""Next best actions and recommendations as GraphQL types and inputs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

import strawberry

from assistant.advice import actions, documents
from assistant.advice.documents import Outcome, Pointer, RecommendationState, ScorePart, SkipReason
from assistant.advice.pointers import references
from assistant.advice.reasons import explain
from assistant.advice.subjects import Reference, refer
from backend.core.graphql import Forbidden, InvalidInput, NotFound
from backend.core.records import Record
from knowledge.text import Language

strawberry.enum(RecommendationState, description="What became of a recommendation.")
strawberry.enum(SkipReason, description="Why advice was not taken; it is learned from.")
strawberry.enum(Outcome, name="RecommendationOutcome", description="What came of advice that was taken.")


@strawberry.type(
    description="A record that something rests on; `kind` is the record's type, such as `ticket`."
)
class EvidenceReference:
    kind: str
    id: strawberry.ID
    title: str

    @classmethod
    def of(cls, found: Reference) -> Self:
        return cls(kind=found.kind, id=strawberry.ID(found.id), title=found.title)


@strawberry.type(
    description="A part of an action's score, in money; `evidence` says what it was counted from."
)
class ActionFactor:
    name: str
    weight: float
    evidence: str


@strawberry.type(
    description="Something to do next. `score` = `value` × `probability` − `cost` = sum of factors' weights."
)
class NextAction:
    action: str = strawberry.field(
        description="call, follow_up, send_quote, answer_ticket, escalate, offer_product, visit, renew, "
        "collect_payment or renew_contract"
    )
    about: EvidenceReference
    customer: EvidenceReference | None = strawberry.field(
        description="The account, or the person of none; null where none is known or seen."
    )
    thing: str | None = strawberry.field(description="What to offer, of `offer_product`.")
    value: float
    currency: str
    probability: float
    low: float = strawberry.field(description="The lower end of the probability's 80 % interval.")
    high: float
    n: int = strawberry.field(description="Past cases that the probability was learned or counted from.")
    enough_data: bool = strawberry.field(description="False while a prior stands in for too few cases.")
    method: str
    cost: float
    score: float
    factors: list[ActionFactor]
    similar_cases: list[EvidenceReference]
    reasons: list[str]

    @classmethod
    def of(cls, found: actions.NextAction, language: Language) -> Self:
        return cls(
            action=found.action,
            about=EvidenceReference.of(found.about),
            customer=EvidenceReference.of(found.customer) if found.customer else None,
            thing=found.thing or None,
            value=float(found.value),
            currency=found.currency,
            probability=float(found.probability),
            low=float(found.chance.low),
            high=float(found.chance.high),
            n=found.chance.n,
            enough_data=found.chance.enough,
            method=found.chance.method,
            cost=float(found.cost),
            score=float(found.score),
            factors=[factor_of(f.name, f.weight, f.said(language)) for f in found.factors],
            similar_cases=[EvidenceReference.of(case) for case in found.similar_cases],
            reasons=list(found.reasons),
        )


def factor_of(name: str, weight: Decimal, evidence: str) -> ActionFactor:
    return ActionFactor(name=name, weight=float(weight), evidence=evidence)


@strawberry.type(description="A next action that was proposed to you and kept, with what became of it.")
class Recommendation:
    id: strawberry.ID
    state: RecommendationState
    action: str
    about: EvidenceReference
    thing: str | None
    value: float
    currency: str
    probability: float
    low: float
    high: float
    n: int
    cost: float
    score: float
    factors: list[ActionFactor]
    similar_cases: list[EvidenceReference]
    proposed_at: datetime
    expires_at: datetime
    snoozed_until: datetime | None
    decided_at: datetime | None
    skip_reason: SkipReason | None
    note: str
    task_id: strawberry.ID | None
    outcome: Outcome | None
    outcome_at: datetime | None

    @classmethod
    def of(cls, record: documents.Recommendation, readable: Mapping[str, Record], language: Language) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            state=record.state,
            action=record.action,
            about=EvidenceReference.of(refer(readable[record.about_id])),
            thing=record.thing or None,
            value=float(record.value),
            currency=record.currency,
            probability=float(record.probability),
            low=float(record.low),
            high=float(record.high),
            n=record.n,
            cost=float(record.cost),
            score=float(record.score),
            factors=[_kept_factor(factor, language) for factor in record.factors],
            similar_cases=[
                EvidenceReference.of(one) for one in references(record.similar_cases, dict(readable))
            ],
            proposed_at=record.created_at or record.expires_at,
            expires_at=record.expires_at,
            snoozed_until=record.snoozed_until,
            decided_at=record.decided_at,
            skip_reason=record.skip_reason,
            note=record.note,
            task_id=strawberry.ID(record.task_id) if record.task_id else None,
            outcome=record.outcome,
            outcome_at=record.outcome_at,
        )


def _kept_factor(factor: ScorePart, language: Language) -> ActionFactor:
    return factor_of(factor.name, factor.weight, explain(factor.evidence, language, **factor.values))


def pointers_of(found: Sequence[documents.Recommendation]) -> list[Pointer]:
    """Return every record that recommendations name."""
    about = [Pointer(kind=one.about_kind, id=one.about_id) for one in found]
    return [*about, *(case for one in found for case in one.similar_cases)]


@strawberry.input(description="Take a recommendation: a task is made, yours unless you name somebody.")
class RecommendationAcceptInput:
    id: strawberry.ID
    mutation_id: str | None = None
    due_at: datetime | None = None
    assignee_id: strawberry.ID | None = None
    title: str | None = None


@strawberry.input(description="Turn a recommendation down; the reason says for how long it stays away.")
class RecommendationSkipInput:
    id: strawberry.ID
    reason: SkipReason
    note: str | None = None
    mutation_id: str | None = None


@strawberry.input(description="Put a recommendation off.")
class RecommendationSnoozeInput:
    id: strawberry.ID
    until: datetime
    mutation_id: str | None = None


RecommendationResult = Annotated[
    Recommendation | InvalidInput | NotFound | Forbidden, strawberry.union("RecommendationResult")
]
