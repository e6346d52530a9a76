"""Erasure, legal holds and the export of a person as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Forbidden, InvalidInput, NotFound, shared_fields
from backend.crm.privacy import documents
from backend.crm.privacy.documents import ErasureState
from backend.crm.privacy.export_links import ExportLink, url_of
from backend.crm.privacy.exports import SCHEMA_VERSION

strawberry.enum(ErasureState, description="Whether a person is being erased still, or is erased.")


@strawberry.type(description="How many records of a kind were touched.")
class KindCount:
    kind: str
    count: int


@strawberry.type(description="The erasure of a person: that and why it was done, never who it was.")
class PersonErasure:
    id: strawberry.ID
    contact_id: strawberry.ID
    reason: str
    state: ErasureState = strawberry.field(
        description="`RUNNING` when much is known about the person: it goes on by itself."
    )
    counts: list[KindCount] = strawberry.field(description="Records that held something of the person.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, record: documents.Erasure) -> Self:
        counts = [KindCount(kind=kind, count=count) for kind, count in record.counts.items()]
        return cls(**{**shared_fields(record, cls), "counts": counts})


@strawberry.input(description="Whom to erase, for good; `confirm` is the contact's full name or id.")
class PersonEraseInput:
    contact_id: strawberry.ID
    reason: str
    confirm: str
    mutation_id: str | None = UNSET


PersonEraseResult = Annotated[
    PersonErasure | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("PersonEraseResult")
]


@strawberry.type(description="Whether a record is exempt from erasure, and why.")
class LegalHold:
    kind: str
    id: strawberry.ID
    version: int
    reason: str = strawberry.field(description="Why it must be kept; empty: it is under no hold.")


@strawberry.input(description="Exempt a contact or ticket from erasure; an empty `reason` releases it.")
class LegalHoldSetInput:
    kind: str
    id: strawberry.ID
    reason: str
    mutation_id: str | None = UNSET


LegalHoldResult = Annotated[
    LegalHold | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("LegalHoldResult")
]


@strawberry.type(description="Everything about a person, as a zip file behind a link that expires.")
class PersonExport:
    id: strawberry.ID
    contact_id: strawberry.ID
    url: str = strawberry.field(description="A path of this server; whoever has it needs no other key.")
    expires_at: datetime
    schema_version: int = strawberry.field(description="The shape of `person.json`; see docs/privacy.md.")

    @classmethod
    def of(cls, link: ExportLink, key: str) -> Self:
        return cls(
            id=strawberry.ID(link.id),
            contact_id=strawberry.ID(link.contact_id),
            url=url_of(link, key),
            expires_at=link.expires_at,
            schema_version=SCHEMA_VERSION,
        )


PersonExportResult = Annotated[PersonExport | NotFound | Forbidden, strawberry.union("PersonExportResult")]
