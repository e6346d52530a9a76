"""The integrations room's GraphQL face."""

from functools import partial
from typing import Protocol

import strawberry

from backend.core.connections import Connection, listed
from backend.core.graphql import DeleteInput, Info, given, version_of
from backend.core.mutations import run_delete
from backend.core.unit_of_work import UnitOfWork
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.attachment_uploads import Uploads
from backend.integrations import documents, import_files, imports
from backend.integrations.import_types import (
    ImportCreateInput,
    ImportInput,
    ImportJob,
    ImportJobDeleteResult,
    ImportJobFilter,
    ImportJobOrder,
    ImportJobResult,
    ImportUpdateInput,
)


class Asking(Protocol):
    """``start_import`` and its like."""

    async def __call__(
        self, uow: UnitOfWork, id: str, *, expected_version: int | None = None
    ) -> documents.ImportJob: ...


async def _ask(info: Info, operation: Asking, input: ImportInput) -> ImportJob:
    return ImportJob.of(
        await info.context.write(
            partial(operation, id=input.id, expected_version=version_of(input)),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
    )


@strawberry.type
class IntegrationsQuery:
    @strawberry.field(description="One import; null with a NOT_FOUND error when it is not visible to you.")
    async def import_job(self, info: Info, id: strawberry.ID) -> ImportJob | None:
        return ImportJob.of(await info.context.uow.access(documents.ImportJob, id))

    @strawberry.field(
        description="The imports that you may see; latest change first unless filtered or ordered."
    )
    async def import_jobs(
        self,
        info: Info,
        filter: ImportJobFilter | None = None,
        order_by: list[ImportJobOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[ImportJob]:
        return await listed(
            info,
            documents.ImportJob,
            ImportJob.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )


@strawberry.type
class IntegrationsMutation:
    @strawberry.mutation(description="Begin the import of a file. Nothing is imported before `importStart`.")
    async def import_create(self, info: Info, input: ImportCreateInput) -> ImportJobResult:
        job = await import_files.begin_import(
            info.context.store,
            await info.context.services.aget(Uploads),
            info.context.actor,
            given(input),
            id=input.id or None,
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return ImportJob.of(job)

    @strawberry.mutation(description="Change an import before it starts: which column fills which field …")
    async def import_update(self, info: Info, input: ImportUpdateInput) -> ImportJobResult:
        job = await import_files.change_import(
            info.context.store,
            await info.context.services.aget(AttachmentFiles),
            info.context.actor,
            input.id,
            given(input),
            expected_version=version_of(input),
            mutation_id=input.mutation_id or None,
            purpose=info.field_name,
        )
        return ImportJob.of(job)

    @strawberry.mutation(
        description="Try every row and keep nothing; then `dryRun` and `errors` tell what would happen."
    )
    async def import_validate(self, info: Info, input: ImportInput) -> ImportJobResult:
        return await _ask(info, imports.validate_import, input)

    @strawberry.mutation(description="Import the rows, in the background; you are told when it has ended.")
    async def import_start(self, info: Info, input: ImportInput) -> ImportJobResult:
        return await _ask(info, imports.start_import, input)

    @strawberry.mutation(
        description="Delete what an import created and nobody has changed since; `errors` tell what was left."
    )
    async def import_undo(self, info: Info, input: ImportInput) -> ImportJobResult:
        return await _ask(info, imports.undo_import, input)

    @strawberry.mutation(description="Delete an import and what it says of its rows; its records stay.")
    async def import_delete(self, info: Info, input: DeleteInput) -> ImportJobDeleteResult:
        return await run_delete(info, imports.delete_import, input)
