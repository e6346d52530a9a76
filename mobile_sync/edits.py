"""Edits that name themselves: what native and WatermelonDB phones push, each with its verdict.

An edit runs as one commit through the house's own operations, merged column by column: against the values
that the phone had (``base``), or where it knows no more than a version against what changed since. Its
verdict is kept with its mutation id: a repeat, also at the same moment, has no effect and the same verdict.
What did not go through is noted for its author (``rejections``).
"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from backend.core.access import Actor
from backend.core.errors import (
    Conflict,
    CRMError,
    DuplicateFound,
    FieldError,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from backend.core.ids import checked_id, derived_id
from backend.core.records import Record
from backend.core.store import Remembered, Store
from backend.core.sync import SyncedCollection
from backend.core.unit_of_work import UnitOfWork
from mobile_sync.conflicts import UNKNOWN, Row, differing, edited_since, merge
from mobile_sync.rejections import kept_message, lost_message, reject, with_own_rejections
from mobile_sync.rows import fields_of, filled, policies, row_of, writable
from mobile_sync.wording import camel, clean

AT_ONCE = 64  # edits under way together: what the sequencer commits in one transaction
MOST_NAMED = 5  # unknown columns in a refusal
THIS_COMMIT = 0  # a verdict's version before the commit has its number
MENDED_BY_RETRY = (Unavailable, Unauthenticated)


class Op(StrEnum):
    """What an edit does. CREATE of what is there already merges into it."""

    CREATE = "create"
    PATCH = "patch"
    DELETE = "delete"


class Status(StrEnum):
    """What became of an edit. After APPLIED the record is as the phone has it; after MERGED it is not."""

    APPLIED = "applied"
    MERGED = "merged"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit: ``values`` are the columns that the phone set, ``base`` what it had in them before.

    Without a base ``version`` says which version of the record the phone had; without either the edit
    counts whatever changed meanwhile. ``mutation`` names the edit for ever, ``note`` its rejection.
    """

    collection: SyncedCollection
    id: str
    op: Op
    mutation: str
    note: str
    values: Row
    base: Row | None = None
    version: int | None = None

    @property
    def purpose(self) -> str:
        return f"push {self.collection.name} {self.op} {self.id}"


@dataclass(frozen=True, kw_only=True)
class Verdict(Remembered):
    """What became of an edit: ``code``, ``message`` and ``field`` say why when it did not go through whole.

    ``version`` is the record's after it, None when there is none to see. ``record`` is the record as its
    author sees it, of an edit that was applied just now.
    """

    status: Status
    version: int | None = None
    code: str = ""
    message: str = ""
    field: str = ""
    record: Record | None = dataclasses.field(default=None, compare=False, repr=False)

    def memo(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "version": self.version,
            "code": self.code,
            "message": self.message,
            "field": self.field,
        }


async def apply_edits(store: Store, actor: Actor, edits: Sequence[Edit]) -> list[Verdict | CRMError]:
    """Apply ``edits`` side by side; return the verdict of each, in their order.

    One that is refused has a second try after the others: what it refers to may be among them. What a
    retry can mend (the store is away) is no verdict: that edit's place holds the error.
    """
    author = with_own_rejections(actor)
    gate = asyncio.Semaphore(AT_ONCE)

    async def attempt(edit: Edit) -> Verdict | CRMError:
        async with gate:
            try:
                return await _apply(store, author, edit)
            except CRMError as refusal:
                return refusal

    async def refuse(edit: Edit, refusal: CRMError) -> Verdict | CRMError:
        async with gate:
            try:
                return await _refuse(store, author, edit, refusal)
            except MENDED_BY_RETRY as error:
                return error

    found = list(await asyncio.gather(*(attempt(edit) for edit in edits)))
    for place, (edit, answer) in enumerate(zip(edits, found, strict=True)):
        if _is_refused(answer) and len(edits) > 1:
            found[place] = await attempt(edit)
    refused = [(place, answer) for place, answer in enumerate(found) if _is_refused(answer)]
    verdicts = await asyncio.gather(
        *(refuse(edits[place], answer) for place, answer in refused if isinstance(answer, CRMError))
    )
    for (place, _), verdict in zip(refused, verdicts, strict=True):
        found[place] = verdict
    return found


