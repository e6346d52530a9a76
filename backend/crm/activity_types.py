"""Activities as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, Shown, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm import documents
from backend.crm.account_types import Account, account_of
from backend.crm.contact_types import Contact, contact_of
from backend.crm.documents import ActivityDirection, ActivityType

strawberry.enum(ActivityType, description="What kind of thing happened.")
strawberry.enum(ActivityDirection, description="From the customer, to the customer, or among ourselves.")


@strawberry.type(description="Something that happened with a customer: an entry of the timeline.")
class Activity(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    type: ActivityType
    at: datetime
    direction: ActivityDirection | None
    channel: str | None
    subject: str | None
    summary: str | None
    duration_minutes: int | None
    account_id: strawberry.ID | None
    contact_id: strawberry.ID | None
    opportunity_id: strawberry.ID | None
    ticket_id: strawberry.ID | None
    account: Account | None = strawberry.field(
        resolver=account_of, description="The account it happened with; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The person it happened with; null when not visible to you."
    )

    @classmethod
    def of(cls, record: documents.Activity) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input
class ActivityFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    at: datetime | None = UNSET
    direction: ActivityDirection | None = UNSET
    channel: str | None = UNSET
    subject: str | None = UNSET
    summary: str | None = UNSET
    duration_minutes: int | None = UNSET
    account_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    opportunity_id: strawberry.ID | None = UNSET
    ticket_id: strawberry.ID | None = UNSET


@strawberry.input(description="Something that happened; `at` is now unless given.")
class ActivityCreateInput(ActivityFields, CreateInput):
    type: ActivityType


@strawberry.input(description="What to change about an activity.")
class ActivityUpdateInput(ActivityFields, UpdateInput):
    type: ActivityType | None = UNSET


@strawberry.input
class ActivityFilter:
    id: IdFilter | None = UNSET
    type: ChoiceFilter[ActivityType] | None = UNSET
    at: RangeFilter[datetime] | None = UNSET
    direction: ChoiceFilter[ActivityDirection] | None = UNSET
    channel: StringFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    opportunity_id: IdFilter | None = UNSET
    ticket_id: IdFilter | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["ActivityFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ActivityFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ActivityFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ActivityOrderField(Enum):
    AT = "at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ActivityOrder:
    field: ActivityOrderField
    direction: Direction = Direction.DESC


ActivityResult = Annotated[
    Activity | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ActivityResult")
]
ActivityDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("ActivityDeleteResult")
]
