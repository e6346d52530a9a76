"""Leases: work that must be done by one process at a time, and goes on elsewhere when that one dies."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pymongo import DeleteOne, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

LEASES = "leases"


async def take_lease(
    database: AsyncDatabase[Any], name: str, owner: str, *, now: datetime, length: timedelta
) -> bool:
    """Take or renew the lease ``name`` for ``owner`` until ``now + length``; False when another holds it."""
    free = {"_id": name, "$or": [{"owner": owner}, {"until": {"$lte": now}}]}
    update = {"$set": {"owner": owner, "until": now + length}}
    try:
        row = await database[LEASES].find_one_and_update(
            free, update, upsert=True, return_document=ReturnDocument.AFTER
        )
    except DuplicateKeyError:  # it exists, and is another's
        return False
    return row is not None and row["owner"] == owner


async def drop_leases(database: AsyncDatabase[Any], names: Iterable[str], owner: str) -> None:
    """Give the leases back, those that are still ours."""
    drops = [DeleteOne({"_id": name, "owner": owner}) for name in names]
    if drops:
        await database[LEASES].bulk_write(drops, ordered=False)
