"""Sync pings: whom a change wakes, how often, and whom never. The pinger's clock is held."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import svcs

from backend.core.clock import HeldClock
from backend.core.ids import new_id
from backend.core.presence import LIVE_FOR, PRESENCE, Presence
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.house import House
from backend.identity.actors import Actors
from backend.identity.sessions import end_session
from notifications.documents import FRESH_FOR, Delivery, DeliverySort, Device
from notifications.pings import Pinger
from tests.crew import Crew, Person
from tests.notifications.pushing import PostOffice, register

SYNC_PULL = "query($cursor: String) { syncPull(cursor: $cursor) { cursor hasMore } }"


class Asleep(Pinger):
    """The house's own, while a test's goes by another clock."""

    async def look(self) -> int:
        return 0


@pytest.fixture(autouse=True)
async def _asleep(house: House) -> AsyncIterator[None]:
    async with svcs.Container(house.registry) as services:
        own, actors = await services.aget(Pinger, Actors)
    house.registry.register_value(Pinger, Asleep(house.store, actors))
    yield
    house.registry.register_value(Pinger, own)


class Watch:
    """A pinger with a held clock of its own, over the house's store."""

    def __init__(self, crew: Crew, actors: Actors, clock: HeldClock) -> None:
        self.crew, self.clock = crew, clock
        store = crew.house.store
        self.presence = Presence(store.database, self.clock)
        self.pinger = Pinger(store, actors, presence=self.presence, clock=self.clock)

    @classmethod
    async def of(cls, crew: Crew, clock: HeldClock | None = None) -> "Watch":
        async with svcs.Container(crew.house.registry) as services:
            return cls(crew, await services.aget(Actors), clock or HeldClock(datetime.now(UTC)))

    async def pulled(self, person: Person) -> None:
        """Let a phone have all that there is, as its pull tells the house."""
        newest = await self.crew.house.store.reader.newest_version(self.crew.workspace_id)
        self.presence.pulled(person.actor, ["account", "task"], newest)
        await self.presence.flush()

    async def change(self, count: int = 1, *, owner: Person) -> None:
        async def write(uow: UnitOfWork) -> None:
            for _ in range(count):
                await create_account(uow, {"name": "Far", "owner_id": owner.user_id, "team_ids": []})

        await self.crew.house.store.write(self.crew.system, write)

    async def look(self) -> None:
        await self.pinger.look()


async def pings(device: dict[str, Any]) -> list[Delivery]:
    return await Delivery.find({"device_id": device["id"], "sort": "sync"}).sort("+raised_at").to_list()


async def test_a_thousand_changes_in_ten_minutes_wake_within_the_budgets_and_nobody_who_listens(
    crew: Crew, post: PostOffice
) -> None:
    watch = await Watch.of(crew)
    begin = watch.clock.now()
    android = await register(crew.rep, f"ok-{new_id()}")
    ios = await register(crew.colleague, f"ok-{new_id()}", platform="IOS")
    connected = await register(crew.manager, f"ok-{new_id()}")
    browser = await register(crew.admin, f"ok-{new_id()}", platform="WEB")
    for person in (crew.rep, crew.colleague, crew.manager, crew.admin):
        await watch.pulled(person)

    async with watch.presence.listening(crew.manager.actor):
        for _ in range(100):
            await watch.change(5, owner=crew.rep)
            await watch.change(5, owner=crew.colleague)
            await watch.presence.flush()
            await watch.look()
            watch.clock.advance(timedelta(seconds=6))
        assert watch.clock.now() - begin == timedelta(minutes=10)

    found = await pings(android)
    assert 1 <= len(found) <= 10
    assert [one.raised_at - begin for one in found] == [
        timedelta(seconds=seconds) for seconds in (0, 60, 180, 420)
    ]
    assert len(await pings(ios)) == 1
    assert await pings(connected) == []
    assert await pings(browser) == []
    assert {(one.sort, one.collapse_key, one.priority, one.notification_id) for one in found} == {
        (DeliverySort.SYNC, "sync", "normal", "")
    }


