"""Contracts as GraphQL types and inputs."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Protocol, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import BooleanFilter, ChoiceFilter, IdFilter, RangeFilter, StringFilter
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
from backend.sales import contract_documents as documents
from backend.sales.contract_rules import ContractStatus, ContractType
from backend.sales.opportunity_types import Opportunity, opportunity_of

strawberry.enum(ContractType, description="What a contract is about.")
strawberry.enum(
    ContractStatus,
    description="Where a contract stands. Once it is signed its days move it, in the workspace's time zone.",
)


@strawberry.type(description="What was agreed with a customer, or is about to be.")
class Contract(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    number: str = strawberry.field(description="What people call it: C-000123, counted in the workspace.")
    name: str
    type: ContractType | None
    status: ContractStatus | None
    account_id: strawberry.ID | None
    contact_id: strawberry.ID | None = strawberry.field(
        description="The customer's contact, who reads it once it is signed."
    )
    opportunity_id: strawberry.ID | None
    value: Decimal | None
    currency: str | None
    start: date | None
    end: date | None = strawberry.field(description="Its last day; null when it runs until it is terminated.")
    auto_renew: bool | None = strawberry.field(
        description="Whether it is followed by one of the same length, without anybody signing again."
    )
    notice_days: int | None = strawberry.field(
        description="How many days before its end it is expiring; 30 when null."
    )
    parties: list[str] | None
    description: str | None = strawberry.field(description="Our own notes; customers do not see them.")
    signed_at: datetime | None
    ends_at: datetime | None = strawberry.field(description="When its last day is over.")
    renews_id: strawberry.ID | None = strawberry.field(description="The contract before this one.")
    renewed_by_id: strawberry.ID | None = strawberry.field(description="The contract after this one.")
    terminated_at: datetime | None
    termination_reason: str | None
    void_reason: str | None
    account: Account | None = strawberry.field(
        resolver=account_of, description="With whom it is; null when not visible to you."
    )
    contact: Contact | None = strawberry.field(
        resolver=contact_of, description="The customer's contact; null when not visible to you."
    )
    opportunity: Opportunity | None = strawberry.field(
        resolver=opportunity_of, description="The deal that it came of; null when not visible to you."
    )

    @classmethod
    def of(cls, record: documents.Contract) -> Self:
        return cls(**shared_fields(record, cls))


class HasContract(Protocol):
    contract_id: strawberry.ID


async def contract_of(root: strawberry.Parent[HasContract], info: Info) -> Contract | None:
    """Resolve the ``contract`` of whatever has one: null when it is not visible."""
    found = await info.context.related(documents.Contract, root.contract_id)
    return Contract.of(found) if found else None


@strawberry.input
class ContractFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    type: ContractType | None = UNSET
    account_id: strawberry.ID | None = UNSET
    contact_id: strawberry.ID | None = UNSET
    opportunity_id: strawberry.ID | None = UNSET
    value: Decimal | None = UNSET
    currency: str | None = UNSET
    start: date | None = UNSET
    end: date | None = UNSET
    auto_renew: bool | None = UNSET
    notice_days: int | None = UNSET
    parties: list[str] | None = UNSET
    description: str | None = UNSET


@strawberry.input(description="A new draft, in the workspace's currency unless you say else.")
class ContractCreateInput(ContractFields, CreateInput):
    name: str


@strawberry.input(
    description="What to change: all of a draft; of a signed one name, contact, owner, notes and `autoRenew`."
)
class ContractUpdateInput(ContractFields, UpdateInput):
    name: str | None = UNSET


@strawberry.input(description="Ask for a draft to be approved before it is signed.")
class ContractSubmitInput(UpdateInput):
    note: str | None = UNSET


@strawberry.input(
    description="Sign a draft that has an account and a start; now, unless `signedAt` lies back."
)
class ContractSignInput(UpdateInput):
    signed_at: datetime | None = UNSET


@strawberry.input(description="End a contract before its time, and say why.")
class ContractTerminateInput(UpdateInput):
    reason: str


@strawberry.input(description="Declare a contract void, and say why.")
class ContractVoidInput(UpdateInput):
    reason: str


@strawberry.input(
    description="Draft what follows: from the day after, as long and as it was, but for what you say else."
)
class ContractRenewInput(UpdateInput):
    name: str | None = UNSET
    value: Decimal | None = UNSET
    end: date | None = UNSET
    auto_renew: bool | None = UNSET
    notice_days: int | None = UNSET


@strawberry.input
class ContractFilter:
    id: IdFilter | None = UNSET
    number: StringFilter | None = UNSET
    name: StringFilter | None = UNSET
    type: ChoiceFilter[ContractType] | None = UNSET
    status: ChoiceFilter[ContractStatus] | None = UNSET
    account_id: IdFilter | None = UNSET
    contact_id: IdFilter | None = UNSET
    opportunity_id: IdFilter | None = UNSET
    value: RangeFilter[Decimal] | None = UNSET
    currency: StringFilter | None = UNSET
    start: RangeFilter[date] | None = UNSET
    end: RangeFilter[date] | None = UNSET
    auto_renew: BooleanFilter | None = UNSET
    signed_at: RangeFilter[datetime] | None = UNSET
    renews_id: IdFilter | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["ContractFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ContractFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ContractFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ContractOrderField(Enum):
    NUMBER = "number"
    NAME = "name"
    VALUE = "value"
    START = "start"
    END = "end"
    SIGNED_AT = "signed_at"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ContractOrder:
    field: ContractOrderField
    direction: Direction = Direction.ASC


ContractResult = Annotated[
    Contract | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ContractResult")
]
ContractDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ContractDeleteResult")
]
