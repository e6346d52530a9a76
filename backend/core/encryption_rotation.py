"""Rotation: new keys for old. Everything here can be killed at any moment and run again.

A workspace's new data key seals from the commit after which the policy version moves: a commit that was
sealed before is refused as stale and run again, so nothing lands under the old key once the walk has begun.
The walk re-seals record by record, each only while its version stands; who writes meanwhile seals anew
anyway. Versions, ledger and feed do not move: to phones nothing has happened. Clear values, which a store
from before encryption holds, are sealed on the way.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import stamina
from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from backend.core.access import system_actor
from backend.core.encryption import BLIND, Cipher
from backend.core.encryption_keyring import DATA_KEYS, FIRST_MASTER, index_key_id
from backend.core.encryption_keys import master_of
from backend.core.errors import NotFound
from backend.core.ledger import SEQUENCES
from backend.core.records import REGISTRY, Record
from backend.core.sequencer import is_transient
from backend.core.store import Store

BATCH = 200  # records read and written at a time
ACTIVE, RETIRED, DESTROYED = "active", "retired", "destroyed"
Pause = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """What a rotation did: which data key seals now, how many records were sealed anew under it."""

    workspace_id: str
    number: int
    records: int


@dataclass(frozen=True, kw_only=True)
class KeyStatus:
    """The keys of one workspace: by number with their states, and under which master keys they are wrapped.

    ``unfinished``: a rotation was broken off, or values are still clear; `rapport keys rotate` goes on.
    """

    workspace_id: str
    states: dict[int, str]
    masters: frozenset[str]
    unfinished: bool


async def workspaces_of(store: Store) -> list[str]:
    """Return every workspace of the store that may be sealed: with keys, or with records and none yet."""
    counters = store.database[SEQUENCES].find({"_id": {"$ne": "-"}}, {"_id": 1})
    known = {row["_id"] async for row in counters}
    destroyed = store.database[DATA_KEYS].find({"number": 0, "state": DESTROYED}, {"workspace_id": 1})
    return sorted(known - {row["workspace_id"] async for row in destroyed})


async def rotate_data_key(
    store: Store, workspace_id: str, *, batch: int = BATCH, pause: Pause | None = None
) -> Rotated:
    """Give a workspace a new data key and seal everything under it; go on with a rotation broken off.

    ``pause`` is awaited between the reading and the writing of each batch. Raise NotFound for a workspace
    that the store does not have.
    """
    if not await store.database[SEQUENCES].find_one({"_id": workspace_id}):
        raise NotFound("workspace", workspace_id)
    rows = await store.database[DATA_KEYS].find({"workspace_id": workspace_id}).to_list()
    if rows and not _unfinished(rows):
        await store.keyring.add_data_key(workspace_id, max(row["number"] for row in rows) + 1)
    await _make_stale(store, workspace_id)
    cipher = await store.keyring.ready(workspace_id)
    records = 0
    for kind in [record for record in REGISTRY.values() if record.encrypted]:
        while sealed := await _walk(store, kind, cipher, batch, pause):
            records += sealed
    await _retire(store, workspace_id, cipher.current)
    details = {"data_key": cipher.current, "records": records}
    await store.note(system_actor(workspace_id), "keys.rotate", details=details)
    return Rotated(workspace_id=workspace_id, number=cipher.current, records=records)


async def rewrap_data_keys(store: Store) -> int:
    """Wrap every data key under the current master key; return how many were under another.

    Values stay as they are. Afterwards no key of the store needs the former master keys.
    """
    masters, keys = store.keyring.masters, store.database[DATA_KEYS]
    count = 0
    async for row in keys.find({"state": {"$in": [ACTIVE, RETIRED]}}):
        if master_of(row["wrapped"]) == masters.current:
            continue
        wrapped = masters.wrap(masters.unwrap(row["wrapped"], row["_id"]), row["_id"])
        done = await keys.update_one(
            {"_id": row["_id"], "wrapped": row["wrapped"]}, {"$set": {"wrapped": wrapped}}
        )
        count += done.modified_count
    await keys.update_one({"_id": FIRST_MASTER}, {"$set": {"master": masters.current}})
    return count


async def destroy_data_keys(store: Store, workspace_id: str) -> None:
    """Make everything that a workspace has sealed unreadable, for ever: no key is kept anywhere."""
    await store.database[DATA_KEYS].update_many(
        {"workspace_id": workspace_id}, {"$set": {"wrapped": "", "state": DESTROYED}}
    )
    await _make_stale(store, workspace_id)
    await store.note(system_actor(workspace_id), "keys.destroy")


async def key_status(database: AsyncDatabase[Any]) -> list[KeyStatus]:
    """Return the state of every workspace's keys, in order of the workspaces."""
    rows = database[DATA_KEYS].find({"_id": {"$ne": FIRST_MASTER}})
    by_workspace: dict[str, list[dict[str, Any]]] = {}
    async for row in rows:
        by_workspace.setdefault(row["workspace_id"], []).append(row)
    return [
        KeyStatus(
            workspace_id=workspace_id,
            states={row["number"]: row["state"] for row in found if row["number"]},
            masters=frozenset(master_of(row["wrapped"]) for row in found if row["wrapped"]),
            unfinished=_unfinished(found),
        )
        for workspace_id, found in sorted(by_workspace.items())
    ]


