"""From a line in the inbox to deliveries: over which channels, to which devices, and when at the earliest.

What is decided against is written down as well, with the rule: the log answers "why did I not get it?".
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog
import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from notifications.catalogue import CATALOGUE, NotificationType
from notifications.channels.endpoints import endpoints_of
from notifications.choosing import Handling, Plan, Ruling, plan
from notifications.delivery import deliveries_of
from notifications.documents import Delivery, DeliveryState, Device, Notification, NotificationChannel
from notifications.preferences import Recipient, recipient_of, zone_of
from notifications.queueing import add_deliveries, take_turn_of
from notifications.sending import DeliveryWorker

log = structlog.get_logger(__name__)

DEVICES = (NotificationChannel.PUSH, NotificationChannel.WEB_PUSH)
LEAVING = (*DEVICES, NotificationChannel.EMAIL, NotificationChannel.WEBHOOK)


async def on_notification_raised(handed: relay.Delivery, services: svcs.Container) -> None:
    """Plan the ways of a new line and wake the worker. Handed over twice, it plans once."""
    store, worker = await services.aget(Store, DeliveryWorker)
    uow = store.unit_of_work(system_actor(handed.entry.workspace_id))
    added = await add_deliveries(await plan_deliveries(uow, handed.entry.record_id, at=handed.entry.at))
    if any(delivery.state is DeliveryState.DUE for delivery in added):
        worker.wake()


async def plan_deliveries(uow: UnitOfWork, notification_id: str, *, at: datetime) -> list[Delivery]:
    """Return a row for each way to the recipient, by what they, their teams and the workspace want."""
    notification = await uow.find_one(Notification, {"_id": notification_id})
    recipient = await recipient_of(uow, notification.owner_id or "") if notification else None
    if notification is None or recipient is None:
        return []
    planner = _Planner(uow, notification, recipient, at.astimezone(UTC))
    return [planner.listed(), *await planner.leaving()]


class _Planner:
    """Plans one notification."""

    def __init__(
        self, uow: UnitOfWork, notification: Notification, recipient: Recipient, at: datetime
    ) -> None:
        self._uow, self._notification, self._recipient, self._at = uow, notification, recipient, at
        self._type: NotificationType = CATALOGUE[notification.type]
        self._zone = zone_of(recipient.user)
        self._turn: datetime | None = None

    def listed(self) -> Delivery:
        """Return the row of the inbox: there the line is already, or it is not wanted there."""
        ruling = self._ruling(NotificationChannel.IN_APP)
        plan = Plan(self._at, self._at + self._type.lives)
        if self._notification.is_listed:
            return self._row(NotificationChannel.IN_APP, "", plan, DeliveryState.SENT)
        return self._dropped(NotificationChannel.IN_APP, "preference", ruling.rule)

    async def leaving(self) -> list[Delivery]:
        """Return the rows of the channels that leave the house."""
        addresses = await self._addresses()
        rows: list[Delivery] = []
        for channel in LEAVING:
            ruling, found = self._ruling(channel), addresses.get(channel, ())
            if ruling.handling is Handling.OFF:
                rows.append(self._dropped(channel, "preference", ruling.rule))
            elif not found:
                rows += self._unreached(channel, addresses)
            else:
                plan = await self._plan(ruling)
                rows += [self._planned(channel, address, plan) for address in found]
        return rows

    async def _addresses(self) -> Mapping[NotificationChannel, Sequence[str]]:
        """Return where the recipient is reached: devices by id, webhooks by id, and their mailbox."""
        user = self._recipient.user
        devices = await self._uow.find(Device, {"owner_id": user.id})
        found: dict[NotificationChannel, list[str]] = {}
        for device in devices:
            if device.is_reachable:
                found.setdefault(device.channel, []).append(device.id)
        for endpoint in await endpoints_of(self._uow, user.id):
            found.setdefault(NotificationChannel.WEBHOOK, []).append(endpoint.id)
        if user.email:
            found[NotificationChannel.EMAIL] = [""]
        return found

    def _unreached(
        self, channel: NotificationChannel, addresses: Mapping[NotificationChannel, Sequence[str]]
    ) -> list[Delivery]:
        """Return that a channel leads nowhere; of phones and browsers one is enough, webhooks are extra."""
        if channel is NotificationChannel.PUSH and not any(addresses.get(one) for one in DEVICES):
            return [self._dropped(channel, "no_registration", "")]
        if channel is NotificationChannel.EMAIL:
            return [self._dropped(channel, "no_registration", "")]
        return []

    async def _plan(self, ruling: Ruling) -> Plan:
        allowed_at = None if self._type.critical else await self._allowed_at()
        return plan(
            self._type,
            ruling,
            self._recipient.wishes,
            at=self._at,
            zone=self._zone,
            allowed_at=allowed_at,
        )

    async def _allowed_at(self) -> datetime:
        """Take one turn for all channels together; planned again, the same as the first time."""
        if self._turn is None:
            known = await deliveries_of(self._notification.id)
            held = [row.not_before for row in known if row.reason == "throttled"]
            gone = [row for row in known if row.channel in LEAVING and row.state is not DeliveryState.DROPPED]
            if held or gone:
                self._turn = max(held, default=self._at)
            else:
                pace, _ = self._recipient.wishes.pace(self._type)
                user = self._recipient.user
                self._turn = await take_turn_of(
                    user.workspace_id, user.id, self._type.key, pace, now=self._at
                )
        return self._turn

    def _ruling(self, channel: NotificationChannel) -> Ruling:
        return self._recipient.wishes.ruling(self._type, channel.value)

    def _planned(self, channel: NotificationChannel, address: str, plan: Plan) -> Delivery:
        if plan.is_gathered:
            row = self._row(channel, address, plan, DeliveryState.GATHERED)
            where = (row.user_id, channel.value, address, plan.reason, plan.not_before.isoformat())
            row.digest_id = derived_id("digest", self._uow.actor.workspace_id, *where)
            return row
        if plan.expires_at <= self._uow.at:  # found after an outage
            return self._row(channel, address, plan, DeliveryState.DEAD, reason="expired")
        return self._row(channel, address, plan, DeliveryState.DUE)

    def _dropped(self, channel: NotificationChannel, reason: str, rule: str) -> Delivery:
        plan = Plan(self._at, self._at + self._type.lives, reason, rule)
        return self._row(channel, "", plan, DeliveryState.DROPPED)

    def _row(
        self,
        channel: NotificationChannel,
        address: str,
        plan: Plan,
        state: DeliveryState,
        *,
        reason: str | None = None,
    ) -> Delivery:
        told = self._notification
        return Delivery(
            id=derived_id("delivery", told.id, address or channel.value),
            workspace_id=self._uow.actor.workspace_id,
            channel=channel,
            type=told.type,
            notification_id=told.id,
            subject_kind=told.subject_kind,
            subject_id=told.subject_id,
            user_id=self._recipient.user.id,
            device_id=address if channel in DEVICES else "",
            endpoint_id=address if channel is NotificationChannel.WEBHOOK else "",
            collapse_key=f"{told.type}:{told.subject_id or told.id}",
            state=state,
            reason=plan.reason if reason is None else reason,
            rule=plan.rule,
            raised_at=self._at,
            not_before=plan.not_before,
            next_at=plan.not_before,
            expires_at=plan.expires_at,
        )