async def test_a_ping_is_data_only_and_says_nothing_of_any_record(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    watch = await Watch.of(crew)
    await watch.pulled(crew.rep)
    await watch.change(owner=crew.rep)
    await watch.look()
    await post.send()
    [received] = post.received(value)
    assert "notification" not in received.message
    assert received.message["data"] == {"type": "sync"}
    assert received.message["android"]["collapse_key"] == "sync"


async def test_who_is_up_to_date_sees_none_of_it_or_never_pulled_is_left_alone(
    crew: Crew, post: PostOffice
) -> None:
    watch = await Watch.of(crew)
    device = await register(crew.stranger, f"ok-{new_id()}")
    await watch.change(owner=crew.stranger)
    await watch.look()
    assert await pings(device) == []  # it has never pulled: it is no phone that syncs

    await watch.pulled(crew.stranger)
    await watch.change(owner=crew.rep)  # not theirs to see
    watch.clock.advance(timedelta(minutes=5))
    await watch.look()
    assert await pings(device) == []

    await watch.change(owner=crew.stranger)
    await watch.look()
    assert len(await pings(device)) == 1
    await watch.pulled(crew.stranger)
    watch.clock.advance(timedelta(hours=1))
    await watch.look()
    assert len(await pings(device)) == 1

    # Signed out, it is woken no more.
    await end_session(crew.house.store, crew.stranger.actor.session_id, reason="signed out")
    await watch.change(owner=crew.stranger)
    watch.clock.advance(timedelta(hours=1))
    await watch.look()
    assert len(await pings(device)) == 1


async def test_a_phone_that_has_not_registered_for_a_month_is_woken_again_once_it_does(
    crew: Crew, post: PostOffice
) -> None:
    watch, value = await Watch.of(crew), f"ok-{new_id()}"
    device = await register(crew.stranger, value)
    await watch.pulled(crew.stranger)

    async def registered(ago: timedelta) -> None:
        async def age(uow: UnitOfWork) -> None:
            record = await uow.access(Device, device["id"], action="update")
            record.registered_at = watch.clock.now() - ago
            uow.save(record)

        await crew.house.store.write(crew.system, age)

    for ago, woken in ((FRESH_FOR, 0), (FRESH_FOR - timedelta(seconds=1), 1)):
        await registered(ago)
        await watch.change(owner=crew.stranger)
        await watch.look()
        assert len(await pings(device)) == woken


async def test_a_change_within_the_minute_is_told_when_it_is_over(crew: Crew, post: PostOffice) -> None:
    watch = await Watch.of(crew)
    device = await register(crew.rep, f"ok-{new_id()}")
    await watch.pulled(crew.rep)
    await watch.change(owner=crew.rep)
    await watch.look()
    watch.clock.advance(timedelta(seconds=10))
    await watch.pulled(crew.rep)
    await watch.change(owner=crew.rep)
    await watch.look()
    assert len(await pings(device)) == 1
    watch.clock.advance(timedelta(seconds=51))
    await watch.look()  # nothing new since, but it is time
    assert len(await pings(device)) == 2


async def test_two_processes_wake_a_phone_once_and_a_clock_that_jumps_does_not_silence_it(
    crew: Crew, post: PostOffice
) -> None:
    watch = await Watch.of(crew)
    other = await Watch.of(crew, watch.clock)
    device = await register(crew.rep, f"ok-{new_id()}")
    await watch.pulled(crew.rep)
    await watch.change(owner=crew.rep)
    await watch.look()
    await other.look()
    assert len(await pings(device)) == 1
    watch.clock.advance(timedelta(days=-30))
    await watch.change(owner=crew.rep)
    await watch.look()
    watch.clock.advance(timedelta(minutes=2))
    await watch.look()
    assert len(await pings(device)) == 2


async def test_pulls_and_streams_of_phones_are_noted_for_all_processes(crew: Crew, post: PostOffice) -> None:
    """By the promised interface: a native pull, and an RxDB one."""
    presence = crew.house.store.presence
    await crew.house.relay.settle()  # a new workspace is furnished
    cursor = None
    while True:
        page = (await crew.rep.ask(SYNC_PULL, cursor=cursor))["syncPull"]
        cursor = page["cursor"]
        if not page["hasMore"]:
            break
    session = crew.rep.actor.session_id
    newest = await crew.house.store.reader.newest_version(crew.workspace_id)
    found = (await presence.of_sessions([session]))[session]
    assert (found.seqs["account"], found.seqs["task"], found.is_listening) == (newest, newest, False)
    elsewhere = Presence(crew.house.store.database, crew.house.store.clock)
    assert (await elsewhere.of_sessions([session]))[session] == found

    await crew.colleague.ask("{ pullAccount(limit: 10) { documents { id } } }")
    session = crew.colleague.actor.session_id
    assert set((await elsewhere.of_sessions([session])) or ()) == set()  # not written yet
    assert set((await presence.of_sessions([session]))[session].seqs) == {"account"}


async def test_who_listens_is_known_at_once_and_for_as_long_as_their_process_lives(crew: Crew) -> None:
    clock = HeldClock(datetime.now(UTC))
    here, elsewhere = (Presence(crew.house.store.database, clock) for _ in range(2))
    actor, session = crew.rep.actor, crew.rep.actor.session_id

    async def is_listening() -> bool:
        return (await elsewhere.of_sessions([session]))[session].is_listening

    here.pulled(actor, ["account"], 5)
    async with here.listening(actor):
        assert await is_listening()
        async with here.listening(actor):
            pass
        clock.advance(LIVE_FOR - timedelta(seconds=1))
        await here.flush()
        clock.advance(LIVE_FOR - timedelta(seconds=1))
        assert await is_listening()
        clock.advance(timedelta(seconds=2))
        assert not await is_listening()  # its process has died
        await here.flush()
        assert await is_listening()
    await here.flush()
    assert not await is_listening()
    assert await crew.house.store.database[PRESENCE].count_documents({"_id": session}) == 1
    await asyncio.gather(*(here.flush() for _ in range(3)))


async def test_what_is_known_of_a_device_goes_with_it(crew: Crew, post: PostOffice) -> None:
    watch = await Watch.of(crew)
    devices = [await register(person, f"ok-{new_id()}") for person in (crew.rep, crew.colleague)]
    for person in (crew.rep, crew.colleague):
        await watch.pulled(person)
    for owner in (crew.rep, crew.rep, crew.colleague):
        await watch.change(owner=owner)
        await watch.look()

    def known() -> set[str]:
        kept = (watch.pinger._clear, watch.pinger._until)
        return {id for one in kept for id in one.get(crew.workspace_id, {})}

    assert known() == {device["id"] for device in devices}
    remove = "mutation($input: DeviceRemoveInput!) { deviceRemove(input: $input) { __typename } }"
    for person, device, left in (
        (crew.rep, devices[0], {devices[1]["id"]}),
        (crew.colleague, devices[1], set()),
    ):
        done = await person.ask(remove, input={"id": device["id"]})
        assert done["deviceRemove"]["__typename"] == "Deleted"
        await watch.change(owner=crew.rep)
        await watch.look()
        assert known() == left
    assert crew.workspace_id not in watch.pinger._until
