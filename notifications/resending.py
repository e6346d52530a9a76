"""What phones hold of the inbox when somebody loses sight of a record, or has it again.

A phone keeps the lines that it has pulled, with their words. So when a record's readers change or it is
deleted, its lines are written anew for those to whom that makes a difference; their phones pull them
again, covered or not (``covering.py``), and its pushes are cleared from their screens. Who reads less
because their own rights changed pulls the whole inbox again (``SyncedCollection.as_seen``), and needs
nothing written here.
"""

import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.errors import Unauthenticated
from backend.core.events import RecordDeleted
from backend.core.ledger import LedgerEntry
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from notifications.covering import may_be_named
from notifications.documents import Notification
from notifications.retracting import take_back_covered
from notifications.sending import DeliveryWorker

MOST_AT_ONCE = 200  # lines in one commit
IN_ORDER = (("created_at", 1), ("_id", 1))


async def on_readers_changed(handed: relay.Delivery, services: svcs.Container) -> None:
    """Let phones pull again what they may hold otherwise than it is shown now. Twice is as good as once.

    Most changes of records move nobody: those cost nothing here.
    """
    entry = handed.entry
    if not (entry.moved or isinstance(handed.event, RecordDeleted)) or entry.kind == Notification.kind:
        return
    store, actors, worker = await services.aget(Store, Actors, DeliveryWorker)
    about = {"subject_kind": entry.kind, "subject_id": entry.record_id}
    covered: dict[str, bool] = {}
    looked = 0
    while True:
        house = store.unit_of_work(system_actor(entry.workspace_id))
        lines = await house.find(Notification, about, sort=IN_ORDER, skip=looked, limit=MOST_AT_ONCE)
        for user_id in {line.owner_id or "" for line in lines} - covered.keys():
            covered[user_id] = await _is_covered(store, actors, entry, user_id)
        other = {line.id: covered[line.owner_id or ""] for line in lines}
        if moved := [line.id for line in lines if line.is_covered != other[line.id]]:
            for line_id in moved:  # screens first: what is marked already is not looked at again
                if other[line_id] and await take_back_covered(house, line_id, at=entry.at):
                    worker.wake()
            await store.write(system_actor(entry.workspace_id), _Marking(moved, other))
        if len(lines) < MOST_AT_ONCE:
            return
        looked += len(lines)


class _Marking:
    """Write ``ids`` anew, each covered or not."""

    def __init__(self, ids: list[str], covered: dict[str, bool]) -> None:
        self._ids, self._covered = ids, covered

    async def __call__(self, uow: UnitOfWork) -> None:
        for line in await uow.entailed(Notification, {"_id": {"$in": self._ids}}):
            line.is_covered = self._covered[line.id]
            uow.entail(line)


async def _is_covered(store: Store, actors: Actors, entry: LedgerEntry, user_id: str) -> bool:
    try:
        reader = await actors.of_user(entry.workspace_id, user_id)
    except Unauthenticated:
        return True
    return not await may_be_named(store.unit_of_work(reader), entry.kind, entry.record_id)
