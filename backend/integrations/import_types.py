"""Imports as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Connection, Direction, page
from backend.core.field_names import shown_name
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import (
    Conflict,
    Deleted,
    Forbidden,
    Info,
    InvalidInput,
    NotFound,
    shared_fields,
)
from backend.core.mutations import CreateInput, UpdateInput
from backend.crm import documents as crm_documents
from backend.crm.attachment_links import Purpose
from backend.crm.attachment_types import signed_link
from backend.crm.documents import AttachmentState
from backend.integrations import documents
from backend.integrations.documents import ImportStatus, IssueSort, OnMatch
from backend.integrations.importable import IMPORTABLE

strawberry.enum(ImportStatus, description="Where an import stands.")
strawberry.enum(OnMatch, description="What becomes of a row whose key a record has already.")
strawberry.enum(
    IssueSort,
    description="Its row was not taken, was taken with a remark, or its record was left by an undo.",
)


@strawberry.type(description="A column of the file and the field that it fills; null: it is left out.")
class ImportColumn:
    column: str
    field: str | None


@strawberry.type(
    description="What became of the rows: each is created, updated, skipped or failed in the end. `ok` are "
    "those created and updated; `warned` were taken with a remark."
)
class ImportRows:
    total: int
    ok: int
    warned: int
    failed: int
    created: int
    updated: int
    skipped: int
    undone: int
    left: int


@strawberry.type(description="One thing to know of one row, and how to mend it.")
class ImportIssue:
    id: strawberry.ID
    sort: IssueSort
    line: int | None = strawberry.field(description="The line of the file at which the row begins.")
    field: str = strawberry.field(description="The field it is about; empty: the whole row.")
    message: str = strawberry.field(description="A sentence that goes on from the field's name.")
    record_id: strawberry.ID | None = strawberry.field(description="What an undo left.")

    @classmethod
    def of(cls, record: documents.ImportIssue) -> Self:
        return cls(**shared_fields(record, cls, field=shown_name(record.field)))


async def issues_of(
    root: "ImportJob", info: Info, first: int = 50, after: str | None = None
) -> Connection[ImportIssue]:
    return await page(
        info.context.uow,
        documents.ImportIssue,
        ImportIssue.of,
        where={"job_id": root.id},
        order=[("place", Direction.ASC)],
        first=first,
        after=after,
    )


async def upload_url_of(root: "ImportJob", info: Info) -> str | None:
    file = await info.context.related(crm_documents.Attachment, root.file_id)
    if file is None or file.state is not AttachmentState.UPLOADING:
        return None
    return (await signed_link(info, file.id, Purpose.UPLOAD)).url


async def errors_url_of(root: "ImportJob", info: Info) -> str | None:
    file = await info.context.related(crm_documents.Attachment, root.errors_id)
    return (await signed_link(info, file.id, Purpose.DOWNLOAD)).url if file else None


def targets_of(root: "ImportJob") -> list[str]:
    return sorted(map(shown_name, IMPORTABLE[root.kind].fields))


@strawberry.type(description="The import of one file.")
class ImportJob:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    name: str
    kind: str = strawberry.field(
        description="What its rows become: `account`, `contact`, `lead`, `opportunity`."
    )
    status: ImportStatus
    reason: str = strawberry.field(description="Why it was broken off; empty when it was not.")
    encoding: str
    delimiter: str
    mapping: list[ImportColumn]
    match_by: str | None = strawberry.field(
        description="The field by which rows are compared with records that you see: exactly, after spaces "
        "around it, the case of addresses and the writing of phone numbers."
    )
    on_match: OnMatch
    rows: ImportRows
    dry_run: ImportRows | None = strawberry.field(description="What the rows would have come to.")
    started_at: datetime | None
    finished_at: datetime | None
    file_id: strawberry.Private[str | None]
    errors_id: strawberry.Private[str | None]
    target_fields: list[str] = strawberry.field(resolver=targets_of, description="What its columns may fill.")
    errors: Connection[ImportIssue] = strawberry.field(
        resolver=issues_of,
        description="What there is to know of rows, in the order of the file: of the dry run, then of the "
        "import, then of its undoing. The first 1,000 of each are kept.",
    )
    upload_url: str | None = strawberry.field(
        resolver=upload_url_of,
        description="Where to PUT the file, under the API's address; null when none is awaited.",
    )
    errors_url: str | None = strawberry.field(
        resolver=errors_url_of, description="A link to the errors as a CSV file; null when there are none."
    )

    @classmethod
    def of(cls, record: documents.ImportJob) -> Self:
        columns = [
            ImportColumn(column=one.column, field=shown_name(one.field) if one.field else None)
            for one in record.mapping
        ]
        return cls(
            **shared_fields(
                record,
                cls,
                kind=record.target_kind,
                mapping=columns,
                match_by=shown_name(record.match_by) or None,
                rows=_rows(record.rows),
                dry_run=_rows(record.dry_run) if record.dry_run else None,
            )
        )


def _rows(counts: documents.RowCounts) -> ImportRows:
    return ImportRows(**counts.model_dump(), ok=counts.ok)


@strawberry.input(description="A column of the file and the field that it shall fill; null: none.")
class ImportColumnInput:
    column: str
    field: str | None = UNSET


@strawberry.input
class ImportFields:
    mapping: list[ImportColumnInput] | None = strawberry.field(
        default=UNSET, description="A column that is not named keeps what its name tells."
    )
    match_by: str | None = UNSET
    on_match: OnMatch | None = UNSET
    delimiter: str | None = UNSET


@strawberry.input(
    description="A file to import: its `text`, up to the size of a request, or its `size` in bytes; then PUT "
    "it to `uploadUrl` of the answer. Columns are mapped by their names unless you say else."
)
class ImportCreateInput(ImportFields, CreateInput):
    name: str = strawberry.field(description="As the file is called.")
    kind: str
    text: str | None = UNSET
    size: int | None = UNSET
    encoding: str | None = strawberry.field(
        default=UNSET, description="Of a file that is PUT; told from its bytes unless you say."
    )


@strawberry.input(description="What to change about an import before it starts.")
class ImportUpdateInput(ImportFields, UpdateInput):
    name: str | None = UNSET
    encoding: str | None = UNSET


@strawberry.input(description="Which import; `expectedVersion` refuses when somebody changed it.")
class ImportInput(UpdateInput):
    pass


@strawberry.input
class ImportJobFilter:
    id: IdFilter | None = UNSET
    name: StringFilter | None = UNSET
    kind: StringFilter | None = strawberry.field(default=UNSET, metadata={"path": "target_kind"})
    status: ChoiceFilter[ImportStatus] | None = UNSET
    owner_id: IdFilter | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    and_: list["ImportJobFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ImportJobFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ImportJobFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ImportJobOrderField(Enum):
    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class ImportJobOrder:
    field: ImportJobOrderField
    direction: Direction = Direction.ASC


ImportJobResult = Annotated[
    ImportJob | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ImportJobResult")
]
ImportJobDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ImportJobDeleteResult")
]
