"""From a line in the inbox to deliveries: which devices, and when at the earliest."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from notifications.catalogue import CATALOGUE
from notifications.delivery import enqueue_deliveries
from notifications.documents import Delivery, Device, Notification
from notifications.preferences import preferences_of
from notifications.rules import QuietHours, plan
from notifications.sending import DeliveryWorker

log = structlog.get_logger(__name__)


async def on_notification_raised(handed: relay.Delivery, services: svcs.Container) -> None:
    """Plan the pushes of a new line and wake the worker. Handed over twice, it plans once."""
    store, worker = await services.aget(Store, DeliveryWorker)
    uow = store.unit_of_work(system_actor(handed.entry.workspace_id))
    if await enqueue_deliveries(await plan_deliveries(uow, handed.entry.record_id, at=handed.entry.at)):
        worker.wake()


async def plan_deliveries(uow: UnitOfWork, notification_id: str, *, at: datetime) -> list[Delivery]:
    """Return a delivery for each device of the recipient, by their preferences and time zone."""
    notification = await uow.find_one(Notification, {"_id": notification_id})
    recipient = await uow.find_one(User, {"_id": notification.owner_id}) if notification else None
    if notification is None or recipient is None:
        return []
    preference = await preferences_of(uow, recipient.id)
    planned = plan(
        CATALOGUE[notification.type],
        at=at.astimezone(UTC),
        zone=_zone_of(recipient),
        quiet_hours=QuietHours(*preference.quiet_hours.times) if preference.quiet_hours else None,
        muted=preference.muted_types,
    )
    if planned is None:
        return []
    devices = await uow.find(Device, {"owner_id": recipient.id})
    return [
        Delivery(
            id=derived_id("delivery", notification.id, device.id),
            workspace_id=uow.actor.workspace_id,
            notification_id=notification.id,
            type=notification.type,
            subject_kind=notification.subject_kind,
            subject_id=notification.subject_id,
            user_id=recipient.id,
            channel=device.channel,
            device_id=device.id,
            collapse_key=f"{notification.type}:{notification.subject_id or notification.id}",
            raised_at=at,
            not_before=planned.not_before,
            next_at=planned.not_before,
            expires_at=planned.expires_at,
        )
        for device in devices
        if device.is_reachable
    ]


def _zone_of(user: User) -> ZoneInfo:
    try:
        return ZoneInfo(user.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        log.warning(
            "time_zone_unknown",
            user_id=user.id,
            time_zone=user.time_zone,
            mend="quiet hours are taken in UTC; set the user's time zone to an IANA name: Asia/Shanghai",
        )
        return ZoneInfo("UTC")
