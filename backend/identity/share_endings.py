"""The end of shares: records whose shares are over are written anew, so that lists and phones follow.

Nobody sees by a share that is over, written anew or not; see ``live_acl``.
"""

import svcs

from backend.core.access import system_actor
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.record_shares import end_shares
from backend.identity.sharing_documents import ShareExpiry

MOST_AT_ONCE = 500  # records a tick; the rest waits for the next


async def end_due_shares(services: svcs.Container) -> None:
    """Take off every share that is over. Harmless when it is run twice."""
    store = await services.aget(Store)
    due = ShareExpiry.get_pymongo_collection().find(
        {"due_at": {"$lte": store.clock.now()}}, {"workspace_id": 1, "record_kind": 1, "record_id": 1}
    )
    for row in await due.limit(MOST_AT_ONCE).to_list():
        kind, id = row["record_kind"], row["record_id"]

        async def end(uow: UnitOfWork, kind: str = kind, id: str = id) -> None:
            await end_shares(uow, kind, id)

        await store.write(system_actor(row["workspace_id"]), end)
