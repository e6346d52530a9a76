"""The relay: hands ledger entries to listeners, in order, at least once.

Each listener has its own place in each workspace's ledger, so that one that fails holds up nobody
else. It works under a lease; progress is stored after the listener has returned. A failure is tried
again with growing pauses; after ``PATIENCE`` tries the entry is parked, health shows it, and the
listener goes on with the next.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from backend.core.events import DomainEvent
from backend.core.leases import drop_leases, take_lease
from backend.core.ledger import LEDGER, LedgerEntry, entries_of
from backend.core.metrics import RELAY_LAG, RELAY_PARKED
from backend.core.sequencer import LARGEST_BATCH
from backend.core.store import Store

log = structlog.get_logger()

PROGRESS, PARKED = "relay_progress", "relay_parked"
LEASE = timedelta(seconds=30)
ASK_AGAIN = timedelta(seconds=2)  # for a lease that another process holds; longer where nothing happens
LOOK_AT_LEAST_EVERY = timedelta(seconds=1)
GATHERED = timedelta(milliseconds=100)  # how long after a commit listeners begin
PATIENCE = 8  # tries of one entry: with the pauses below, about a minute
FIRST_PAUSE = timedelta(milliseconds=200)
LONGEST_PAUSE = timedelta(seconds=30)
COMMITS_AT_ONCE = 200
MOST_IN_A_TURN = 50  # deliveries to one listener in one workspace, before its other workspaces have theirs
STORED_EVERY = timedelta(milliseconds=200)  # what was handed out since then is repeated after a crash


@dataclass(frozen=True)
class Delivery:
    """What a listener receives: the entry and the event it announces."""

    entry: LedgerEntry
    event: DomainEvent


Listener = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A listener by its lasting name, and the events that it wants."""

    name: str
    events: frozenset[type[DomainEvent]]
    listener: Listener


@dataclass
class _Place:
    """How far a listener has come in one workspace: through ``seq``, and ``done`` entries of the next."""

    seq: int = 0
    done: int = 0
    tries: int = 0
    next_at: datetime | None = None
    stored_seq: int = 0

    def row(self, listener: str) -> dict[str, Any]:
        """Return this place as it is stored."""
        row = {"listener": listener, "seq": self.seq, "done": self.done, "tries": self.tries}
        return row if self.next_at is None else {**row, "next_at": self.next_at}


@dataclass(frozen=True)
class _Read:
    """A commit as all listeners share it; ``events`` says at once whether one of them is concerned."""

    seq: int
    entries: Sequence[LedgerEntry]
    events: frozenset[type[DomainEvent]]

    @classmethod
    def of(cls, commit: Mapping[str, Any], workspace_id: str) -> "_Read":
        entries = entries_of(commit, workspace_id)
        known = (DomainEvent.registry.get(entry.event) for entry in entries)
        return cls(commit["seq"], entries, frozenset(event for event in known if event is not None))


@dataclass(frozen=True)
class _HeldByOther:
    """A workspace whose lease another process had when its newest commit was ``newest``."""

    newest: int
    pause: timedelta
    ask_at: datetime


