"""The delivery worker: claim, check again, send, settle.

Each channel has lanes of its own, so that a mail server that hangs holds up no phone. A lane takes one
claimed delivery at a time, looks at it afresh, sends it at once and writes down what came of it: little
time lies between the check and the sending, and a worker that is killed has little in hand.
No transaction is open while something is sent.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter
from pymongo.errors import PyMongoError

from backend.core.access import system_actor
from backend.core.clock import Clock
from backend.core.errors import NotFound
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from notifications.channels.endpoints import drop_endpoint
from notifications.checking import Checks, Leaving, Withdrawn
from notifications.delivery import LEASE, Lookout, Settlement, claim_deliveries, settle_deliveries
from notifications.devices import drop_device
from notifications.documents import Attempt, Delivery, DeliveryState, NotificationChannel
from notifications.gateways import Gateway, Outcome, PushGateway, PushMessage, Verdict
from notifications.outgoing import push_of
from notifications.rules import pause_before_next_try
from notifications.together import Together

log = structlog.get_logger(__name__)

CHUNK = 100
LOOKED_FOR = 500
"""Ids in hand of one channel: all that a worker keeps of a queue, however long that is."""

SETTLED_BEFORE = timedelta(seconds=3)
"""How long before the lease ends a lane lets go: time to write down that nobody knows."""

ALERTS_SHOWN_FOR = timedelta(hours=1)

DELIVERIES = Counter(
    "rapport_deliveries_total", "Tries to deliver, by channel and what came of them", ["channel", "outcome"]
)


@dataclass(frozen=True, kw_only=True)
class Outlet:
    """One channel's way out: who sends, how a delivery is written for them, how many at once.

    ``absent`` is the reason for which all of the channel is dropped, when this house has no such way out.
    """

    gateway: Gateway[Any]
    message: Callable[[Leaving, datetime], Any]
    lanes: int
    absent: str = ""


@dataclass
class Alerts:
    """What operators are to mend, as the gateways said it; each is logged once a while."""

    seen: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    def raise_for(self, verdict: Verdict, now: datetime) -> None:
        """Remember and log what the verdict asks an operator for."""
        last, _ = self.seen.get(verdict.reason, (None, ""))
        if last is None or now - last >= timedelta(minutes=1):
            log.error("push_needs_an_operator", reason=verdict.reason, mend=verdict.mend)
            self.seen[verdict.reason] = (now, verdict.mend)

    def of_late(self, now: datetime) -> dict[str, str]:
        """Return the mends of the last hour, by reason."""
        return {reason: mend for reason, (at, mend) in self.seen.items() if now - at < ALERTS_SHOWN_FOR}


class DeliveryWorker:
    """Send what is due, in this process. Several may work on one queue.

    ``outlets`` are the ways out by channel; a bare gateway is that of pushes. ``owner`` names the process;
    ``jitter`` gives a random number in [0, 1).
    """

    def __init__(
        self,
        store: Store,
        actors: Actors,
        outlets: PushGateway | Mapping[NotificationChannel, Outlet],
        *,
        owner: str,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
        lease: timedelta = LEASE,
        link: str = "",
    ) -> None:
        self._store = store
        self._outlets = outlets if isinstance(outlets, Mapping) else only_pushes(outlets)
        self._checks = Checks(store, actors, link=link)
        self._settling = Together(settle_deliveries, most=CHUNK)
        self._owner, self._clock, self._jitter = owner, clock or store.clock, jitter
        self._lease = lease
        self._lookouts = {channel: Lookout(channel, lease) for channel in self._outlets}
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = self._is_closing = False
        self._working = asyncio.Lock()
        self.alerts = Alerts()

    def wake(self) -> None:
        """Say that something may be due; returns at once."""
        self._is_wanted = True
        if not self._is_closing and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._run(), name="deliveries")

    async def work(self) -> int:
        """Send until nothing is due; return how many deliveries were settled."""
        async with self._working, asyncio.TaskGroup() as group:
            channels = [group.create_task(self._serve(channel)) for channel in self._outlets]
        return sum(channel.result() for channel in channels)

    async def close(self) -> None:
        """Finish what is in hand, so that nothing is sent twice, and let go of the gateways."""
        self._is_closing = True
        if self._task is not None:
            await self._task
        for outlet in self._outlets.values():
            await outlet.gateway.close()

    async def _run(self) -> None:
        while self._is_wanted and not self._is_closing:
            self._is_wanted = False
            try:
                await self.work()
            except* PyMongoError as errors:
                log.warning("deliveries_store_away", error=str(errors.exceptions[0]))  # the next tick goes on
            except* Exception:
                log.exception("deliveries_failed")  # their leases end, and another try begins

    # ── one channel ──────────────────────────────────────────────────────────────────────────────

    async def _serve(self, channel: NotificationChannel) -> int:
        """Send all that is due on one channel."""
        settled = 0
        while not self._is_closing:
            ids = await self._lookouts[channel].due(now=self._clock.now(), most=LOOKED_FOR)
            before = settled
            settled += await self._send_all(channel, ids)
            if settled == before:  # nothing is due, or other workers have all of it in hand
                break
        return settled

    async def _send_all(self, channel: NotificationChannel, ids: Sequence[str]) -> int:
        """Claim ``ids`` little by little and send what was claimed; return how many were settled."""
        outlet, settled = self._outlets[channel], 0
        chunk, lanes = min(CHUNK, 2 * outlet.lanes), min(outlet.lanes, len(ids))
        ready: asyncio.Queue[tuple[float, Delivery] | None] = asyncio.Queue(maxsize=chunk)

        async def lane() -> None:
            nonlocal settled
            while (taken := await ready.get()) is not None:
                is_settled = await self._deliver(outlet, *taken)
                settled += is_settled  # not in one line: the sum would be read before the wait

        async def claim() -> None:
            for start in range(0, len(ids), chunk):
                if self._is_closing:
                    break
                since = asyncio.get_running_loop().time()
                some = ids[start : start + chunk]
                for delivery in await claim_deliveries(
                    some, self._owner, now=self._clock.now(), lease=self._lease
                ):
                    await ready.put((since, delivery))
            for _ in range(lanes):
                await ready.put(None)

        async with asyncio.TaskGroup() as group:
            group.create_task(claim())
            for _ in range(lanes):
                group.create_task(lane())
        return settled

    # ── one delivery ─────────────────────────────────────────────────────────────────────────────

    async def _deliver(self, outlet: Outlet, since: float, delivery: Delivery) -> bool:
        """Check, send and settle one delivery that is held since ``since``; False when it was let go."""
        ends = since + (self._lease - min(SETTLED_BEFORE, self._lease / 4)).total_seconds()
        if asyncio.get_running_loop().time() > since + self._lease.total_seconds() / 2:
            return False  # it has waited too long for its turn: who claims it next has time for it
        try:
            settlement = await self._tried(outlet, delivery, ends)
        except Withdrawn as withdrawn:
            DELIVERIES.labels(delivery.channel.value, withdrawn.settlement.state.value).inc()
            settlement = withdrawn.settlement
        except PyMongoError:
            raise
        except Exception:  # a bug of ours holds up nobody else, and ends when the delivery does
            log.exception("delivery_failed", delivery_id=delivery.id)
            bug = Verdict(outcome=Outcome.RETRY, reason="INTERNAL_ERROR")
            settlement = await self._judged(delivery, bug)
        return await self._settling.ask((delivery, settlement))

    async def _tried(self, outlet: Outlet, delivery: Delivery, ends: float) -> Settlement:
        if outlet.absent:
            raise Withdrawn(outlet.absent)
        try:
            async with asyncio.timeout_at(ends):
                leaving = await self._checks.leaving(delivery, now=self._clock.now())
                [verdict] = await outlet.gateway.send([outlet.message(leaving, self._clock.now())])
        except TimeoutError:  # nobody knows: the collapse key makes a second one harmless
            verdict = Verdict(outcome=Outcome.RETRY, reason="DEADLINE_EXCEEDED")
        return await self._judged(delivery, verdict)

    async def _judged(self, delivery: Delivery, verdict: Verdict) -> Settlement:
        """Do what the verdict asks for; return what is to be written down."""
        now = self._clock.now()
        DELIVERIES.labels(delivery.channel.value, verdict.outcome.value).inc()
        if verdict.mend:
            self.alerts.raise_for(verdict, now)
        if verdict.outcome is Outcome.FORGET:
            await self._forget(delivery, reason=verdict.reason)
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
        # RETRY, and ALERT: once the operator has mended it, the delivery is still wanted.
        pause = pause_before_next_try(
            len(delivery.attempts) + 1, asked_for=verdict.retry_after, jitter=self._jitter()
        )
        if now + pause >= delivery.expires_at:
            log.warning("delivery_dead", delivery_id=delivery.id, reason=verdict.reason)
            return Settlement(state=DeliveryState.DEAD, reason=verdict.reason, attempt=attempt)
        return Settlement(
            state=DeliveryState.DUE, reason=verdict.reason, attempt=attempt, next_at=now + pause
        )

    async def _forget(self, delivery: Delivery, *, reason: str) -> None:
        """Forget the device or the endpoint that its vendor does not know any more."""

        async def forget(uow: UnitOfWork) -> None:
            if delivery.device_id:
                await drop_device(uow, delivery.device_id, reason=reason)
            elif delivery.endpoint_id:
                await drop_endpoint(uow, delivery.endpoint_id, reason=reason)

        with contextlib.suppress(NotFound):  # its owner removed it meanwhile
            await self._store.write(system_actor(delivery.workspace_id), forget)


def only_pushes(gateway: PushGateway) -> Mapping[NotificationChannel, Outlet]:
    """Return a house with Firebase, or what stands for it, as its only way out."""
    return {NotificationChannel.PUSH: push_outlet(gateway)}


def push_outlet(gateway: PushGateway, *, lanes: int = 64) -> Outlet:
    """Return the outlet of a gateway to devices."""

    def message(leaving: Leaving, now: datetime) -> PushMessage:
        return push_of(leaving, now=now)

    return Outlet(gateway=gateway, message=message, lanes=lanes)
