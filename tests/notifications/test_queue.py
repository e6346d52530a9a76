"""Leases, order and the last look: races, clocks that jump, and more rows than anybody keeps in hand."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from backend.core.clock import HeldClock
from backend.core.ids import new_id
from backend.core.records import Veil
from backend.house import House
from backend.service.documents import Ticket
from notifications.catalogue import TEST
from notifications.channels.documents import EndpointProvider, NotificationEndpoint
from notifications.checking import hides_its_heading
from notifications.delivery import LEASE, Due, Lookout, claim_deliveries
from notifications.documents import Delivery, DeliveryState, NotificationChannel
from notifications.outlets import webhook_outlet
from notifications.queue_figures import QueueFigures
from notifications.recording import RecordingGateway
from notifications.sending import LOOKED_FOR
from tests.counting import counted_reads
from tests.crew import Crew
from tests.fakes.fake_webhooks import webhook_receivers
from tests.notifications.pushing import LONG_AGO, PostOffice, make_worker, register, worker_in_place
from tests.notifications.test_pushes import ticket_for
from tests.notifications.test_webhooks import gateway_to

PUSH = NotificationChannel.PUSH


@pytest.fixture
async def quiet(house: House) -> AsyncIterator[None]:
    """The house's own worker finds nothing."""
    idle = await make_worker(house, RecordingGateway(), clock=HeldClock(LONG_AGO))
    async with worker_in_place(house, idle):
        yield
    await idle.close()


def row(crew: Crew, at: Any, **changes: Any) -> Delivery:
    return Delivery(
        **{
            "id": new_id(),
            "workspace_id": crew.workspace_id,
            "type": TEST.key,
            "notification_id": new_id(),
            "user_id": crew.rep.user_id,
            "device_id": new_id(),
            "collapse_key": "k",
            "raised_at": at,
            "not_before": at,
            "next_at": at,
            "expires_at": at + timedelta(days=1),
            **changes,
        }
    )


async def test_what_is_due_comes_newest_first_and_no_more_than_asked(crew: Crew, quiet: None) -> None:
    """At times when nothing else is due; far apart and close together."""
    at = crew.house.store.clock.now() + timedelta(days=700)
    ages = [0, 0.5, 3, 60, 3_600, 3_601, 86_400, 40 * 86_400]
    rows = [row(crew, at - timedelta(seconds=age), expires_at=at + timedelta(days=1)) for age in ages]
    future = row(crew, at + timedelta(seconds=1))
    await Delivery.insert_many([*random.Random(1).sample(rows, len(rows)), future])
    lookout = Lookout(PUSH)
    newest_first = [one.id for one in rows]
    assert await lookout.due(now=at, most=100) == newest_first
    assert await lookout.due(now=at, most=100) == newest_first  # whatever it has learned of the density
    assert await lookout.due(now=at, most=3) == newest_first[:3]
    await Delivery.find({"workspace_id": crew.workspace_id}).delete()


async def test_an_idle_queue_costs_two_reads_a_look_and_what_comes_due_is_found_all_the_same(
    crew: Crew, quiet: None
) -> None:
    at = crew.house.store.clock.now() + timedelta(days=750)
    lookout = Lookout(PUSH)
    async with counted_reads(crew.house) as commands:
        commands.take()
        assert await lookout.due(now=at, most=100) == []
        assert commands.take()["find deliveries"] > 4, "an unknown queue is looked at window by window"
        assert await lookout.due(now=at + timedelta(seconds=5), most=100) == []
        assert commands.take() == {"find deliveries": 2}
        # Of the last seconds, put in late, and left by a worker that died: in that order of search.
        later = at + timedelta(seconds=10)
        rows = [
            row(crew, later, state=DeliveryState.LEASED, lease_owner="w|1"),
            row(crew, later - timedelta(seconds=1)),
            row(crew, at - timedelta(days=3)),
        ]
        await Delivery.insert_many(rows)
        assert await lookout.due(now=later, most=100) == [one.id for one in rows]
        await Delivery.find({"workspace_id": crew.workspace_id}).delete()
        commands.take()
        assert await lookout.due(now=later, most=100) == []
        assert commands.take()["find deliveries"] > 4, "where something was due, more may be"
        assert await lookout.due(now=later + timedelta(hours=1), most=100) == []
        assert commands.take()["find deliveries"] > 4, "nobody has looked for long: there may be a pile"


