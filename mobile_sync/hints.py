"""Hints: tell a native phone at once that there is something to pull. Never data, and no hint for nothing."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from backend.core.access import Actor
from backend.core.errors import CheckpointExpired, Unauthenticated
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from backend.identity.actors import Actors
from mobile_sync.feed import FeedPage, Place, present_place, pull_feed
from mobile_sync.rejections import with_own_rejections
from mobile_sync.stream import LOOK_EVERY, rung
from mobile_sync.wording import camel

FAR_BEHIND = 200  # changes; who lacks more is told once, and again from then on


@dataclass(frozen=True, kw_only=True)
class Hint:
    """Up to commit ``watermark`` something changed in these collections that the phone may read."""

    watermark: int
    collections: list[str]


async def hints(
    store: Store,
    actors: Actors,
    actor: Actor,
    collections: Sequence[SyncedCollection],
    place: Place | None,
) -> AsyncGenerator[Hint, None]:
    """Yield what a phone at ``place`` (None: it holds nothing) should pull for, until its session ends."""
    async with rung(store.bell, actor.workspace_id) as rings, store.presence.listening(actor):
        while True:
            try:
                actor = with_own_rejections(await actors.renewed(actor))
            except Unauthenticated:
                return
            rings.clear()
            page = await _look(store, actor, collections, place)
            if page is not None and page.changes:
                names = {camel(change.collection.name): None for change in page.changes}
                yield Hint(watermark=page.newest, collections=list(names))
            if page is None or page.has_more:
                place = await present_place(store.reader, actor, collections)
            else:
                place = page.place
            try:
                async with asyncio.timeout(LOOK_EVERY.total_seconds()):
                    await rings.wait()
            except TimeoutError:
                continue  # look all the same: another process may have written, or the session ended


async def _look(
    store: Store, actor: Actor, collections: Sequence[SyncedCollection], place: Place | None
) -> FeedPage | None:
    """Return what is after ``place``; None when the server went back to a backup meanwhile."""
    try:
        return await pull_feed(store.reader, actor, collections, place, limit=FAR_BEHIND)
    except CheckpointExpired:
        return None
