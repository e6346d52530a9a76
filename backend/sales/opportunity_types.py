"""Opportunities as GraphQL types and inputs."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Protocol, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import (
    Conflict,
    Deleted,
    Forbidden,
    Info,
    InvalidInput,
    NotFound,
    Shown,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm.account_types import Account, account_of
from backend.crm.contact_types import Contact, contact_of
from backend.sales import documents
from backend.sales.pipeline_types import LocalText, Pipeline, pipeline_of, stage_name_of
from backend.sales.rules import ForecastCategory, StageType


@strawberry.type(description="One move of an opportunity; the first comes from nowhere.")
class StageChange:
    from_stage: str | None = strawberry.field(name="from")
    to_stage: str = strawberry.field(name="to")
    at: datetime
    by: strawberry.ID


@strawberry.type(description="A deal that may be won.")
class Opportunity(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    name: str
    account_id: strawberry.ID | None
    contact_id: strawberry.ID | None
    amount: Decimal | None
    currency: str | None
    pipeline_id: strawberry.ID
    stage: str = strawberry.field(description="The key of its stage in the pipeline.")
    stage_type: StageType | None
    probability: int | None = strawberry.field(description="Of winning from this stage, in percent.")
    forecast_category: ForecastCategory | None
    expected_close_date: date | None
    closed_at: datetime | None
    loss_reason: str | None
    next_step: str | None
    source: str | None
    description: str | None
    lead_id: strawberry.ID | None
    stage_history: list[StageChange] | None
    account: Account | None = strawberry.field(
        resolver=account_of, description="Who would buy; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The person to talk to; null when not visible to you."
    )
    pipeline: Pipeline | None = strawberry.field(
        resolver=pipeline_of, description="The stages it goes through."
    )
    stage_name: LocalText | None = strawberry.field(
        resolver=stage_name_of, description="What its stage is called."
    )

    @classmethod
    def of(cls, record: documents.Opportunity) -> Self:
        history = [StageChange(**change.model_dump()) for change in record.stage_history]
        return cls(**shared_fields(record, cls, stage_history=history))


class HasOpportunity(Protocol):
    opportunity_id: strawberry.ID | None


async def opportunity_of(root: strawberry.Parent[HasOpportunity], info: Info) -> Opportunity | None:
    """Resolve the ``opportunity`` of whatever has one: null when there is none, or none that is visible."""
    found = await info.context.related(documents.Opportunity, root.opportunity_id)
    return Opportunity.of(found) if found else None


@strawberry.input
class OpportunityFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    account_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    amount: Decimal | None = UNSET
    currency: str | None = UNSET
    pipeline_id: strawberry.ID | None = UNSET
    stage: str | None = UNSET
    expected_close_date: date | None = UNSET
    closed_at: datetime | None = UNSET
    loss_reason: str | None = UNSET
    next_step: str | None = UNSET
    source: str | None = UNSET
    description: str | None = UNSET


@strawberry.input(
    description="A new opportunity: in the first stage of the default pipeline and in its "
    "currency unless you say else."
)
class OpportunityCreateInput(OpportunityFields, CreateInput):
    name: str


@strawberry.input(
    description="What to change about an opportunity. Winning needs an amount, losing a `lossReason`."
)
class OpportunityUpdateInput(OpportunityFields, UpdateInput):
    name: str | None = UNSET


@strawberry.input
class OpportunityFilter:
    id: IdFilter | None = UNSET
    name: StringFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    pipeline_id: IdFilter | None = UNSET
    stage: StringFilter | None = UNSET
    stage_type: ChoiceFilter[StageType] | None = UNSET
    forecast_category: ChoiceFilter[ForecastCategory] | None = UNSET
    amount: RangeFilter[Decimal] | None = UNSET
    currency: StringFilter | None = UNSET
    probability: RangeFilter[int] | None = UNSET
    expected_close_date: RangeFilter[date] | None = UNSET
    closed_at: RangeFilter[datetime] | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["OpportunityFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["OpportunityFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "OpportunityFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class OpportunityOrderField(Enum):
    NAME = "name"
    AMOUNT = "amount"
    PROBABILITY = "probability"
    EXPECTED_CLOSE_DATE = "expected_close_date"
    CLOSED_AT = "closed_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class OpportunityOrder:
    field: OpportunityOrderField
    direction: Direction = Direction.ASC


OpportunityResult = Annotated[
    Opportunity | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("OpportunityResult")
]
OpportunityDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("OpportunityDeleteResult")
]
