"""The attachments of the crm room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, Direction, page
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete
from backend.core.uploads import UploadRules
from backend.crm import attachments, documents
from backend.crm.attachment_links import Purpose
from backend.crm.attachment_types import (
    Attachment,
    AttachmentCreateInput,
    AttachmentDeleteResult,
    AttachmentOrder,
    AttachmentResult,
    SignedUrl,
    signed_link,
)


@strawberry.type
class AttachmentQuery:
    @strawberry.field(
        description="One attachment; null with a NOT_FOUND error when it is not visible to you."
    )
    async def attachment(self, info: Info, id: strawberry.ID) -> Attachment | None:
        return Attachment.of(await attachments.open_attachment(info.context.uow, id))

    @strawberry.field(description="The files at one record that you may read; oldest first unless ordered.")
    async def attachments(
        self,
        info: Info,
        target_kind: str,
        target_id: strawberry.ID,
        order_by: list[AttachmentOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Attachment]:
        await attachments.target_of(info.context.uow, target_kind, target_id)
        order = [(one.field.value, one.direction) for one in order_by or []]
        return await page(
            info.context.uow,
            documents.Attachment,
            Attachment.of,
            where=attachments.at_target(target_kind, target_id),
            order=order or [("created_at", Direction.ASC)],
            first=first,
            after=after,
        )

    @strawberry.field(description="A link to download an attachment; null with an error when you may not.")
    async def attachment_url(self, info: Info, id: strawberry.ID) -> SignedUrl | None:
        attachment = await attachments.open_ready(info.context.uow, id)
        return await signed_link(info, attachment.id, Purpose.DOWNLOAD)


@strawberry.type
class AttachmentMutation:
    @strawberry.mutation(description="Announce a file for a record; its bytes go to `uploadUrl`.")
    async def attachment_create(self, info: Info, input: AttachmentCreateInput) -> AttachmentResult:
        rules = await info.context.services.aget(UploadRules)
        return Attachment.of(await run_create(info, attachments.creating(rules), input))

    @strawberry.mutation(description="Delete a file; its bytes go with it.")
    async def attachment_delete(self, info: Info, input: DeleteInput) -> AttachmentDeleteResult:
        return await run_delete(info, attachments.delete_attachment, input)