class Relay:
    """Run the subscriptions of this process until cancelled.

    ``group`` names this set of subscriptions: of all processes with the same group, one at a time works in
    a workspace.
    """

    def __init__(
        self, store: Store, subscriptions: Sequence[Subscription], owner: str, *, group: str = "house"
    ) -> None:
        self._store, self._owner, self._group = store, owner, group
        self._subscriptions = subscriptions
        self._database: AsyncDatabase[Any] = store.database
        self._places: dict[str, dict[str, _Place]] = {}  # by workspace, of those that we serve; by listener
        self._moved: set[str] = set()  # workspaces whose places are to be stored
        self._something_moved = asyncio.Event()
        self._held_until: dict[str, datetime] = {}
        self._held_by_others: dict[str, _HeldByOther] = {}
        self._behind = {one.name: store.bell.follow() for one in subscriptions}
        self._leasing = asyncio.Lock()
        self._passing = {one.name: asyncio.Lock() for one in subscriptions}
        self._windows: dict[str, tuple[int, int, asyncio.Future[list[_Read]]]] = {}

    async def run(self) -> None:
        """Hand out entries as commits arrive; each listener at its own pace."""
        async with asyncio.TaskGroup() as tasks:
            for subscription in self._subscriptions:
                tasks.create_task(self._serve(subscription), name=f"relay {subscription.name}")
            tasks.create_task(self._keep_storing(), name="relay places")

    async def settle(self) -> None:
        """Return when every listener has seen everything or waits for its next try (tests, seeding)."""
        await self._store.bell.look()
        while any([await self._pass(subscription) for subscription in self._subscriptions]):
            await self._store.bell.look()
        await self._store_places()

    async def stop(self) -> None:
        """Store every place and give the leases back, so that another process goes on at once."""
        self._moved |= {
            workspace_id
            for workspace_id, places in self._places.items()
            if any(place.seq != place.stored_seq for place in places.values())
        }
        await self._store_places()
        await drop_leases(self._database, map(self._lease, self._held_until), self._owner)
        self._places.clear()
        self._held_until.clear()

    async def _serve(self, subscription: Subscription) -> None:
        with self._store.bell.anywhere() as event:
            while True:
                event.clear()
                try:
                    if not await self._pass(subscription):
                        async with asyncio.timeout(LOOK_AT_LEAST_EVERY.total_seconds()):
                            await event.wait()
                        # A burst of commits is read once, by all listeners together.
                        await asyncio.sleep(GATHERED.total_seconds())
                except TimeoutError:
                    continue
                except PyMongoError as error:
                    log.warning("relay.store_away", listener=subscription.name, error=str(error))
                    await asyncio.sleep(LOOK_AT_LEAST_EVERY.total_seconds())

    async def _pass(self, subscription: Subscription) -> bool:
        """Hand this listener what is new everywhere; True when it moved."""
        # One pass at a time: two that hand out the same commit would count its entries twice, and pass over
        # the first of the next.
        async with self._passing[subscription.name]:
            return await self._hand_what_is_new(subscription)

    async def _hand_what_is_new(self, subscription: Subscription) -> bool:
        moved, behind = False, self._behind[subscription.name]
        for workspace_id in sorted(behind):
            known = self._places.get(workspace_id, {}).get(subscription.name)
            if known is not None and self._must_wait(known):
                continue
            if await self._holds(workspace_id):
                place = self._places[workspace_id].setdefault(subscription.name, _Place())
                newest = self._store.bell.newest(workspace_id)
                moved |= await self._hand_out(subscription, workspace_id, place, newest)
                if place.seq >= self._store.bell.newest(workspace_id):
                    behind.discard(workspace_id)
        return moved

    def _must_wait(self, place: _Place) -> bool:
        return place.next_at is not None and place.next_at > self._store.clock.now()

    def _lease(self, workspace_id: str) -> str:
        return f"relay|{self._group}|{workspace_id}"

    async def _holds(self, workspace_id: str) -> bool:
        """Keep this workspace's lease; without it, forget the places: another process moves them now."""
        if self._is_held(workspace_id):
            return True
        # One listener asks for all: of two that make the first lease at once, one would take the other's
        # for another process's.
        async with self._leasing:
            return self._is_held(workspace_id) or await self._take_lease(workspace_id)

    def _is_held(self, workspace_id: str) -> bool:
        now = self._store.clock.now()
        return self._held_until.get(workspace_id, now) - now > LEASE / 2

    async def _take_lease(self, workspace_id: str) -> bool:
        now = self._store.clock.now()
        other, newest = self._held_by_others.get(workspace_id), self._store.bell.newest(workspace_id)
        if other is not None and other.ask_at > now:
            return False
        if await take_lease(self._database, self._lease(workspace_id), self._owner, now=now, length=LEASE):
            # A lease that had run out may have been another's meanwhile.
            if workspace_id not in self._places or self._held_until.get(workspace_id, now) <= now:
                self._places[workspace_id] = await self._stored_places(workspace_id)
            self._held_until[workspace_id] = now + LEASE
            self._held_by_others.pop(workspace_id, None)
            return True
        quiet = other is not None and other.newest == newest
        pause = min(LEASE, other.pause * 2) if other is not None and quiet else ASK_AGAIN
        self._held_by_others[workspace_id] = _HeldByOther(newest, pause, now + pause)
        self._held_until.pop(workspace_id, None)
        self._places.pop(workspace_id, None)
        self._moved.discard(workspace_id)
        return False

    async def _hand_out(
        self, subscription: Subscription, workspace_id: str, place: _Place, newest: int
    ) -> bool:
        if place.seq >= newest or self._must_wait(place):
            return False
        RELAY_LAG.labels(subscription.name).set(newest - place.seq)
        until = min(newest, place.seq + COMMITS_AT_ONCE)
        commits = await self._window(workspace_id, place.seq, until)
        wanted = 0
        for commit in commits:
            concerned = not commit.events.isdisjoint(subscription.events)
            for entry in commit.entries[place.done :] if concerned else ():
                event = DomainEvent.registry.get(entry.event)
                if event in subscription.events:
                    wanted += 1
                    if not await self._deliver(subscription, entry, event.model_validate(entry.data), place):
                        self._note_moved(workspace_id)
                        return False
                place.done += 1
            place.seq, place.done = commit.seq, 0
            if wanted >= MOST_IN_A_TURN:
                break
        else:
            place.seq = max(place.seq, until)  # numbers without a commit: a transaction was given up
        RELAY_LAG.labels(subscription.name).set(newest - place.seq)
        if wanted or place.seq - place.stored_seq >= COMMITS_AT_ONCE:
            self._note_moved(workspace_id)
        return True

    async def _window(self, workspace_id: str, after: int, until: int) -> list["_Read"]:
        """Return the commits in (after, until], in order; listeners in step share one read."""
        known = self._windows.get(workspace_id)
        if known and known[:2] == (after, until):
            return await known[2]
        reading = asyncio.ensure_future(self._read(workspace_id, after, until))
        self._windows[workspace_id] = mine = (after, until, reading)
        try:
            return await reading
        except BaseException:  # the store was away: the next who asks reads for itself
            if self._windows.get(workspace_id) is mine:
                del self._windows[workspace_id]
            raise

    async def _read(self, workspace_id: str, after: int, until: int) -> list["_Read"]:
        commits = self._store.reader.own.written(workspace_id, after=after, until=until)
        if commits is None:
            # A transaction's document is found by its last number, so look a batch further.
            window = {"$gt": after, "$lte": until + LARGEST_BATCH}
            rows = self._database[LEDGER].find({"workspace_id": workspace_id, "seq": window}).sort("seq", 1)
            found = [commit for row in await rows.to_list() for commit in row["commits"]]
            commits = [commit for commit in found if after < commit["seq"] <= until]
        return [_Read.of(commit, workspace_id) for commit in commits]

    async def _deliver(
        self, subscription: Subscription, entry: LedgerEntry, event: DomainEvent, place: _Place
    ) -> bool:
        """Hand over one entry; False when it failed and must wait for its next try."""
        try:
            await subscription.listener(Delivery(entry, event))
        except Exception as error:  # any failure of a listener is tried again, then parked and shown
            place.tries += 1
            log.warning(
                "relay.failed", listener=subscription.name, key=entry.key, tries=place.tries, exc_info=error
            )
            if place.tries < PATIENCE:
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (place.tries - 1))
                place.next_at = self._store.clock.now() + pause
                return False
            await self._park(subscription, entry, error)
        place.tries, place.next_at = 0, None
        return True

    async def _park(self, subscription: Subscription, entry: LedgerEntry, error: Exception) -> None:
        parked = {
            "workspace_id": entry.workspace_id,
            "listener": subscription.name,
            "key": entry.key,
            "event": entry.event,
            "error": repr(error),
            "at": self._store.clock.now(),
        }
        await self._database[PARKED].replace_one(
            {"_id": f"{subscription.name}|{entry.key}"}, parked, upsert=True
        )
        RELAY_PARKED.labels(subscription.name).inc()

    def _note_moved(self, workspace_id: str) -> None:
        self._moved.add(workspace_id)
        self._something_moved.set()

    async def _keep_storing(self) -> None:
        """Store places some time after they have moved: many moves, one write."""
        while True:
            await self._something_moved.wait()
            await asyncio.sleep(STORED_EVERY.total_seconds())
            try:
                await self._store_places()
            except PyMongoError as error:
                log.warning("relay.store_away", error=str(error))

    async def _store_places(self) -> None:
        """Store the places that have moved, one document for each workspace."""
        moved, self._moved = self._moved & self._places.keys(), set()
        self._something_moved.clear()
        if not moved:
            return
        written = {one: [place.row(name) for name, place in self._places[one].items()] for one in moved}
        replaced = [
            ReplaceOne({"_id": self._row(one)}, {"places": places}, upsert=True)
            for one, places in written.items()
        ]
        try:
            await self._database[PROGRESS].bulk_write(replaced, ordered=False)
        except BaseException:
            self._moved |= moved
            self._something_moved.set()
            raise
        for one, places in written.items():
            for place in places:
                if known := self._places.get(one, {}).get(place["listener"]):
                    known.stored_seq = place["seq"]

    def _row(self, workspace_id: str) -> str:
        return f"{self._group}|{workspace_id}"

    async def _stored_places(self, workspace_id: str) -> dict[str, _Place]:
        """Return every listener's place, also of those that only another version of the house has."""
        row = await self._database[PROGRESS].find_one({"_id": self._row(workspace_id)})
        stored = row["places"] if row else []
        return {
            one.pop("listener"): _Place(**one, stored_seq=one["seq"]) for one in map(dict[str, Any], stored)
        }


async def parked_entries(database: AsyncDatabase[Any], *, limit: int = 100) -> list[dict[str, Any]]:
    """Return what listeners gave up on, for health and for people."""
    return await database[PARKED].find({}).limit(limit).to_list()