def _is_refused(answer: Verdict | CRMError) -> bool:
    return isinstance(answer, CRMError) and not isinstance(answer, MENDED_BY_RETRY)


async def _apply(store: Store, actor: Actor, edit: Edit) -> Verdict:
    made: dict[str, Record] = {}

    async def operate(uow: UnitOfWork) -> Verdict | None:
        made.clear()
        current = await _current(uow, edit)
        if current is None:
            return await _apply_to_nothing(uow, edit, made)
        if edit.op is Op.DELETE:
            return await _delete(uow, edit, current, made)
        return await _merge_into(uow, edit, current, made)

    verdict = await store.write(actor, operate, mutation_id=edit.mutation, purpose=edit.purpose)
    if verdict is None:
        return await _again(store, actor, edit)
    record = made.get("record")
    if record is None:
        return verdict
    version = record.version if verdict.version == THIS_COMMIT else verdict.version
    return replace(verdict, version=version, record=record)


async def _again(store: Store, actor: Actor, edit: Edit) -> Verdict:
    """Return the verdict of the first run of an edit that was applied or refused before."""
    known = await store.remembered(actor, edit.mutation)
    if known is None:
        raise Unavailable("What became of this edit is being cleared away; send it again.")
    seq, memo = known
    return Verdict(
        status=Status(memo["status"]),
        version=seq if memo["version"] == THIS_COMMIT else memo["version"],
        code=memo["code"],
        message=memo["message"],
        field=memo["field"],
    )


async def _apply_to_nothing(uow: UnitOfWork, edit: Edit, made: dict[str, Record]) -> Verdict:
    """Handle an edit of which nothing is visible: a new record, or one that is gone."""
    if edit.op is Op.DELETE:
        return Verdict(status=Status.APPLIED)
    if edit.op is Op.PATCH:
        raise NotFound(edit.collection.record.kind, edit.id)
    if checked_id(edit.id) != edit.id:
        raise InvalidInput(FieldError("id", "must be written in lower case, as UUIDs are here"))
    sent = {name: value for name, value in _sent(edit).items() if value is not None}
    record = made["record"] = await edit.collection.create(uow, fields_of(edit.collection, sent), edit.id)
    return Verdict(status=_status(uow.actor, edit, record), version=THIS_COMMIT)


async def _delete(uow: UnitOfWork, edit: Edit, current: Record, made: dict[str, Record]) -> Verdict:
    if edit.collection.keep_if_edited and edit.version is not None:
        names, own = writable(edit.collection), _own(uow.actor, current)
        edited = edited_since(edit.version, current.field_versions, names, own)
        if edited:
            made["record"] = current
            return await _note_conflict(uow, edit, kept_message(edited), edited, {}, current.version)
    made["record"] = await edit.collection.delete(uow, edit.id)
    return Verdict(status=Status.APPLIED, version=THIS_COMMIT)


def _own(actor: Actor, record: Record) -> set[str]:
    """Return the fields that ``actor`` set with the record's last change, if it made that."""
    return record.fields_of_last_change() if record.updated_by == actor.user_id else set()


async def _merge_into(uow: UnitOfWork, edit: Edit, current: Record, made: dict[str, Record]) -> Verdict:
    collection = edit.collection
    before = filled(collection, row_of(collection, current))
    new = {**before, **_filled_where_sent(edit)}
    own, assumed = _own(uow.actor, current), _assumed(edit, current, before)
    merged = merge(assumed, new, before, sorted(_sent(edit)), own, policies(collection))
    moved = edit.version is not None and current.version > edit.version and not own
    changed = current
    if merged.accepted:
        changed = await collection.update(uow, edit.id, fields_of(collection, merged.accepted))
    made["record"] = changed
    if merged.lost:
        version = THIS_COMMIT if merged.accepted else current.version
        names = sorted(merged.lost)
        return await _note_conflict(uow, edit, lost_message(names), names, merged.lost, version)
    status = Status.MERGED if moved else _status(uow.actor, edit, changed)
    return Verdict(status=status, version=THIS_COMMIT)


