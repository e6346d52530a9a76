"""Read on one device, gone from the others: what has not left is dropped, what is shown is taken back.

So is what names a record that its reader may not read any more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from notifications.content import told_by
from notifications.delivery import deliveries_of
from notifications.documents import Delivery, DeliverySort, DeliveryState, Device
from notifications.events import NotificationRead
from notifications.queueing import add_deliveries, delivery_by_id, has_newer, withdraw
from notifications.sending import DeliveryWorker

LIVES = timedelta(days=2)
"""How long a device that is off may take to hear of it; then its owner has cleared the screen, or not."""

SHOWN = (DeliveryState.SENT, DeliveryState.LEASED)


async def on_notification_read(handed: relay.Delivery, services: svcs.Container) -> None:
    """Withdraw what tells of it. Handed over twice, it does so once."""
    event, entry = handed.event, handed.entry
    assert isinstance(event, NotificationRead)
    store, worker = await services.aget(Store, DeliveryWorker)
    uow = store.unit_of_work(system_actor(entry.workspace_id))
    await withdraw(entry.record_id, reason="already_read")
    shown = await _pushes(entry.record_id)
    for digest in await _digests(entry.record_id):
        shown += [] if await told_by(uow, digest) else [digest]  # of which all is read
    if await _take_back(uow, shown, entry.record_id, at=entry.at, seen_in=event.session_id):
        worker.wake()


async def take_back_covered(uow: UnitOfWork, notification_id: str, *, at: datetime) -> bool:
    """Clear from its reader's screens what names a record that they may not read any more, since ``at``.

    A digest that names it goes whole. Return whether a device is to be told; twice is as good as once.
    """
    shown = [*await _pushes(notification_id), *await _digests(notification_id)]
    return await _take_back(uow, shown, notification_id, at=at)


async def _pushes(notification_id: str) -> list[Delivery]:
    """Return what may stand on a screen and tells of one notification alone."""
    return [
        row
        for row in await deliveries_of(notification_id)
        if row.sort is DeliverySort.TELL and row.state in SHOWN and row.device_id
    ]


async def _digests(notification_id: str) -> list[Delivery]:
    """Return what may stand on a screen and tells of a notification among others."""
    ids = {row.digest_id for row in await deliveries_of(notification_id) if row.digest_id}
    found = [await delivery_by_id(id) for id in sorted(ids)]
    return [one for one in found if one is not None and one.state in SHOWN and one.device_id]


async def _take_back(
    uow: UnitOfWork, shown: Sequence[Delivery], notification_id: str, *, at: datetime, seen_in: str = ""
) -> bool:
    """Let the devices be told to clear what they show, but for those of the session ``seen_in``."""
    wanted = {"_id": {"$in": [row.device_id for row in shown]}}
    devices = {one.id: one for one in await uow.find(Device, wanted)} if shown else {}
    back = [
        _retraction(row, notification_id, at)
        for row in shown
        if row.device_id in devices
        and not (seen_in and devices[row.device_id].session_id == seen_in)
        and not await has_newer(row)
    ]
    return bool(await add_deliveries(back))


def _retraction(shown: Delivery, notification_id: str, at: datetime) -> Delivery:
    return Delivery(
        id=derived_id("retract", shown.id),
        workspace_id=shown.workspace_id,
        sort=DeliverySort.RETRACT,
        channel=shown.channel,
        type=shown.type,
        notification_id=notification_id,
        subject_kind=shown.subject_kind,
        subject_id=shown.subject_id,
        user_id=shown.user_id,
        device_id=shown.device_id,
        collapse_key=shown.collapse_key,
        priority="normal",
        raised_at=at,
        not_before=at,
        next_at=at,
        expires_at=at + LIVES,
    )
