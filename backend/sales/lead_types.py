"""Leads as GraphQL types and inputs."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, Shown, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm.account_types import Account, account_of
from backend.crm.contact_types import Contact, contact_of
from backend.sales import documents
from backend.sales.opportunity_types import Opportunity, opportunity_of
from backend.sales.rules import LeadStatus

strawberry.enum(LeadStatus, description="How far a lead is; a converted one stays as it is.")


@strawberry.type(description="Somebody who asked, or was found, and is not a customer yet.")
class Lead(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    full_name: str
    given_name: str | None
    family_name: str | None
    company: str | None
    title: str | None
    email: str | None
    phone: str | None
    country: str | None
    language: str | None
    source: str | None
    status: LeadStatus | None
    score: int | None
    interests: list[str] | None
    lost_reason: str | None
    description: str | None
    first_responded_at: datetime | None
    converted_at: datetime | None
    account_id: strawberry.ID | None
    contact_id: strawberry.ID | None
    opportunity_id: strawberry.ID | None
    account: Account | None = strawberry.field(
        resolver=account_of, description="The account it became; null when it is not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The contact it became; null when not visible to you."
    )
    opportunity: Opportunity | None = strawberry.field(
        resolver=opportunity_of, description="The deal it became; null when it is not visible to you."
    )

    @classmethod
    def of(cls, record: documents.Lead) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.input
class LeadFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    full_name: str | None = UNSET
    given_name: str | None = UNSET
    family_name: str | None = UNSET
    company: str | None = UNSET
    title: str | None = UNSET
    email: str | None = UNSET
    phone: str | None = UNSET
    country: str | None = UNSET
    language: str | None = UNSET
    source: str | None = UNSET
    status: LeadStatus | None = UNSET
    score: int | None = UNSET
    interests: list[str] | None = UNSET
    lost_reason: str | None = UNSET
    description: str | None = UNSET
    first_responded_at: datetime | None = UNSET


@strawberry.input(description="A new lead; a person, a company, or both must have a name.")
class LeadCreateInput(LeadFields, CreateInput):
    pass


@strawberry.input(description="What to change about a lead; a converted one stays as it is.")
class LeadUpdateInput(LeadFields, UpdateInput):
    pass


@strawberry.input(
    description="Turn a lead into account, contact and opportunity. An id joins an existing record instead "
    "of creating one; of that only empty fields are filled."
)
class LeadConvertInput(UpdateInput):
    account_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    opportunity_id: strawberry.ID | None = UNSET
    with_opportunity: bool = True
    opportunity_name: str | None = UNSET
    amount: Decimal | None = UNSET


@strawberry.input
class LeadFilter:
    id: IdFilter | None = UNSET
    full_name: StringFilter | None = UNSET
    company: StringFilter | None = UNSET
    email: StringFilter | None = UNSET
    phone: StringFilter | None = UNSET
    country: StringFilter | None = UNSET
    source: StringFilter | None = UNSET
    status: ChoiceFilter[LeadStatus] | None = UNSET
    score: RangeFilter[int] | None = UNSET
    owner_id: IdFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["LeadFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["LeadFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "LeadFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class LeadOrderField(Enum):
    FULL_NAME = "full_name"
    COMPANY = "company"
    SCORE = "score"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class LeadOrder:
    field: LeadOrderField
    direction: Direction = Direction.ASC


LeadResult = Annotated[Lead | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("LeadResult")]
LeadDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("LeadDeleteResult")
]
