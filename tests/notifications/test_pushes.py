"""From what happens in the house to a push on the right device, once; the vendor is a real HTTP peer."""

import asyncio
from datetime import timedelta
from typing import Any

import svcs

import main
from backend.core import relay
from backend.core.clock import SystemClock
from backend.core.events import DomainEvent
from backend.core.ids import new_id
from backend.core.ledger import LEDGER, entries_of
from backend.core.module import Listener
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.sessions import end_session
from backend.service.documents import Ticket
from backend.service.events import TicketAssigned
from backend.service.hand_off import hand_off_to_ticket
from notifications.catalogue import MESSAGE_RECEIVED
from notifications.delivery import LEASE
from notifications.documents import Device, Notification
from notifications.inbox import notify, notify_as_a_test
from notifications.planning import on_notification_raised
from notifications.queueing import withdraw
from tests.crew import Crew, Person
from tests.notifications.pushing import PostOffice, make_worker, register, second_sign_in, worker_in_place

INBOX = """{ unreadCount notifications(first: 10) { nodes {
    id type subjectKind subjectId title body readAt } } }"""
ASSIGN = """mutation($input: TicketAssignInput!) { ticketAssign(input: $input) { __typename } }"""


async def ticket_for(crew: Crew, assignee: Person, subject: str = "Sensor offline") -> str:
    """Let the manager make a ticket and give it to somebody; return its id."""
    made = await crew.manager.do("ticketCreate", {"subject": subject})
    await assign(crew, made["id"], assignee)
    ticket_id: str = made["id"]
    return ticket_id


async def assign(crew: Crew, ticket_id: str, assignee: Person) -> None:
    answer = await crew.manager.ask(ASSIGN, input={"id": ticket_id, "assigneeId": assignee.user_id})
    assert answer["ticketAssign"]["__typename"] == "Ticket"


def house_listener(name: str) -> Listener:
    """Return what the house has listening under a name."""
    [found] = [module.listens[name][0] for module in main.MODULES if name in module.listens]
    return found


async def inbox(person: Person) -> tuple[int, list[dict[str, Any]]]:
    data = await person.ask(INBOX)
    return data["unreadCount"], data["notifications"]["nodes"]


async def test_notification(post: PostOffice, person: Person) -> Notification:
    """Raise a test notification, to be sent at once whatever the hour."""
    key = new_id()
    return await post.house.store.write(person.actor, lambda uow: notify_as_a_test(uow, key))


test_notification.__test__ = False  # type: ignore[attr-defined]  # a step of tests, not one of them


async def test_an_assignment_reaches_the_agents_device_once_and_the_inbox(
    crew: Crew, post: PostOffice, house: House
) -> None:
    """The house itself wakes the worker: nothing here asks it to send."""
    value = f"ok-{new_id()}"
    await register(crew.agent, value)
    worker = await make_worker(house, post.gateway, clock=SystemClock())
    async with worker_in_place(house, worker):
        ticket_id = await ticket_for(crew, crew.agent)
        async with asyncio.timeout(10):
            while not post.received(value):
                await asyncio.sleep(0.02)
    await house.relay.settle()
    await worker.work()

    [received] = post.received(value)
    unread, [line] = await inbox(crew.agent)
    assert received.status == 200
    assert received.message["notification"] == {
        "title": "Ticket for you: Sensor offline",
        "body": "Manager assigned it to you.",
    }
    assert received.message["data"] == {
        "type": "ticket_assigned",
        "notificationId": line["id"],
        "subjectKind": "ticket",
        "subjectId": ticket_id,
    }
    assert received.message["android"]["notification"] == {"tag": f"ticket_assigned:{ticket_id}"}
    assert unread == 1
    assert line == {
        "id": line["id"],
        "type": "ticket_assigned",
        "subjectKind": "ticket",
        "subjectId": ticket_id,
        "title": "Ticket for you: Sensor offline",
        "body": "Manager assigned it to you.",
        "readAt": None,
    }
    assert await inbox(crew.manager) == await inbox(crew.admin) == (0, [])
    assert await post.ends(line["id"]) == [("sent", "")]


async def test_what_was_handed_over_twice_is_told_once(crew: Crew, post: PostOffice, house: House) -> None:
    value = f"ok-{new_id()}"
    await register(crew.agent, value)
    await ticket_for(crew, crew.agent)
    await post.send()
    _, [line] = await inbox(crew.agent)

    for name, listener in (
        ("TicketAssigned", house_listener("notifications.inbox")),
        ("NotificationRaised", on_notification_raised),
    ):
        rows = await house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).to_list()
        entries = [e for row in rows for c in row["commits"] for e in entries_of(c, crew.workspace_id)]
        [entry] = [entry for entry in entries if entry.event == name]
        event = DomainEvent.registry[name].model_validate(entry.data)
        async with svcs.Container(house.registry) as services:
            await listener(relay.Delivery(entry, event), services)
    await post.send()

    assert await inbox(crew.agent) == (1, [line])
    assert len(post.received(value)) == 1
    assert await post.ends(line["id"]) == [("sent", "")]


