"""The phones' room: its page is made from the collections that the other rooms declare."""

from collections.abc import Sequence

from backend.core.module import Module
from backend.core.sync import SyncedCollection
from mobile_sync.commands import make_commands
from mobile_sync.documents import SyncRejection
from mobile_sync.rejections import REJECTIONS
from mobile_sync.rxdb import make_roots
from mobile_sync.rxdb_schemas import check_columns


def make_module(collections: Sequence[SyncedCollection]) -> Module:
    """Return the room that brings ``collections``, and its own rejections, to phones."""
    everything = (*collections, REJECTIONS)
    check_columns(everything)
    names = [collection.name for collection in everything]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two rooms declare the synced collections {', '.join(twice)}; name one otherwise")
    roots = make_roots(everything)
    return Module(
        name="mobile_sync",
        documents=(SyncRejection,),
        queries=(roots.query,),
        mutations=(roots.mutation,),
        subscriptions=(roots.subscription,),
        synced=(REJECTIONS,),
        commands=make_commands(everything),
    )
