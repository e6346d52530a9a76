"""The queue of deliveries, seen by who plans: filling it, and taking out what need not leave any more.

Rows are added by ids that follow from what they tell, so that planning twice adds nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo.errors import DuplicateKeyError

from backend.core.ids import derived_id
from notifications.catalogue import DIGEST, Pace
from notifications.documents import (
    KEPT_AFTER_END,
    Delivery,
    DeliverySort,
    DeliveryState,
    SyncPing,
    TurnBucket,
)
from notifications.pacing import Woken, take_turn
from notifications.windows import Walk

log = structlog.get_logger(__name__)


async def add_deliveries(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Add what is not in the queue yet, by id; return what is new.

    What waits on the same way with the same collapse key is dropped: the newer one says it all.
    """
    added = []
    for delivery in deliveries:
        try:
            await delivery.insert()
        except DuplicateKeyError:  # the relay handed the same entry over again
            log.info("delivery_known", delivery_id=delivery.id)
        else:
            added.append(delivery)
        if delivery.state is DeliveryState.GATHERED:
            await _gather(delivery)
    for delivery in added:
        if delivery.state is DeliveryState.DUE:
            await _supersede(delivery)
    return added


async def _gather(row: Delivery) -> None:
    """See that the digest which a gathered row goes with is in the queue, and has not left before."""
    for round in range(50):
        id = derived_id("digest", row.digest_id, str(round)) if round else row.digest_id
        digest = row.model_copy(
            update={
                "id": id,
                "sort": DeliverySort.DIGEST,
                "type": DIGEST.key,
                "state": DeliveryState.DUE,
                "digest_id": "",
                "notification_id": "",
                "subject_kind": "",
                "subject_id": "",
                "collapse_key": f"digest:{id}",
            }
        )
        try:
            await digest.insert()
        except DuplicateKeyError:
            found = await Delivery.find_one({"_id": id, "state": DeliveryState.DUE.value})
            if found is None:  # it has left: what comes after it goes with another
                continue
        if id != row.digest_id:
            await _rows().update_one({"_id": row.id}, {"$set": {"digest_id": id}})
        return
    raise AssertionError("fifty digests of one window have left: nobody gathers that much")


_OUTDATED = {
    DeliverySort.TELL: [DeliverySort.TELL.value, DeliverySort.RETRACT.value],  # it replaces what was shown
    DeliverySort.DIGEST: [DeliverySort.DIGEST.value],
    DeliverySort.RETRACT: [DeliverySort.RETRACT.value],
    DeliverySort.SYNC: [DeliverySort.SYNC.value],
}


async def has_newer(row: Delivery) -> bool:
    """Tell whether something newer took, or is to take, the place of ``row`` on its screen."""
    newer = {
        "user_id": row.user_id,
        "collapse_key": row.collapse_key,
        "device_id": row.device_id,
        "sort": DeliverySort.TELL.value,
        "raised_at": {"$gt": row.raised_at},
    }
    return await Delivery.find_one(newer) is not None


async def _supersede(newer: Delivery) -> None:
    same = {
        "user_id": newer.user_id,
        "collapse_key": newer.collapse_key,
        "state": DeliveryState.DUE.value,
        "channel": newer.channel.value,
        "device_id": newer.device_id,
        "endpoint_id": newer.endpoint_id,
        "sort": {"$in": _OUTDATED[newer.sort]},
        "raised_at": {"$lt": newer.raised_at},
    }
    await _rows().update_many(same, _ended(DeliveryState.DROPPED, "superseded"))


async def delivery_by_id(id: str) -> Delivery | None:
    """Return one row of the queue."""
    return await Delivery.find_one({"_id": id})


async def gathered_for(digest_id: str, *, most: int) -> list[Delivery]:
    """Return what goes with a digest, the newest first, up to ``most``."""
    where = {"digest_id": digest_id, "state": DeliveryState.GATHERED.value}
    return await Delivery.find(where).sort("-raised_at", "+_id").limit(most).to_list()


async def withdraw(notification_id: str, *, reason: str) -> None:
    """Let nothing of a notification leave that has not left yet."""
    waiting = [DeliveryState.DUE.value, DeliveryState.GATHERED.value]
    where = {"notification_id": notification_id, "state": {"$in": waiting}, "sort": DeliverySort.TELL.value}
    await _rows().update_many(where, _ended(DeliveryState.DROPPED, reason))


async def drop_expired(*, now: datetime) -> int:
    """Give up on all that is due and has outlived its use, what ended last first; return how many.

    Window by window, each in the store itself: however much there is, none of it is in memory, and others
    write in between. What ended longer ago than ``KEPT_AFTER_END`` is not there any more.
    """
    dropped, walk = 0, Walk(now, now - KEPT_AFTER_END - timedelta(days=1))
    while (window := walk.next()) is not None:
        some = {"state": DeliveryState.DUE.value} | window.of("expires_at")
        result = await _rows().update_many(some, _ended(DeliveryState.DEAD, "expired"))
        walk.found(result.modified_count)
        dropped += int(result.modified_count)
    return dropped


async def take_turn_of(
    workspace_id: str, user_id: str, type_key: str, pace: Pace, *, now: datetime
) -> datetime:
    """Take the person's turn to be interrupted by a type; return when it is: ``now``, or later."""
    id = f"{workspace_id}|{user_id}|{type_key}"
    buckets = TurnBucket.get_pymongo_collection()
    while True:
        row = await buckets.find_one({"_id": id})
        known = row["full_at"] if row else None
        taken = take_turn(known, now=now, most=pace.most, within=pace.within)
        if taken.allowed_at > now:
            return taken.allowed_at
        change = {
            "workspace_id": workspace_id,
            "full_at": taken.full_at,
            "expires_at": taken.full_at + timedelta(days=1),
        }
        try:
            result = await buckets.update_one(
                {"_id": id, "full_at": known}, {"$set": change}, upsert=row is None
            )
        except DuplicateKeyError:  # another process took the first one
            continue
        if result.matched_count or result.upserted_id is not None:
            return now


async def woken_device(device_id: str) -> SyncPing | None:
    """Return when a device was last woken to pull."""
    return await SyncPing.find_one({"_id": device_id})


async def keep_woken(device_id: str, workspace_id: str, woken: Woken) -> None:
    """Note that a device is woken now."""
    change = {
        "workspace_id": workspace_id,
        "at": woken.at,
        "unanswered": woken.unanswered,
        "full_at": woken.full_at,
        "expires_at": woken.at + timedelta(days=7),
    }
    pings = SyncPing.get_pymongo_collection()
    await pings.update_one({"_id": device_id}, {"$set": change}, upsert=True)


def _rows() -> Any:
    return Delivery.get_pymongo_collection()


def _ended(state: DeliveryState, reason: str) -> dict[str, Any]:
    return {"$set": {"state": state.value, "reason": reason, "rule": "", "lease_owner": ""}}