def _filled_where_sent(edit: Edit) -> Row:
    """Return the values of an edit, null as the kind's default."""
    sent = _sent(edit)
    return {name: value for name, value in filled(edit.collection, sent).items() if name in sent}


def _sent(edit: Edit) -> dict[str, Any]:
    """Return what the edit says of columns that phones may write; raise InvalidInput for unknown ones."""
    known = {field.name for field in edit.collection.fields} | {"id", "version", "deleted"}
    unknown = sorted(set(edit.values) - known)[:MOST_NAMED]
    if unknown:
        kind = camel(edit.collection.name)
        raise InvalidInput(*(FieldError(clean(name, 60), f"is no column of {kind}") for name in unknown))
    names = writable(edit.collection)
    return {name: edit.values[name] for name in names if name in edit.values}


def _assumed(edit: Edit, current: Record, before: Row) -> Mapping[str, Any]:
    """Return what the phone had, column by column; something else where it cannot have had what is there."""
    if edit.op is Op.CREATE:
        return filled(edit.collection, {})
    if edit.base is not None:
        return {**before, **{k: v for k, v in filled(edit.collection, edit.base).items() if k in edit.base}}
    if edit.version is None:
        return before
    at = current.field_versions
    return {name: value if at.get(name, 0) <= edit.version else UNKNOWN for name, value in before.items()}


def _status(actor: Actor, edit: Edit, record: Record) -> Status:
    """Return MERGED when the record is not as the phone believes in what it sent."""
    seen = set(_sent(edit)) - actor.mask(record.kind).unseen
    differs = differing(
        _filled_where_sent(edit), filled(edit.collection, row_of(edit.collection, record)), seen
    )
    return Status.MERGED if differs else Status.APPLIED


async def _note_conflict(
    uow: UnitOfWork, edit: Edit, message: str, names: Sequence[str], lost: Row, version: int
) -> Verdict:
    await _note(uow, edit, "conflict", message, lost)
    return Verdict(
        status=Status.CONFLICT,
        version=version,
        code=Conflict.code,
        message=message,
        field=camel(min(names)),
    )


async def _refuse(store: Store, actor: Actor, edit: Edit, refusal: CRMError) -> Verdict:
    """Keep a refusal as the edit's verdict, and note it for the author."""
    verdict = _verdict_of(refusal)
    lost = {name: edit.values[name] for name in writable(edit.collection) if name in edit.values}

    async def note(uow: UnitOfWork) -> Verdict | None:
        await _note(uow, edit, refusal.code.lower(), str(refusal), lost)
        return verdict

    try:
        noted = await store.write(actor, note, mutation_id=edit.mutation, purpose=edit.purpose)
    except InvalidInput:  # the mutation id belongs to another edit, whose verdict stays
        return verdict
    return verdict if noted is not None else await _again(store, actor, edit)


def _verdict_of(refusal: CRMError) -> Verdict:
    by_error = {Forbidden: Status.FORBIDDEN, Conflict: Status.CONFLICT, DuplicateFound: Status.DUPLICATE}
    status = next((status for kind, status in by_error.items() if isinstance(refusal, kind)), Status.REJECTED)
    field = camel(refusal.errors[0].field) if isinstance(refusal, InvalidInput) else ""
    return Verdict(status=status, code=refusal.code, message=str(refusal), field=field)


async def _note(uow: UnitOfWork, edit: Edit, reason: str, message: str, lost: Mapping[str, Any]) -> None:
    await reject(
        uow,
        key=derived_id(edit.note, edit.collection.record.kind, edit.id),
        collection=camel(edit.collection.name),
        kind=edit.collection.record.kind,
        record_id=edit.id,
        reason=reason,
        message=message,
        lost=lost,
        tell_again=True,
    )


async def _current(uow: UnitOfWork, edit: Edit) -> Record | None:
    try:
        return await uow.access(edit.collection.record, edit.id)
    except NotFound:
        return None
