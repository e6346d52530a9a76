"""The work of an import in the background: dry run, run, undo. Broken off anywhere, it goes on from there.

What a stretch of rows became, and how far the import is, are one commit; the id of what a row becomes is
derived from the import and the row. So no row is taken twice, whoever dies, and whoever works at once.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
import svcs

from backend.core.access import HOUSE, Actor, system_actor
from backend.core.errors import CRMError, Forbidden, InvalidInput, NotFound, Unavailable
from backend.core.events import RecordUpdated
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.attachment_uploads import Uploads
from backend.crm.documents import Attachment
from backend.identity.actors import Actors
from backend.integrations.documents import (
    WORKED_ON,
    ImportIssue,
    ImportJob,
    ImportStatus,
    IssueSort,
    RowCounts,
)
from backend.integrations.events import ImportFinished
from backend.integrations.import_files import keep_errors, table_of
from backend.integrations.importable import IMPORTABLE
from backend.integrations.rows import Finding, RowTaker, added, row_id
from backend.integrations.tables import Table

log = structlog.get_logger(__name__)

Change = Callable[[UnitOfWork, ImportJob], Awaitable[None]]

STRETCH = 100  # rows in one commit: others' commits wait for it
FORGOTTEN_AFTER = timedelta(minutes=5)  # without a commit: a stretch takes seconds
GIVEN_UP_AFTER = timedelta(hours=1)
MOST_ISSUES = 1_000  # that are kept of an import, and as many of its undoing; more are counted


@dataclass(frozen=True, kw_only=True)
class ImportRunner:
    """Does what imports ask for, in this process."""

    store: Store
    actors: Actors
    uploads: Uploads

    async def run(self, workspace_id: str, job_id: str) -> None:
        """Do what is under way of an import until it has ended; nothing when nothing is.

        An expected refusal (of rights that are gone, of a file that is) ends it, and is said in ``reason``;
        Unavailable is raised: try again.
        """
        unit = self.store.unit_of_work(system_actor(workspace_id))
        job = await unit.find_one(ImportJob, {"_id": job_id})
        if job is None:
            return
        work = {
            ImportStatus.VALIDATING: self._validate,
            ImportStatus.RUNNING: self._run,
            ImportStatus.UNDOING: self._undo,
        }.get(job.status)
        if work is None:
            return
        try:
            await work(job)
        except Unavailable:
            raise
        except CRMError as error:
            log.info("import.broken_off", import_id=job.id, code=error.code)
            await self._break_off(job, str(error))

    async def pick_up(self, job: ImportJob) -> None:
        """Go on with an import that was left, or give it up when it has failed for too long."""
        try:
            await self.run(job.workspace_id, job.id)
        except Exception:  # one import that cannot be done must not hold up the others
            log.exception("import.failed", import_id=job.id)
            if job.updated_at is not None and self.store.clock.now() - job.updated_at > GIVEN_UP_AFTER:
                await self._break_off(
                    job, "It failed again and again for a reason of ours, and was given up."
                )

    # ── the dry run ──────────────────────────────────────────────────────────────────────────────

    async def _validate(self, job: ImportJob) -> None:
        table = await table_of(self.store, self.uploads.files, job)
        counts, findings, at = RowCounts(total=len(table.rows)), list[Finding](), 0
        taker: RowTaker | None = None
        while at < len(table.rows):
            actor = await self._actor(job)
            taker = taker or RowTaker(job, zone=actor.time_zone, dry=True)
            unit = self.store.unit_of_work(actor)  # never committed
            taken = await taker.take(unit, table.rows[at : at + STRETCH])
            at += taken.rows
            counts = added(counts, taken.counts)
            findings += taken.findings[: max(0, MOST_ISSUES - len(findings))]
        await self._as_house(job, partial(self._end_dry_run, counts=counts, findings=findings))

    async def _end_dry_run(
        self, uow: UnitOfWork, job: ImportJob, *, counts: RowCounts, findings: Sequence[Finding]
    ) -> None:
        if job.status is ImportStatus.VALIDATING:
            await _forget_issues(uow, job)
            _add_issues(uow, job, findings)
            job.status, job.dry_run = ImportStatus.VALIDATED, counts
            uow.save(job)

    # ── the import ───────────────────────────────────────────────────────────────────────────────

    async def _run(self, job: ImportJob) -> None:
        table = await table_of(self.store, self.uploads.files, job)
        if not job.rows.taken:
            await self._as_house(job, _forget_issues_of_dry_run)
        is_under_way = True
        while is_under_way:
            actor = await self._actor(job)
            is_under_way = await self.store.write(actor, partial(_take_some, id=job.id, table=table))
        await self._end_run(job)

    async def _end_run(self, job: ImportJob, *, reason: str = "") -> None:
        """Say what became of an import, tell who started it, and let its file go."""
        unit = self.store.unit_of_work(system_actor(job.workspace_id))
        issues = await unit.find(ImportIssue, {"job_id": job.id}, sort=[("place", 1)])
        errors = await self._errors(job, issues)
        await self._as_house(job, partial(_end_run, errors=errors, reason=reason))

    async def _errors(self, job: ImportJob, issues: Sequence[ImportIssue]) -> Attachment | None:
        """Return a file of ``issues``, kept; None when there are none, or no such file may be kept here."""
        try:
            return await keep_errors(self.uploads, job, issues) if issues else None
        except InvalidInput as error:  # the rules of uploads have changed; ``errors`` tells the same
            log.warning("import.no_errors_file", import_id=job.id, error=str(error))
            return None

    # ── undoing ──────────────────────────────────────────────────────────────────────────────────

    async def _undo(self, job: ImportJob) -> None:
        is_under_way = True
        while is_under_way:
            actor = await self._actor(job)
            is_under_way = await self.store.write(actor, partial(_undo_some, id=job.id))
        await self._as_house(job, _end_undo)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _actor(self, job: ImportJob) -> Actor:
        """Return who asked for the work, as of now: what they may no longer do is not done for them."""
        if job.asked_by == HOUSE:
            return system_actor(job.workspace_id)
        if job.asked_in:
            return await self.actors.of_session(job.workspace_id, job.asked_by, session_id=job.asked_in)
        return await self.actors.of_user(job.workspace_id, job.asked_by)

    async def _as_house(self, job: ImportJob, change: Change) -> None:
        """Change an import's books, whatever has become of the rights of who asked for it."""

        async def write(uow: UnitOfWork) -> None:
            try:
                found = await uow.access(ImportJob, job.id, action="update")
            except NotFound:
                return  # deleted meanwhile
            await change(uow, found)

        await self.store.write(system_actor(job.workspace_id), write)

    async def _break_off(self, job: ImportJob, reason: str) -> None:
        if job.status is ImportStatus.RUNNING:
            await self._end_run(job, reason=reason)
        else:
            await self._as_house(job, partial(_give_up, asked_for=job.status, reason=reason))


