"""Next best actions and customer profiles as GraphQL types."""

from datetime import datetime
from typing import Self

import strawberry

from assistant import actions, profile
from assistant.subjects import Reference


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
    action: str = strawberry.field(description="call, follow_up, send_quote, answer_ticket, visit or renew")
    about: EvidenceReference
    value: float
    currency: str
    probability: float
    cost: float
    score: float
    factors: list[ActionFactor]
    similar_cases: list[EvidenceReference]
    reasons: list[str]

    @classmethod
    def of(cls, found: actions.NextAction) -> Self:
        return cls(
            action=found.action,
            about=EvidenceReference.of(found.about),
            value=float(found.value),
            currency=found.currency,
            probability=float(found.probability),
            cost=float(found.cost),
            score=float(found.score),
            factors=[
                ActionFactor(name=factor.name, weight=float(factor.weight), evidence=factor.evidence)
                for factor in found.factors
            ],
            similar_cases=[EvidenceReference.of(case) for case in found.similar_cases],
            reasons=list(found.reasons),
        )


@strawberry.type(description="A fact or risk; `at` is when what it rests on last changed or happened.")
class ProfileFinding:
    key: str
    label: str
    value: str
    at: datetime | None
    evidence: list[EvidenceReference]

    @classmethod
    def of(cls, found: profile.Finding) -> Self:
        evidence = [EvidenceReference.of(one) for one in found.evidence]
        return cls(key=found.key, label=found.label, value=found.value, at=found.at, evidence=evidence)


@strawberry.type(description="A number; `rank` 1 to 5 among your customers, null while they are too few.")
class ProfileScore:
    key: str
    label: str
    value: float
    rank: int | None
    explanation: str
    at: datetime | None
    evidence: list[EvidenceReference]

    @classmethod
    def of(cls, found: profile.Score) -> Self:
        return cls(
            key=found.key,
            label=found.label,
            value=float(found.value),
            rank=found.rank,
            explanation=found.explanation,
            at=found.at,
            evidence=[EvidenceReference.of(one) for one in found.evidence],
        )


@strawberry.type(description="A customer at a glance, computed from the records that you may see.")
class CustomerProfile:
    id: strawberry.ID
    kind: str
    name: str
    computed_at: datetime
    facts: list[ProfileFinding]
    scores: list[ProfileScore]
    risks: list[ProfileFinding]

    @classmethod
    def of(cls, found: profile.Profile) -> Self:
        return cls(
            id=strawberry.ID(found.id),
            kind=found.kind,
            name=found.name,
            computed_at=found.computed_at,
            facts=[ProfileFinding.of(one) for one in found.facts],
            scores=[ProfileScore.of(one) for one in found.scores],
            risks=[ProfileFinding.of(one) for one in found.risks],
        )
