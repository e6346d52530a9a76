"""What a new day changes: contracts begin, expire and renew themselves; payments come due and overdue."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
import svcs

from backend.core.access import system_actor
from backend.core.errors import NotFound
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.sales import contracts, payments
from backend.sales.contract_documents import Contract, Payment

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 500  # records of a kind and workspace a round; the rest waits for the next


async def follow_today(services: svcs.Container) -> None:
    """Follow the day that it is."""
    await follow_the_day(services)


async def follow_the_day(services: svcs.Container, *, now: datetime | None = None) -> int:
    """Let all whose day has come stand where they are now; return how many. Harmless when run twice."""
    store = await services.aget(Store)
    moment, moved = now or store.clock.now(), 0
    for workspace_id in await store.workspace_ids():
        moved += await _follow(store, workspace_id, Contract, contracts.follow_days, moment)
        moved += await _follow(store, workspace_id, Payment, payments.follow_days, moment)
    return moved


async def _follow(
    store: Store,
    workspace_id: str,
    record: type[Record],
    follow: Callable[..., Awaitable[Record]],
    now: datetime,
) -> int:
    house = system_actor(workspace_id)
    due = await store.unit_of_work(house).find(
        record, {"moves_at": {"$lte": now}}, sort=[("moves_at", 1)], limit=MOST_AT_ONCE
    )
    moved = 0
    for one in due:

        async def run(uow: UnitOfWork, id: str = one.id) -> Record:
            return await follow(uow, id, now=now)

        try:
            await store.write(house, run)
        except NotFound:
            continue  # deleted meanwhile
        except Exception:  # one that cannot move must not hold up the others
            log.exception("day_not_followed", kind=record.kind, id=one.id)
        else:
            moved += 1
    return moved
