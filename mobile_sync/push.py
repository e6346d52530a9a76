"""Push: run a phone's edits through the house's own operations, row by row.

A refusal is never an error: RxDB would send the whole batch again for ever. It is answered with the
row as it is now (or a tombstone), which the phone takes, and noted as a rejection for its author. Only
what a retry can mend (the store is away, the token is old) goes up as an error, for the whole batch:
what was applied by then is recognised when it comes again.

The phone is told a row whenever the record is not as it believes, in what it may write: others' columns,
defaults, another wording. It cannot be left to the next pull: a pull or an event that arrives while RxDB
holds an unpushed edit of that row passes over it, and the cursor with it (seen with rxdb 17.6).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from backend.core.access import Actor
from backend.core.errors import CRMError, FieldError, InvalidInput, NotFound, Unauthenticated, Unavailable
from backend.core.field_rules import veil
from backend.core.ids import checked_id, derived_id
from backend.core.records import Record
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from backend.core.unit_of_work import UnitOfWork
from mobile_sync.conflicts import delta, differing, edited_since, merge
from mobile_sync.rejections import kept_message, lost_message, reject, with_own_rejections
from mobile_sync.rows import Row, fields_of, filled, policies, row_of, stable_text, tombstone, writable
from mobile_sync.seen import show_as_seen
from mobile_sync.wording import camel, clean

MOST_ROWS = 500
AT_ONCE = 64  # rows under way together: what the sequencer commits in one transaction; 4 times as fast as 1
MENDED_BY_RETRY = (Unavailable, Unauthenticated)


@dataclass(frozen=True, kw_only=True)
class PushedRow:
    """One edit: the row as the phone has it now, and as it last had it from the server (None: never)."""

    new: Mapping[str, Any]
    assumed: Mapping[str, Any] | None

    @property
    def id(self) -> str:
        return clean(str(self.new["id"]))

    def key(self, kind: str) -> str:
        """Return what names this very edit. RxDB has no mutation ids: the two states tell edits apart.

        The assumed one holds the server's version, so that the same edit made again later is another.
        """
        return derived_id("push", kind, self.id, stable_text([self.new, self.assumed]))


@dataclass(frozen=True)
class Applied:
    """What one run of a row did: the record now, and whether the phone must be told how it looks."""

    record: Record | None
    tell: bool


async def push_rows(
    store: Store, actor: Actor, collection: SyncedCollection, rows: Sequence[PushedRow]
) -> list[Row]:
    """Apply ``rows``; return the current row of each that did not go through as the phone believes.

    Rows go side by side. One that is refused has a second try after the others: what it refers to may be
    among them. Raise InvalidInput for more than 500 rows.
    """
    if len(rows) > MOST_ROWS:
        raise InvalidInput(
            FieldError("rows", f"are more than {MOST_ROWS}; push in smaller batches (push.batchSize)")
        )
    author = with_own_rejections(actor)
    gate = asyncio.Semaphore(AT_ONCE)

    async def attempt(row: PushedRow) -> Row | CRMError | None:
        async with gate:
            try:
                return await _apply(store, author, collection, row)
            except MENDED_BY_RETRY:
                raise
            except CRMError as refusal:
                return refusal

    # All rows end before anything goes up: what can be applied is applied, whatever befalls another.
    answers = await asyncio.gather(*(attempt(row) for row in rows), return_exceptions=True)
    told: list[Row] = []
    for row, answer in zip(rows, answers, strict=True):
        if _refused(answer):
            second = await attempt(row) if len(rows) > 1 else answer
            answer = await _refuse(store, author, collection, row, second) if _refused(second) else second
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            told.append(answer)
    await show_as_seen(store.reader, author, collection, told)
    return told


def _refused(answer: object) -> TypeGuard[CRMError]:
    return isinstance(answer, CRMError) and not isinstance(answer, MENDED_BY_RETRY)


async def _apply(store: Store, actor: Actor, collection: SyncedCollection, row: PushedRow) -> Row | None:
    """Run one row as one commit; return the row to tell the phone, None when it is as the phone believes."""

    async def operate(uow: UnitOfWork) -> Applied | None:
        current = await _current(uow, collection, row.id)
        if current is None:
            return await _apply_to_nothing(uow, collection, row)
        if row.new.get("deleted"):
            return await _apply_deletion(uow, collection, row, current)
        return await _apply_changes(uow, collection, row, current)

    key = row.key(collection.record.kind)
    applied = await store.write(actor, operate, mutation_id=key)
    if applied is None and (again := await _made_again(store, actor, collection, row)) is not None:
        applied = await store.write(actor, operate, mutation_id=derived_id(key, str(again)))
    if applied is None:
        # This very edit was applied before and its answer was lost on the way. The phone may have pulled
        # past it since, without taking what it held an edit of: show it the record as it is.
        seen = await _as_seen(store, actor, collection, row.id)
        return None if seen["deleted"] and row.new.get("deleted") else seen
    if applied.record is None or not applied.tell:
        return None
    return row_of(collection, applied.record)


async def _made_again(store: Store, actor: Actor, collection: SyncedCollection, row: PushedRow) -> int | None:
    """Return the record's version when its author made a known edit anew, None when it was only repeated.

    A stage set to B, back to A, and to B again before the phone has heard of the first: the third edit
    looks like the first. The last change is the author's own, and what the edit changes is as it assumes,
    so it counts. Otherwise it is a repeat, and another of their phones may have gone on since.
    """
    record = await store.reader.get(collection.record, row.id)
    if record is None or record.deleted_at or record.updated_by != actor.user_id or row.assumed is None:
        return None
    names, assumed = writable(collection), filled(collection, row.assumed)
    now = filled(collection, row_of(collection, record))
    changed = delta(assumed, filled(collection, row.new), names)
    return None if differing(assumed, now, changed) else record.version


async def _apply_to_nothing(uow: UnitOfWork, collection: SyncedCollection, row: PushedRow) -> Applied:
    """Handle a row of which nothing is visible: a new record, or the edit of one that is gone."""
    if row.new.get("deleted"):
        return Applied(None, tell=False)
    if row.assumed is not None and not row.assumed.get("deleted"):
        raise NotFound(collection.record.kind, row.id)
    if checked_id(row.id) != row.id:
        raise InvalidInput(FieldError("id", "must be written in lower case, as UUIDs are here"))
    sent = {name: row.new[name] for name in writable(collection) if row.new.get(name) is not None}
    made = await collection.create(uow, fields_of(collection, sent), row.id)
    return Applied(made, tell=_believes_otherwise(uow.actor, collection, row, made))


async def _apply_deletion(
    uow: UnitOfWork, collection: SyncedCollection, row: PushedRow, current: Record
) -> Applied:
    version = (row.assumed or {}).get("version")
    if collection.keep_if_edited and isinstance(version, int):
        own = _last_set_by(uow.actor, current)
        edited = edited_since(version, current.field_versions, writable(collection), own)
        if edited:
            await _note_conflict(uow, collection, row, kept_message(edited), {})
            return Applied(current, tell=True)
    return Applied(await collection.delete(uow, row.id), tell=False)


async def _note_conflict(
    uow: UnitOfWork, collection: SyncedCollection, row: PushedRow, message: str, lost: Mapping[str, Any]
) -> None:
    await reject(
        uow,
        key=row.key(collection.record.kind),
        collection=camel(collection.name),
        kind=collection.record.kind,
        record_id=row.id,
        reason="conflict",
        message=message,
        lost=lost,
    )


async def _apply_changes(
    uow: UnitOfWork, collection: SyncedCollection, row: PushedRow, current: Record
) -> Applied:
    before = filled(collection, row_of(collection, current))
    assumed, new = filled(collection, row.assumed or {}), filled(collection, row.new)
    own = _last_set_by(uow.actor, current)
    merged = merge(assumed, new, before, writable(collection), own, policies(collection))
    changed = current
    if merged.accepted:
        changed = await collection.update(uow, row.id, fields_of(collection, merged.accepted))
    if merged.lost:
        await _note_conflict(uow, collection, row, lost_message(sorted(merged.lost)), merged.lost)
    # When nothing was accepted, it may have changed what only the server changes: show it all of that, too.
    return Applied(
        changed, tell=not merged.accepted or _believes_otherwise(uow.actor, collection, row, changed)
    )


def _last_set_by(actor: Actor, record: Record) -> set[str]:
    """Return the fields that ``actor`` set with the record's last change, if it made that."""
    if record.updated_by != actor.user_id:
        return set()
    return record.fields_of_last_change()