async def test_who_lost_the_ticket_before_sending_is_not_told(crew: Crew, post: PostOffice) -> None:
    """The rep may not read it any more, the admin may, but does not hold it; the agent holds it."""
    values = {name: f"ok-{name}-{new_id()}" for name in ("rep", "admin", "agent")}
    for name, value in values.items():
        await register(crew.people[name], value)
    ticket_id = await ticket_for(crew, crew.rep)
    await post.plan()
    await assign(crew, ticket_id, crew.admin)
    await post.plan()
    await assign(crew, ticket_id, crew.agent)
    await post.send()

    assert [received.registration for received in post.received(*values.values())] == [values["agent"]]
    ends = {}
    for name in values:
        _, [line] = await inbox(crew.people[name])
        ends[name] = await post.ends(line["id"])
    assert ends == {
        "rep": [("dropped", "access_revoked")],
        "admin": [("dropped", "assigned_elsewhere")],
        "agent": [("sent", "")],
    }


async def test_nobody_is_told_what_they_may_not_see_or_did_themselves(crew: Crew, post: PostOffice) -> None:
    made = await crew.manager.do("ticketCreate", {"subject": "Mine", "assigneeId": crew.manager.user_id})
    assert made["__typename"] == "Ticket"
    assignment = TicketAssigned(ticket_id=made["id"], assignee_id=crew.stranger.user_id, number="1", by="-")
    rows = await crew.house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).to_list()
    [*_, entry] = [e for row in rows for c in row["commits"] for e in entries_of(c, crew.workspace_id)]
    async with svcs.Container(crew.house.registry) as services:
        await house_listener("notifications.inbox")(relay.Delivery(entry, assignment), services)
    await post.send()

    assert await inbox(crew.manager) == (0, [])
    assert await inbox(crew.stranger) == (0, [])


async def test_a_customers_message_tells_the_assignee(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.agent, value)
    talk = await crew.agent.do(
        "conversationCreate",
        {"subject": "Battery", "contactId": crew.contact_id, "assigneeId": crew.agent.user_id},
    )
    said = {"conversationId": talk["id"], "body": "My secret words"}
    assert (await crew.customer.do("messageCreate", said))["__typename"] == "Message"
    await post.send()

    [received] = post.received(value)
    assert received.message["data"]["type"] == MESSAGE_RECEIVED.key
    assert received.message["data"]["subjectId"] == talk["id"]
    assert received.message["notification"]["title"] == "Customer replied: Battery"
    assert "secret" not in str(received.message)


async def test_a_task_tells_its_assignee_while_it_is_to_be_done(crew: Crew, post: PostOffice) -> None:
    theirs = {"assigneeId": crew.colleague.user_id}
    for title, status in (("Call back", "TODO"), ("Long ago", "DONE")):
        await crew.rep.do("taskCreate", {"title": title, "status": status, **theirs})
    await post.plan()
    assert [line["title"] for line in (await inbox(crew.colleague))[1]] == ["Task for you: Call back"]
    assert await inbox(crew.rep) == (0, [])


async def test_a_hand_off_tells_the_agents(crew: Crew, post: PostOffice) -> None:
    talk = await crew.customer.do("conversationCreate", {"subject": "Battery"})

    async def hand_off(uow: UnitOfWork) -> Ticket:
        return await hand_off_to_ticket(uow, talk["id"], reason="low_confidence", subject="Battery")

    ticket = await crew.house.store.write(crew.customer.actor, hand_off)
    await post.plan()
    unread, [line] = await inbox(crew.agent)
    assert (unread, line["type"], line["subjectId"]) == (1, "handed_off", ticket.id)
    assert line["title"] == "A customer is waiting: Battery"
    assert await inbox(crew.customer) == await inbox(crew.rep) == (0, [])


