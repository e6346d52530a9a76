"""Reading records: every query of the house passes here and carries the access predicate."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pymongo.asynchronous.database import AsyncDatabase

from backend.core.access import EVERYONE, Actor, predicate, reads
from backend.core.clock import Clock
from backend.core.encryption_filters import blind_filter, names_sealed_fields, refuse_sealed_order
from backend.core.encryption_keyring import Keyring
from backend.core.field_rules import veil
from backend.core.hot_feed import HotFeeds, HotRow
from backend.core.ledger import DEPARTURES, LEDGER, SEQUENCES, FeedEnd
from backend.core.lookups import TOGETHER, Lookups
from backend.core.own_commits import OwnCommits
from backend.core.records import Record
from backend.core.sharing import live_acl, reaches

R = TypeVar("R", bound=Record)
Sort = Sequence[tuple[str, int]]
ALIVE: Mapping[str, Any] = {"deleted_at": None}
DEAD: Mapping[str, Any] = {"deleted_at": {"$ne": None}}


SHARES = ("s:", "g:")  # what shares, and rules and territories, add to an acl for reading
NARROWEST_WINDOW = 64  # versions, for a first look: below this a query costs the same
WIDEST_STEP = 16  # how much wider than all before it a window may be
MOST_REMEMBERED = 10_000
MOST_LOOKED_THROUGH = 1_000  # commits: beyond, the kinds themselves are asked


class _Windows:
    """How dense a reader's records lie in the feed, remembered: a page takes one look and not five."""

    def __init__(self) -> None:
        self._density: dict[Any, float] = {}

    def width(self, key: Any, wanted: int, looked: int) -> int:
        """Return how many versions probably hold ``wanted`` records; ``looked`` were seen for this page."""
        density = self._density.get(key)
        if density is None:
            return max(NARROWEST_WINDOW, wanted)
        widest = WIDEST_STEP * (looked or max(wanted, NARROWEST_WINDOW) * WIDEST_STEP)
        return min(int(wanted / density * 1.15) + 1, widest)

    def note(self, key: Any, found: int, looked: int) -> None:
        if len(self._density) >= MOST_REMEMBERED:
            self._density.clear()
        # Nothing found is taken for less than one: the next window is wider, never endless.
        self._density[key] = max(found, 0.2) / looked


def scopes_of(actor: Actor, record: type[Record]) -> tuple[str, ...]:
    """Return the scopes in which ``actor`` reads a kind, without those that its records never carry."""
    shared = record.shareable or record.follows is not None
    return tuple(
        scope
        for scope in actor.scopes(record.kind)
        if scope == EVERYONE or scope.startswith(record.readers_are) or (shared and scope[:2] in SHARES)
    )


def check_readers(record: Record) -> None:
    """Raise AssertionError when ``record`` has a reader of a sort that its kind does not declare.

    Feeds never ask for what ``readers_are`` leaves out: whoever reads by it would not be shown the record.
    """
    known = (*record.readers_are, EVERYONE, *SHARES, "e:")
    if not all(reader.startswith(known) for reader in record.acl):
        raise AssertionError(
            f"{record.kind}.readers_are {record.readers_are} leaves out some of {record.acl}"
        )


def indexed_part(record: type[Record], where: Mapping[str, Any]) -> dict[str, Any]:
    """Return what in ``where`` an index of ``record`` begins with, the most that any does.

    Equalities, and behind them one field that is any of several values.
    """
    if "_id" in where:
        return {"_id": where["_id"]}
    equal = {name: value for name, value in where.items() if not isinstance(value, dict | list)}
    equal |= {
        name: one["$eq"] for name, one in where.items() if isinstance(one, dict) and set(one) == {"$eq"}
    }
    several = {name: one for name, one in where.items() if isinstance(one, dict) and set(one) == {"$in"}}
    best: dict[str, Any] = {}
    for index in record.get_settings().indexes or ():
        names = list(index.index.document["key"])
        usable = list(itertools.takewhile(equal.__contains__, names))
        usable += [name for name in names[len(usable) : len(usable) + 1] if name in several]
        if len(usable) > len(best):
            best = {name: where[name] for name in usable}
    return best or {"workspace_id": where["workspace_id"]}