def _believes_otherwise(actor: Actor, collection: SyncedCollection, row: PushedRow, record: Record) -> bool:
    """Tell whether the phone's row is not the record as ``actor`` may see it.

    Also in what its field rules keep back: a phone may still show what it was told under other rules.
    """
    rules = actor.mask(record.kind)
    if rules.unseen:
        record = record.model_copy()
        veil(record, rules)
    return bool(differing(row.new, row_of(collection, record), writable(collection)))


async def _refuse(
    store: Store, actor: Actor, collection: SyncedCollection, row: PushedRow, refusal: CRMError
) -> Row:
    """Note a refusal for the author and return the row as it is now."""
    names = writable(collection)
    lost = {
        name: row.new.get(name)
        for name in delta(filled(collection, row.assumed or {}), filled(collection, row.new), names)
    }

    async def note(uow: UnitOfWork) -> None:
        await reject(
            uow,
            key=row.key(collection.record.kind),
            collection=camel(collection.name),
            kind=collection.record.kind,
            record_id=row.id,
            reason=refusal.code.lower(),
            message=str(refusal),
            lost=lost,
        )

    await store.write(actor, note)
    return await _as_seen(store, actor, collection, row.id)


async def _current(uow: UnitOfWork, collection: SyncedCollection, id: str) -> Record | None:
    try:
        return await uow.access(collection.record, id)
    except NotFound:
        return None


async def _as_seen(store: Store, actor: Actor, collection: SyncedCollection, id: str) -> Row:
    """Return the row of ``id`` as ``actor`` may see it: a tombstone when it may not, or there is none."""
    record = await store.reader.get(collection.record, id)
    seen = store.reader.seen(actor, record) if record and not record.deleted_at else None
    return row_of(collection, seen) if seen else tombstone(collection, id)
