"""Accounts as GraphQL types and inputs."""

from datetime import datetime
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
from backend.crm import documents
from backend.crm.documents import AccountType, Lifecycle

strawberry.enum(AccountType, description="What this company is to us.")
strawberry.enum(Lifecycle, description="Where the customer relation stands.")


@strawberry.type(description="A postal address; `country` is ISO 3166-1 alpha-2.")
class Address:
    street: str
    city: str
    region: str
    postal_code: str
    country: str


@strawberry.input(description="A postal address; `country` is ISO 3166-1 alpha-2.")
class AddressInput:
    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


@strawberry.type(description="A company that buys, or may.")
class Account(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    name: str
    aliases: list[str] | None
    type: AccountType | None
    industry: str | None
    website: str | None
    domain: str | None
    tax_id: str | None
    phone: str | None
    email: str | None
    billing_address: Address | None
    annual_revenue: Decimal | None
    currency: str | None
    employees: int | None
    lifecycle: Lifecycle | None
    tier: str | None
    source: str | None
    description: str | None
    last_activity_at: datetime | None = strawberry.field(
        description="When something last happened with this account, to the hour."
    )

    @classmethod
    def of(cls, record: documents.Account) -> Self:
        address = Address(**record.billing_address.model_dump())
        return cls(**shared_fields(record, cls, billing_address=address))


class HasAccount(Protocol):
    account_id: strawberry.ID | None


async def account_of(root: strawberry.Parent[HasAccount], info: Info) -> Account | None:
    """Resolve the ``account`` of whatever has one: null when there is none, or none that is visible."""
    found = await info.context.related(documents.Account, root.account_id)
    return Account.of(found) if found else None


@strawberry.input
class AccountFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    aliases: list[str] | None = UNSET
    type: AccountType | None = UNSET
    industry: str | None = UNSET
    website: str | None = UNSET
    domain: str | None = UNSET
    tax_id: str | None = UNSET
    phone: str | None = UNSET
    email: str | None = UNSET
    billing_address: AddressInput | None = UNSET
    annual_revenue: Decimal | None = UNSET
    currency: str | None = UNSET
    employees: int | None = UNSET
    lifecycle: Lifecycle | None = UNSET
    tier: str | None = UNSET
    source: str | None = UNSET
    description: str | None = UNSET


@strawberry.input(description="A new account.")
class AccountCreateInput(AccountFields, CreateInput):
    name: str


@strawberry.input(description="What to change about an account.")
class AccountUpdateInput(AccountFields, UpdateInput):
    name: str | None = UNSET


@strawberry.input
class AccountFilter:
    id: IdFilter | None = UNSET
    name: StringFilter | None = UNSET
    type: ChoiceFilter[AccountType] | None = UNSET
    lifecycle: ChoiceFilter[Lifecycle] | None = UNSET
    industry: StringFilter | None = UNSET
    tier: StringFilter | None = UNSET
    email: StringFilter | None = UNSET
    phone: StringFilter | None = UNSET
    owner_id: IdFilter | None = UNSET
    annual_revenue: RangeFilter[Decimal] | None = UNSET
    employees: RangeFilter[int] | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["AccountFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["AccountFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "AccountFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class AccountOrderField(Enum):
    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    ANNUAL_REVENUE = "annual_revenue"


@strawberry.input
class AccountOrder:
    field: AccountOrderField
    direction: Direction = Direction.ASC


AccountResult = Annotated[
    Account | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("AccountResult")
]
AccountDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("AccountDeleteResult")
]
