"""The last look before something leaves, on every channel: what ended meanwhile is silent, and says why."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import svcs

from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.documents import User
from backend.service.documents import Ticket
from backend.service.sla_clocks import watch_clocks
from backend.service.tickets import assign_ticket
from notifications.delivery import deliveries_of
from notifications.documents import Notification, NotificationChannel
from tests.crew import Crew
from tests.notifications.everywhere import LEAVING, Everywhere
from tests.notifications.pushing import PostOffice, register
from tests.notifications.test_every_channel import RECEIVERS, counts, states
from tests.notifications.test_planning import prefer
from tests.notifications.test_pushes import ticket_for


@pytest.fixture
async def rep(crew: Crew, post: PostOffice, house: House) -> AsyncIterator[Everywhere]:
    async with Everywhere.reached(crew, post, house) as rep:
        yield rep


async def suspended(rep: Everywhere, told: Notification) -> None:
    query = "mutation($id: ID!) { userSuspend(input: {id: $id}) { __typename } }"
    answer = await rep.crew.admin.ask(query, id=rep.person.user_id)
    assert answer["userSuspend"]["__typename"] == "User"


async def taken_out(rep: Everywhere, told: Notification) -> None:
    async def delete(uow: UnitOfWork) -> None:
        uow.delete(await uow.access(Notification, told.id, action="delete"))

    await rep.crew.house.store.write(rep.person.actor, delete)  # and no event that withdraws what waits


async def kind_gone(rep: Everywhere, told: Notification) -> None:
    async def change(uow: UnitOfWork) -> None:
        line = await uow.access(Notification, told.id, action="update")
        line.subject_kind = "a_kind_of_an_older_version"
        uow.save(line)

    await rep.crew.house.store.write(rep.crew.system, change)


async def given_away(rep: Everywhere, told: Notification) -> None:
    async def give(uow: UnitOfWork) -> Ticket:
        return await assign_ticket(uow, told.subject_id, rep.crew.agent.user_id)

    await rep.crew.house.store.write(rep.crew.manager.actor, give)


@pytest.mark.parametrize(
    ("happens", "device", "elsewhere"),
    [
        (suspended, {"session_ended", "device_gone"}, {"account_closed"}),
        (taken_out, {"notification_gone"}, {"notification_gone"}),
        (kind_gone, {"subject_unknown"}, {"subject_unknown"}),
        (given_away, {"access_revoked"}, {"access_revoked"}),
    ],
    ids=["suspended", "taken_out", "kind_gone", "given_away"],
)
async def test_what_ended_between_planning_and_sending_is_silent_everywhere(
    rep: Everywhere,
    happens: Callable[[Everywhere, Notification], Awaitable[None]],
    device: set[str],
    elsewhere: set[str],
) -> None:
    ticket_id = await ticket_for(rep.crew, rep.person, subject="Acme's leak")
    await rep.post.plan()
    told = await Notification.find_one({"subject_id": ticket_id})
    assert told is not None
    await happens(rep, told)
    got = await rep.send()
    assert counts(got) == {}
    ended = await states(told)
    for channel in ("push", "web_push"):
        assert {state for state, _ in ended[channel]} == {"dropped"}
        assert {reason for _, reason in ended[channel]} <= device
    for channel in ("email", "webhook"):
        assert ended[channel] == {("dropped", reason) for reason in elsewhere}


async def test_a_device_and_an_endpoint_that_are_removed_are_told_no_more_and_the_others_are(
    rep: Everywhere,
) -> None:
    told = await rep.raised("Call Chen")
    await rep.post.plan()
    devices = await deliveries_of(told.id)
    tablet = next(
        one for one in devices if one.channel is NotificationChannel.PUSH and one.device_id != ""
    ).device_id
    mine = (await rep.person.ask("{ notificationEndpoints(first: 20) { nodes { id provider } } }"))[
        "notificationEndpoints"
    ]["nodes"]
    slack = next(one["id"] for one in mine if one["provider"] == "SLACK")
    remove = """mutation($device: ID!, $robot: ID!) {
        deviceRemove(input: {id: $device}) { __typename }
        notificationEndpointDelete(input: {id: $robot}) { __typename } }"""
    gone = await rep.person.ask(remove, device=tablet, robot=slack)
    assert {one["__typename"] for one in gone.values()} == {"Deleted"}
    got = counts(await rep.send())
    silent = {"slack", "phone" if "phone" not in got else "tablet"}
    assert got == {receiver: 1 for receiver in RECEIVERS if receiver not in silent}
    ended = await states(told)
    assert ended["push"] == {("sent", ""), ("dropped", "device_gone")}
    assert ended["webhook"] == {("sent", ""), ("dropped", "endpoint_gone")}
    # Nor of what comes later.
    await rep.raised("Call Wu")
    assert counts(await rep.send()) == got


async def test_of_a_ticket_that_nobody_has_all_who_may_take_it_hear_until_somebody_has_it(
    crew: Crew, post: PostOffice
) -> None:
    await register(crew.rep, "rep's phone")
    targets = [{"metric": "RESOLUTION", "minutes": 100}]
    await crew.manager.do("slaPolicyCreate", {"name": "Care", "targets": targets})
    free, taken = [
        await crew.manager.do("ticketCreate", {"subject": subject, "teamId": crew.teams["east"]})
        for subject in ("Free", "Taken")
    ]
    await post.plan()
    async with svcs.Container(crew.house.registry) as services:
        await watch_clocks(services, now=post.clock.now() + timedelta(minutes=81))
    await post.plan()
    away = {"id": taken["id"], "assigneeId": crew.colleague.user_id}
    assert (await crew.manager.do("ticketAssign", away))["__typename"] == "Ticket"
    await post.send()
    [heard] = await Notification.find({"subject_id": free["id"], "owner_id": crew.rep.user_id}).to_list()
    assert (heard.type, await post.ends(heard.id)) == ("sla_near", [("sent", "")])
    [late] = await Notification.find({"subject_id": taken["id"], "owner_id": crew.rep.user_id}).to_list()
    assert await post.ends(late.id) == [("dropped", "assigned_elsewhere")]


async def test_quiet_hours_are_those_of_the_recipients_wall_wherever_the_house_is(rep: Everywhere) -> None:
    zone = ZoneInfo("Asia/Kathmandu")  # 5:45 ahead

    async def move(uow: UnitOfWork) -> None:
        user = await uow.access(User, rep.person.user_id, action="update")
        user.time_zone = zone.key
        uow.save(user)

    await rep.crew.house.store.write(rep.crew.system, move)
    wall = rep.post.clock.now().astimezone(zone)
    start, end = (wall + timedelta(minutes=minutes) for minutes in (-10, 90))
    at_once = [{"type": "*", "channel": one, "handling": "AT_ONCE"} for one in LEAVING]
    quiet = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
    assert await prefer(rep.person, choices=at_once, quietHours=quiet) == "NotificationPreferences"
    told = await rep.raised("Call Chen")
    assert counts(await rep.send()) == {}
    waiting = [one for one in await deliveries_of(told.id) if one.reason == "quiet_hours"]
    assert len(waiting) == len(RECEIVERS)
    assert {f"{one.not_before.astimezone(zone):%H:%M}" for one in waiting} == {quiet["end"]}
    rep.post.clock.advance(timedelta(minutes=88))
    assert counts(await rep.send()) == {}
    rep.post.clock.advance(timedelta(minutes=2))
    assert counts(await rep.send()) == dict.fromkeys(RECEIVERS, 1)