async def _take_some(uow: UnitOfWork, *, id: str, table: Table) -> bool:
    """Take the next stretch of rows, and note how far the import is; False when there is nothing to take."""
    job = await _under_way(uow, id, ImportStatus.RUNNING)
    rows = table.rows[job.rows.taken : job.rows.taken + STRETCH] if job else ()
    if job is None or not rows:
        return False
    if not uow.may(job.target_kind, "create"):
        raise Forbidden("create", job.target_kind)
    taken = await RowTaker(job, zone=uow.actor.time_zone).take(uow, rows)
    job.rows = added(job.rows, taken.counts)
    _add_issues(uow, job, taken.findings)
    uow.entail(job)
    return True


async def _end_run(uow: UnitOfWork, job: ImportJob, *, errors: Attachment | None, reason: str) -> None:
    if job.status is not ImportStatus.RUNNING:
        return
    is_whole = not job.rows.failed and not reason
    somehow = ImportStatus.PARTIAL if job.rows.ok else ImportStatus.FAILED
    job.status = ImportStatus.DONE if is_whole else somehow
    job.finished_at, job.reason = uow.at, reason
    if errors is not None:
        uow.save(errors.model_copy())
        job.errors_id = errors.id
    for file in await uow.entailed(Attachment, {"_id": job.file_id}):
        uow.delete(file)
    finished = ImportFinished(done=job.rows.ok, failed=job.rows.failed)
    uow.save(job, RecordUpdated(fields=("status",)), finished)


