"""Attachments as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.graphql import Conflict, Deleted, Forbidden, Info, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput
from backend.crm import documents
from backend.crm.attachment_links import LIFE, FileLinks, Purpose
from backend.crm.documents import AttachmentState

strawberry.enum(AttachmentState, description="Whether the bytes are still to come, kept, or refused.")


async def upload_url_of(root: "Attachment", info: Info) -> str | None:
    """Return where to send the bytes, while they are still to come."""
    if root.state is not AttachmentState.UPLOADING:
        return None
    return (await signed_link(info, root.id, Purpose.UPLOAD)).url


@strawberry.type(description="A file at some record. Whoever may read that record may read it.")
class Attachment:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    created_by: strawberry.ID
    target_kind: str = strawberry.field(
        description="The kind of the record that it is at: `account`, `ticket` …"
    )
    target_id: strawberry.ID
    name: str
    content_type: str
    size: int = strawberry.field(description="Bytes.")
    sha256: str = strawberry.field(
        name="sha256",
        description="SHA-256 of the bytes, hexadecimal: as announced, and from READY on as found.",
    )
    state: AttachmentState
    refused_reason: str = strawberry.field(
        description="Why the bytes were refused, as a sentence that goes on from “The file”."
    )
    upload_url: str | None = strawberry.field(
        resolver=upload_url_of,
        description="Where to send the bytes, under the API's address: by tus 1.0.0 (HEAD and PATCH), "
        "resumable, or whole by PUT. Good for a day; null when none are awaited.",
    )

    @classmethod
    def of(cls, record: documents.Attachment) -> Self:
        return cls(**shared_fields(record, cls))


@strawberry.type(description="A link that works for a while, for who asked for it.")
class SignedUrl:
    url: str = strawberry.field(description="Path and query under the API's address; no header is needed.")
    expires_at: datetime


async def signed_link(info: Info, id: str, purpose: Purpose) -> SignedUrl:
    """Return a link to an attachment's bytes for who asks."""
    now = info.context.store.clock.now()
    links = await info.context.services.aget(FileLinks)
    return SignedUrl(url=links.make(info.context.actor, id, purpose, now=now), expires_at=now + LIFE[purpose])


@strawberry.input(
    description="A file for a record that you may change. Its bytes go to `uploadUrl` of the answer; "
    "they are checked when they are all there."
)
class AttachmentCreateInput(CreateInput):
    target_kind: str
    target_id: strawberry.ID
    name: str
    content_type: str
    size: int
    sha256: str | None = strawberry.field(name="sha256", default=UNSET)


@strawberry.enum
class AttachmentOrderField(Enum):
    CREATED_AT = "created_at"
    SIZE = "size"


@strawberry.input
class AttachmentOrder:
    field: AttachmentOrderField
    direction: Direction = Direction.ASC


AttachmentResult = Annotated[
    Attachment | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("AttachmentResult")
]
AttachmentDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("AttachmentDeleteResult")
]
