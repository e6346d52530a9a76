"""The feed of a phone that keeps one place for all its collections: native and WatermelonDB.

A page has two parts. What a collection lacks below the place (a first sync, a collection asked for anew,
what its reader gained or lost) is walked collection by collection, those first that others refer to. Then
everything goes forward together, cut between two commits across all collections: a commit arrives whole.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from backend.core.access import Actor
from backend.core.errors import CheckpointExpired
from backend.core.hot_feed import HotRow
from backend.core.ledger import FeedEnd
from backend.core.reading import Reader, scopes_of
from backend.core.sync import SyncedCollection
from mobile_sync.cursor import Cursor, adapted
from mobile_sync.pull import Change, changed_records, changes_of, reached
from mobile_sync.rows import field_set


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a phone is: it has everything up to ``seq``, but for collections whose cursor is behind it.

    A collection without a cursor was never asked for.
    """

    epoch: int
    seq: int
    cursors: Mapping[str, Cursor] = field(default_factory=dict)

    def without(self, names: Collection[str]) -> "Place":
        """Return the place of a phone that needs the collections ``names`` anew."""
        kept = {name: cursor for name, cursor in self.cursors.items() if name not in names}
        return replace(self, cursors=kept)

    def known_up_to(self, name: str) -> int:
        """Return the commit whose state every row of a collection on the phone has at least."""
        cursor = self.cursors.get(name)
        return max(cursor.seq, cursor.since) if cursor else 0


@dataclass(frozen=True, kw_only=True)
class FeedPage:
    """Changes, each record once, and the place after them. ``newest`` was the feed's end meanwhile."""

    changes: list[Change]
    place: Place
    newest: int
    has_more: bool


def parents_first(collections: Sequence[SyncedCollection]) -> list[SyncedCollection]:
    """Return ``collections`` so that what others name in a column (``account_id``) stands before them.

    Otherwise by priority, then as declared. Columns that only the server writes do not count: they point
    back.
    """
    by_name = {collection.name: collection for collection in collections}
    declared = {name: place for place, name in enumerate(by_name)}
    graph = {
        name: [
            one
            for one in by_name
            if any(f.name == f"{one}_id" and not f.server_owned for f in collection.fields) and one != name
        ]
        for name, collection in by_name.items()
    }
    sorter = TopologicalSorter(graph)
    waiting: list[str] = []
    ordered: list[SyncedCollection] = []
    try:
        sorter.prepare()
    except CycleError as error:
        loop = ", ".join(error.args[1])
        raise ValueError(
            f"the collections {loop} refer to one another; show one of the columns only"
        ) from None
    while sorter.is_active():
        waiting += sorter.get_ready()
        waiting.sort(key=lambda name: (by_name[name].priority, declared[name]))
        ordered.append(by_name[waiting.pop(0)])
        sorter.done(ordered[-1].name)
    return ordered


async def pull_feed(
    reader: Reader,
    actor: Actor,
    collections: Sequence[SyncedCollection],
    given: Place | None,
    *,
    limit: int,
) -> FeedPage:
    """Return the page of ``collections`` (parents first) after ``given``; None: from the start.

    Raise CheckpointExpired when the server went back to a backup since, or it is too old.
    """
    end = await reader.feed_end(actor.workspace_id)
    place = given or Place(epoch=end.epoch, seq=end.newest)
    _check_still_valid(place, collections, end)
    walk = _Walk(reader, actor, collections, place, end.newest, limit)
    if await walk.fill():
        await walk.go_forward()
        await walk.drop_lost()
    return FeedPage(
        changes=list(walk.changes.values()), place=walk.place(), newest=end.newest, has_more=walk.has_more
    )


async def present_place(reader: Reader, actor: Actor, collections: Sequence[SyncedCollection]) -> Place:
    """Return the place of a phone that has everything now."""
    epoch, newest, _ = await reader.feed_end(actor.workspace_id)
    cursors = {
        one.name: Cursor(
            epoch=epoch,
            seq=newest,
            since=newest,
            scopes=scopes_of(actor, one.record),
            fields=field_set(one, actor),
        )
        for one in collections
    }
    return Place(epoch=epoch, seq=newest, cursors=cursors)


