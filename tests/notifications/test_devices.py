"""Whose a device is: the last sign-in's, until it has not been seen for too long."""

import asyncio
from datetime import datetime, timedelta

import svcs

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from notifications.delivery import deliveries_of
from notifications.devices import TOKENS_LIVE, drop_stale_devices
from notifications.documents import Device
from tests.crew import Crew, Person
from tests.fakes.fake_push_service import push_service
from tests.notifications.pushing import PostOffice, register, second_sign_in
from tests.notifications.test_planning import raised


async def test_who_loses_a_device_to_another_sign_in_is_told(crew: Crew, post: PostOffice) -> None:
    shared, own = f"ok-shared-{new_id()}", f"ok-own-{new_id()}"
    await register(crew.rep, shared)
    other = await second_sign_in(crew, "rep")
    await register(other, own)
    await register(crew.colleague, shared)
    await register(crew.colleague, shared)  # the same again takes it from nobody
    await post.send()

    lines = (await crew.rep.ask("{ notifications { nodes { type title } } }"))["notifications"]["nodes"]
    assert lines == [{"type": "device_taken", "title": "Somebody else uses your Android device now"}]
    assert [one.message["data"]["type"] for one in post.received(own)] == ["device_taken"]
    assert post.received(shared) == []
    told = await raised(crew)
    await post.send()
    assert post.received(shared) == []
    assert {row.device_id for row in await deliveries_of(told.id) if row.device_id} == {
        one["id"] for one in (await other.ask("{ myDevices { id } }"))["myDevices"]
    }


async def test_two_who_claim_a_device_at_the_same_moment_do_not_both_have_it(
    crew: Crew, post: PostOffice
) -> None:
    """Whoever was last has it, the other hears of it once, and nobody's pushes go to two people."""
    for _ in range(5):
        shared = f"ok-shared-{new_id()}"
        claims = await asyncio.gather(register(crew.rep, shared), register(crew.colleague, shared))
        assert {one["__typename"] for one in claims} == {"Device"}, claims
        [id] = {one["id"] for one in claims}
        device = await Device.get(id)
        assert device is not None
        by_id = {crew.rep.user_id: crew.rep, crew.colleague.user_id: crew.colleague}
        winner = by_id.pop(str(device.owner_id))
        [loser] = by_id.values()
        await post.send()
        assert id in [one["id"] for one in (await winner.ask("{ myDevices { id } }"))["myDevices"]]
        assert id not in [one["id"] for one in (await loser.ask("{ myDevices { id } }"))["myDevices"]]
        for person, told in ((loser, 1), (winner, 0)):
            unread = await person.ask("{ notifications(unreadOnly: true) { nodes { type } } }")
            types = [one["type"] for one in unread["notifications"]["nodes"]]
            assert types.count("device_taken") == told
            await person.ask("mutation { notificationReadAll { marked } }")
        who = "rep" if winner is crew.rep else "colleague"
        mine = await raised(crew, who=who)
        await raised(crew, who="colleague" if who == "rep" else "rep")
        await post.send()
        told_there = [
            one.message["data"]["notificationId"]
            for one in post.received(shared)
            if one.message["data"]["type"] == "message_received"
        ]
        assert told_there == [mine.id]


async def test_a_device_goes_back_and_forth_and_each_who_loses_it_is_told(
    crew: Crew, post: PostOffice
) -> None:
    shared = f"ok-shared-{new_id()}"
    for person in (crew.rep, crew.colleague, crew.rep, crew.colleague):
        await register(person, shared)
        await post.send()

    async def lines(person: Person) -> list[str]:
        found = (await person.ask("{ notifications { nodes { type body } } }"))["notifications"]["nodes"]
        return [one["type"] for one in found]

    assert await lines(crew.rep) == ["device_taken"] * 2
    assert await lines(crew.colleague) == ["device_taken"]
    # Who took it is nobody's to know: neither name nor address stands in the line.
    [first, _] = (await crew.rep.ask("{ notifications { nodes { title body } } }"))["notifications"]["nodes"]
    for word in ("Colleague", (await crew.user("colleague")).email, crew.colleague.user_id):
        assert word not in str(first)


async def test_a_browser_that_another_signs_in_on_is_taken_like_a_phone(crew: Crew, post: PostOffice) -> None:
    subscribe = """mutation($input: WebPushSubscribeInput!) { webPushSubscribe(input: $input) {
        ... on Device { id } } }"""
    async with push_service() as browser:
        told = {**browser.subscription("ok-shared"), "appVersion": "1.0"}
        first = (await crew.rep.ask(subscribe, input=told))["webPushSubscribe"]
        taken = (await crew.colleague.ask(subscribe, input=told))["webPushSubscribe"]
    assert taken == first
    await post.send()
    lines = (await crew.rep.ask("{ notifications { nodes { type title } } }"))["notifications"]["nodes"]
    assert lines == [{"type": "device_taken", "title": "Somebody else uses your web device now"}]
    assert (await crew.rep.ask("{ myDevices { id } }"))["myDevices"] == []
    assert (await crew.colleague.ask("{ myDevices { id } }"))["myDevices"] == [taken]


async def test_a_device_that_was_not_seen_for_too_long_is_forgotten(crew: Crew, post: PostOffice) -> None:
    old, new = f"ok-old-{new_id()}", f"ok-new-{new_id()}"
    made = await register(crew.rep, old)
    kept = await register(crew.colleague, new)

    async def age(uow: UnitOfWork) -> None:
        for id, days in ((made["id"], timedelta(days=1)), (kept["id"], -timedelta(days=1))):
            device = await uow.access(Device, id, action="update")
            device.registered_at = uow.at - TOKENS_LIVE - days
            uow.save(device)

    await crew.house.store.write(crew.system, age)
    async with svcs.Container(crew.house.registry) as services:
        await drop_stale_devices(services)
    forgotten = await Device.get(made["id"])
    assert forgotten is not None
    assert (forgotten.value, forgotten.dropped_reason) == ("", "stale")
    assert [one["id"] for one in (await crew.colleague.ask("{ myDevices { id } }"))["myDevices"]] == [
        kept["id"]
    ]
    dates = "{ myDevices { refreshAt staleAt } }"
    assert (await crew.rep.ask(dates))["myDevices"] == []
    # It comes back when it registers again.
    assert (await register(crew.rep, old))["isReachable"] is True
    again = await Device.get(made["id"])
    assert again is not None
    assert again.registered_at is not None
    [shown] = (await crew.rep.ask(dates))["myDevices"]
    said = {name: datetime.fromisoformat(value) - again.registered_at for name, value in shown.items()}
    assert said == {"refreshAt": timedelta(days=7), "staleAt": timedelta(days=30)}
