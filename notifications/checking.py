"""The last look before something leaves: may it still, and what does it say?

Between planning and sending hours may pass. So everything that allows a delivery is looked up afresh: the
session or the account, the owner of the device or endpoint, the right to read the subject and the words
about it, the assignment, a customer's consent.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from backend.core.access import Actor, system_actor
from backend.core.errors import NotFound, Unauthenticated
from backend.core.personal import PersonalClass
from backend.core.records import REGISTRY, Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.consent import ConsentChannel, Purpose
from backend.crm.consents import find_permission
from backend.identity.actors import Actors
from backend.identity.documents import User
from notifications.catalogue import CATALOGUE
from notifications.channels.documents import EndpointProvider, NotificationEndpoint
from notifications.content import Content, content_of, silent_content, told_by
from notifications.delivery import Settlement
from notifications.devices import drop_device
from notifications.documents import (
    Delivery,
    DeliverySort,
    DeliveryState,
    Device,
    Notification,
    NotificationChannel,
)
from notifications.together import Together
from notifications.wording import private_wording

R = TypeVar("R", bound=Record)

MOST_TOGETHER, LOOKS_AT_ONCE = 32, 2
"""Deliveries that are looked at in step, so that their lookups share queries, and such groups in flight."""

HEADINGS = frozenset({"name", "full_name", "title", "subject"})
_SILENT = (DeliverySort.RETRACT, DeliverySort.SYNC)
_CONSENT = {
    NotificationChannel.PUSH: ConsentChannel.PUSH,
    NotificationChannel.WEB_PUSH: ConsentChannel.PUSH,
    NotificationChannel.EMAIL: ConsentChannel.EMAIL,
}


class Withdrawn(Exception):
    """This delivery may not or need not leave any more; the message is the reason, as a code."""

    def __init__(self, reason: str, *, state: DeliveryState = DeliveryState.DROPPED) -> None:
        super().__init__(reason)
        self.settlement = Settlement(state=state, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """A delivery that may leave: what it says, to whom, and where."""

    delivery: Delivery
    content: Content
    recipient: User | None = None
    device: Device | None = None
    endpoint: NotificationEndpoint | None = None


class Checks:
    """Look at deliveries just before they leave. ``link`` is where the app is opened."""

    def __init__(self, store: Store, actors: Actors, *, link: str = "") -> None:
        self._store, self._actors, self._link = store, actors, link
        self._together = Together(self._look, most=MOST_TOGETHER, at_once=LOOKS_AT_ONCE)

    async def leaving(self, delivery: Delivery, *, now: datetime) -> Leaving:
        """Return the delivery as it may leave at ``now``; raise Withdrawn when it may not."""
        if now >= delivery.expires_at:
            raise Withdrawn("expired", state=DeliveryState.DEAD)
        return await self._together.ask(delivery)

    async def _look(self, deliveries: Sequence[Delivery]) -> list[Leaving | Exception]:
        """Look at each by itself and at all in step; what is wrong with one is no other's."""
        people = _People(self._actors)
        found = await asyncio.gather(
            *(self._leaving(delivery, people) for delivery in deliveries), return_exceptions=True
        )
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, Exception):
                raise one
        return [one for one in found if isinstance(one, Leaving | Exception)]

    async def _leaving(self, delivery: Delivery, people: "_People") -> Leaving:
        house = self._store.unit_of_work(system_actor(delivery.workspace_id))
        device = await self._device(house, delivery) if delivery.device_id else None
        endpoint = await self._endpoint(house, delivery) if delivery.endpoint_id else None
        if delivery.sort in _SILENT:
            await self._actor(delivery, device, people)
            return Leaving(delivery=delivery, content=silent_content(delivery), device=device)
        recipient = await _found(house, User, delivery.user_id, otherwise="account_closed")
        waiting = await self._may_be_told(house, delivery)
        ready = None
        if delivery.sort is DeliverySort.TELL:
            ready = await content_of(house, delivery, waiting, recipient, link=self._link)
        # Who they are, and what they may read, last: the less time lies between this and the sending.
        uow = self._store.unit_of_work(await self._actor(delivery, device, people))
        told, says_words = await self._readable(uow, waiting)
        await _check_consent(uow, delivery, endpoint)
        content = ready or await content_of(house, delivery, told, recipient, link=self._link)
        if not says_words:
            content = _without_words(content, recipient)
        return Leaving(
            delivery=delivery, content=content, recipient=recipient, device=device, endpoint=endpoint
        )

    async def _device(self, house: UnitOfWork, delivery: Delivery) -> Device:
        device = await _found(house, Device, delivery.device_id, otherwise="device_gone")
        if not device.is_reachable:
            raise Withdrawn("device_gone")
        if device.owner_id != delivery.user_id:
            raise Withdrawn("device_changed_hands")
        return device

    async def _endpoint(self, house: UnitOfWork, delivery: Delivery) -> NotificationEndpoint:
        endpoint = await _found(house, NotificationEndpoint, delivery.endpoint_id, otherwise="endpoint_gone")
        if not endpoint.is_reachable or endpoint.owner_id != delivery.user_id:
            raise Withdrawn("endpoint_gone")
        return endpoint

    async def _actor(self, delivery: Delivery, device: Device | None, people: "_People") -> Actor:
        """Return who is told: on a device who is signed in there, elsewhere whose account it is."""
        session_id = None if device is None else device.session_id
        try:
            return await people.actor(delivery.workspace_id, delivery.user_id, session_id)
        except Unauthenticated:
            if device is None:
                raise Withdrawn("account_closed") from None
            await self._drop(delivery, device)
            raise Withdrawn("session_ended") from None

    async def _drop(self, delivery: Delivery, device: Device) -> None:
        ended = device.session_id

        async def drop(uow: UnitOfWork) -> None:
            await drop_device(uow, device.id, reason="session_ended", only_of_session=ended)

        await self._store.write(system_actor(delivery.workspace_id), drop)

    async def _may_be_told(self, house: UnitOfWork, delivery: Delivery) -> list[Notification]:
        """Return what of it has not been read, the newest first; raise Withdrawn for nothing."""
        told = await told_by(house, delivery)
        if told:
            return told
        if delivery.sort is DeliverySort.TELL:
            await _found(house, Notification, delivery.notification_id, otherwise="notification_gone")
        raise Withdrawn("already_read")

    async def _readable(
        self, uow: UnitOfWork, waiting: list[Notification]
    ) -> tuple[list[Notification], bool]:
        """Return what of ``waiting`` its recipient may still be told, and whether with its words."""
        told, says_words, ending = [], True, Withdrawn("already_read")
        for notification in waiting:
            if notification.owner_id != uow.actor.user_id:
                continue
            try:
                subject = await _checked_subject(uow, notification)
            except Withdrawn as withdrawn:
                ending = withdrawn
            else:
                told.append(notification)
                says_words &= subject is None or not hides_its_heading(subject)
        if not told:
            raise ending
        return told, says_words


