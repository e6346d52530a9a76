"""Read on one device, gone from the others: what has not left is dropped, what is shown is taken back."""

from datetime import timedelta

import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.ids import derived_id
from backend.core.ledger import LedgerEntry
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
    shown = await _shown(uow, entry.record_id)
    devices = {
        one.id: one for one in await uow.find(Device, {"_id": {"$in": [row.device_id for row in shown]}})
    }
    back = [
        _take_back(row, entry)
        for row in shown
        if row.device_id in devices
        and devices[row.device_id].session_id != event.session_id
        and not await has_newer(row)
    ]
    if await add_deliveries(back):
        worker.wake()


async def _shown(uow: UnitOfWork, notification_id: str) -> list[Delivery]:
    """Return what may stand on a screen because of it: its own pushes, and digests of which all is read."""
    found = []
    for row in await deliveries_of(notification_id):
        if row.sort is DeliverySort.TELL and row.state in SHOWN and row.device_id:
            found.append(row)
        digest = await delivery_by_id(row.digest_id) if row.digest_id else None
        if digest is not None and digest.state in SHOWN and digest.device_id:
            found += [] if await told_by(uow, digest) else [digest]
    return found


def _take_back(shown: Delivery, entry: LedgerEntry) -> Delivery:
    return Delivery(
        id=derived_id("retract", shown.id),
        workspace_id=shown.workspace_id,
        sort=DeliverySort.RETRACT,
        channel=shown.channel,
        type=shown.type,
        notification_id=entry.record_id,
        subject_kind=shown.subject_kind,
        subject_id=shown.subject_id,
        user_id=shown.user_id,
        device_id=shown.device_id,
        collapse_key=shown.collapse_key,
        priority="normal",
        raised_at=entry.at,
        not_before=entry.at,
        next_at=entry.at,
        expires_at=entry.at + LIVES,
    )
