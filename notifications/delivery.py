"""The queue of deliveries, seen by who sends: claiming and settling. ``queueing.py`` fills it.

At least once, by leases: a worker that dies with a delivery in hand leaves it to another when the lease
ends. Each claim has a name of its own, and only the claim that holds a delivery may settle it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from backend.core.ids import new_id
from notifications.documents import Attempt, Delivery, DeliveryState, NotificationChannel

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""Longer than the checks, a sign-in at the vendor and one chunk take at their slowest (about 35 s)."""

IDS_AT_ONCE = 25  # the embedded database looks up as many ids one by one; for more it scans


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of a claimed delivery. ``next_at`` goes with state DUE: the next try."""

    state: DeliveryState
    reason: str = ""
    attempt: Attempt | None = None
    next_at: datetime | None = None


async def claim_deliveries(worker: str, *, now: datetime, most: int) -> list[Delivery]:
    """Lease up to ``most`` deliveries that are due, or whose lease ended, to one new claim of ``worker``."""
    claim = f"{worker}|{new_id()}"
    taken: list[Delivery] = []
    for state in (DeliveryState.DUE, DeliveryState.LEASED):
        taken += await _claim(claim, state, now=now, most=most - len(taken))
    return taken


async def _claim(claim: str, state: DeliveryState, *, now: datetime, most: int) -> list[Delivery]:
    if most <= 0:
        return []
    queue = Delivery.get_pymongo_collection()
    due = {"state": state.value, "next_at": {"$lte": now}, "channel": NotificationChannel.PUSH.value}
    lease = {"state": DeliveryState.LEASED.value, "lease_owner": claim, "next_at": now + LEASE}
    ids = [row["_id"] for row in await queue.find(due, {"_id": 1}).limit(most).to_list()]
    taken: list[Delivery] = []
    for start in range(0, len(ids), IDS_AT_ONCE):
        among = {"_id": {"$in": ids[start : start + IDS_AT_ONCE]}}
        # Each update is atomic: what another worker took in between is not due any more, and stays theirs.
        await queue.update_many({**among, **due}, {"$set": lease})
        rows = await queue.find({**among, "lease_owner": claim}).to_list()
        taken += [Delivery.model_validate(row) for row in rows]
    return taken


async def settle_delivery(delivery: Delivery, settlement: Settlement) -> bool:
    """Write down what became of ``delivery``; False when its lease ended and another claim has it."""
    change: dict[str, object] = {
        "state": settlement.state.value,
        "reason": settlement.reason,
        "lease_owner": "",
    }
    if settlement.next_at is not None:
        change["next_at"] = settlement.next_at
    update: dict[str, object] = {"$set": change}
    if settlement.attempt is not None:
        update["$push"] = {"attempts": settlement.attempt.model_dump()}
    result = await Delivery.get_pymongo_collection().update_one(
        {"_id": delivery.id, "lease_owner": delivery.lease_owner}, update
    )
    if not result.matched_count:
        log.warning("delivery_lease_lost", delivery_id=delivery.id, settled_as=settlement.state.value)
    return bool(result.matched_count)


async def deliveries_of(notification_id: str) -> list[Delivery]:
    """Return what became, or is to become, of a notification on each way."""
    return await Delivery.find({"notification_id": notification_id}).to_list()
