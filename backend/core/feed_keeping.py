"""Keeping the change feed: how long what was deleted is remembered, and what begins after a restore.

A phone that comes back after ``TOMBSTONE_LIFE`` is told to start again, because what was deleted since it
was here is not known any more. So the feed's beginning (``min_seq``) is moved first, and what lies before
it goes a run later: a pull that had begun by then has ended.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.core.ledger import DEPARTURES, LEDGER, SEQUENCES
from backend.core.records import Record
from backend.core.store import Store

TOMBSTONE_LIFE = timedelta(days=400)


async def purge_tombstones(store: Store, records: Sequence[type[Record]], *, now: datetime) -> int:
    """Remove tombstones and departures from before the feed's beginning, then move it to 400 days ago.

    Return how many tombstones of ``records`` went, of all workspaces. Harmless when nothing is due.
    """
    return sum([await purge_workspace(store, id, records, now=now) for id in await store.workspace_ids()])


async def begin_epoch(store: Store) -> int:
    """Tell every phone to start again, as after a restore; return the number of workspaces.

    Commit numbers are given out once more after a restore: a phone from before would miss those.
    """
    done = await store.database[SEQUENCES].update_many({"_id": {"$ne": "-"}}, {"$inc": {"epoch": 1}})
    return done.modified_count


async def purge_workspace(
    store: Store, workspace_id: str, records: Sequence[type[Record]], *, now: datetime
) -> int:
    """Do for one workspace what ``purge_tombstones`` does for all."""
    row = await store.database[SEQUENCES].find_one({"_id": workspace_id})
    if row is None:
        return 0
    until, purged = int(row["min_seq"]), int(row.get("purged_seq", 0))
    removed = await _remove(store, workspace_id, records, purged, until) if until > purged else 0
    oldest = await _last_commit_before(store, workspace_id, until, int(row["seq"]), now - TOMBSTONE_LIFE)
    if (oldest, until) != (until, purged):
        moved = {"$set": {"min_seq": oldest, "purged_seq": until}}
        await store.database[SEQUENCES].update_one({"_id": workspace_id}, moved)
    return removed


async def _remove(
    store: Store, workspace_id: str, records: Sequence[type[Record]], after: int, until: int
) -> int:
    """Remove what was deleted, or left a scope, in ``after < seq <= until``."""
    window = {"$gt": after, "$lte": until}
    removed = 0
    for record in records:
        gone = {"workspace_id": workspace_id, "acl": "w", "version": window, "deleted_at": {"$ne": None}}
        done = await record.get_pymongo_collection().delete_many(gone)
        removed += done.deleted_count
    await store.database[DEPARTURES].delete_many({"workspace_id": workspace_id, "seq": window})
    return removed


async def _last_commit_before(store: Store, workspace_id: str, low: int, high: int, moment: datetime) -> int:
    """Return the last commit at ``moment`` or earlier, by halving: ``low`` when there is none after that."""
    found = low
    while low < high:
        middle = (low + high) // 2 + 1
        where = {"workspace_id": workspace_id, "seq": {"$gte": middle}}
        row = await store.database[LEDGER].find_one(where, sort=[("seq", 1)])
        if row is not None and row["commits"][-1]["at"] <= moment:
            found = low = int(row["seq"])
        else:
            high = middle - 1
    return found
