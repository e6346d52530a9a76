"""Restamping: giving records the stamps of the sharing rules and territories that hold for them now.

Whoever sees by a rule's old stamp is shut out with the commit that changed the rule; here the new ones
come, a batch a commit, through the unit of work, so that phones follow. Records that are right already
are left alone: a walk that was cut short, or is run twice, goes on where it stopped.
"""

import svcs

from backend.core.access import EVERYONE, system_actor
from backend.core.records import REGISTRY, Record
from backend.core.relay import Delivery
from backend.core.sharing import Policy, kinds_that_follow, own_acl, parent_of
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.events import StampsMoved

MOST_AT_ONCE = 200  # records a commit
MOST_PARENTS_AT_ONCE = 20  # of a kind that others follow: each brings its children into the commit
WINDOW = 1_000  # versions read at once where records are dense
FEW = 250  # records in a window: with fewer, the next is twice as wide


async def on_stamps_moved(delivery: Delivery, services: svcs.Container) -> None:
    """Walk the kinds for which a rule or territory now holds otherwise."""
    assert isinstance(delivery.event, StampsMoved)
    store = await services.aget(Store)
    for kind in delivery.event.kinds:
        await restamp_kind(store, delivery.entry.workspace_id, kind)


async def restamp_kind(store: Store, workspace_id: str, kind: str) -> None:
    """Rewrite the living records of ``kind`` whose readers are not those of the present policy.

    Several changes in a row need one walk: it is noted with the policy that it was made for.
    """
    async with store.policies.stamping(workspace_id):
        store.policies.forget(workspace_id)
        policy = await store.policies.of(workspace_id)
        if kind not in policy.stamped:
            await _walk(store, workspace_id, REGISTRY[kind], policy)
            policy.stamped.add(kind)


async def _walk(store: Store, workspace_id: str, record: type[Record], policy: Policy) -> None:
    most = MOST_PARENTS_AT_ONCE if kinds_that_follow(record.kind) else MOST_AT_ONCE
    newest = await store.reader.newest_version(workspace_id)
    after, width = 0, WINDOW
    waiting: list[str] = []
    while after < newest:
        until = min(newest, after + width)
        rows = await store.reader.feed_window(workspace_id, record, (EVERYONE,), after=after, until=until)
        waiting += [item.id for item in rows if _is_outdated(item, policy, store)]
        while len(waiting) >= most or (waiting and until == newest):
            batch, waiting = waiting[:most], waiting[most:]
            await _restamp(store, workspace_id, record, batch)
        after, width = until, width * 2 if len(rows) < FEW else WINDOW


def _is_outdated(item: Record, policy: Policy, store: Store) -> bool:
    """Tell whether a living record has other readers than it should; one that follows another has its."""
    if item.deleted_at or parent_of(item) is not None:
        return False
    return set(own_acl(item, policy, store.clock.now())) != set(item.acl)


async def _restamp(store: Store, workspace_id: str, record: type[Record], ids: list[str]) -> None:
    async def rewrite(uow: UnitOfWork) -> None:
        for item in await uow.entailed(record, {"_id": {"$in": ids}}):
            uow.restamp(item)

    await store.write(system_actor(workspace_id), rewrite)
