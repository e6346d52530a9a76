"""Policies of promised times as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.condition_types import Condition, ConditionInput
from backend.core.connections import Direction
from backend.core.filters import BooleanFilter, IdFilter, RangeFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.service import (
    sla_documents,
    ticket_types,  # noqa: F401  (declares priorities and statuses to GraphQL, once for both)
)
from backend.service.documents import TicketPriority
from backend.service.rules import TicketStatus
from backend.service.sla_policies import problem_of
from backend.service.sla_rules import SlaMetric


@strawberry.type(
    description="Within how many working minutes something is promised; without `priority` for all others."
)
class SlaTarget:
    metric: SlaMetric
    priority: TicketPriority | None
    minutes: int

    @classmethod
    def of(cls, target: sla_documents.SlaTarget) -> Self:
        return cls(metric=target.metric, priority=target.priority, minutes=target.minutes)


@strawberry.type(
    description="What is promised for tickets that meet a condition; of several the first by `order` holds."
)
class SlaPolicy:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    order: int
    condition: Condition | None
    targets: list[SlaTarget]
    calendar_id: strawberry.ID | None = strawberry.field(
        description="Whose hours count; null: the default calendar's, and without one all hours."
    )
    paused_statuses: list[TicketStatus]
    is_active: bool
    problem: str = strawberry.field(
        description="Why the policy cannot be followed and holds for no ticket (a field that is gone, say)."
    )

    @classmethod
    def of(cls, record: sla_documents.SlaPolicy) -> Self:
        return cls(
            **shared_fields(
                record,
                cls,
                condition=Condition.of(record.condition) if record.condition else None,
                targets=[SlaTarget.of(target) for target in record.targets],
                problem=problem_of(record),
            )
        )


@strawberry.input(
    description="Within how many working minutes something is promised; without `priority` for all others."
)
class SlaTargetInput:
    metric: SlaMetric
    priority: TicketPriority | None = None
    minutes: int


@strawberry.input
class SlaPolicyFields:
    condition: ConditionInput | None = UNSET
    calendar_id: strawberry.ID | None = UNSET
    paused_statuses: list[TicketStatus] | None = UNSET
    is_active: bool | None = UNSET
    order: int | None = UNSET


@strawberry.input(
    description="A new policy; without `condition` it holds for all tickets, without `order` it comes last."
)
class SlaPolicyCreateInput(SlaPolicyFields, CreateInput):
    name: str
    targets: list[SlaTargetInput]


@strawberry.input(description="What to change about a policy; `targets` are all of them anew.")
class SlaPolicyUpdateInput(SlaPolicyFields, UpdateInput):
    name: str | None = UNSET
    targets: list[SlaTargetInput] | None = UNSET


@strawberry.input
class SlaPolicyFilter:
    id: IdFilter | None = UNSET
    is_active: BooleanFilter | None = UNSET
    calendar_id: IdFilter | None = UNSET
    order: RangeFilter[int] | None = UNSET


@strawberry.enum
class SlaPolicyOrderField(Enum):
    ORDER = "order"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class SlaPolicyOrder:
    field: SlaPolicyOrderField
    direction: Direction = Direction.ASC


SlaPolicyResult = Annotated[
    SlaPolicy | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("SlaPolicyResult")
]
SlaPolicyDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("SlaPolicyDeleteResult")
]