class Reader:
    """Fetch records of one store."""

    def __init__(self, database: AsyncDatabase[Any], clock: Clock, keyring: Keyring) -> None:
        self._database, self.clock, self._keyring = database, clock, keyring
        self._windows, self._lookups = _Windows(), Lookups()
        self.own = OwnCommits()
        self.hot = HotFeeds(self.feed_window, self.by_ids)

    async def newest_version(self, workspace_id: str) -> int:
        """Return the newest committed sequence: every change up to it is readable."""
        row = await self._counter(workspace_id)
        return int(row["seq"]) if row else 0

    async def policy_version(self, workspace_id: str) -> int:
        """Return the version of the workspace's sharing policy."""
        row = await self._database[SEQUENCES].find_one({"_id": workspace_id}, {"policy": 1})
        return int(row.get("policy", 0)) if row else 0

    async def feed_end(self, workspace_id: str) -> FeedEnd:
        """Return where the feed ends, and from where on it is whole."""
        row = await self._counter(workspace_id)
        return FeedEnd(int(row["epoch"]), int(row["seq"]), int(row["min_seq"])) if row else FeedEnd(1, 0, 0)

    async def _counter(self, workspace_id: str) -> dict[str, Any] | None:
        own = self.own.newest(workspace_id)
        row = await self._database[SEQUENCES].find_one({"_id": workspace_id})
        if row is None or row["seq"] < own:  # what was committed before the question is gone: a restore
            self.own.forget(workspace_id)
        return row

    async def kinds_changed(self, workspace_id: str, *, after: int, until: int) -> set[str] | None:
        """Return the kinds of which anything was committed after ``after``, up to ``until``: a feed's end.

        From the ledger, which holds one document for each transaction; None where it would take too many.
        """
        if until - after > MOST_LOOKED_THROUGH:
            return None
        window = {"workspace_id": workspace_id, "seq": {"$gt": after, "$lte": until}}
        rows = self._database[LEDGER].find(window, {"commits.entries.kind": 1})
        return {
            entry["kind"] async for row in rows for commit in row["commits"] for entry in commit["entries"]
        }

    async def get(self, record: type[R], id: str) -> R | None:
        """Return a record by id, of any workspace: the caller must decide whether it may be seen."""
        body = await self._lookups.body(record, id)
        return (await self._read(record, [body]))[0] if body else None

    async def by_ids(self, record: type[R], ids: Sequence[str]) -> list[R]:
        """Return those of the records ``ids`` that there are, of any workspace: the caller must decide."""
        found = await asyncio.gather(*(self.get(record, id) for id in ids))
        return [one for one in found if one is not None]

    async def get_many(self, actor: Actor, record: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Return the readable, living records among ``ids``, by id."""
        where = {"_id": {"$in": list(dict.fromkeys(ids))}}
        return {item.id: item for item in await self.find(actor, record, where)}

    async def find(
        self,
        actor: Actor,
        record: type[R],
        where: Mapping[str, Any],
        *,
        sort: Sort = (),
        limit: int = 0,
        skip: int = 0,
        state: Mapping[str, Any] = ALIVE,
    ) -> list[R]:
        """Return the living records (``state`` DEAD: the tombstones) that ``actor`` may read.

        What an index of the kind answers stands in a ``$match`` of its own: MongoDB joins the two, and
        simpler servers use the index only so.
        """
        refuse_sealed_order(record, sort)
        ids = _ids_alone(where)
        if 0 < len(ids) <= TOGETHER and state is ALIVE and not (sort or skip) and limit in (0, len(ids)):
            return await self._find_by_ids(actor, record, ids)
        where = await self._blind(actor.workspace_id, record, where)
        indexed = indexed_part(record, {"workspace_id": actor.workspace_id, **where})
        pipeline: list[dict[str, Any]] = [
            {"$match": indexed},
            {"$match": _joined(predicate(actor, record.kind), state, where)},
        ]
        pipeline += [{"$sort": dict(sort)}] if sort else []
        pipeline += [{"$skip": skip}] if skip else []
        pipeline += [{"$limit": limit}] if limit else []
        rows = await record.get_pymongo_collection().aggregate(pipeline)
        return await self._shown(actor, record, await rows.to_list())

    async def _find_by_ids(self, actor: Actor, record: type[R], ids: Sequence[str]) -> list[R]:
        """Return the same as ``find``, of one query that all share who look something up at this moment."""
        found = await self.by_ids(record, ids)
        shown = [self.seen(actor, one) for one in found if not one.deleted_at]
        return [one for one in shown if one is not None]

    async def _blind(
        self, workspace_id: str, record: type[Record], where: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return a filter that the store can answer: sealed fields are compared by their blind indexes."""
        if not names_sealed_fields(record, where):
            return where
        return blind_filter(await self._keyring.ready(workspace_id), record, where)

    async def _read(self, record: type[R], bodies: list[dict[str, Any]]) -> list[R]:
        """Return the records of stored bodies, every sealed value opened."""
        return [record.read(body) for body in await self._keyring.open_bodies(record, bodies)]

    async def _shown(self, actor: Actor, record: type[R], bodies: list[dict[str, Any]]) -> list[R]:
        """Return records as ``actor`` sees them: without shares that have ended, under the veil."""
        rules, now = actor.mask(record.kind), self.clock.now()
        found = await self._read(record, bodies)
        shown = [item for item in found if not item.shares or reaches(actor, "read", item, now)]
        for item in shown:
            veil(item, rules)
        return shown

    def seen(self, actor: Actor, record: R) -> R | None:
        """Return ``record``, read by id or from the feed, as ``actor`` sees it: None when it may not at all.

        The veil is put over the very object.
        """
        if not reaches(actor, "read", record, self.clock.now()):
            return None
        veil(record, actor.mask(record.kind))
        return record

    def sees(self, actor: Actor, record: type[Record]) -> Callable[[HotRow], bool]:
        """Return what tells whether ``actor`` may see a row of a kind now: ``seen``, for many."""
        may, now = reads(actor, record.kind), self.clock.now()
        return lambda row: may(live_acl(row, now) if row.shares else row.acl)

    async def children(self, workspace_id: str, record: type[R], where: Mapping[str, Any]) -> list[R]:
        """Return the living records that follow a parent, whoever reads them: their readers move with it."""
        blind = await self._blind(workspace_id, record, where)
        rows = record.get_pymongo_collection().find({"workspace_id": workspace_id, **blind})
        return [item for item in await self._read(record, await rows.to_list()) if not item.deleted_at]

    async def by_version(
        self,
        actor: Actor,
        record: type[R],
        *,
        after: int,
        until: int,
        most: int,
        newest_first: bool,
        beyond: int = 0,
    ) -> list[R]:
        """Return up to ``most`` readable records with ``after < version <= until``, tombstones included.

        Walks the feed index in closed windows, one equality query per scope: the shape that every server
        answers in proportion to what it finds. With ``newest_first`` the first window also takes what is up
        to ``beyond`` above ``until``: a record written anew since ``until`` was read is not passed over.
        """
        if not beyond and after < until:
            written = self.own.kinds(actor.workspace_id, after=after, until=until)
            if written is not None and record.kind not in written:
                return []
        scopes = scopes_of(actor, record)
        key = (actor.workspace_id, record.kind, scopes)
        found: dict[str, R] = {}
        looked = 0
        while scopes and len(found) < most and after < until:
            width = self._windows.width(key, most - len(found), looked)
            low, high = (
                (max(after, until - width), until) if newest_first else (after, min(until, after + width))
            )
            window = {"workspace_id": actor.workspace_id, "version": {"$gt": low, "$lte": high + beyond}}
            bodies, beyond = await self._window(record, window, scopes, width), 0
            found |= {item.id: item for item in await self._shown(actor, record, bodies)}
            looked += high - low
            self._windows.note(key, len(found), looked)
            after, until = (after, low) if newest_first else (high, until)
        ordered = sorted(found.values(), key=lambda item: (item.version, item.id), reverse=newest_first)
        return ordered[:most]

    async def feed_window(
        self, workspace_id: str, record: type[R], scopes: Sequence[str], *, after: int, until: int | None
    ) -> list[R]:
        """Return the records of ``scopes`` with ``after < version <= until``, tombstones included, in order.

        ``until`` None: however new, for what cannot be much.
        For the sync feed, which also looks into scopes that its reader has lost: what of it may be shown
        is the caller's to decide, record by record. One equality query per scope.
        """
        versions = {"$gt": after} if until is None else {"$gt": after, "$lte": until}
        window = {"workspace_id": workspace_id, "version": versions}
        bodies = await self._window(record, window, scopes, 0 if until is None else until - after)
        return sorted(await self._read(record, bodies), key=lambda item: (item.version, item.id))

    async def _window(
        self, record: type[Record], window: Mapping[str, Any], scopes: Sequence[str], width: int
    ) -> list[dict[str, Any]]:
        """Return the bodies in a window of the feed that are in any of ``scopes``, each once."""

        async def in_scope(scope: str) -> list[dict[str, Any]]:
            # One batch: a second command to hear that there is no more would cost as much again.
            batch = width + 1 if width else 0
            rows = record.get_pymongo_collection().find({**window, "acl": scope}, batch_size=batch)
            return await rows.to_list()

        if len(scopes) == 1:
            return await in_scope(scopes[0])
        parts = await asyncio.gather(*map(in_scope, scopes))
        return list({body["_id"]: body for part in parts for body in part}.values())

    async def departed(
        self, workspace_id: str, kind: str, scopes: Sequence[str], *, after: int, until: int
    ) -> set[str]:
        """Return the ids of records of ``kind`` that left one of ``scopes`` in ``after < seq <= until``."""

        async def from_scope(scope: str) -> list[str]:
            rows = self._database[DEPARTURES].find(
                {
                    "workspace_id": workspace_id,
                    "scope": scope,
                    "kind": kind,
                    "seq": {"$gt": after, "$lte": until},
                },
                {"record_id": 1},
            )
            return [row["record_id"] async for row in rows]

        return {one for ids in await asyncio.gather(*map(from_scope, scopes)) for one in ids}

    async def count(self, actor: Actor, record: type[R], where: Mapping[str, Any]) -> int:
        """Return how many living records ``actor`` may read where ``where`` holds."""
        where = await self._blind(actor.workspace_id, record, where)
        rows, now = record.get_pymongo_collection(), self.clock.now()
        readable = _joined(predicate(actor, record.kind), ALIVE, where)
        counted = await rows.count_documents(readable)
        if not counted:
            return 0
        # Until a record is written anew its acl has the shares that have ended; ``_shown`` drops such ones.
        ending = rows.find(_joined(readable, {"shares.until": {"$lte": now}}))
        ended = await self._read(record, await ending.to_list())
        return counted - sum(not reaches(actor, "read", one, now) for one in ended)


def _ids_alone(where: Mapping[str, Any]) -> Sequence[str]:
    """Return the different ids that ``where`` asks for when it asks for nothing else, else nothing."""
    wanted = where.get("_id") if len(where) == 1 else None
    if isinstance(wanted, str):
        return (wanted,)
    if isinstance(wanted, dict) and set(wanted) == {"$in"}:
        return tuple(dict.fromkeys(wanted["$in"]))
    return ()


def _joined(*filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the conjunction of MongoDB filters, flat where their keys differ."""
    joined: dict[str, Any] = {}
    rest: list[dict[str, Any]] = []
    for one in filters:
        if joined.keys() & one.keys():
            rest.append(dict(one))
        else:
            joined |= one
    return {**joined, "$and": rest} if rest else joined
