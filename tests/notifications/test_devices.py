"""Whose a device is: the last sign-in's, until it has not been seen for too long."""

from datetime import timedelta

import svcs

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from notifications.delivery import deliveries_of
from notifications.devices import TOKENS_LIVE, drop_stale_devices
from notifications.documents import Device
from tests.crew import Crew
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
    # It comes back when it registers again.
    assert (await register(crew.rep, old))["isReachable"] is True
