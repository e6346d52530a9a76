"""Writes to several collections in one transaction: in one command where the server knows how.

A command for each collection costs a round trip each, twice the time and twice the processor's in all.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymongo import AsyncMongoClient, InsertOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ClientBulkWriteException


class Request(NamedTuple):
    """A document to put in the place of the one that is ``expected`` there; without that, to insert."""

    collection: str
    body: dict[str, Any]
    expected: Mapping[str, Any] | None = None

    def model(self, namespace: str | None = None) -> InsertOne[Any] | ReplaceOne[Any]:
        """Return it as the driver takes it."""
        if self.expected is None:
            return InsertOne(self.body, namespace=namespace)
        return ReplaceOne(self.expected, self.body, namespace=namespace)


async def write_together(
    client: AsyncMongoClient[Any], database: str, requests: Sequence[Request], session: AsyncClientSession
) -> int:
    """Write in order, by one command; return how many were inserted or met what was expected.

    Raise InvalidOperation when the server is older than MongoDB 8.0, before anything is sent;
    ClientBulkWriteException for a single write that failed; what fails as a whole as it is.
    """
    models = [one.model(f"{database}.{one.collection}") for one in requests]
    try:
        done = await client.bulk_write(models, session=session, ordered=True)
    except ClientBulkWriteException as error:
        if isinstance(error.error, Exception):
            raise error.error from error  # it says whether the transaction may be tried again
        raise
    return done.inserted_count + done.matched_count


async def write_one_by_one(
    database: AsyncDatabase[Any], requests: Sequence[Request], session: AsyncClientSession
) -> int:
    """Write by a command for each collection, in order within it; return what ``write_together`` does.

    Raise BulkWriteError for a single write that failed.
    """
    by_collection: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        by_collection[request.collection].append(request)
    met = 0
    for collection, group in by_collection.items():
        models = [one.model() for one in group]
        done = await database[collection].bulk_write(models, ordered=True, session=session)
        met += done.inserted_count + done.matched_count
    return met
