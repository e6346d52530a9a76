"""Sharing rules, territories and defaults as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.condition_types import Condition, ConditionInput
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.core.records import ShareAccess
from backend.identity import (
    record_share_types,  # noqa: F401  (declares ShareAccess to GraphQL, once for both)
    sharing_documents,
)
from backend.identity.policies import problem_of
from backend.identity.sharing_documents import Openness

strawberry.enum(Openness, description="How open a kind is to every role of ours that has it at all.")


@strawberry.type(
    description="Records of one kind, opened to others: those of certain owners, those that meet a "
    "condition, or both. `ownedBy` and `shareWith` hold `u:<user id>`, `t:<team id>` and `r:<role key>`."
)
class SharingRule:
    id: strawberry.ID
    version: int
    name: str
    object_kind: str
    owned_by: list[str]
    condition: Condition | None
    share_with: list[str]
    access: ShareAccess
    is_active: bool
    revision: int = strawberry.field(description="Counts the changes of which records it holds for.")
    problem: str = strawberry.field(
        description="Why the rule cannot be followed and opens nothing (a field that is gone, say)."
    )

    @classmethod
    def of(cls, record: sharing_documents.SharingRule) -> Self:
        condition = Condition.of(record.condition) if record.condition else None
        return cls(**shared_fields(record, cls, condition=condition, problem=problem_of(record)))


@strawberry.type(description="Which records of one kind lie in a territory; no condition: all of them.")
class TerritoryRule:
    object_kind: str
    condition: Condition | None
    problem: str = strawberry.field(
        description="Why the rule cannot be followed and takes in nothing (a field that is gone, say)."
    )

    @classmethod
    def of(cls, rule: sharing_documents.TerritoryRule) -> Self:
        condition = Condition.of(rule.condition) if rule.condition else None
        return cls(object_kind=rule.object_kind, condition=condition, problem=problem_of(rule))


@strawberry.type(
    description="A part of the market: whoever works in it, or in one above it, reaches the records in it."
)
class Territory:
    id: strawberry.ID
    version: int
    name: str
    parent_id: strawberry.ID | None
    rules: list[TerritoryRule]
    member_ids: list[strawberry.ID]
    access: ShareAccess
    revision: int = strawberry.field(description="Counts the changes of which records lie in it.")

    @classmethod
    def of(cls, record: sharing_documents.Territory) -> Self:
        return cls(**shared_fields(record, cls, rules=[TerritoryRule.of(rule) for rule in record.rules]))


@strawberry.type(description="How open one kind of record is to every role of ours that has it at all.")
class SharingDefault:
    kind: str
    openness: Openness


@strawberry.input
class SharingRuleFields:
    owned_by: list[str] | None = UNSET
    condition: ConditionInput | None = UNSET
    access: ShareAccess | None = UNSET
    is_active: bool | None = UNSET


@strawberry.input(description="A new sharing rule; without `ownedBy` it holds whoever owns the records.")
class SharingRuleCreateInput(SharingRuleFields, CreateInput):
    name: str
    object_kind: str
    share_with: list[str]


@strawberry.input(description="What to change about a sharing rule; its kind stays.")
class SharingRuleUpdateInput(SharingRuleFields, UpdateInput):
    name: str | None = UNSET
    share_with: list[str] | None = UNSET


@strawberry.input(description="Which records of one kind lie in a territory; no condition: all of them.")
class TerritoryRuleInput:
    object_kind: str
    condition: ConditionInput | None = UNSET


@strawberry.input
class TerritoryFields:
    parent_id: strawberry.ID | None = UNSET
    rules: list[TerritoryRuleInput] | None = UNSET
    member_ids: list[strawberry.ID] | None = UNSET
    access: ShareAccess | None = UNSET


@strawberry.input(description="A new territory.")
class TerritoryCreateInput(TerritoryFields, CreateInput):
    name: str


@strawberry.input(description="What to change about a territory; each list that is given replaces the whole.")
class TerritoryUpdateInput(TerritoryFields, UpdateInput):
    name: str | None = UNSET


@strawberry.input(description="How open a kind is to be.")
class SharingDefaultsSetInput:
    kind: str
    openness: Openness
    mutation_id: str | None = UNSET


SharingRuleResult = Annotated[
    SharingRule | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("SharingRuleResult")
]
SharingRuleDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("SharingRuleDeleteResult")
]
TerritoryResult = Annotated[
    Territory | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("TerritoryResult")
]
TerritoryDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("TerritoryDeleteResult")
]
SharingDefaultResult = Annotated[
    SharingDefault | InvalidInput | Forbidden | Conflict, strawberry.union("SharingDefaultResult")
]
