"""Let a house's pushes leave through a gateway of the test's own, or not by themselves at all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import svcs

from backend.core.clock import Clock, HeldClock
from backend.core.ids import new_id
from backend.house import House
from backend.identity.actors import Actors
from notifications.delivery import LEASE, deliveries_of
from notifications.documents import Delivery, DeliverySort, NotificationChannel
from notifications.firebase import FirebaseGateway
from notifications.gateways import PushGateway
from notifications.recording import RecordingGateway
from notifications.sending import DeliveryWorker, Outlet
from tests.crew import Crew, Person
from tests.fakes.fake_fcm import FakeFcm, ReceivedMessage

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # when nothing was due

REGISTER = """mutation($input: DeviceRegisterInput!) { deviceRegister(input: $input) {
    __typename
    ... on Device { id version platform appVersion isReachable }
    ... on Error { code message } } }"""


async def make_worker(
    house: House,
    gateway: PushGateway | Mapping[NotificationChannel, Outlet],
    *,
    clock: Clock,
    jitter: Callable[[], float] = lambda: 0.0,
    lease: timedelta = LEASE,
) -> DeliveryWorker:
    """Return a worker on the house's queue; the caller closes it."""
    async with svcs.Container(house.registry) as services:
        actors = await services.aget(Actors)
    return DeliveryWorker(
        house.store, actors, gateway, owner=new_id(), clock=clock, jitter=jitter, lease=lease
    )


@asynccontextmanager
async def worker_in_place(house: House, worker: DeliveryWorker) -> AsyncIterator[None]:
    """Let the house wake ``worker`` in place of its own, which ends what it is at before."""
    async with svcs.Container(house.registry) as services:
        own = await services.aget(DeliveryWorker)
    house.registry.register_value(DeliveryWorker, worker)
    await house.relay.settle()  # a listener that was at work before wakes the one that it found then
    if own._task is not None:
        await asyncio.wait([own._task])
    try:
        yield
    finally:
        house.registry.register_value(DeliveryWorker, own)


@dataclass
class PostOffice:
    """A house whose pushes wait for ``send``; ``clock`` is the senders' clock, held."""

    house: House
    fcm: FakeFcm
    gateway: FirebaseGateway
    clock: HeldClock
    worker: DeliveryWorker

    @classmethod
    @asynccontextmanager
    async def open(cls, house: House, fcm: FakeFcm, gateway: FirebaseGateway) -> AsyncIterator["PostOffice"]:
        clock = HeldClock(house.store.clock.now())
        worker = await make_worker(house, gateway, clock=clock)
        idle = await make_worker(house, RecordingGateway(), clock=HeldClock(LONG_AGO))
        async with worker_in_place(house, idle):
            yield cls(house, fcm, gateway, clock, worker)
        await idle.close()

    async def plan(self) -> None:
        """Wait until all that has happened is planned, and let the senders' clock catch up with it."""
        await self.house.relay.settle()
        behind = self.house.store.clock.now() - self.clock.now()
        self.clock.advance(max(behind, timedelta(0)))

    async def send(self) -> None:
        """Plan, then send everything that is due."""
        await self.plan()
        await self.worker.work()

    def received(self, *values: str) -> list[ReceivedMessage]:
        """Return what the push vendor got for these registrations (other tests' leftovers aside)."""
        return [message for message in self.fcm.received if message.registration in values]

    async def ends(self, notification_id: str) -> list[tuple[str, str]]:
        """Return state and reason of the notification's pushes, in order of reason."""
        found = await pushes_of(notification_id)
        return sorted(((one.state.value, one.reason) for one in found), key=lambda end: end[1])

    async def delivery(self, notification_id: str) -> Delivery:
        """Return the notification's only push."""
        [found] = await pushes_of(notification_id)
        return found


async def pushes_of(notification_id: str) -> list[Delivery]:
    """Return the pushes that tell of a notification."""
    found = await deliveries_of(notification_id)
    push, tell = NotificationChannel.PUSH, DeliverySort.TELL
    return [one for one in found if one.channel is push and one.sort is tell]


async def register(person: Person, value: str, **changes: Any) -> dict[str, Any]:
    """Register a device for a person; return the answer."""
    given = {"kind": "FID", "value": value, "platform": "ANDROID", "appVersion": "1.0", **changes}
    answer: dict[str, Any] = (await person.ask(REGISTER, input=given))["deviceRegister"]
    return answer


async def second_sign_in(crew: Crew, name: str) -> Person:
    """Return the same person, signed in on another device."""
    person = crew.people[name]
    return await crew._sign_in(person.user_id, person.http)
