"""Contacts as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Protocol, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import BooleanFilter, IdFilter, RangeFilter, StringFilter
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
from backend.crm.account_types import Account, Address, AddressInput, account_of
from backend.crm.consent_types import Consent


@strawberry.type(description="A person, mostly at an account.")
class Contact(Shown):
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    full_name: str
    given_name: str | None
    family_name: str | None
    account_id: strawberry.ID | None
    title: str | None
    department: str | None
    role: str | None
    email: str | None = strawberry.field(description="The address to use, case folded.")
    other_emails: list[str] | None
    phone: str | None = strawberry.field(description="The number to use, as E.164.")
    other_phones: list[str] | None
    address: Address | None
    language: str | None
    do_not_call: bool | None
    is_active: bool | None
    source: str | None
    description: str | None
    consents: list[Consent] | None = strawberry.field(
        description="What this person said about being reached, oldest first."
    )
    legal_hold_reason: str | None = strawberry.field(
        description="Why this person may not be erased; empty: they may."
    )
    erased_at: datetime | None = strawberry.field(
        description="When this person was erased; the contact is locked since."
    )
    account: Account | None = strawberry.field(
        resolver=account_of, description="Where this person works; null when it is not visible to you."
    )

    @classmethod
    def of(cls, record: documents.Contact) -> Self:
        address = Address(**record.address.model_dump())
        consents = [Consent.of(entry) for entry in record.consents]
        return cls(**shared_fields(record, cls, address=address, consents=consents))


class HasContact(Protocol):
    contact_id: strawberry.ID | None


async def contact_of(root: strawberry.Parent[HasContact], info: Info) -> Contact | None:
    """Resolve the ``contact`` of whatever has one: null when there is none, or none that is visible."""
    found = await info.context.related(documents.Contact, root.contact_id)
    return Contact.of(found) if found else None


@strawberry.input
class ContactFields:
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    full_name: str | None = UNSET
    given_name: str | None = UNSET
    family_name: str | None = UNSET
    account_id: strawberry.ID | None = UNSET
    title: str | None = UNSET
    department: str | None = UNSET
    role: str | None = UNSET
    email: str | None = UNSET
    other_emails: list[str] | None = UNSET
    phone: str | None = UNSET
    other_phones: list[str] | None = UNSET
    address: AddressInput | None = UNSET
    language: str | None = UNSET
    do_not_call: bool | None = UNSET
    is_active: bool | None = UNSET
    source: str | None = UNSET
    description: str | None = UNSET


@strawberry.input(
    description="A new contact. Without `fullName` the name is put together from its parts. A phone number "
    "without country code is taken for one of the address's country."
)
class ContactCreateInput(ContactFields, CreateInput):
    pass


@strawberry.input(description="What to change about a contact.")
class ContactUpdateInput(ContactFields, UpdateInput):
    pass


@strawberry.input
class ContactFilter:
    id: IdFilter | None = UNSET
    full_name: StringFilter | None = UNSET
    account_id: IdFilter | None = UNSET
    email: StringFilter | None = UNSET
    phone: StringFilter | None = UNSET
    role: StringFilter | None = UNSET
    language: StringFilter | None = UNSET
    is_active: BooleanFilter | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["ContactFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ContactFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ContactFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ContactOrderField(Enum):
    FULL_NAME = "full_name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ContactOrder:
    field: ContactOrderField
    direction: Direction = Direction.ASC


ContactResult = Annotated[
    Contact | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ContactResult")
]
ContactDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("ContactDeleteResult")
]