async def _undo_some(uow: UnitOfWork, *, id: str) -> bool:
    """Delete what the next rows became, where nobody has changed it; False when there are no more rows."""
    job = await _under_way(uow, id, ImportStatus.UNDOING)
    if job is None or job.undone_rows >= job.rows.taken:
        return False
    until = min(job.undone_rows + STRETCH, job.rows.taken)
    ids = [row_id(job, number) for number in range(job.undone_rows + 1, until + 1)]
    importable, findings, counts = IMPORTABLE[job.target_kind], list[Finding](), RowCounts()
    for record in await uow.as_house().find(importable.record, {"_id": {"$in": ids}}):
        if record.field_versions:
            why = "was changed since it was made; delete it by hand if it should go"
        else:
            try:
                await importable.collection.delete(uow, record.id)
                counts.undone += 1
                continue
            except CRMError as error:
                why = str(error)
        counts.left += 1
        findings.append(Finding(sort=IssueSort.LEFT, message=why, record_id=record.id))
    job.rows, job.undone_rows = added(job.rows, counts), until
    _add_issues(uow, job, findings, most=2 * MOST_ISSUES)
    uow.entail(job)
    return True


async def _end_undo(uow: UnitOfWork, job: ImportJob) -> None:
    if job.status is ImportStatus.UNDOING:
        job.status = ImportStatus.UNDONE
        uow.save(job)


async def _give_up(uow: UnitOfWork, job: ImportJob, *, asked_for: ImportStatus, reason: str) -> None:
    """Go back to where the import stood before what could not be done was asked for."""
    if job.status is asked_for:
        is_dry_run = asked_for is ImportStatus.VALIDATING
        job.status = ImportStatus.MAPPED if is_dry_run else ImportStatus.PARTIAL
        job.reason = reason
        uow.save(job)


async def _under_way(uow: UnitOfWork, id: str, status: ImportStatus) -> ImportJob | None:
    """Return the import to note in how far it is: its books are the house's, whatever the actor may."""
    found = await uow.entailed(ImportJob, {"_id": id})
    return found[0] if found and found[0].status is status else None


async def _forget_issues(uow: UnitOfWork, job: ImportJob) -> None:
    for issue in await uow.entailed(ImportIssue, {"job_id": job.id}):
        uow.delete(issue)
    job.issues = 0


async def _forget_issues_of_dry_run(uow: UnitOfWork, job: ImportJob) -> None:
    if job.status is ImportStatus.RUNNING and not job.rows.taken and job.issues:
        await _forget_issues(uow, job)
        uow.save(job)


def _add_issues(
    uow: UnitOfWork, job: ImportJob, findings: Sequence[Finding], *, most: int | None = None
) -> None:
    """Keep what there is to know of rows, as far as there is room."""
    room = max(0, (MOST_ISSUES if most is None else most) - job.issues)
    for finding in findings[:room]:
        uow.entail(ImportIssue(job_id=job.id, place=job.issues, **finding.__dict__))
        job.issues += 1


async def continue_imports(services: svcs.Container) -> None:
    """Go on with imports that nobody works on any more: the relay gives up sooner than an outage ends."""
    store, runner = await services.aget(Store, ImportRunner)
    for workspace_id in await store.workspace_ids():
        unit = store.unit_of_work(system_actor(workspace_id))
        under_way = {"status": {"$in": [status.value for status in WORKED_ON]}}
        for job in await unit.find(ImportJob, under_way):
            if job.updated_at is not None and unit.at - job.updated_at > FORGOTTEN_AFTER:
                await runner.pick_up(job)


async def on_import_queued(delivery: Delivery, services: svcs.Container) -> None:
    """Do the work that somebody asked for; handed over again after a crash, it goes on."""
    runner = await services.aget(ImportRunner)
    await runner.run(delivery.entry.workspace_id, delivery.entry.record_id)


def provide(registry: svcs.Registry) -> None:
    """Register what does the work."""
    registry.register_factory(ImportRunner, _make_runner)


def _make_runner(container: svcs.Container) -> ImportRunner:
    store, actors, uploads = container.get(Store, Actors, Uploads)
    return ImportRunner(store=store, actors=actors, uploads=uploads)