@dataclass
class _People:
    """Who is told by the deliveries of one look: each person is looked up once, by the first who asks."""

    actors: Actors
    _asked: dict[tuple[str, str, str | None], "asyncio.Task[Actor]"] = field(default_factory=dict)

    async def actor(self, workspace_id: str, user_id: str, session_id: str | None) -> Actor:
        """Return who is signed in with a session, or a user without one; raise Unauthenticated."""
        key = (workspace_id, user_id, session_id)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._find(*key))
        return await self._asked[key]

    async def _find(self, workspace_id: str, user_id: str, session_id: str | None) -> Actor:
        if session_id is not None:
            return await self.actors.of_session(workspace_id, user_id, session_id=session_id)
        return await self.actors.of_user(workspace_id, user_id)


async def _found(uow: UnitOfWork, record: type[R], id: str, *, otherwise: str) -> R:
    try:
        return await uow.access(record, id)
    except NotFound:
        raise Withdrawn(otherwise) from None


async def _checked_subject(uow: UnitOfWork, notification: Notification) -> Record | None:
    """Return the subject; raise Withdrawn when the recipient may not read or does not hold it any more."""
    if not notification.subject_kind:
        return None
    kind = REGISTRY.get(notification.subject_kind)
    if kind is None:
        raise Withdrawn("subject_unknown")
    subject = await _found(uow, kind, notification.subject_id, otherwise="access_revoked")
    sort = CATALOGUE[notification.type]
    held_by = getattr(subject, sort.holder) if sort.holder else notification.owner_id
    if held_by != notification.owner_id and not (sort.or_unheld and held_by is None):
        raise Withdrawn("assigned_elsewhere")
    return subject


def hides_its_heading(subject: Record) -> bool:
    """Tell whether a field rule now hides what a notification calls its subject by, or a part of it."""
    covered = subject.veil.hidden | subject.veil.masked | subject.veil.blank
    headings = HEADINGS | {
        name for name, sort in type(subject).personal.items() if sort is PersonalClass.HEADING
    }
    return bool(covered & headings)


def _without_words(content: Content, recipient: User) -> Content:
    wording = private_wording(recipient.locale)
    return replace(content, title=wording.title, body=wording.body, letter=None)


async def _check_consent(uow: UnitOfWork, delivery: Delivery, endpoint: NotificationEndpoint | None) -> None:
    """Raise Withdrawn when the recipient is a customer who does not let us reach them this way any more."""
    if uow.actor.contact_id is None:
        return
    is_sms = endpoint is not None and endpoint.provider is EndpointProvider.SMS
    channel = ConsentChannel.SMS if is_sms else _CONSENT.get(delivery.channel, ConsentChannel.ANY)
    permission = await find_permission(uow, uow.actor.contact_id, Purpose.SERVICE, channel)
    if not permission.allowed:
        raise Withdrawn(f"consent_{permission.reason.value}")
