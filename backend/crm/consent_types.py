"""Consent as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Forbidden, InvalidInput, NotFound
from backend.crm import consent as rules
from backend.crm import documents
from backend.crm.consent import Basis, ConsentChannel, ConsentReason, Permission, Purpose

strawberry.enum(Purpose, name="ConsentPurpose", description="What somebody is reached for.")
strawberry.enum(ConsentChannel, description="By which way; `ANY` is all of them, and the chat in an app.")
strawberry.enum(Basis, name="ConsentBasis", description="Why it is lawful.")
strawberry.enum(ConsentReason, description="Why somebody may be reached for a purpose, or not.")


@strawberry.type(description="One entry in the history of what a person allowed; entries are never removed.")
class Consent:
    purpose: Purpose
    channel: ConsentChannel
    basis: Basis
    at: datetime = strawberry.field(description="When it was given, or objected to.")
    source: str = strawberry.field(description="Where it was said: a form, the portal, a member of staff.")
    text_version: str = strawberry.field(description="The version of the wording that was agreed to.")
    withdrawn_at: datetime | None = strawberry.field(description="When it ended; null while it stands.")

    @classmethod
    def of(cls, entry: rules.Consent) -> Self:
        return cls(**entry.model_dump())


@strawberry.type(description="What a contact said about being reached.")
class ContactConsents:
    contact_id: strawberry.ID
    version: int
    consents: list[Consent] = strawberry.field(description="Everything that was said, oldest first.")

    @classmethod
    def of(cls, record: documents.Contact) -> Self:
        said = [Consent.of(entry) for entry in record.consents]
        return cls(contact_id=strawberry.ID(record.id), version=record.version, consents=said)


@strawberry.type(description="Whether a contact may be reached now, for a purpose and by a channel.")
class ContactPermission:
    allowed: bool
    reason: ConsentReason

    @classmethod
    def of(cls, permission: Permission) -> Self:
        return cls(allowed=permission.allowed, reason=permission.reason)


@strawberry.input(description="What a contact agrees to. Customers leave `contactId` out: it is themselves.")
class ConsentGiveInput:
    purpose: Purpose
    contact_id: strawberry.ID | None = UNSET
    channel: ConsentChannel = ConsentChannel.ANY
    basis: Basis = Basis.CONSENT
    source: str = ""
    text_version: str = ""
    mutation_id: str | None = UNSET


@strawberry.input(description="What a contact withdraws or objects to; `ANY` ends it for every channel.")
class ConsentWithdrawInput:
    purpose: Purpose
    contact_id: strawberry.ID | None = UNSET
    channel: ConsentChannel = ConsentChannel.ANY
    source: str = ""
    mutation_id: str | None = UNSET


ConsentResult = Annotated[
    ContactConsents | InvalidInput | NotFound | Forbidden, strawberry.union("ConsentResult")
]
