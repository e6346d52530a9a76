"""The phones' room: its page is made from the collections that the other rooms declare."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import svcs

from backend.core.feed_keeping import purge_tombstones
from backend.core.jobs import Job
from backend.core.module import Module
from backend.core.store import Store
from backend.core.sync import SyncedCollection
from mobile_sync.commands import make_commands
from mobile_sync.documents import SyncPlace, SyncRejection
from mobile_sync.feed import parents_first
from mobile_sync.graphql import make_native_roots
from mobile_sync.native_http import make_native_router
from mobile_sync.places import Places
from mobile_sync.rejections import REJECTIONS
from mobile_sync.rxdb import make_roots
from mobile_sync.rxdb_schemas import check_columns
from mobile_sync.watermelon_http import larger_bodies, make_router

PURGED_EVERY = timedelta(hours=6)


def make_module(collections: Sequence[SyncedCollection]) -> Module:
    """Return the room that brings ``collections``, and its own rejections, to phones."""
    everything = (*collections, REJECTIONS)
    check_columns(everything)
    names = [collection.name for collection in everything]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two rooms declare the synced collections {', '.join(twice)}; name one otherwise")
    roots, ordered = make_roots(everything), parents_first(everything)
    native = make_native_roots(ordered)
    return Module(
        name="mobile_sync",
        documents=(SyncRejection,),
        other_documents=(SyncPlace,),
        queries=(roots.query, native.query),
        mutations=(roots.mutation, native.mutation),
        subscriptions=(roots.subscription, native.subscription),
        routes=(make_router(ordered), make_native_router(ordered)),
        synced=(REJECTIONS,),
        provide=_provide,
        larger_bodies=larger_bodies,
        commands=make_commands(everything),
        jobs=(Job(name="mobile_sync.tombstones", every=PURGED_EVERY, run=_purging(everything)),),
    )


def _purging(collections: Sequence[SyncedCollection]) -> Callable[[svcs.Container], Awaitable[None]]:
    records = [collection.record for collection in collections]

    async def purge(services: svcs.Container) -> None:
        """Forget what was deleted more than 400 days ago (a job)."""
        store = await services.aget(Store)
        await purge_tombstones(store, records, now=store.clock.now())

    return purge


def _provide(registry: svcs.Registry) -> None:
    known: dict[str, SyncPlace] = {}  # of this process, for all requests

    async def places(services: svcs.Container) -> Places:
        return Places((await services.aget(Store)).clock, known)

    registry.register_factory(Places, places)
