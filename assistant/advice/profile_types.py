"""Customer profiles as GraphQL types."""

from datetime import datetime
from typing import Self

import strawberry

from assistant.advice import documents, profile
from assistant.advice.action_types import EvidenceReference
from assistant.advice.reasons import explain
from knowledge.text import Language

MOST_EVIDENCE = 5  # records shown beside one fact


@strawberry.type(description="A fact or risk; `at` is when what it rests on last changed or happened.")
class ProfileFinding:
    key: str
    label: str
    value: str
    at: datetime | None
    evidence: list[EvidenceReference]

    @classmethod
    def of(cls, found: profile.Finding) -> Self:
        evidence = [EvidenceReference.of(one) for one in found.evidence[:MOST_EVIDENCE]]
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
            evidence=[EvidenceReference.of(one) for one in found.evidence[:MOST_EVIDENCE]],
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


@strawberry.type(
    description="A fact as it was kept: `value` is a number or a code; `since` the version that first had it."
)
class KeptFact:
    key: str
    label: str
    value: str
    unit: str
    at: datetime | None
    since: int
    evidence_count: int

    @classmethod
    def of(cls, fact: documents.ProfileFact, language: Language) -> Self:
        return cls(
            key=fact.key,
            label=_label(fact, language),
            value=fact.value,
            unit=fact.unit,
            at=fact.at,
            since=fact.since,
            evidence_count=len(fact.evidence),
        )


def _label(fact: documents.ProfileFact, language: Language) -> str:
    values = dict(part.split("=", 1) for part in fact.value.split() if "=" in part)
    return explain(fact.key, language, **{"currency": fact.unit, **values})


@strawberry.type(description="What a profile said until `until`: the facts that changed or went then.")
class ProfileVersion:
    number: int
    until: datetime
    facts: list[KeptFact]


@strawberry.type(
    description="A profile as the house keeps it, version after version: "
    "the facts all of whose evidence you may see."
)
class ProfileHistory:
    subject_id: strawberry.ID
    number: int = strawberry.field(description="The version that holds now.")
    computed_at: datetime
    facts: list[KeptFact]
    versions: list[ProfileVersion]

    @classmethod
    def of(cls, kept: documents.CustomerProfile, language: Language) -> Self:
        return cls(
            subject_id=strawberry.ID(kept.subject_id),
            number=kept.number,
            computed_at=kept.computed_at,
            facts=[KeptFact.of(fact, language) for fact in kept.facts],
            versions=[
                ProfileVersion(
                    number=one.number,
                    until=one.until,
                    facts=[KeptFact.of(fact, language) for fact in one.facts],
                )
                for one in kept.history
            ],
        )
