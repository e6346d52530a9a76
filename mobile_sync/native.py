"""The native protocol: one cursor for all collections, changes as JSON, a verdict for each mutation.

What a phone that starts again must know comes as a reason in the page and never as an error: it empties
itself and goes on with the page that it has in its hands.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backend.core.access import Actor
from backend.core.errors import CheckpointExpired, CRMError, FieldError, InvalidInput
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from mobile_sync.edits import Edit, Op, Status, Verdict, apply_edits
from mobile_sync.feed import FeedPage, Place, pull_feed
from mobile_sync.lines import document, line_of_gone, names_of
from mobile_sync.native_schemas import SCHEMA_VERSION
from mobile_sync.places import Places, read_number, write_number
from mobile_sync.pull import Change
from mobile_sync.rows import Row, row_of
from mobile_sync.seen import show_as_seen
from mobile_sync.wording import camel, snake

MOST_CHANGES = 1_000  # in a page over GraphQL
MOST_MUTATIONS = 500  # in one push
BUCKETS = 16


class ResyncReason(StrEnum):
    """Why a phone must forget what it holds before it takes this page."""

    EXPIRED = "expired"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page in the making: ``cursor`` is the place after it, ``watermark`` the commit it is up to."""

    changes: list[Change]
    cursor: str
    has_more: bool
    watermark: int
    resync: ResyncReason | None


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One edit as a phone sends it, not yet looked at."""

    id: str
    collection: str
    doc_id: str
    op: Op
    base_version: int | None = None
    base: Any = None
    patch: Any = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a phone is told of one mutation: its verdict and the record as it is, None when it sees none."""

    id: str
    verdict: Verdict
    doc: Row | None


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What a phone with this collection up to ``watermark`` must hold."""

    count: int
    digest: str
    buckets: list[str]
    watermark: int


class Native:
    """The facade over all collections, parents first."""

    def __init__(
        self, collections: Sequence[SyncedCollection], store: Store, places: Places, key: str
    ) -> None:
        self._collections = collections
        self._by_name = {camel(collection.name): collection for collection in collections}
        self._store, self._places, self._key = store, places, key

    async def pull(
        self, actor: Actor, cursor: str | None, names: Sequence[str] | None, *, limit: int, most: int
    ) -> Page:
        """Return the page after ``cursor`` (None: from the start) of the collections ``names`` (all).

        Raise InvalidInput for a limit out of range or a collection that there is not.
        """
        if not 1 <= limit <= most:
            raise InvalidInput(FieldError("limit", f"must be 1 to {most}"))
        wanted = self._wanted(names)
        place, resync = await self.place(actor, cursor)
        try:
            page = await pull_feed(self._store.reader, actor, wanted, place, limit=limit)
        except CheckpointExpired:
            resync = ResyncReason.EXPIRED
            page = await pull_feed(self._store.reader, actor, wanted, None, limit=limit)
        if not page.has_more:
            self._store.presence.pulled(actor, [one.record.kind for one in wanted], page.place.seq)
        return Page(
            changes=page.changes,
            cursor=write_number(await self._places.keep(actor, page.place), self._key, actor),
            has_more=page.has_more,
            watermark=page.place.seq,
            resync=resync,
        )

    def _wanted(self, names: Sequence[str] | None) -> list[SyncedCollection]:
        unknown = sorted(set(names or ()) - set(self._by_name))
        if unknown:
            raise InvalidInput(FieldError("collections", f"has no {', '.join(unknown)}; see syncSchema"))
        return [one for one in self._collections if names is None or camel(one.name) in names]

    async def place(self, actor: Actor, cursor: str | None) -> tuple[Place | None, ResyncReason | None]:
        """Return the place that ``cursor`` names, or why it names none any more."""
        if not cursor:
            return None, None
        try:
            return await self._places.find(actor, read_number(cursor, self._key, actor)), None
        except InvalidInput:
            return None, ResyncReason.FOREIGN
        except CheckpointExpired:
            return None, ResyncReason.EXPIRED

    async def push(self, actor: Actor, client_id: str, mutations: Sequence[Mutation]) -> list[Told]:
        """Apply ``mutations``; return what became of each, in their order.

        Raise InvalidInput for too many of them, or for an id that comes twice. What a retry can mend goes
        up for the whole push: what was applied by then is recognised when it comes again.
        """
        if len(mutations) > MOST_MUTATIONS:
            raise InvalidInput(
                FieldError("mutations", f"are more than {MOST_MUTATIONS}; push in smaller batches")
            )
        if len({one.id for one in mutations}) < len(mutations):
            raise InvalidInput(FieldError("mutations", "have an id twice; make a new one for each edit"))
        edits = [self._edit(client_id, one) for one in mutations]
        sound = [edit for edit in edits if isinstance(edit, Edit)]
        verdicts = iter(await apply_edits(self._store, actor, sound))
        told = [(edit, next(verdicts) if isinstance(edit, Edit) else edit) for edit in edits]
        return await asyncio.gather(
            *(self._told(actor, one.id, *said) for one, said in zip(mutations, told, strict=True))
        )

    async def _told(self, actor: Actor, id: str, edit: Edit | Verdict, verdict: Verdict | CRMError) -> Told:
        """Return what a phone is told of a mutation; raise what a retry can mend."""
        if isinstance(verdict, CRMError):
            raise verdict
        return Told(
            id=id,
            verdict=verdict,
            doc=await self._doc(actor, edit, verdict) if isinstance(edit, Edit) else None,
        )

    def _edit(self, client_id: str, mutation: Mutation) -> Edit | Verdict:
        """Return a mutation as an edit, or its verdict when it is none."""
        collection = self._by_name.get(mutation.collection)
        if collection is None:
            return _rejected("c", f"is no collection: {mutation.collection[:60]}; see syncSchema")
        for name, value in (("patch", mutation.patch), ("base", mutation.base)):
            if value is not None and not isinstance(value, Mapping):
                return _rejected(name, "must be an object of columns")
        key = derived_id("native", client_id, mutation.id)
        return Edit(
            collection=collection,
            id=mutation.doc_id,
            op=mutation.op,
            mutation=key,
            note=key,
            values=_snake_row(mutation.patch or {}),
            base=_snake_row(mutation.base) if mutation.base is not None else None,
            version=mutation.base_version,
        )

    async def _doc(self, actor: Actor, edit: Edit, verdict: Verdict) -> Row | None:
        record = verdict.record or await self._store.reader.get(edit.collection.record, edit.id)
        seen = self._store.reader.seen(actor, record) if record and not record.deleted_at else None
        if seen is None:
            return None
        row = row_of(edit.collection, seen)
        await show_as_seen(self._store.reader, actor, edit.collection, [row])
        return document(names_of(edit.collection), row)

    async def digest(self, actor: Actor, name: str) -> Digest:
        """Return what a phone must hold of a collection: as a first pull would leave it."""
        wanted = self._wanted([name])
        held: dict[str, int] = {}
        page = await self._page(actor, wanted, None, held)
        while page.has_more:
            page = await self._page(actor, wanted, page.place, held)
        parts = [{id: at for id, at in held.items() if _bucket(id) == number} for number in range(BUCKETS)]
        return Digest(
            count=len(held),
            digest=digest_of(held),
            buckets=[digest_of(part) for part in parts],
            watermark=page.place.seq,
        )

    async def _page(
        self, actor: Actor, wanted: list[SyncedCollection], place: Place | None, held: dict[str, int]
    ) -> FeedPage:
        page = await pull_feed(self._store.reader, actor, wanted, place, limit=MOST_CHANGES)
        for change in page.changes:
            held.pop(change.id, None)
            if change.line is not None:
                held[change.id] = change.version
        return page


def lines(changes: Sequence[Change]) -> Iterator[bytes]:
    """Yield changes as they are sent, JSON: ``{c, id, v, d}``, or with ``x`` how the record went."""
    for change in changes:
        yield change.line or line_of_gone(
            change.collection, change.id, change.version, is_deleted=change.is_deleted
        )


def digest_of(held: Mapping[str, int]) -> str:
    """Return the SHA-256, in hexadecimal, of lines ``id:version`` in the order of the ids."""
    text = "".join(f"{id}:{held[id]}\n" for id in sorted(held))
    return hashlib.sha256(text.encode()).hexdigest()


def check_schema_version(version: int) -> None:
    """Raise InvalidInput for a phone that was built for a later server."""
    if version > SCHEMA_VERSION:
        raise InvalidInput(
            FieldError(
                "schemaVersion",
                f"{version} is later than this server's {SCHEMA_VERSION}; nothing was applied. "
                "Keep the edits and push them when the server is up to date",
            )
        )


def _bucket(id: str) -> int:
    return int(id[-1], BUCKETS)


def _snake_row(values: Mapping[str, Any]) -> Row:
    return {snake(name): value for name, value in values.items()}


def _rejected(field: str, message: str) -> Verdict:
    error = InvalidInput(FieldError(field, message))
    return Verdict(status=Status.REJECTED, code=error.code, message=str(error), field=field)