async def test_a_dead_registration_is_forgotten_and_the_other_device_is_reached(
    crew: Crew, post: PostOffice
) -> None:
    dead, alive = f"unregistered-{new_id()}", f"ok-{new_id()}"
    first = await register(crew.agent, dead)
    second = await register(await second_sign_in(crew, "agent"), alive)
    ticket_id = await ticket_for(crew, crew.agent)
    await post.send()

    statuses = {message.registration: message.status for message in post.received(dead, alive)}
    _, [line] = await inbox(crew.agent)
    assert statuses == {dead: 404, alive: 200}
    assert await post.ends(line["id"]) == [("sent", ""), ("failed", "UNREGISTERED")]
    uow = crew.house.store.unit_of_work(crew.agent.actor)
    devices = {device.id: device for device in await uow.find(Device)}
    assert (devices[first["id"]].value, devices[first["id"]].dropped_reason) == ("", "UNREGISTERED")
    assert devices[second["id"]].value == alive

    await assign(crew, ticket_id, crew.rep)
    await assign(crew, ticket_id, crew.agent)
    await post.send()
    assert sorted(m.registration for m in post.received(dead, alive)) == sorted([dead, alive, alive])
    again = await register(crew.agent, dead)  # the app was installed again
    assert again | {"version": 0} == first | {"version": 0}


async def test_a_refused_push_waits_as_long_as_the_vendor_asks(crew: Crew, post: PostOffice) -> None:
    value = f"quota-{new_id()}"  # 429 with Retry-After: 7
    await register(crew.rep, value)
    raised = await test_notification(post, crew.rep)
    await post.send()
    delivery = await post.delivery(raised.id)
    assert (delivery.state, delivery.reason) == ("due", "QUOTA_EXCEEDED")
    assert delivery.next_at == post.clock.now() + timedelta(seconds=7)

    post.clock.advance(timedelta(seconds=6.9))
    await post.worker.work()
    assert len(post.received(value)) == 1
    post.clock.advance(timedelta(seconds=0.1))
    await post.worker.work()
    assert len(post.received(value)) == 2
    attempts = [(one.outcome, one.reason) for one in (await post.delivery(raised.id)).attempts]
    assert attempts == [("retry", "QUOTA_EXCEEDED")] * 2

    post.clock.advance(timedelta(hours=1))  # as long as a test notification lives
    await post.worker.work()
    assert len(post.received(value)) == 2
    assert await post.ends(raised.id) == [("dead", "expired")]


async def test_two_workers_never_send_the_same_delivery(crew: Crew, post: PostOffice) -> None:
    values = [f"ok-{number}-{new_id()}" for number in range(12)]
    for value in values:
        await register(await second_sign_in(crew, "rep"), value)
    raised = await test_notification(post, crew.rep)
    await post.plan()
    post.fcm.latency_seconds = 0.05
    other = await make_worker(crew.house, post.gateway, clock=post.clock)
    await asyncio.gather(post.worker.work(), other.work(), post.worker.work())

    assert sorted(received.registration for received in post.received(*values)) == sorted(values)
    assert await post.ends(raised.id) == [("sent", "")] * 12


async def test_a_worker_that_dies_while_sending_costs_one_duplicate_that_collapses(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    raised = await test_notification(post, crew.rep)
    await post.plan()
    post.fcm.latency_seconds = 0.3
    dying = asyncio.create_task(post.worker.work())
    while not post.fcm.most_at_once:  # until the request is at the vendor's
        await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    other = await make_worker(crew.house, post.gateway, clock=post.clock)
    await other.work()
    assert (await post.delivery(raised.id)).state == "leased"
    post.clock.advance(LEASE)
    await other.work()

    assert await post.ends(raised.id) == [("sent", "")]
    tags = [received.message["android"]["notification"]["tag"] for received in post.received(value)]
    assert set(tags) == {f"test:{raised.id}"}
    assert len(tags) == 2


async def test_after_sign_out_nothing_reaches_that_device(crew: Crew, post: PostOffice) -> None:
    lost, kept = f"ok-lost-{new_id()}", f"ok-kept-{new_id()}"
    phone = await second_sign_in(crew, "rep")
    await register(phone, lost)
    await register(crew.rep, kept)
    raised = await test_notification(post, crew.rep)
    await post.plan()
    await end_session(crew.house.store, phone.actor.session_id, reason="signed out")
    await crew.house.relay.settle()  # the listener forgets the device
    await post.send()

    assert [received.registration for received in post.received(lost, kept)] == [kept]
    assert await post.ends(raised.id) == [("sent", ""), ("dropped", "device_gone")]
    later = await test_notification(post, crew.rep)
    await post.send()
    assert await post.ends(later.id) == [("sent", "")]


async def test_a_device_that_changed_hands_shows_nothing_of_its_former_user(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    first = await register(crew.rep, value)
    raised = await test_notification(post, crew.rep)
    await post.plan()
    second = await register(crew.stranger, value, appVersion="2.0")
    assert (second["id"], second["appVersion"]) == (first["id"], "2.0")
    await post.send()

    assert post.received(value) == []
    assert await post.ends(raised.id) == [("dropped", "device_changed_hands")]
    theirs = await test_notification(post, crew.stranger)
    await post.send()
    assert await post.ends(theirs.id) == [("sent", "")]
    assert len(post.received(value)) == 1


async def test_quiet_hours_hold_a_push_until_they_end(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.agent, value)
    now = crew.house.store.clock.now()  # the crew lives in UTC
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 2))
    preferences = await crew.agent.ask(
        """mutation($input: NotificationPreferencesSetInput!) { notificationPreferencesSet(input: $input) {
            ... on NotificationPreferences { quietHours { start end } mutedTypes } } }""",
        input={"quietHours": {"start": start, "end": end}, "mutedTypes": ["message_received"]},
    )
    assert preferences["notificationPreferencesSet"] == {
        "quietHours": {"start": start, "end": end},
        "mutedTypes": ["message_received"],
    }
    await ticket_for(crew, crew.agent)
    urgent = await test_notification(post, crew.agent)
    await post.send()
    assert [received.message["data"]["notificationId"] for received in post.received(value)] == [urgent.id]

    post.clock.advance(timedelta(hours=2, minutes=1))
    await post.worker.work()
    assert len(post.received(value)) == 2
    unread, lines = await inbox(crew.agent)
    assert unread == len(lines) == 2  # the inbox never waited


