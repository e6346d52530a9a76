"""The file of an import: taken in whole, or arriving as an attachment; and the one that lists its errors."""

import asyncio
from collections.abc import Sequence
from functools import partial

import svcs

from backend.core.access import Actor, system_actor
from backend.core.errors import FieldError, InvalidInput, NotFound
from backend.core.fields import Fields
from backend.core.ids import checked_id, derived_id, new_id
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.attachment_uploads import Uploads
from backend.crm.documents import Attachment, AttachmentState
from backend.integrations.documents import ImportIssue, ImportJob, ImportStatus
from backend.integrations.imports import (
    CSV,
    announce_import,
    create_import,
    file_name,
    take_table,
    update_import,
)
from backend.integrations.tables import Table, read_table, write_table

ERROR_COLUMNS = ("line", "sort", "field", "message")


async def import_bytes(
    store: Store,
    uploads: Uploads,
    actor: Actor,
    fields: Fields,
    data: bytes,
    *,
    id: str | None = None,
    mutation_id: str | None = None,
    purpose: str = "",
) -> ImportJob:
    """Begin the import of a file that is all here; see ``create_import``. A refusal leaves nothing behind."""
    job_id = checked_id(id) if id else new_id()
    file = await uploads.take_whole(
        actor.workspace_id,
        data,
        target=(ImportJob.kind, job_id),
        name=file_name(str(fields.get("name") or "")),
        content_type=CSV,
    )
    try:
        table = await _read(data, fields)
        create = partial(create_import, fields=fields, file=file, table=table, id=job_id)
        job = await store.write(actor, create, mutation_id=mutation_id, purpose=purpose)
    except Exception:  # not when cancelled: the commit may be under way, and then the import needs its file
        await uploads.files.remove(actor.workspace_id, file.id)
        raise
    if job.file_id != file.id:  # a repeat: the file is here already
        await uploads.files.remove(actor.workspace_id, file.id)
    return job


async def begin_import(
    store: Store,
    uploads: Uploads,
    actor: Actor,
    fields: Fields,
    *,
    id: str | None = None,
    mutation_id: str | None = None,
    purpose: str = "",
) -> ImportJob:
    """Begin the import of a ``text`` or, without one, of a file of ``size`` bytes that comes afterwards."""
    given = dict(fields)
    text, size = given.pop("text", None), given.pop("size", None)
    if not text and size is None:
        raise InvalidInput(
            FieldError("text", "is missing or empty; send it, or the file's size and then the file")
        )
    if not text:
        announce = partial(announce_import, fields=given, size=size, rules=uploads.rules, id=id)
        return await store.write(actor, announce, mutation_id=mutation_id, purpose=purpose)
    given["encoding"] = "utf-8"
    return await import_bytes(
        store, uploads, actor, given, text.encode(), id=id, mutation_id=mutation_id, purpose=purpose
    )


async def change_import(
    store: Store,
    files: AttachmentFiles,
    actor: Actor,
    id: str,
    fields: Fields,
    *,
    expected_version: int | None = None,
    mutation_id: str | None = None,
    purpose: str = "",
) -> ImportJob:
    """Change an import; see ``update_import``. Its file is read again when encoding or delimiter change."""
    table = None
    if fields.keys() & {"encoding", "delimiter"}:
        job = await store.unit_of_work(actor).access(ImportJob, id)
        said = {"encoding": job.encoding, "delimiter": job.delimiter, **fields}
        table = await _read(await file_of(store, files, job), said)
    change = partial(update_import, id=id, fields=fields, table=table, expected_version=expected_version)
    return await store.write(actor, change, mutation_id=mutation_id, purpose=purpose)


async def file_of(store: Store, files: AttachmentFiles, job: ImportJob) -> bytes:
    """Return the bytes of an import's file; raise InvalidInput when it is not here (any more)."""
    unit = store.unit_of_work(system_actor(job.workspace_id))
    file = await unit.find_one(Attachment, {"_id": job.file_id})
    if file is None or file.state is not AttachmentState.READY:
        raise InvalidInput(FieldError("file", "is not here; send it, or make a new import"))
    return b"".join([piece async for piece in files.read(file.id, 0, file.size)])


async def table_of(store: Store, files: AttachmentFiles, job: ImportJob) -> Table:
    """Return the rows of an import's file."""
    data = await file_of(store, files, job)
    return await _read(data, {"encoding": job.encoding, "delimiter": job.delimiter})


async def _read(data: bytes, said: Fields) -> Table:
    encoding, delimiter = str(said.get("encoding") or ""), str(said.get("delimiter") or "")
    return await asyncio.to_thread(read_table, data, encoding=encoding, delimiter=delimiter)


async def on_file_changed(delivery: Delivery, services: svcs.Container) -> None:
    """Read the file of an import when its bytes are all there; an import whose file is refused has failed."""
    entry = delivery.entry
    if entry.kind != Attachment.kind:
        return
    store, files = await services.aget(Store, AttachmentFiles)
    unit = store.unit_of_work(system_actor(entry.workspace_id))
    file = await unit.find_one(Attachment, {"_id": entry.record_id, "target_kind": ImportJob.kind})
    if file is None or file.state is AttachmentState.UPLOADING:
        return
    job = await unit.find_one(ImportJob, {"_id": file.target_id, "file_id": file.id})
    if job is None or job.status is not ImportStatus.ANNOUNCED:
        return
    table, refused = None, f"The file {file.refused_reason}." if file.refused_reason else ""
    if not refused:
        try:
            table = await table_of(store, files, job)
        except InvalidInput as error:
            refused = str(error)
    await store.write(system_actor(entry.workspace_id), partial(_settle, id=job.id, table=table, why=refused))


async def _settle(uow: UnitOfWork, *, id: str, table: Table | None, why: str) -> None:
    try:
        job = await uow.access(ImportJob, id, action="update")
    except NotFound:
        return  # deleted meanwhile
    if job.status is not ImportStatus.ANNOUNCED:
        return
    if table is None:
        job.status, job.reason = ImportStatus.FAILED, why
    else:
        said = list(job.mapping)
        try:
            take_table(uow, job, table)
        except InvalidInput as error:  # what was said before the file was there does not fit it
            job.mapping = said
            job.status, job.reason = ImportStatus.FAILED, str(error)
    uow.save(job)


async def keep_errors(uploads: Uploads, job: ImportJob, issues: Sequence[ImportIssue]) -> Attachment:
    """Keep a CSV of ``issues``, for a spreadsheet; return its attachment, yet to be saved."""
    rows = ((str(one.line or ""), one.sort.value, one.field, one.message) for one in issues)
    name = f"{file_name(job.name)[:-4]}-errors.csv"
    data = write_table(ERROR_COLUMNS, rows)
    target, id = (ImportJob.kind, job.id), derived_id("import errors", job.id)
    return await uploads.take_whole(job.workspace_id, data, target=target, name=name, content_type=CSV, id=id)
