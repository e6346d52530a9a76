"""The running numbers by which people call records: tickets, contracts, payments."""

from backend.core.ids import derived_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Counter


async def next_number(uow: UnitOfWork, series: str) -> int:
    """Count one more of ``series`` ("ticket"), in this commit: numbers are distinct and leave no gap."""
    counter_id = derived_id("counter", uow.actor.workspace_id, series)
    known = await uow.entailed(Counter, {"_id": counter_id})
    counter = known[0] if known else Counter(id=counter_id)
    counter.reached += 1
    uow.entail(counter)
    return counter.reached