def _check_still_valid(place: Place, collections: Sequence[SyncedCollection], end: FeedEnd) -> None:
    """Raise CheckpointExpired for a place that nothing can be added to any more."""
    if place.epoch != end.epoch or place.seq > end.newest:
        raise CheckpointExpired(
            "The server was restored from a backup since; empty the phone and pull without a cursor."
        )
    held = [place.known_up_to(one.name) for one in collections if one.name in place.cursors]
    if min((place.seq, *held)) < end.oldest:
        raise CheckpointExpired(
            "What was deleted since this place is not known any more; empty the phone and pull without one."
        )


class _Walk:
    """One page under way."""

    def __init__(
        self,
        reader: Reader,
        actor: Actor,
        collections: Sequence[SyncedCollection],
        place: Place,
        newest: int,
        limit: int,
    ) -> None:
        self._reader, self._actor, self._collections = reader, actor, collections
        self._newest, self._limit, self._epoch = newest, limit, place.epoch
        self._seq = place.seq
        self._kept = dict(place.cursors)
        self._cursors = {one.name: self._start(one, place) for one in collections}
        self.changes: dict[tuple[str, str], Change] = {}

    def _start(self, collection: SyncedCollection, place: Place) -> Cursor:
        scopes = scopes_of(self._actor, collection.record)
        fields = field_set(collection, self._actor)
        empty = Cursor(epoch=place.epoch, seq=0, since=place.seq, scopes=scopes, gained=scopes, fields=fields)
        return adapted(place.cursors.get(collection.name, empty), scopes, fields)

    def place(self) -> Place:
        return Place(epoch=self._epoch, seq=self._seq, cursors=self._kept | self._cursors)

    @property
    def has_more(self) -> bool:
        """Tell whether anything asked for is still behind the newest commit."""
        return self._seq < self._newest or any(one.seq < self._seq for one in self._cursors.values())

    async def fill(self) -> bool:
        """Bring each collection up to the place; False when the page is full before."""
        for collection in self._collections:
            start = self._cursors[collection.name]
            while start.seq < self._seq:
                if len(self.changes) >= self._limit:
                    return False
                found, seq = await changed_records(
                    self._reader,
                    self._actor,
                    collection,
                    start,
                    newest=self._seq,
                    limit=self._room,
                    end=self._newest,
                )
                await self._take(collection, found, seq)
                start = self._cursors[collection.name]
        return len(self.changes) < self._limit or self._seq == self._newest

    async def go_forward(self) -> None:
        """Go on with all collections together, to the newest commit or to where the page is full."""
        if self._seq == self._newest:
            return
        moved = await self._moved()
        looked = await asyncio.gather(
            *(
                changed_records(
                    self._reader,
                    self._actor,
                    collection,
                    self._cursors[collection.name],
                    newest=self._newest,
                    limit=self._room,
                )
                for collection in moved
            )
        )
        cut = min((seq for _, seq in looked), default=self._newest)
        versions = sorted(one.version for found, _ in looked for one in found if one.version <= cut)
        if len(versions) > self._room:
            cut = versions[self._room - 1]
        for collection, (found, _) in zip(moved, looked, strict=True):
            await self._take(collection, [one for one in found if one.version <= cut], cut)
        for collection in self._collections:
            self._cursors[collection.name] = reached(self._cursors[collection.name], cut)
        self._seq = cut

    async def _moved(self) -> list[SyncedCollection]:
        """Return the collections of which anything was committed since the place."""
        kinds = await self._reader.kinds_changed(
            self._actor.workspace_id, after=self._seq, until=self._newest
        )
        return [one for one in self._collections if kinds is None or one.record.kind in kinds]

    async def drop_lost(self) -> None:
        """Forget lost scopes once nothing of them can have run ahead of this walk: all was quiet."""
        if self._seq < self._newest or not any(cursor.lost for cursor in self._cursors.values()):
            return
        if (await self._reader.feed_end(self._actor.workspace_id)).newest == self._newest:
            self._cursors = {name: replace(cursor, lost=()) for name, cursor in self._cursors.items()}

    @property
    def _room(self) -> int:
        return max(1, self._limit - len(self.changes))

    async def _take(self, collection: SyncedCollection, found: list[HotRow], seq: int) -> None:
        start = self._cursors[collection.name]
        changes = await changes_of(self._reader, self._actor, collection, start, found, until=seq)
        # What is met again further on has changed meanwhile: the later one counts.
        self.changes |= {(collection.name, change.id): change for change in changes}
        self._cursors[collection.name] = reached(start, seq)
