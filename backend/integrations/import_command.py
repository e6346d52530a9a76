"""``rapport import``: a file of this machine into a workspace, tried first, then imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import svcs

from backend.core.access import Actor, system_actor
from backend.core.errors import FieldError, InvalidInput
from backend.core.store import Store
from backend.crm.attachment_uploads import Uploads
from backend.identity.actors import Actors
from backend.identity.documents import User
from backend.integrations.documents import ImportIssue, ImportJob, ImportStatus, OnMatch, RowCounts
from backend.integrations.import_files import import_bytes
from backend.integrations.imports import delete_import, start_import, validate_import
from backend.integrations.runs import ImportRunner

SHOWN = 20  # issues; the rest are in the import's errors
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class FileImport:
    """What is asked for. ``mapping`` are texts ``column=field``, a field left out: the column is."""

    path: Path
    kind: str
    workspace_id: str
    person: str = ""
    mapping: Sequence[str] = ()
    match_by: str = ""
    on_match: OnMatch | None = None
    dry_run: bool = False


async def import_path(services: svcs.Container, asked: FileImport, say: Say) -> bool:
    """Import a file and ``say`` what becomes of it; tell whether every row is in, or would be.

    ``person`` is the e-mail address of who it is done for, with their rights; without one the house does it.
    """
    store, uploads, runner = await services.aget(Store, Uploads, ImportRunner)
    actor = await _actor(services, store, asked)
    job = await import_bytes(store, uploads, actor, _fields(asked), _content(asked.path, uploads))
    for one in job.mapping:
        say(f"{one.column} → {one.field or 'left out'}")
    await store.write(actor, partial(validate_import, id=job.id))
    tried = await _worked(store, runner, job)
    if tried.status is not ImportStatus.VALIDATED or asked.dry_run:
        await _say_issues(store, tried, say)
        say(f"Nothing was imported. {tried.reason or _figures(tried.dry_run or tried.rows)}")
        await store.write(actor, partial(delete_import, id=job.id))
        return tried.dry_run is not None and not tried.dry_run.failed
    await store.write(actor, partial(start_import, id=job.id))
    ended = await _worked(store, runner, job)
    await _say_issues(store, ended, say)
    say(f"Import {ended.id}: {ended.status.value}. {_figures(ended.rows)} {ended.reason}".rstrip())
    return ended.status is ImportStatus.DONE


async def _actor(services: svcs.Container, store: Store, asked: FileImport) -> Actor:
    unit = store.unit_of_work(system_actor(asked.workspace_id))
    if not await store.reader.newest_version(asked.workspace_id):
        raise InvalidInput(
            FieldError(
                "workspace", f"{asked.workspace_id} does not exist; run `rapport seed`, or name another"
            )
        )
    if not asked.person:
        return unit.actor
    user = await unit.find_one(User, {"email": asked.person.strip().casefold()})
    if user is None:
        raise InvalidInput(FieldError("for", f"is {asked.person}, whom this workspace does not know"))
    return await (await services.aget(Actors)).of_user(asked.workspace_id, user.id)


def _content(path: Path, uploads: Uploads) -> bytes:
    try:
        size = path.stat().st_size
        if size > uploads.rules.max_bytes:
            raise InvalidInput(
                FieldError("file", f"has {size} bytes, more than {uploads.rules.max_bytes}; divide it")
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(FieldError("file", f"cannot be read: {error.strerror}; name another")) from None


def _fields(asked: FileImport) -> dict[str, object]:
    pairs = [one.rpartition("=") for one in asked.mapping]
    if unreadable := [one for one in pairs if not one[0]]:
        raise InvalidInput(FieldError("mapping", f"is {unreadable[0][2]!r}; write it as column=field"))
    mapping = [{"column": column, "field": field or None} for column, _, field in pairs]
    fields: dict[str, object] = {"name": asked.path.name, "kind": asked.kind, "mapping": mapping}
    fields |= {"match_by": asked.match_by} if asked.match_by else {}
    return fields | ({"on_match": asked.on_match} if asked.on_match else {})


async def _worked(store: Store, runner: ImportRunner, job: ImportJob) -> ImportJob:
    """Do what is under way of an import, and return it as it stands then."""
    await runner.run(job.workspace_id, job.id)
    return await store.unit_of_work(system_actor(job.workspace_id)).access(ImportJob, job.id)


async def _say_issues(store: Store, job: ImportJob, say: Say) -> None:
    unit = store.unit_of_work(system_actor(job.workspace_id))
    issues = await unit.find(ImportIssue, {"job_id": job.id}, sort=[("place", 1)], limit=SHOWN)
    for one in issues:
        where = f"line {one.line}" if one.line else "file"
        say(f"{where}: {one.sort.value}: {one.field} {one.message}".replace(":  ", ": "))
    if job.issues > len(issues):
        say(f"… and {job.issues - len(issues)} more")


def _figures(counts: RowCounts) -> str:
    return (
        f"{counts.total} rows: {counts.created} created, {counts.updated} updated, "
        f"{counts.skipped} skipped, {counts.failed} failed, {counts.warned} with a remark."
    )
