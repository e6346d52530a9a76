"""The delivery worker: claim, check again, send, settle.

Between planning and sending hours may pass. So everything that allows a push is looked up afresh just
before it leaves: the session, the device's owner, the right to read the subject, the assignment, a
customer's consent.
No transaction is open while something is sent.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError

from backend.core.access import Actor, system_actor
from backend.core.clock import Clock
from backend.core.errors import NotFound, Unauthenticated
from backend.core.records import REGISTRY, Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.consent import ConsentChannel, Purpose
from backend.crm.consents import find_permission
from backend.identity.actors import Actors
from backend.identity.documents import User
from notifications.catalogue import CATALOGUE
from notifications.content import Content, content_of, silent_content, told_by
from notifications.delivery import Settlement, claim_deliveries, settle_delivery
from notifications.devices import drop_device
from notifications.documents import Attempt, Delivery, DeliverySort, DeliveryState, Device, Notification
from notifications.gateways import Outcome, PushGateway, PushMessage, Registration, Verdict
from notifications.rules import pause_before_next_try

log = structlog.get_logger(__name__)

R = TypeVar("R", bound=Record)
CHUNK = 100
DELIVERIES = Counter("rapport_deliveries_total", "Tries to deliver a push, by what came of them", ["outcome"])


class Withdrawn(Exception):
    """This push may not or need not leave any more; the message is the reason, as a code."""

    def __init__(self, reason: str, *, state: DeliveryState = DeliveryState.DROPPED) -> None:
        super().__init__(reason)
        self.settlement = Settlement(state=state, reason=reason)


class DeliveryWorker:
    """Send what is due, in this process. Several may work on one queue.

    ``owner`` names the process; ``jitter`` gives a random number in [0, 1).
    """

    def __init__(
        self,
        store: Store,
        actors: Actors,
        gateway: PushGateway,
        *,
        owner: str,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._actors, self._gateway = store, actors, gateway
        self._owner, self._clock, self._jitter = owner, clock or store.clock, jitter
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = self._is_closing = False
        self._working = asyncio.Lock()

    def wake(self) -> None:
        """Say that something may be due; returns at once."""
        self._is_wanted = True
        if not self._is_closing and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="deliveries")

    async def work(self) -> int:
        """Send until nothing is due; return how many deliveries were settled."""
        settled = 0
        async with self._working:
            while not self._is_closing:
                claimed = await claim_deliveries(self._owner, now=self._clock.now(), most=CHUNK)
                if not claimed:
                    break
                await self._send(claimed)
                settled += len(claimed)
        return settled

    async def close(self) -> None:
        """Finish the chunk in hand, so that nothing is sent twice, and let go of the gateway."""
        self._is_closing = True
        if self._task is not None:
            await self._task
        await self._gateway.close()

    async def _run(self) -> None:
        while self._is_wanted and not self._is_closing:
            self._is_wanted = False
            try:
                await self.work()
            except PyMongoError as error:
                log.warning("deliveries_store_away", error=str(error))  # the next tick goes on
            except Exception:
                log.exception("deliveries_failed")  # their leases end, and another try begins

    # ── one chunk ────────────────────────────────────────────────────────────────────────────────

    async def _send(self, claimed: list[Delivery]) -> None:
        leaving: list[tuple[Delivery, PushMessage]] = []
        for delivery in claimed:
            try:
                leaving.append((delivery, await self._checked(delivery)))
            except Withdrawn as withdrawn:
                DELIVERIES.labels(withdrawn.settlement.state.value).inc()
                await settle_delivery(delivery, withdrawn.settlement)
        if not leaving:
            return
        verdicts = await self._gateway.send([message for _, message in leaving])
        for (delivery, _), verdict in zip(leaving, verdicts, strict=True):
            await self._apply(delivery, verdict)

    async def _apply(self, delivery: Delivery, verdict: Verdict) -> None:
        """Do what the verdict asks for."""
        DELIVERIES.labels(verdict.outcome.value).inc()
        if verdict.mend:
            log.error("push_needs_an_operator", reason=verdict.reason, mend=verdict.mend)
        if verdict.outcome is Outcome.FORGET:
            await self._drop(delivery, reason=verdict.reason)
        await settle_delivery(delivery, self._settlement(delivery, verdict))

    def _settlement(self, delivery: Delivery, verdict: Verdict) -> Settlement:
        now = self._clock.now()
        attempt = Attempt(
            at=now,
            outcome=verdict.outcome.value,
            reason=verdict.reason,
            provider_message_id=verdict.provider_message_id,
        )
        if verdict.outcome is Outcome.SENT:
            return Settlement(state=DeliveryState.SENT, attempt=attempt)
        if verdict.outcome in (Outcome.FORGET, Outcome.FAILED):
            return Settlement(state=DeliveryState.FAILED, reason=verdict.reason, attempt=attempt)
        # RETRY, and ALERT: once the operator has mended it, the push is still wanted.
        pause = pause_before_next_try(
            len(delivery.attempts) + 1, asked_for=verdict.retry_after, jitter=self._jitter()
        )
        if now + pause >= delivery.expires_at:
            log.warning("delivery_dead", delivery_id=delivery.id, reason=verdict.reason)
            return Settlement(state=DeliveryState.DEAD, reason=verdict.reason, attempt=attempt)
        return Settlement(
            state=DeliveryState.DUE, reason=verdict.reason, attempt=attempt, next_at=now + pause
        )

    async def _drop(self, delivery: Delivery, *, reason: str, only_of_session: str | None = None) -> None:
        async def drop(uow: UnitOfWork) -> None:
            await drop_device(uow, delivery.device_id, reason=reason, only_of_session=only_of_session)

        await self._store.write(system_actor(delivery.workspace_id), drop)

    # ── may it still leave? ──────────────────────────────────────────────────────────────────────

    async def _checked(self, delivery: Delivery) -> PushMessage:
        """Return the message, when it may still leave; raise Withdrawn otherwise."""
        now = self._clock.now()
        if now >= delivery.expires_at:
            raise Withdrawn("expired", state=DeliveryState.DEAD)
        house = self._store.unit_of_work(system_actor(delivery.workspace_id))
        device = await _found(house, Device, delivery.device_id, otherwise="device_gone")
        if not device.is_reachable:
            raise Withdrawn("device_gone")
        if device.owner_id != delivery.user_id:
            raise Withdrawn("device_changed_hands")
        uow = self._store.unit_of_work(await self._actor_on(device, delivery))
        if delivery.sort in (DeliverySort.RETRACT, DeliverySort.SYNC):
            return _message(delivery, silent_content(delivery), device, now=now)
        told = await self._may_be_told(uow, delivery)
        await _check_consent(uow)
        recipient = await _found(house, User, delivery.user_id, otherwise="session_ended")
        content = await content_of(house, delivery, told, recipient, link="")
        return _message(delivery, content, device, now=now)

    async def _may_be_told(self, uow: UnitOfWork, delivery: Delivery) -> list[Notification]:
        """Return what the recipient may still be told, the newest first; raise Withdrawn for nothing."""
        if delivery.sort is DeliverySort.TELL:
            notification = await _found(
                uow, Notification, delivery.notification_id, otherwise="notification_gone"
            )
            if notification.read_at is not None:
                raise Withdrawn("already_read")
            await _check_subject(uow, notification)
            return [notification]
        told: list[Notification] = []
        ending = Withdrawn("already_read")
        for notification in await told_by(uow, delivery):
            try:
                await _check_subject(uow, notification)
                told.append(notification)
            except Withdrawn as withdrawn:
                ending = withdrawn
        if not told:
            raise ending
        return told

    async def _actor_on(self, device: Device, delivery: Delivery) -> Actor:
        try:
            return await self._actors.of_session(
                delivery.workspace_id, delivery.user_id, session_id=device.session_id
            )
        except Unauthenticated:
            await self._drop(delivery, reason="session_ended", only_of_session=device.session_id)
            raise Withdrawn("session_ended") from None


async def _found(uow: UnitOfWork, record: type[R], id: str, *, otherwise: str) -> R:
    try:
        return await uow.access(record, id)
    except NotFound:
        raise Withdrawn(otherwise) from None


async def _check_subject(uow: UnitOfWork, notification: Notification) -> None:
    """Raise Withdrawn when the recipient may not read the subject, or does not hold it, any more."""
    if not notification.subject_kind:
        return
    kind = REGISTRY.get(notification.subject_kind)
    if kind is None:
        raise Withdrawn("subject_unknown")
    subject = await _found(uow, kind, notification.subject_id, otherwise="access_revoked")
    holder = CATALOGUE[notification.type].holder
    if holder and getattr(subject, holder) != notification.owner_id:
        raise Withdrawn("assigned_elsewhere")


async def _check_consent(uow: UnitOfWork) -> None:
    """Raise Withdrawn when the recipient is a customer who does not let us reach them by push any more."""
    if uow.actor.contact_id is not None:
        permission = await find_permission(uow, uow.actor.contact_id, Purpose.SERVICE, ConsentChannel.PUSH)
        if not permission.allowed:
            raise Withdrawn(f"consent_{permission.reason.value}")


def _message(delivery: Delivery, content: Content, device: Device, *, now: datetime) -> PushMessage:
    return PushMessage(
        registration=Registration(kind=device.registration_kind.value, value=device.value),
        title=content.title,
        body=content.body,
        collapse_key=delivery.collapse_key,
        ttl=delivery.expires_at - now,
        data=content.data,
        priority=delivery.priority,
    )
