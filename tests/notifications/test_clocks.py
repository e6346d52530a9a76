"""Clocks that jump, forward and back: reminders, quiet hours, leases. Nothing is lost, nothing said twice."""

from datetime import timedelta

from backend.core.clock import HeldClock
from backend.core.ids import new_id
from notifications.delivery import LEASE, claim_deliveries, deliveries_of, settle_deliveries
from notifications.delivery import Settlement as Settled
from notifications.documents import Delivery, DeliveryState, NotificationChannel
from notifications.queueing import drop_expired
from notifications.recording import RecordingGateway
from tests.crew import Crew
from tests.notifications.pushing import PostOffice, make_worker, register
from tests.notifications.test_planning import around_now, prefer, raised, rows
from tests.notifications.test_queue import row
from tests.notifications.test_reminders import lines, soon, tell

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def task(crew: Crew, title: str, **by: int) -> str:
    made = await crew.rep.do("taskCreate", {"title": title, "dueAt": soon(**by).isoformat()})
    return str(made["id"])


async def test_a_clock_that_jumps_forward_tells_what_is_due_by_then_once_also_when_it_is_put_right(
    crew: Crew,
) -> None:
    await task(crew, "Soon", minutes=30)
    later = await task(crew, "Later", days=3)
    await task(crew, "Much later", days=30)
    await tell(crew, soon(days=10))
    assert [kind for kind, _ in await lines(crew.rep)] == ["task_due"] * 2
    for moment in (soon(), soon(hours=1), soon(days=4)):  # the true hours, when they come after all
        await tell(crew, moment)
        assert len(await lines(crew.rep)) == 2
    # What is made or moved after the clock was put right is told in its turn.
    await crew.rep.do("taskUpdate", {"id": later, "dueAt": soon(days=5).isoformat()})
    await task(crew, "New", hours=2)
    await tell(crew, soon(hours=3))
    await tell(crew, soon(days=6))
    titles = [title for _, title in await lines(crew.rep)]
    assert [sum(title.endswith(name) for title in titles) for name in ("Soon", ": Later", "New")] == [1, 2, 1]


async def test_a_clock_that_jumps_back_tells_nothing_early_and_everything_in_time(crew: Crew) -> None:
    await task(crew, "Soon", hours=30)
    for moment in (soon(days=-400), soon(days=-1), soon()):
        await tell(crew, moment)
        assert await lines(crew.rep) == []
    await tell(crew, soon(hours=31))
    assert [kind for kind, _ in await lines(crew.rep)] == ["task_due"]
    await tell(crew, soon(days=-400))
    await tell(crew, soon(hours=31))
    assert len(await lines(crew.rep)) == 1


async def test_quiet_hours_end_once_however_the_clock_jumps(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    await prefer(crew.rep, quietHours=around_now(hours=3))
    told = await raised(crew)
    await post.send()
    start = post.clock.now()
    for jump in (-8 * DAY, -DAY, -HOUR, timedelta(0), 2 * HOUR):
        post.clock.advance(start + jump - post.clock.now())
        await post.worker.work()
        await drop_expired(now=post.clock.now())
        assert post.received(value) == []
        assert (await rows(told))["push"] == ("due", "quiet_hours", "user")
    post.clock.advance(4 * HOUR)
    await post.worker.work()
    assert len(post.received(value)) == 1
    for jump in (-6 * HOUR, -400 * DAY, 401 * DAY):
        post.clock.advance(jump)
        await post.worker.work()
        await drop_expired(now=post.clock.now())
    assert len(post.received(value)) == 1
    assert (await rows(told))["push"] == ("sent", "", "user")


async def test_a_lease_that_a_jump_forward_ended_belongs_to_who_took_it_then(crew: Crew) -> None:
    """The first, still at it, sends at worst one more; what it notes afterwards counts for nothing."""
    at = crew.house.store.clock.now() + timedelta(days=1_100)
    due = row(crew, at)
    await due.insert()
    [first] = await claim_deliveries([due.id], "first", now=at)
    assert await claim_deliveries([due.id], "second", now=at + LEASE / 2) == []
    [second] = await claim_deliveries([due.id], "second", now=at + HOUR)  # the clock jumped
    assert await settle_deliveries([(first, Settled(state=DeliveryState.FAILED, reason="LATE"))]) == [False]
    assert await settle_deliveries([(second, Settled(state=DeliveryState.SENT))]) == [True]
    assert await settle_deliveries([(second, Settled(state=DeliveryState.DUE))]) == [False]  # once
    kept = await Delivery.get(due.id)
    assert kept is not None
    assert (kept.state, kept.reason) == (DeliveryState.SENT, "")
    await kept.delete()


async def test_a_clock_that_jumps_back_while_a_lease_stands_gives_it_to_nobody_else(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    told = await raised(crew)
    await post.plan()
    [push] = [one for one in await deliveries_of(told.id) if one.channel is NotificationChannel.PUSH]
    at = post.clock.now()
    [held] = await claim_deliveries([push.id], "first", now=at)
    gateway = RecordingGateway()
    other = await make_worker(crew.house, gateway, clock=HeldClock(at - DAY))
    await other.work()
    assert (await rows(told))["push"] == ("leased", "", "")
    assert await settle_deliveries([(held, Settled(state=DeliveryState.SENT))]) == [True]
    await other.work()
    await post.worker.work()
    assert post.received(value) == []  # what the first has sent is sent
    await other.close()