# ── inside ───────────────────────────────────────────────────────────────────────────────────────


def _unfinished(rows: list[dict[str, Any]]) -> bool:
    active = [row for row in rows if row["state"] == ACTIVE]
    return sum(row["number"] > 0 for row in active) > 1 or any(row.get("holds_clear") for row in active)


async def _make_stale(store: Store, workspace_id: str) -> None:
    """Move the policy version: every process reads the keys again before its next commit lands."""
    async for attempt in stamina.retry_context(on=is_transient, attempts=20, timeout=10, wait_initial=0.01):
        with attempt:
            moved = {"$inc": {"policy": 1}, "$currentDate": {"moved_at": True}}
            await store.database[SEQUENCES].update_one({"_id": workspace_id}, moved)
    store.bell.ring_policy(workspace_id)


async def _walk(store: Store, kind: type[Record], cipher: Cipher, batch: int, pause: Pause | None) -> int:
    """Seal anew what is not under the current key, until nothing is; return how many records were."""
    collection = kind.get_pymongo_collection()
    wanted = dict.fromkeys(["workspace_id", "version", BLIND, *kind.encrypted], 1)
    found = collection.find({"workspace_id": cipher.workspace_id}, wanted, batch_size=batch)
    count = 0
    stale: list[dict[str, Any]] = []
    async for body in found:
        if not cipher.is_current(kind, body):
            stale.append(body)
        if len(stale) == batch:
            count += await _seal_anew(kind, cipher, stale, pause)
            stale = []
    return count + await _seal_anew(kind, cipher, stale, pause)


async def _seal_anew(
    kind: type[Record], cipher: Cipher, stale: list[dict[str, Any]], pause: Pause | None
) -> int:
    """Seal records again, each unless it has changed since it was read; return how many."""
    if not stale:
        return 0
    if pause is not None:
        await pause()
    changes = [
        UpdateOne({"_id": body["_id"], "version": body["version"]}, {"$set": _fields(kind, cipher, body)})
        for body in stale
    ]
    done = 0
    async for attempt in stamina.retry_context(on=is_transient, attempts=20, timeout=30, wait_initial=0.01):
        with attempt:
            result = await kind.get_pymongo_collection().bulk_write(changes, ordered=False)
            done = result.matched_count
    return done


def _fields(kind: type[Record], cipher: Cipher, body: dict[str, Any]) -> dict[str, Any]:
    sealed = cipher.seal(kind, cipher.open(kind, body))
    return {name: sealed[name] for name in (*kind.encrypted, BLIND) if name in sealed}


async def _retire(store: Store, workspace_id: str, number: int) -> None:
    """Close the rotation: older keys seal no more, and nothing is clear."""
    await store.database[DATA_KEYS].update_many(
        {"workspace_id": workspace_id, "number": {"$gt": 0, "$lt": number}, "state": ACTIVE},
        {"$set": {"state": RETIRED, "retired_at": store.clock.now()}},
    )
    await store.database[DATA_KEYS].update_one(
        {"_id": index_key_id(workspace_id)}, {"$set": {"holds_clear": False}}
    )
    await _make_stale(store, workspace_id)
