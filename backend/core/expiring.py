"""Documents that have outlived their time: declared by an index, deleted through it.

A TTL index would do, were it not for servers that go about it badly: the embedded database reads every
document of every collection with one, once a minute, and lets nobody write meanwhile. With 100,000 mutation
ids that took half of its processor. Through the index the same costs a few milliseconds.
"""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure

INDEX_NOT_FOUND = 27
_NAME = re.compile(r"(.+)_expires_after_(\d+)")


def expiring(field: str, after: timedelta = timedelta(0)) -> IndexModel:
    """Return the index by which documents go once their date ``field`` is ``after`` ago; others stay."""
    return IndexModel([(field, 1)], name=f"{field}_expires_after_{int(after.total_seconds())}")


async def delete_expired(database: AsyncDatabase[Any]) -> int:
    """Delete what has expired by the server's own clock; return how many documents.

    One command for each such index: what it deletes at once is what expired since the last time. Raises
    PyMongoError when the server is away; what was deleted by then stays so.
    """
    now: datetime = (await database.client.admin.command("hello"))["localTime"]
    deleted = 0
    async for collection, index in _indexes(database):
        if said := _NAME.fullmatch(index["name"]):
            late = {said[1]: {"$lt": now - timedelta(seconds=int(said[2]))}}
            deleted += (await database[collection].delete_many(late)).deleted_count
    return deleted


async def drop_ttl_indexes(database: AsyncDatabase[Any]) -> None:
    """Drop the TTL indexes of stores that were made before; ``expiring`` takes their place."""
    async for collection, index in _indexes(database):
        if "expireAfterSeconds" in index:
            try:
                await database[collection].drop_index(index["name"])
            except OperationFailure as error:
                if error.code != INDEX_NOT_FOUND:
                    raise  # otherwise another process that starts has just done it


async def _indexes(database: AsyncDatabase[Any]) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    for collection in await database.list_collection_names():
        async for index in await database[collection].list_indexes():
            yield collection, index
