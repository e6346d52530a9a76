"""WatermelonDB's sync protocol on the house's engine (docs/adr/0009).

Its one number is a place (``places``). All rows go as ``updated``: the phone passes
``sendCreatedAsUpdated``. Business refusals are no errors: a refused row is noted for its author, and the
next pull brings, with the note, the record as it is. ``experimentalRejectedIds`` names only what a later
push of the same row can mend.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.core.access import Actor
from backend.core.errors import CheckpointExpired, CRMError
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from mobile_sync.documents import SyncRejection
from mobile_sync.edits import Edit, Op, apply_edits
from mobile_sync.feed import FeedPage, Place, pull_feed
from mobile_sync.lines import line_of, names_of, row_from
from mobile_sync.places import Places
from mobile_sync.pull import Change
from mobile_sync.rejections import REJECTIONS
from mobile_sync.rows import stable_text
from mobile_sync.seen import lines_as_seen
from mobile_sync.watermelon_rows import raw_of, table_of, values_of
from mobile_sync.wording import camel, clean

MOST_ROWS = 10_000  # in one answer, but where a phone starts again
MOST_EDITS = 2_000  # in one push; what is beyond stays on the phone for the next

Tables = Mapping[str, SyncedCollection]


@dataclass(frozen=True, kw_only=True)
class TableChanges:
    """What a phone changed in one table."""

    created: Sequence[Mapping[str, Any]] = ()
    updated: Sequence[Mapping[str, Any]] = ()
    deleted: Sequence[str] = ()


@dataclass(kw_only=True)
class Answer:
    """An answer to a pull in the making: rows and ids by table."""

    updated: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: dict[str, list[str]] = field(default_factory=dict)

    def add(self, change: Change) -> None:
        table = table_of(change.collection)
        if change.line is None:
            self.deleted.setdefault(table, []).append(change.id)
        else:
            row = row_from(names_of(change.collection), change.line)
            self.updated.setdefault(table, {})[change.id] = raw_of(change.collection, row)

    def changes(self, tables: Sequence[str]) -> dict[str, Any]:
        """Return WatermelonDB's ``changes`` of ``tables``."""
        return {
            table: {
                "created": [],
                "updated": list(self.updated.get(table, {}).values()),
                "deleted": self.deleted.get(table, []),
            }
            for table in tables
        }