async def test_of_a_pile_a_worker_keeps_a_handful(crew: Crew, quiet: None) -> None:
    at = crew.house.store.clock.now() + timedelta(days=800)
    count = LOOKED_FOR + 100
    rows = [row(crew, at, raised_at=at - timedelta(seconds=number)) for number in range(count)]
    await Delivery.insert_many(rows)
    found = await Lookout(PUSH).due(now=at, most=LOOKED_FOR)
    assert found == [one.id for one in rows[:LOOKED_FOR]]  # all due at one instant, the newest are taken
    worker = await make_worker(crew.house, RecordingGateway(), clock=HeldClock(at))
    assert await worker.work() == count
    assert await Delivery.find({"workspace_id": crew.workspace_id, "reason": "device_gone"}).count() == count
    await Delivery.find({"workspace_id": crew.workspace_id}).delete()


async def test_many_claims_at_once_share_without_overlap(crew: Crew, quiet: None) -> None:
    at = crew.house.store.clock.now() + timedelta(days=900)
    rows = [row(crew, at) for _ in range(60)]
    await Delivery.insert_many(rows)
    ids = [one.id for one in rows]
    claims = await asyncio.gather(*(claim_deliveries(ids, f"w{n}", now=at) for n in range(6)))
    taken = [one.id for claim in claims for one in claim]
    assert sorted(taken) == sorted(ids)
    assert await claim_deliveries(ids, "late", now=at + LEASE - timedelta(seconds=1)) == []
    again = await claim_deliveries(ids, "heir", now=at + LEASE)
    assert sorted(one.id for one in again) == sorted(ids)
    await Delivery.find({"workspace_id": crew.workspace_id}).delete()


async def test_a_lease_by_a_clock_that_was_ahead_ends_once_it_was_watched_for_as_long(
    crew: Crew, quiet: None
) -> None:
    at = crew.house.store.clock.now() + timedelta(days=1_000)
    stuck = row(crew, at, state=DeliveryState.LEASED, lease_owner="w|1", next_at=at + timedelta(days=3))
    await stuck.insert()
    lookout = Lookout(PUSH, lease=timedelta(seconds=0.3))
    assert await lookout.due(now=at, most=10) == []  # it may be a worker whose clock is ahead now
    assert await lookout.due(now=at, most=10) == []
    found: list[str] = []
    async with asyncio.timeout(30):
        while not found:
            await asyncio.sleep(0.05)
            found = await lookout.due(now=at, most=10)
    assert found == [stuck.id]
    await Delivery.find({"workspace_id": crew.workspace_id}).delete()


async def test_who_lost_access_before_the_sending_hears_nothing(crew: Crew, post: PostOffice) -> None:
    """Revoking and sending race: what was revoked before a lane looked never arrives, the rest does once."""
    values = {name: f"ok-{name}-{new_id()}" for name in ("agent", "rep")}
    for name, value in values.items():
        await register(crew.people[name], value)
    tickets = [await ticket_for(crew, crew.agent, f"No. {number}") for number in range(12)]
    await post.plan()
    post.fcm.latency_seconds = 0.05
    revoked: list[str] = []
    seen_at_revoking: dict[str, bool] = {}

    def arrived(ticket_id: str) -> bool:
        return any(one.message["data"]["subjectId"] == ticket_id for one in post.received(values["agent"]))

    async def revoke() -> None:
        for ticket_id in random.Random(7).sample(tickets, 6):
            answer = await crew.manager.ask(
                "mutation($input: TicketAssignInput!) { ticketAssign(input: $input) { __typename } }",
                input={"id": ticket_id, "assigneeId": crew.rep.user_id},
            )
            assert answer["ticketAssign"]["__typename"] == "Ticket"
            revoked.append(ticket_id)
            row_now = await Delivery.find({"subject_id": ticket_id, "user_id": crew.agent.user_id}).to_list()
            attempted = [one for one in row_now if one.channel is PUSH and one.state in ("leased", "sent")]
            seen_at_revoking[ticket_id] = bool(attempted) or arrived(ticket_id)

    worker = await make_worker(crew.house, post.gateway, clock=post.clock)
    await asyncio.gather(revoke(), worker.work())
    await worker.work()
    for ticket_id in tickets:
        times = sum(one.message["data"]["subjectId"] == ticket_id for one in post.received(values["agent"]))
        if ticket_id not in revoked:
            assert times == 1
        elif not seen_at_revoking[ticket_id]:  # nobody had it in hand when it was revoked
            assert times == 0, "sent after it was revoked"
        else:
            assert times <= 1


