"""What may be done with an import: begin it, map it, try it, run it, undo it. The work itself: ``runs``."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.core.access import Action
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.events import RecordUpdated
from backend.core.field_names import stored_name
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.core.uploads import UploadRules
from backend.crm.attachments import create_attachment
from backend.crm.documents import Attachment
from backend.identity.scopes import TOKEN_SESSION
from backend.integrations.documents import (
    ENDED,
    TO_BE_MAPPED,
    WORKED_ON,
    ImportIssue,
    ImportJob,
    ImportStatus,
    MappedColumn,
    OnMatch,
    RowCounts,
)
from backend.integrations.events import ImportQueued
from backend.integrations.importable import IMPORTABLE, Importable
from backend.integrations.mapping import changed_mapping, check_key, propose_mapping
from backend.integrations.tables import Table

CSV = "text/csv"
Pairs = Sequence[Mapping[str, Any]]
READY = (ImportStatus.MAPPED, ImportStatus.VALIDATED)


async def create_import(
    uow: UnitOfWork, fields: Fields, *, file: Attachment, table: Table, id: str | None = None
) -> ImportJob:
    """Create the import of a file that is here, its columns mapped by their names where nothing is said.

    Raise InvalidInput for an unknown kind and a wrong mapping, Forbidden for a kind that the actor may not
    create.
    """
    job = await _new_import(uow, fields, id=id)
    job.file_id = file.id
    take_table(uow, job, table)
    uow.save(job)
    uow.entail(file.model_copy())  # who may begin an import may bring its file
    return job


async def announce_import(
    uow: UnitOfWork, fields: Fields, *, size: int, rules: UploadRules, id: str | None = None
) -> ImportJob:
    """Create the import of a file of ``size`` bytes that is still to come, as an attachment at it."""
    job = await _new_import(uow, fields, id=id)
    uow.save(job)
    target = {"target_kind": job.kind, "target_id": job.id}
    announced = {"name": file_name(job.name), "content_type": CSV, "size": size}
    job.file_id = (await create_attachment(rules, uow, target | announced)).id
    return job


async def update_import(
    uow: UnitOfWork,
    id: str,
    fields: Fields,
    *,
    table: Table | None = None,
    expected_version: int | None = None,
) -> ImportJob:
    """Change how an import is done, before it is; a column that ``mapping`` does not name keeps its field.

    ``table`` is the file as it reads now, when encoding or delimiter change.
    """
    job = await uow.access(ImportJob, id, action="update", expected_version=expected_version)
    _check_status(job, TO_BE_MAPPED, "can be changed only before it starts; make a new import")
    changes = _said(fields)
    pairs: Pairs = changes.pop("mapping", [])
    set_fields(job, changes)
    if table is not None:
        _read_anew(uow, job, table)
    _map(uow, job, pairs)
    job.dry_run = None
    uow.save(job)
    return job


async def delete_import(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> ImportJob:
    """Delete an import with what it says of its rows; the records that it made stay."""
    job = await uow.access(ImportJob, id, action="delete", expected_version=expected_version)
    if job.status in WORKED_ON:
        raise InvalidInput(FieldError("status", f"is {job.status.value}; wait until that has ended"))
    for issue in await uow.entailed(ImportIssue, {"job_id": job.id}):
        uow.delete(issue)
    uow.delete(job)
    return job


async def validate_import(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> ImportJob:
    """Ask for a dry run: every row is tried, nothing is kept."""
    job = await uow.access(ImportJob, id, action="update", expected_version=expected_version)
    _check_status(job, READY, "can be tried only while its columns are mapped and nothing is under way")
    _check_rights(uow, job)
    job.dry_run = None
    _queue(uow, job, ImportStatus.VALIDATING)
    return job


async def start_import(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> ImportJob:
    """Ask for the import itself; it is done under the rights that the actor has while it runs."""
    job = await uow.access(ImportJob, id, action="update", expected_version=expected_version)
    _check_status(job, READY, "can be started once, when its columns are mapped")
    _check_rights(uow, job)
    job.rows = RowCounts(total=job.rows.total)
    job.started_by, job.started_at = uow.actor.user_id, uow.at
    uow.note("import.started", kind=job.kind, id=job.id, details={"rows": job.rows.total})
    _queue(uow, job, ImportStatus.RUNNING)
    return job


async def undo_import(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> ImportJob:
    """Ask for the deletion of what an import created and nobody has changed since. Updates stay."""
    job = await uow.access(ImportJob, id, action="update", expected_version=expected_version)
    _check_status(job, ENDED, "can be undone once, after it has ended")
    if not job.rows.created:
        raise InvalidInput(FieldError("status", "is that of an import that created nothing to be undone"))
    uow.note("import.undone", kind=job.kind, id=job.id, details={"rows": job.rows.created})
    _queue(uow, job, ImportStatus.UNDOING)
    return job


def take_table(uow: UnitOfWork, job: ImportJob, table: Table) -> None:
    """Note what the file holds, and map its columns: as their names tell, then as the import says."""
    pairs = [one.model_dump() for one in job.mapping]
    _read_anew(uow, job, table)
    _map(uow, job, pairs)


def _read_anew(uow: UnitOfWork, job: ImportJob, table: Table) -> None:
    """Note what a file holds as it reads now; its columns are mapped by their names."""
    locked = uow.actor.mask(job.target_kind).locked
    job.encoding, job.delimiter = table.encoding, table.delimiter
    job.columns, job.rows = list(table.columns), RowCounts(total=len(table.rows))
    proposed = propose_mapping(IMPORTABLE[job.target_kind], job.columns, locked=locked)
    job.mapping = [MappedColumn(column=column, field=field) for column, field in proposed.items()]


def file_name(name: str) -> str:
    """Return the name of an import as that of its file."""
    return name if name.lower().endswith(".csv") else f"{name}.csv"


async def _new_import(uow: UnitOfWork, fields: Fields, *, id: str | None) -> ImportJob:
    given = _said(fields)
    kind = given.pop("kind", None)
    if kind not in IMPORTABLE:
        there = ", ".join(IMPORTABLE)
        raise InvalidInput(FieldError("kind", f"is {kind!r}, which cannot be imported; choose of {there}"))
    if not uow.may(kind, "create"):
        raise Forbidden("create", kind)
    return await new_record(uow, ImportJob, {**given, "target_kind": kind}, id=id)


def _said(fields: Fields) -> dict[str, Any]:
    """Return ``fields`` without what was left open; no key means that rows are compared by none."""
    said = {name: value for name, value in fields.items() if value is not None or name == "name"}
    return said | ({"match_by": ""} if "match_by" in fields and not fields["match_by"] else {})


def _map(uow: UnitOfWork, job: ImportJob, pairs: Pairs) -> None:
    importable, mask = IMPORTABLE[job.target_kind], uow.actor.mask(job.target_kind)
    before = {one.column: one.field for one in job.mapping}
    given = [(str(one["column"]), one.get("field")) for one in pairs]
    mapped = changed_mapping(importable, job.columns, before, given, locked=mask.locked)
    job.mapping = [MappedColumn(column=column, field=field) for column, field in mapped.items()]
    _check_matching(importable, job, mapped, mask.unseen)
    job.status = ImportStatus.MAPPED if any(mapped.values()) else ImportStatus.UPLOADED


def _check_matching(
    importable: Importable, job: ImportJob, mapped: Mapping[str, str | None], unseen: frozenset[str]
) -> None:
    if job.match_by:
        job.match_by = stored_name(job.match_by)
        check_key(importable, mapped, job.match_by, unseen=unseen)
    elif job.on_match is not OnMatch.CREATE:
        raise InvalidInput(
            FieldError("match_by", f"is missing: say by which field to find what to {job.on_match.value}")
        )


def _check_status(job: ImportJob, wanted: Sequence[ImportStatus], otherwise: str) -> None:
    if job.status not in wanted:
        raise InvalidInput(FieldError("status", f"is {job.status.value}: this import {otherwise}"))


def _check_rights(uow: UnitOfWork, job: ImportJob) -> None:
    """Raise Forbidden unless the actor may do to the kind what the import does."""
    actions: list[Action] = ["create", "update"] if job.on_match is OnMatch.UPDATE else ["create"]
    for action in actions:
        if not uow.may(job.target_kind, action):
            raise Forbidden(action, job.target_kind)


def _queue(uow: UnitOfWork, job: ImportJob, status: ImportStatus) -> None:
    is_token = uow.actor.session_id.startswith(TOKEN_SESSION)
    job.asked_by, job.asked_in = uow.actor.user_id, uow.actor.session_id if is_token else ""
    job.status, job.reason = status, ""
    uow.save(job, RecordUpdated(fields=("status",)), ImportQueued())
