"""The client of the database, whose connections are opened whole also for whoever is cancelled meanwhile."""

import asyncio
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.pool import AsyncConnection, Pool
from pymongo.monitoring import ConnectionClosedReason

ANSWERS_WITHIN_MS = 5_000
MOST_CONNECTIONS = 64


def make_client(uri: str) -> AsyncMongoClient[Any]:
    """Return a client of the database at ``uri``; whoever makes it closes it."""
    return AsyncMongoClient(
        uri,
        serverSelectionTimeoutMS=ANSWERS_WITHIN_MS,
        appname="rapport",
        maxPoolSize=MOST_CONNECTIONS,
        _pool_class=_WholePool,  # in the driver "for deep customization"
    )


class _WholePool(Pool):
    """A pool that finishes what it opens.

    Streams are cancelled at any moment, in the midst of opening a connection, too. The driver then lets go
    of a socket that nobody has closed: it closes what it opens after an error, and a cancel is none.

    Source: ``pymongo.pool_shared._async_create_connection`` in 4.20.1, and PYTHON-5867.
    """

    async def connect(self, handler: Any = None) -> AsyncConnection:
        """Return a new connection; when cancelled, open it all the same, and close it."""
        opening = asyncio.ensure_future(super().connect(handler))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            await asyncio.wait([opening])  # milliseconds; at most the driver's connectTimeoutMS
            if not opening.cancelled() and opening.exception() is None:
                await self._close(opening.result())
            raise

    async def _close(self, connection: AsyncConnection) -> None:
        async with self.lock:
            self.active_contexts.discard(connection.cancel_context)
        await connection.close_conn(ConnectionClosedReason.ERROR)