async def test_a_revoked_record_is_silent_and_says_why(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.agent, value)
    ticket_id = await ticket_for(crew, crew.agent)
    await post.plan()
    await crew.manager.ask(
        "mutation($input: TicketAssignInput!) { ticketAssign(input: $input) { __typename } }",
        input={"id": ticket_id, "assigneeId": crew.rep.user_id},
    )
    await post.worker.work()
    assert post.received(value) == []
    rows = await Delivery.find({"subject_id": ticket_id, "user_id": crew.agent.user_id}).to_list()
    ends = [(one.state.value, one.reason) for one in rows if one.channel is PUSH]
    assert ends in ([("dropped", "access_revoked")], [("dropped", "assigned_elsewhere")])


async def test_a_robot_that_is_gone_is_forgotten_and_another_is_told(crew: Crew, house: House) -> None:
    """Through the whole way: planned by choice, signed, refused, dropped with the reason."""
    choose = """mutation { notificationPreferencesSet(input: { choices: [
        { type: "test", channel: WEBHOOK, handling: AT_ONCE }] }) { __typename } }"""
    await crew.rep.ask(choose)
    create = """mutation($input: NotificationEndpointCreateInput!) {
        notificationEndpointCreate(input: $input) { ... on NotificationEndpoint { id } } }"""
    async with webhook_receivers() as receivers, gateway_to(receivers) as gateway:
        made = {}
        for name in ("ok", "code-19001"):
            told = {
                "provider": "FEISHU",
                "address": receivers.url("feishu", name),
                "secret": receivers.secret,
            }
            made[name] = (await crew.rep.ask(create, input=told))["notificationEndpointCreate"]["id"]
        outlets = {NotificationChannel.WEBHOOK: webhook_outlet(gateway)}
        worker = await make_worker(house, outlets, clock=house.store.clock)
        async with worker_in_place(house, worker):
            sent = await crew.rep.ask("mutation { testNotification { ... on Notification { id } } }")
            await house.relay.settle()
            await worker.work()
            rows = await Delivery.find({"notification_id": sent["testNotification"]["id"]}).to_list()
            ends = {one.endpoint_id: (one.state.value, one.reason) for one in rows if one.endpoint_id}
    assert ends == {made["ok"]: ("sent", ""), made["code-19001"]: ("failed", "CODE_19001")}
    assert sorted(one.name for one in receivers.received) == ["code-19001", "ok"]
    uow = house.store.unit_of_work(crew.rep.actor)
    reachable = {one.id: one.is_reachable for one in await uow.find(NotificationEndpoint)}
    assert reachable == {made["ok"]: True, made["code-19001"]: False}
    assert {one.provider for one in await uow.find(NotificationEndpoint)} == {EndpointProvider.FEISHU}


async def test_words_that_a_field_rule_hides_meanwhile_are_not_sent(crew: Crew) -> None:
    ticket_id = await ticket_for(crew, crew.agent)
    ticket = await crew.house.store.unit_of_work(crew.system).access(Ticket, ticket_id)
    for veil, hides in (
        (Veil(), False),
        (Veil(hidden=frozenset({"priority"})), False),
        (Veil(masked=frozenset({"subject"})), True),
        (Veil(hidden=frozenset({"subject"}), blank=frozenset({"subject"})), True),
    ):
        ticket.veil = veil
        assert hides_its_heading(ticket) is hides


async def test_the_queue_is_shown_to_prometheus_and_to_health(
    crew: Crew, quiet: None, http: httpx.AsyncClient
) -> None:
    at = crew.house.store.clock.now() + timedelta(days=1_200)
    rows = [row(crew, at - timedelta(seconds=age), expires_at=at + timedelta(days=1)) for age in (0, 400)]
    dead = row(crew, at, state=DeliveryState.DEAD)
    await Delivery.insert_many([*rows, dead])
    figures = QueueFigures()
    await figures.look(now=at)
    await Delivery.find({"workspace_id": crew.workspace_id}).delete()
    assert figures.due["push"].count >= 2
    assert figures.dead == 1
    shown_rate = REGISTRY.get_sample_value("rapport_delivery_queue_depth", {"channel": "push"})
    assert shown_rate == figures.due["push"].count
    oldest = REGISTRY.get_sample_value("rapport_delivery_oldest_due_seconds", {"channel": "push"})
    assert oldest is not None
    assert oldest >= 400
    shown = (await http.get("/healthz")).json()["checks"]
    assert isinstance(shown["notifications"], str)
    lines = QueueFigures(due={"push": Due(2, at - timedelta(seconds=400))}, dead=1)
    assert lines.line(now=at, alerts={"THIRD_PARTY_AUTH_ERROR": "renew the key"}) == (
        "push: 2 due, the oldest for 400 s; THIRD_PARTY_AUTH_ERROR: renew the key; 1 given up within a day"
    )
    assert QueueFigures().line(now=at, alerts={}) == "ready"
