"""Stream: tell a phone at once what changed. A hint; pull is the truth.

Each stream keeps a place of its own and pulls from it whenever the bell rings. Its events bring no
checkpoint: RxDB would take it for the phone's own, and so pass over what the phone has not pulled yet
(tests/phones shows it). Whoever reads is looked at afresh every few seconds; when its session has ended,
the socket is closed, and the phone comes back with a new token or not at all.

To come: one look at the store for all streams of a workspace instead of one each.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

from backend.core.access import Actor
from backend.core.bell import Bell
from backend.core.errors import Unauthenticated
from backend.core.reading import scopes_of
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from backend.identity.actors import Actors
from mobile_sync.cursor import Cursor, adapted
from mobile_sync.pull import walk
from mobile_sync.rejections import with_own_rejections
from mobile_sync.rows import Row, field_set

MOST_ROWS = 200  # in one event
LOOK_EVERY = timedelta(seconds=5)
OVERLAP = 50
"""Commits before its beginning that a stream tells as well: the phone's first pull and its subscription
start at the same moment, and a commit between the two must not be missed. Rows may come twice."""


async def changes(
    store: Store, actors: Actors, reader: Actor, collection: SyncedCollection
) -> AsyncGenerator[list[Row], None]:
    """Yield what changes for ``reader`` from now on; end when its session has ended."""
    place = await _beginning(store, reader, collection)
    async with rung(store.bell, reader.workspace_id) as rings, store.presence.listening(reader):
        while True:
            try:
                reader = with_own_rejections(await actors.renewed(reader))
            except Unauthenticated:
                return
            rings.clear()
            async with aclosing(_news(store, reader, collection, place)) as news:
                async for rows, reached in news:
                    place = reached
                    if rows:
                        yield rows
            try:
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await rings.wait()
            except TimeoutError:
                continue  # look all the same: another process may have written, or the session ended


async def _beginning(store: Store, reader: Actor, collection: SyncedCollection) -> Cursor:
    epoch, newest, _ = await store.reader.feed_end(reader.workspace_id)
    start = max(0, newest - OVERLAP)
    scopes, fields = scopes_of(reader, collection.record), _fields(reader, collection)
    return Cursor(epoch=epoch, seq=start, since=start, scopes=scopes, fields=fields)


def _fields(reader: Actor, collection: SyncedCollection) -> str:
    """Return what a stream brings a collection whole by when it changes: only what says something of others.

    Of the rest there may be much, and the phone's next pull brings it.
    """
    return field_set(collection, reader) if collection.as_seen is not None else ""


async def _news(
    store: Store, reader: Actor, collection: SyncedCollection, place: Cursor
) -> AsyncGenerator[tuple[list[Row], Cursor], None]:
    """Yield page after page up to the newest commit."""
    place = adapted(place, scopes_of(reader, collection.record), _fields(reader, collection))
    newest = (await store.reader.feed_end(reader.workspace_id)).newest
    while place.seq < newest:
        page = await walk(store.reader, reader, collection, place, newest=newest, limit=MOST_ROWS)
        place = page.cursor
        yield page.rows, place


@asynccontextmanager
async def rung(bell: Bell, workspace_id: str) -> AsyncGenerator[asyncio.Event, None]:
    """Give an event that is set at each commit of the workspace."""
    event = asyncio.Event()

    async def listen() -> None:
        async for _ in bell.commits(workspace_id):
            event.set()

    listening = asyncio.create_task(listen(), name=f"stream {workspace_id}")
    await asyncio.sleep(0)  # let it begin to listen before the first look at the store
    try:
        yield event
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