class Watermelon:
    """The facade over all collections, parents first."""

    def __init__(self, collections: Sequence[SyncedCollection], store: Store, places: Places) -> None:
        self._collections = collections
        self._tables: Tables = {table_of(one): one for one in self._collections}
        self._names = {camel(one.name): one for one in self._collections}
        self._store, self._places = store, places

    async def pull(
        self,
        actor: Actor,
        last_pulled_at: int | None,
        *,
        tables: Sequence[str] | None = None,
        whole: Sequence[str] = (),
        limit: int = MOST_ROWS,
    ) -> dict[str, Any]:
        """Return what changed since ``last_pulled_at``, in ``tables`` (all); ``whole`` ones are sent whole.

        ``hasMore`` says that ``limit`` was reached: the phone synchronises again at once. A number that is
        not known any more is answered with everything at once, to replace what the phone holds.
        """
        wanted = [one for one in self._collections if tables is None or table_of(one) in tables]
        try:
            place = await self._places.find(actor, last_pulled_at) if last_pulled_at else None
            anew = {self._tables[table].name for table in whole if table in self._tables}
            start = place.without(anew) if place else None
            page = await pull_feed(self._store.reader, actor, wanted, start, limit=limit)
        except CheckpointExpired:
            return await self._everything(actor, wanted)
        answer = Answer()
        for change in page.changes:
            answer.add(change)
        if place is not None:
            await self._correct(actor, page, answer, wanted)
        if not page.has_more:
            self._store.presence.pulled(actor, [one.record.kind for one in wanted], page.place.seq)
        number = await self._places.keep(actor, page.place)
        changed = [table_of(one) for one in wanted if table_of(one) in {*answer.updated, *answer.deleted}]
        return {"changes": answer.changes(changed), "timestamp": number, "hasMore": page.has_more}

    async def _everything(self, actor: Actor, wanted: Sequence[SyncedCollection]) -> dict[str, Any]:
        """Return all that a phone may hold, for it to replace what it has."""
        answer = Answer()
        changes: dict[tuple[str, str], Change] = {}
        page = await pull_feed(self._store.reader, actor, wanted, None, limit=MOST_ROWS)
        while True:
            changes |= {(change.collection.name, change.id): change for change in page.changes}
            if not page.has_more:
                break
            page = await pull_feed(self._store.reader, actor, wanted, page.place, limit=MOST_ROWS)
        for change in changes.values():
            if change.line is not None:
                answer.add(change)
        self._store.presence.pulled(actor, [one.record.kind for one in wanted], page.place.seq)
        return {
            "changes": answer.changes([table_of(one) for one in wanted]),
            "timestamp": await self._places.keep(actor, page.place),
            "experimentalStrategy": "replacement",
            "hasMore": False,
        }

    async def _correct(
        self, actor: Actor, page: FeedPage, answer: Answer, wanted: Sequence[SyncedCollection]
    ) -> None:
        """Add the present state of every record of which an edit was refused since.

        The phone took its edit for accepted, and the record itself did not change.
        """
        notes = [
            row_from(names_of(REJECTIONS), change.line)
            for change in page.changes
            if change.line is not None and change.collection.record is SyncRejection
        ]
        for note in notes:
            collection = self._names.get(note["collection_name"])
            if collection not in wanted or collection is None:
                continue
            table, id = table_of(collection), note["record_id"]
            if id in answer.updated.get(table, {}) or id in answer.deleted.get(table, []):
                continue
            record = await self._store.reader.get(collection.record, id)
            seen = self._store.reader.seen(actor, record) if record and not record.deleted_at else None
            held = line_of(collection, names_of(collection), seen) if seen else None
            [line] = await lines_as_seen(self._store.reader, actor, collection, [held])
            answer.add(Change(collection=collection, id=id, version=page.newest, line=line))

    async def push(
        self, actor: Actor, changes: Mapping[str, TableChanges], last_pulled_at: int
    ) -> dict[str, Any]:
        """Apply what a phone changed; return ``{}``, or the ids of rows to be pushed again.

        Tables that are not synced are left alone. Raise CheckpointExpired for a number that is not known:
        the phone must pull first.
        """
        place = await self._places.find(actor, last_pulled_at)
        edits = [
            replace(edit, mutation=derived_id(edit.note, str(last_pulled_at)))
            for table, collection in self._tables.items()
            for edit in _edits(collection, changes.get(table, TableChanges()), place)
        ]
        taken, rest = edits[:MOST_EDITS], edits[MOST_EDITS:]
        verdicts = await apply_edits(self._store, actor, taken)
        again = [edit for edit, verdict in zip(taken, verdicts, strict=True) if isinstance(verdict, CRMError)]
        rejected: dict[str, list[str]] = {}
        for edit in (*again, *rest):
            rejected.setdefault(table_of(edit.collection), []).append(edit.id)
        return {"experimentalRejectedIds": rejected} if rejected else {}


def _edits(collection: SyncedCollection, changes: TableChanges, place: Place) -> Iterator[Edit]:
    known = place.known_up_to(collection.name)
    for raw in (*changes.created, *changes.updated):
        id = clean(str(raw["id"]))
        op = Op.CREATE if raw.get("_status") == "created" else Op.PATCH
        version = raw.get("version")
        values = values_of(collection, raw)
        yield Edit(
            collection=collection,
            id=id,
            op=op,
            mutation="",
            note=_name(collection, id, op, values),
            values=values,
            version=version if isinstance(version, int) and 0 < version <= known else known,
        )
    for id in map(clean, changes.deleted):
        note = _name(collection, id, Op.DELETE, {})
        yield Edit(
            collection=collection, id=id, op=Op.DELETE, mutation="", note=note, values={}, version=known
        )


def _name(collection: SyncedCollection, id: str, op: Op, values: Mapping[str, Any]) -> str:
    return derived_id("watermelon", collection.name, id, op, stable_text(values))