async def test_what_was_read_or_muted_is_not_pushed(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    raised = await test_notification(post, crew.rep)
    await post.plan()
    read = await crew.rep.ask(
        """mutation($input: NotificationReadInput!) { notificationRead(input: $input) {
            ... on Notification { readAt } } }""",
        input={"id": raised.id},
    )
    assert read["notificationRead"]["readAt"] is not None

    async def mute(uow: UnitOfWork) -> Notification | None:
        words = {"subject": "Battery"}
        return await notify(uow, MESSAGE_RECEIVED, recipient_id=crew.rep.user_id, key=new_id(), words=words)

    await crew.rep.ask(
        """mutation { notificationPreferencesSet(input: { mutedTypes: ["message_received"] }) {
            __typename } }"""
    )
    muted = await crew.house.store.write(crew.system, mute)
    assert muted is not None
    await post.send()

    assert post.received(value) == []
    assert await post.ends(raised.id) == [("dropped", "already_read")]
    assert await post.ends(muted.id) == [("dropped", "preference")]
    assert await crew.rep.ask("{ unreadCount }") == {"unreadCount": 1}


async def test_a_try_ends_before_its_lease_does(crew: Crew, post: PostOffice) -> None:
    """The vendor's own time-out is longer: the worker lets go, and writes down that nobody knows."""
    value = f"hang-{new_id()}"
    await register(crew.rep, value)
    raised = await test_notification(post, crew.rep)
    await post.plan()
    hasty = await make_worker(
        crew.house, post.gateway, clock=post.clock, lease=timedelta(seconds=2), jitter=lambda: 0.5
    )
    await hasty.work()

    assert await post.ends(raised.id) == [("due", "DEADLINE_EXCEEDED")]
    attempts = [(one.outcome, one.reason) for one in (await post.delivery(raised.id)).attempts]
    assert attempts == [("retry", "DEADLINE_EXCEEDED")]
    assert (await post.delivery(raised.id)).lease_owner == ""
    await withdraw(raised.id, reason="already_read")  # no other test's worker is to hang on it


async def test_a_push_that_the_customer_objected_to_meanwhile_is_held_with_the_reason(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    made = await crew.manager.do("contactCreate", {"id": crew.contact_id, "fullName": "Lin Yue"})
    assert made["__typename"] == "Contact"
    await register(crew.customer, value)
    first = await test_notification(post, crew.customer)
    await post.send()
    second = await test_notification(post, crew.customer)
    await post.plan()
    withdraw = "mutation($input: ConsentWithdrawInput!) { consentWithdraw(input: $input) { __typename } }"
    answer = await crew.customer.ask(withdraw, input={"purpose": "SERVICE", "channel": "PUSH"})
    assert answer["consentWithdraw"]["__typename"] == "ContactConsents"
    await post.worker.work()

    assert await post.ends(first.id) == [("sent", "")]
    assert await post.ends(second.id) == [("dropped", "consent_withdrawn")]
    assert len(post.received(value)) == 1
    unread, _ = await inbox(crew.customer)
    assert unread == 2  # the inbox keeps it: nobody is disturbed by what they look up
