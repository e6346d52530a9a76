"""A client of the house's database that tells what is asked of it."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest
import svcs
from pymongo import AsyncMongoClient, monitoring

from backend.core import lookups
from backend.core.records import Record
from backend.core.store import Store
from backend.house import House
from backend.identity.actors import Actors

STAYS_KNOWN_SECONDS = 600

COUNTING: ContextVar[bool] = ContextVar("counting", default=False)


class Commands(monitoring.CommandListener):
    """What a test itself sends to the database.

    Listeners and jobs of the house go on beside it: what they send is not the test's.
    """

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if COUNTING.get() and event.command_name not in ("hello", "endSessions"):
            self.sent.append((event.command_name, dict(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def take(self) -> dict[str, int]:
        """Return the counts since the last call by command and collection; count on what the caller does."""
        COUNTING.set(True)
        taken, self.sent = self.sent, []
        return dict(Counter(f"{name} {command.get(name)}" for name, command in taken))


@contextlib.asynccontextmanager
async def counted_client(house: House) -> AsyncIterator[tuple[AsyncMongoClient[Any], Commands]]:
    """Connect once more to the house's database, with a listener that counts."""
    commands = Commands()
    address = await house.store.client.address
    assert address is not None
    client: AsyncMongoClient[Any] = AsyncMongoClient(
        *address, event_listeners=[commands], directConnection=True
    )
    try:
        yield client, commands
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def counted_reads(house: House) -> AsyncIterator[Commands]:
    """Read all documents through a client that counts, while the block lasts.

    Who asked just before stays known all the while: on a busy machine some seconds may pass before they ask.
    """
    async with svcs.Container(house.registry) as services:
        actors = await services.aget(Actors)
    for token, known in actors._remembered.items():
        actors._remembered[token] = replace(known, until=known.until + STAYS_KNOWN_SECONDS)
    kinds = [kind for room in house.modules for kind in (*room.documents, *room.other_documents)]
    documents = {kind: kind.get_settings().pymongo_collection for kind in kinds}
    async with counted_client(house) as (client, commands):
        counting = Store(client, house.settings.database_name, house.store.clock)
        for kind in documents:
            kind.get_settings().pymongo_collection = counting.database[kind.get_collection_name()]
        try:
            yield commands
        finally:
            for kind, collection in documents.items():
                kind.get_settings().pymongo_collection = collection


def count_lookups(monkeypatch: pytest.MonkeyPatch) -> list[tuple[type[Record], int]]:
    """Return a list that grows by each query for ids from now on: of what kind, and how many ids together."""
    asked: list[tuple[type[Record], int]] = []
    bodies = lookups._bodies

    async def counted(record: type[Record], ids: list[str]) -> Mapping[str, lookups.Body]:
        asked.append((record, len(ids)))
        return await bodies(record, ids)

    monkeypatch.setattr(lookups, "_bodies", counted)
    return asked
