"""Promised times over GraphQL: policies, working hours, clocks on tickets, and who is told of them."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import svcs

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.documents import User
from backend.service.documents import AuthorKind, Ticket, TicketPriority
from backend.service.hand_off import hand_off_to_ticket
from backend.service.messages import add_message
from backend.service.sla_clocks import watch_clocks
from backend.service.sla_rules import SlaClock, looked_at
from backend.service.tickets import date_ticket
from tests.crew import Crew, Person

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CLOCKS = """query($id: ID!) { ticket(id: $id) { slaDueAt slaPolicyId slaPolicyVersion waitsSince
    sla { metric policyId policyVersion minutes startedAt nearAt dueAt metAt breachedAt isPaused
        elapsedMinutes
        pauses { fromAt toAt } } } }"""
ALL_WEEK = [
    {"weekday": day, "spans": [{"start": "00:00", "end": "24:00"}]}
    for day in ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
]


def promise(first: int = 60, following: int = 120, end: int = 480) -> list[dict[str, Any]]:
    return [
        {"metric": "FIRST_RESPONSE", "minutes": first},
        {"metric": "NEXT_RESPONSE", "minutes": following},
        {"metric": "RESOLUTION", "minutes": end},
    ]


async def agree(crew: Crew, **fields: Any) -> dict[str, Any]:
    """Let the manager make a policy; by every hour of every day unless a calendar is named."""
    made = await crew.manager.do("slaPolicyCreate", {"name": "Care", "targets": promise()} | fields)
    assert made["__typename"] == "SlaPolicy", made
    await crew.house.relay.settle()
    return made


async def open_ticket(crew: Crew, **fields: Any) -> dict[str, str]:
    """Let the customer ask by e-mail and the agent open a ticket of it; return its id and the talk's."""
    talk = await crew.agent.do("conversationCreate", {"channel": "EMAIL", "contactId": crew.contact_id})
    about = {"subject": "Sensor offline", "conversationId": talk["id"], "assigneeId": crew.agent.user_id}
    ticket = await crew.agent.do("ticketCreate", about | fields)
    assert ticket["__typename"] == "Ticket", ticket
    return {"id": ticket["id"], "talk": talk["id"]}


async def say(person: Person, ticket: dict[str, str], body: str = "Hello", **more: str) -> None:
    said = await person.do("messageCreate", {"conversationId": ticket["talk"], "body": body, **more})
    assert said["__typename"] == "Message", said


async def clocks(crew: Crew, ticket: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the ticket's clocks by metric, of several the latest; moments as such."""
    found = (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]["sla"]
    return {
        one["metric"]: {
            name: datetime.fromisoformat(value) if name.endswith("At") and value else value
            for name, value in one.items()
        }
        for one in found
    }


async def look(crew: Crew, now: datetime) -> None:
    """Let the watch look at ``now``, twice at once and once more; then let everything follow."""
    await crew.house.relay.settle()
    async with svcs.Container(crew.house.registry) as services:
        await asyncio.gather(watch_clocks(services, now=now), watch_clocks(services, now=now))
        await watch_clocks(services, now=now)
    await crew.house.relay.settle()


async def told(person: Person) -> list[tuple[str, str]]:
    found = (await person.ask("{ notifications(first: 100) { nodes { type title } } }"))["notifications"]
    return [(one["type"], one["title"]) for one in reversed(found["nodes"]) if one["type"].startswith("sla_")]


NEAR = ("sla_near", "Time is running out: Sensor offline")
OVER = ("sla_breached", "Agreed time is over: Sensor offline")


async def test_a_ticket_has_its_clocks_from_the_first_policy_that_holds(crew: Crew) -> None:
    await agree(crew, name="Last", targets=promise(1, 1, 1))
    pressing = {"field": "priority", "operator": "IN", "values": ["high", "urgent"]}
    policy = await agree(
        crew,
        name="Pressing",
        order=5,
        condition=pressing,
        targets=[*promise(), {"metric": "FIRST_RESPONSE", "priority": "URGENT", "minutes": 10}],
    )
    ticket = await open_ticket(crew, priority="URGENT")
    found = (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]
    assert (found["slaPolicyId"], found["slaPolicyVersion"]) == (policy["id"], policy["version"])
    running = await clocks(crew, ticket)
    assert {metric: (one["minutes"], one["policyId"]) for metric, one in running.items()} == {
        "FIRST_RESPONSE": (10, policy["id"]),
        "RESOLUTION": (480, policy["id"]),
    }
    first = running["FIRST_RESPONSE"]
    assert first["dueAt"] == first["startedAt"] + 10 * MINUTE
    assert first["nearAt"] == first["startedAt"] + 8 * MINUTE
    assert datetime.fromisoformat(found["slaDueAt"]) == first["dueAt"]
    assert (first["metAt"], first["breachedAt"], first["isPaused"]) == (None, None, False)


async def test_what_comes_near_and_what_is_over_is_told_in_its_turn(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    opened = (await clocks(crew, ticket))["FIRST_RESPONSE"]["startedAt"]
    await look(crew, opened + 47 * MINUTE)
    assert await told(crew.agent) == []
    await look(crew, opened + 48 * MINUTE)
    assert await told(crew.agent) == [NEAR]
    await look(crew, opened + 60 * MINUTE)
    assert await told(crew.agent) == [NEAR, OVER]
    # The second promise in its turn, though the first is still owed.
    await look(crew, opened + 384 * MINUTE)
    await look(crew, opened + 480 * MINUTE)
    assert await told(crew.agent) == [NEAR, OVER, NEAR, OVER]
    assert await told(crew.colleague) == await told(crew.stranger) == await told(crew.customer) == []
    over = await clocks(crew, ticket)
    assert over["FIRST_RESPONSE"]["breachedAt"] == opened + 60 * MINUTE
    assert over["RESOLUTION"]["breachedAt"] == opened + 480 * MINUTE


async def test_what_is_kept_in_time_is_nobodys_news(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    await say(crew.customer, ticket)
    await say(crew.agent, ticket)
    await crew.agent.do("ticketUpdate", {"id": ticket["id"], "status": "RESOLVED"})
    kept = await clocks(crew, ticket)
    assert all(one["metAt"] and one["elapsedMinutes"] == 0 for one in kept.values())
    assert set(kept) == {"FIRST_RESPONSE", "RESOLUTION"}
    await look(crew, datetime.now(UTC) + 24 * HOUR)
    assert await told(crew.agent) == []
    assert (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]["slaDueAt"] is None


async def test_waiting_for_the_customer_moves_the_dates_and_nothing_is_told_meanwhile(crew: Crew) -> None:
    await agree(crew, targets=promise(60, 600, 100))
    ticket = await open_ticket(crew)
    await say(crew.agent, ticket)
    running = (await clocks(crew, ticket))["RESOLUTION"]
    await crew.agent.do("ticketUpdate", {"id": ticket["id"], "status": "PENDING_CUSTOMER"})
    held = (await clocks(crew, ticket))["RESOLUTION"]
    assert (held["isPaused"], held["dueAt"], held["nearAt"], held["elapsedMinutes"]) == (True, None, None, 0)
    assert [one["toAt"] for one in held["pauses"]] == [None]
    await look(crew, running["dueAt"] + HOUR)
    assert await told(crew.agent) == []
    await say(crew.customer, ticket)  # goes on by itself: the customer has answered
    resumed = (await clocks(crew, ticket))["RESOLUTION"]
    [pause] = resumed["pauses"]
    slept = datetime.fromisoformat(pause["toAt"]) - datetime.fromisoformat(pause["fromAt"])
    assert (resumed["isPaused"], resumed["dueAt"]) == (False, running["dueAt"] + slept)
    await look(crew, resumed["dueAt"])
    assert await told(crew.agent) == [OVER]  # nobody looked when it was near; now it is no news that it was


async def test_who_writes_counts_people_to_customers_and_nobody_else(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    await say(crew.customer, ticket)
    await say(crew.agent, ticket, "Let us see", direction="INTERNAL")

    async def answer(uow: UnitOfWork) -> None:
        await add_message(uow, ticket["talk"], "Have you tried…", author_kind=AuthorKind.BOT)

    await crew.house.store.write(crew.system, answer)
    waiting = await clocks(crew, ticket)
    assert (set(waiting), waiting["FIRST_RESPONSE"]["metAt"]) == ({"FIRST_RESPONSE", "RESOLUTION"}, None)
    await say(crew.agent, ticket)
    answered = await clocks(crew, ticket)
    assert answered["FIRST_RESPONSE"]["metAt"] is not None
    assert set(answered) == {"FIRST_RESPONSE", "RESOLUTION"}
    await say(crew.customer, ticket, "And?")
    await say(crew.customer, ticket, "Hello?")
    found = (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]
    rounds = [one for one in found["sla"] if one["metric"] == "NEXT_RESPONSE"]
    assert [(one["startedAt"], one["metAt"]) for one in rounds] == [(found["waitsSince"], None)]
    assert found["slaDueAt"] == rounds[0]["dueAt"]
    due = datetime.fromisoformat(found["slaDueAt"])
    await look(crew, due - 24 * MINUTE)
    await look(crew, due)
    assert await told(crew.agent) == [NEAR, OVER]
    await say(crew.agent, ticket)
    late = (await clocks(crew, ticket))["NEXT_RESPONSE"]
    assert (late["breachedAt"], late["metAt"] is not None) == (due, True)
    assert (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]["waitsSince"] is None


async def test_reopened_a_ticket_goes_on_with_what_had_elapsed(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    await say(crew.agent, ticket)
    before = (await clocks(crew, ticket))["RESOLUTION"]
    await crew.agent.do("ticketUpdate", {"id": ticket["id"], "status": "RESOLVED"})
    met = (await clocks(crew, ticket))["RESOLUTION"]["metAt"]
    await say(crew.customer, ticket, "It is off again")
    again = (await clocks(crew, ticket))["RESOLUTION"]
    [pause] = again["pauses"]
    assert datetime.fromisoformat(pause["fromAt"]) == met
    assert again["metAt"] is None
    assert again["dueAt"] == before["dueAt"] + (datetime.fromisoformat(pause["toAt"]) - met)


async def test_another_priority_and_another_policy_count_from_the_start(crew: Crew) -> None:
    first = {"metric": "FIRST_RESPONSE", "minutes": 60}
    pressing = {"metric": "FIRST_RESPONSE", "minutes": 15, "priority": "URGENT"}
    one = await agree(crew, targets=[first, pressing])
    ticket = await open_ticket(crew)
    started = (await clocks(crew, ticket))["FIRST_RESPONSE"]["startedAt"]
    await crew.agent.do("ticketUpdate", {"id": ticket["id"], "priority": "URGENT"})
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"] == started + 15 * MINUTE
    # A change of the policy, and a new one before it, reach tickets that are open.
    await crew.manager.do(
        "slaPolicyUpdate", {"id": one["id"], "targets": [{"metric": "FIRST_RESPONSE", "minutes": 40}]}
    )
    await crew.house.relay.settle()
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"] == started + 40 * MINUTE
    condition = {"field": "tags", "values": ["vip"]}
    other = await agree(crew, name="VIP", order=1, condition=condition, targets=promise(5, 5, 5))
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["policyId"] == one["id"]
    await crew.agent.do("ticketUpdate", {"id": ticket["id"], "tags": ["vip"]})
    vip = (await clocks(crew, ticket))["FIRST_RESPONSE"]
    assert (vip["policyId"], vip["startedAt"], vip["dueAt"]) == (other["id"], started, started + 5 * MINUTE)
    await crew.manager.do("slaPolicyDelete", {"id": other["id"]})
    await crew.manager.do("slaPolicyUpdate", {"id": one["id"], "isActive": False})
    await crew.house.relay.settle()
    ended = (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]
    assert (ended["sla"], ended["slaPolicyId"], ended["slaDueAt"]) == ([], None, None)


async def test_a_raised_hand_off_is_due_sooner(crew: Crew) -> None:
    await agree(crew, targets=[*promise(), {"metric": "FIRST_RESPONSE", "minutes": 5, "priority": "URGENT"}])
    talk = await crew.customer.do("conversationCreate", {"channel": "WEBCHAT"})

    async def hand_off(priority: TicketPriority | None) -> str:
        async def run(uow: UnitOfWork) -> str:
            ticket = await hand_off_to_ticket(
                uow, talk["id"], reason="asked", subject="A person, please", priority=priority
            )
            return ticket.id

        return await crew.house.store.write(crew.customer.actor, run)

    ticket = {"id": await hand_off(None), "talk": talk["id"]}
    first = (await clocks(crew, ticket))["FIRST_RESPONSE"]
    assert first["dueAt"] == first["startedAt"] + HOUR
    assert await hand_off(TicketPriority.URGENT) == ticket["id"]
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"] == first["startedAt"] + 5 * MINUTE


async def test_of_a_ticket_that_nobody_has_those_are_told_who_may_take_it_and_those_above_of_a_breach(
    crew: Crew,
) -> None:
    await agree(crew)

    async def set_above(uow: UnitOfWork) -> None:
        agent = await uow.access(User, crew.agent.user_id, action="update")
        agent.manager_id = crew.manager.user_id
        uow.save(agent)

    await crew.house.store.write(crew.system, set_above)
    free = await open_ticket(crew, assigneeId=None)
    opened = (await clocks(crew, free))["FIRST_RESPONSE"]["startedAt"]
    await look(crew, opened + 50 * MINUTE)
    assert (await told(crew.agent), await told(crew.manager)) == ([NEAR], [])
    await look(crew, opened + 61 * MINUTE)
    assert (await told(crew.agent), await told(crew.manager)) == ([NEAR, OVER], [OVER])
    # A ticket of a team's is the team's, not all agents'.
    await open_ticket(crew, assigneeId=None, teamId=crew.teams["east"])
    await look(crew, datetime.now(UTC) + 50 * MINUTE)
    assert await told(crew.colleague) == [NEAR]
    assert await told(crew.agent) == [NEAR, OVER]


async def test_a_ticket_that_goes_to_somebody_else_is_told_to_them(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    opened = (await clocks(crew, ticket))["FIRST_RESPONSE"]["startedAt"]
    await crew.manager.do("ticketAssign", {"id": ticket["id"], "assigneeId": crew.colleague.user_id})
    await look(crew, opened + 50 * MINUTE)
    assert (await told(crew.agent), await told(crew.colleague)) == ([], [NEAR])


async def test_what_is_over_is_noted_by_itself_once_and_read_in_the_order_of_dates(crew: Crew) -> None:
    await agree(crew)
    late, soon = await open_ticket(crew), await open_ticket(crew, subject="Other")
    await crew.agent.do("ticketUpdate", {"id": soon["id"], "status": "PENDING_CUSTOMER"})
    due = (await clocks(crew, late))["FIRST_RESPONSE"]["dueAt"]
    await look(crew, due)
    version = "query($id: ID!) { ticket(id: $id) { version } }"
    noted = await crew.agent.ask(version, id=late["id"])
    await look(crew, due + MINUTE)
    assert await crew.agent.ask(version, id=late["id"]) == noted
    listed = """query($by: DateTime!) { tickets(filter: {slaDueAt: {lte: $by}},
        orderBy: [{field: SLA_DUE_AT}]) { nodes { id } } }"""
    found = await crew.agent.ask(listed, by=(due + MINUTE).isoformat())
    assert found["tickets"]["nodes"] == [{"id": late["id"]}]
    # Deleted, it is nothing to look at.
    await crew.manager.do("ticketDelete", {"id": late["id"]})
    rows = await crew.house.store.due(Ticket, "sla_next_at", by=due + 999 * HOUR, most=10_000)
    assert late["id"] not in {id for _, id in rows}


async def test_one_ticket_that_cannot_be_looked_at_holds_up_no_other(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agree(crew)
    bad, good = await open_ticket(crew), await open_ticket(crew)

    def failing(clocks: Sequence[SlaClock], *, at: datetime) -> list[SlaClock]:
        if clocks[0].started_at == datetime.fromisoformat(first):
            raise RuntimeError("a ticket that cannot be read")
        return looked_at(clocks, at=at)

    first = (await crew.agent.ask(CLOCKS, id=bad["id"]))["ticket"]["sla"][0]["startedAt"]
    monkeypatch.setattr("backend.service.sla_clocks.looked_at", failing)
    due = (await clocks(crew, good))["FIRST_RESPONSE"]["dueAt"]
    await look(crew, due)
    assert (await clocks(crew, good))["FIRST_RESPONSE"]["breachedAt"] == due
    assert (await clocks(crew, bad))["FIRST_RESPONSE"]["breachedAt"] is None
    monkeypatch.undo()
    await look(crew, due)
    assert (await clocks(crew, bad))["FIRST_RESPONSE"]["breachedAt"] is not None


async def test_what_was_over_long_before_it_was_noted_is_noted_and_nobodys_news(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    clock = (await clocks(crew, ticket))["FIRST_RESPONSE"]
    long_ago = clock["startedAt"] - timedelta(days=3)

    async def bring_in(uow: UnitOfWork) -> None:
        await date_ticket(uow, ticket["id"], long_ago)

    await crew.house.store.write(crew.system, bring_in)
    await look(crew, datetime.now(UTC))
    over = await clocks(crew, ticket)
    assert over["FIRST_RESPONSE"]["breachedAt"] == long_ago + HOUR
    assert over["RESOLUTION"]["breachedAt"] == long_ago + 8 * HOUR
    assert await told(crew.agent) == []


async def test_a_phone_has_the_date_and_may_not_set_it(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    pull = "{ pullTicket(limit: 50) { documents { id slaDueAt waitsSince } } }"
    [row] = (await crew.agent.ask(pull))["pullTicket"]["documents"]
    due = (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"]
    assert (row["id"], datetime.fromisoformat(row["slaDueAt"])) == (ticket["id"], due)
    change = {"id": ticket["id"], "slaDueAt": "2030-01-01T00:00:00Z"}
    answer = await crew.agent.post(
        "mutation($input: TicketUpdateInput!) { ticketUpdate(input: $input) { __typename } }", input=change
    )
    assert "slaDueAt" in answer["errors"][0]["message"]
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"] == due


# ── working hours and policies themselves ────────────────────────────────────────────────────────

CALENDAR = """id name timeZone isDefault weeklyHours { weekday spans { start end } }
    holidays { date name spans { start end } } makeUpDays { date worksAs name }"""
OFFICE: dict[str, Any] = {
    "name": "Office",
    "timeZone": "Asia/Shanghai",
    "weeklyHours": [
        {
            "weekday": "MONDAY",
            "spans": [{"start": "13:00", "end": "18:00"}, {"start": "09:00", "end": "12:00"}],
        }
    ],
    "holidays": [{"date": "2026-10-05", "name": "国庆节"}],
    "makeUpDays": [{"date": "2026-10-10", "worksAs": "MONDAY"}],
}


async def test_a_calendar_is_made_read_changed_and_deleted_and_one_is_the_default(crew: Crew) -> None:
    made = await crew.manager.do("businessCalendarCreate", OFFICE | {"isDefault": True}, CALENDAR)
    monday = {
        "weekday": "MONDAY",
        "spans": [{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "18:00"}],
    }
    assert made == {
        "__typename": "BusinessCalendar",
        "id": made["id"],
        "name": "Office",
        "timeZone": "Asia/Shanghai",
        "isDefault": True,
        "weeklyHours": [monday],
        "holidays": [{"date": "2026-10-05", "name": "国庆节", "spans": []}],
        "makeUpDays": [{"date": "2026-10-10", "worksAs": "MONDAY", "name": ""}],
    }
    other = await crew.admin.do(
        "businessCalendarCreate",
        {"name": "Always", "timeZone": "UTC", "weeklyHours": ALL_WEEK, "isDefault": True},
    )
    listed = "{ businessCalendars(filter: {isDefault: {eq: true}}) { nodes { id name } } }"
    found = await crew.rep.ask(listed)
    assert found["businessCalendars"]["nodes"] == [{"id": other["id"], "name": "Always"}]
    policy = await agree(crew, calendarId=made["id"])
    refused = await crew.manager.do("businessCalendarDelete", {"id": made["id"]})
    assert (refused["code"], "goes by" in refused["message"]) == ("INVALID_INPUT", True)
    await crew.manager.do("slaPolicyUpdate", {"id": policy["id"], "calendarId": None})
    assert (await crew.manager.do("businessCalendarDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    for mutation, change in (("Delete", {}), ("Update", {"isDefault": False})):
        refused = await crew.manager.do(f"businessCalendar{mutation}", {"id": other["id"], **change})
        assert (refused["code"], "the default first" in refused["message"]) == ("INVALID_INPUT", True)
    assert (await crew.rep.ask(listed))["businessCalendars"]["nodes"] == [
        {"id": other["id"], "name": "Always"}
    ]


async def test_a_ticket_is_due_by_the_hours_of_the_policys_calendar_and_follows_their_change(
    crew: Crew,
) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    today = datetime.now(zone).date()
    weekday = (today + timedelta(days=2)).strftime("%A").upper()
    hours = [{"weekday": weekday, "spans": [{"start": "10:00", "end": "14:00"}]}]
    calendar = await crew.manager.do(
        "businessCalendarCreate", {"name": "One day", "timeZone": "Asia/Shanghai", "weeklyHours": hours}
    )
    await agree(crew, calendarId=calendar["id"])
    ticket = await open_ticket(crew)
    opening = datetime.combine(today + timedelta(days=2), time(10), zone)
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"] == opening + HOUR
    assert (await clocks(crew, ticket))["RESOLUTION"]["dueAt"] == opening + timedelta(days=7, hours=4)
    free = [{"date": (today + timedelta(days=2)).isoformat()}]
    await crew.manager.do("businessCalendarUpdate", {"id": calendar["id"], "holidays": free})
    await crew.house.relay.settle()
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["dueAt"] == opening + timedelta(days=7) + HOUR


def spans(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"weekday": "MONDAY", "spans": [{"start": start, "end": end} for start, end in pairs]}]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"timeZone": "Mars/Olympus"}, "timeZone", "no time zone of the IANA list"),
        ({"timeZone": ""}, "timeZone", "no time zone"),
        ({"name": "  "}, "name", "is not right"),
        ({"weeklyHours": []}, "weeklyHours", "is not right"),
        ({"weeklyHours": spans(("18:00", "09:00"))}, "weeklyHours.0.spans", "split it at midnight"),
        ({"weeklyHours": spans(("09:00", "09:00"))}, "weeklyHours.0.spans", "ends before it starts"),
        ({"weeklyHours": spans(("9", "18:00"))}, "weeklyHours.0.spans.0.start", "is not right"),
        ({"weeklyHours": spans(("09:00", "24:30"))}, "weeklyHours.0.spans.0.end", "is not right"),
        ({"weeklyHours": spans(("09:00", "13:00"), ("12:00", "18:00"))}, "weeklyHours.0.spans", "overlap"),
        ({"weeklyHours": spans(("09:00", "09:59")), "makeUpDays": []}, "weeklyHours", "an hour a week"),
        ({"weeklyHours": spans(("09:00", "12:00")) * 2}, "weeklyHours", "more than once"),
        ({"holidays": [{"date": "2026-10-10"}]}, "holidays", "2026-10-10 more than once"),
        ({"holidays": [{"date": "2026-10-05"}] * 2}, "holidays", "2026-10-05 more than once"),
        ({"makeUpDays": [{"date": "2026-10-10", "worksAs": "SUNDAY"}]}, "makeUpDays.0.worksAs", "no hours"),
    ],
)
async def test_hours_that_nobody_could_work_are_refused_and_nothing_is_changed(
    crew: Crew, change: dict[str, Any], field: str, words: str
) -> None:
    made = await crew.manager.do("businessCalendarCreate", OFFICE, "id version")
    told = "__typename ... on InvalidInput { fields { field message } }"
    for verb, input in (("Create", OFFICE | change), ("Update", {"id": made["id"], **change})):
        answer = await crew.manager.ask(
            f"""mutation($input: BusinessCalendar{verb}Input!) {{
                businessCalendar{verb}(input: $input) {{ {told} }} }}""",
            input=input,
        )
        refused = answer[f"businessCalendar{verb}"]
        assert refused["__typename"] == "InvalidInput"
        assert [(one["field"], words in one["message"]) for one in refused["fields"]] == [(field, True)], (
            refused
        )
    kept = await crew.manager.ask("{ businessCalendars { nodes { id version } } }")
    assert kept["businessCalendars"]["nodes"] == [{"id": made["id"], "version": made["version"]}]


POLICY = """id name order isActive calendarId pausedStatuses problem targets { metric priority minutes }
    condition { field operator values }"""


async def test_a_policy_is_made_read_changed_listed_and_deleted(crew: Crew) -> None:
    condition = {"field": "accountId", "operator": "IS_NULL", "values": ["false"]}
    made = await crew.manager.do(
        "slaPolicyCreate",
        {
            "name": " 金牌客户 🥇 ",
            "condition": condition,
            "targets": [{"metric": "RESOLUTION", "priority": "LOW", "minutes": 9}],
        },
        POLICY,
    )
    assert made == {
        "__typename": "SlaPolicy",
        "id": made["id"],
        "name": "金牌客户 🥇",
        "order": 10,
        "isActive": True,
        "calendarId": None,
        "pausedStatuses": ["PENDING_CUSTOMER", "ON_HOLD"],
        "problem": "",
        "targets": [{"metric": "RESOLUTION", "priority": "LOW", "minutes": 9}],
        "condition": condition,
    }
    later = await agree(crew, pausedStatuses=[])
    changed = await crew.admin.do("slaPolicyUpdate", {"id": made["id"], "order": 30}, "order")
    assert changed["order"] == 30
    listed = "{ slaPolicies(filter: {isActive: {eq: true}}) { nodes { id order pausedStatuses } } }"
    assert [one["id"] for one in (await crew.agent.ask(listed))["slaPolicies"]["nodes"]] == [
        later["id"],
        made["id"],
    ]
    # A ticket of low priority without an account, and one that is not: neither is promised anything by it.
    ticket = await open_ticket(crew, priority="LOW")
    assert {one["policyId"] for one in (await clocks(crew, ticket)).values()} == {later["id"]}
    assert (await crew.manager.do("slaPolicyDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    answer = await crew.agent.post("query($id: ID!) { slaPolicy(id: $id) { id } }", id=made["id"])
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"targets": []}, "targets is not right"),
        ({"targets": promise() + promise()}, "speak of first_response of all priorities more than once"),
        ({"targets": [{"metric": "RESOLUTION", "minutes": 0}]}, "targets.0.minutes is not right"),
        ({"targets": [{"metric": "RESOLUTION", "minutes": 100_001}]}, "targets.0.minutes is not right"),
        ({"calendarId": new_id()}, "no calendar of this workspace"),
        ({"calendarId": "x"}, "it must be the id of a record"),
        ({"pausedStatuses": ["OPEN"]}, "in which we are at work or done"),
        ({"condition": {"field": "colour", "values": ["red"]}}, "which no ticket has"),
        ({"condition": {"field": "priority", "values": ["huge"]}}, "a value that it cannot have"),
        ({"condition": {}}, "is empty"),
        ({"order": 1}, "is that of 'Taken'"),
        ({"order": -1}, "order is not right"),
        ({"name": ""}, "name is not right"),
    ],
)
async def test_a_policy_that_nobody_could_keep_is_refused_and_nothing_is_changed(
    crew: Crew, change: dict[str, Any], words: str
) -> None:
    await agree(crew, name="Taken", order=1)
    made = await agree(crew, order=2)
    whole = {"name": "Care", "targets": promise(), "order": 3} | change
    for refused in (
        await crew.manager.do("slaPolicyUpdate", {"id": made["id"], **change}),
        await crew.manager.do("slaPolicyCreate", whole),
    ):
        assert (refused.get("code"), words in refused.get("message", "")) == ("INVALID_INPUT", True), refused
    kept = await crew.manager.ask("{ slaPolicies(orderBy: [{field: ORDER}]) { nodes { order version } } }")
    assert [one["order"] for one in kept["slaPolicies"]["nodes"]] == [1, 2]
    assert kept["slaPolicies"]["nodes"][1]["version"] == made["version"]


async def test_only_admins_and_managers_make_promises_and_customers_do_not_see_the_rules(crew: Crew) -> None:
    policy = await agree(crew)
    calendar = await crew.manager.do("businessCalendarCreate", OFFICE)
    for person in (crew.agent, crew.rep):
        for mutation, input in (
            ("slaPolicyCreate", {"name": "Mine", "targets": promise()}),
            ("slaPolicyUpdate", {"id": policy["id"], "name": "Mine"}),
            ("slaPolicyDelete", {"id": policy["id"]}),
            ("businessCalendarCreate", OFFICE),
            ("businessCalendarUpdate", {"id": calendar["id"], "name": "Mine"}),
            ("businessCalendarDelete", {"id": calendar["id"]}),
        ):
            assert (await person.do(mutation, input))["code"] == "FORBIDDEN", mutation
        both = await person.ask("{ slaPolicies { nodes { name } } businessCalendars { nodes { name } } }")
        assert both == {
            "slaPolicies": {"nodes": [{"name": "Care"}]},
            "businessCalendars": {"nodes": [{"name": "Office"}]},
        }
    assert (await crew.customer.do("slaPolicyUpdate", {"id": policy["id"], "name": "x"}))[
        "code"
    ] == "NOT_FOUND"
    none = await crew.customer.ask("{ slaPolicies { nodes { id } } businessCalendars { nodes { id } } }")
    assert none == {"slaPolicies": {"nodes": []}, "businessCalendars": {"nodes": []}}
    changed = {"id": policy["id"], "name": "x", "expectedVersion": 1}
    assert (await crew.manager.do("slaPolicyUpdate", changed))["code"] == "CONFLICT"


async def test_a_workspace_without_a_policy_promises_nothing_and_another_ones_is_not_taken(
    crew: Crew, house: House, http: httpx.AsyncClient
) -> None:
    others = await Crew.hire(house, http, ("manager", "agent", "customer"))
    await agree(others)
    ticket = await open_ticket(crew)
    assert (await crew.agent.ask(CLOCKS, id=ticket["id"]))["ticket"]["sla"] == []
    foreign = await others.manager.do("businessCalendarCreate", OFFICE)
    refused = await crew.manager.do(
        "slaPolicyCreate", {"name": "x", "targets": promise(), "calendarId": foreign["id"]}
    )
    assert refused["code"] == "INVALID_INPUT"


async def test_a_customer_sees_their_ticket_without_what_we_promise_ourselves(crew: Crew) -> None:
    await agree(crew)
    ticket = await open_ticket(crew)
    shown = (
        """query($id: ID!) { ticket(id: $id) { subject slaDueAt slaPolicyId sla { dueAt } hiddenFields } }"""
    )
    assert (await crew.customer.ask(shown, id=ticket["id"]))["ticket"] == {
        "subject": "Sensor offline",
        "slaDueAt": None,
        "slaPolicyId": None,
        "sla": None,
        "hiddenFields": ["sla", "slaDueAt", "slaNextAt", "slaPolicyId", "slaPolicyVersion"],
    }
    by_date = "{ tickets(orderBy: [{field: SLA_DUE_AT}]) { nodes { id } } }"
    refused = await crew.customer.post(by_date)
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["BAD_QUERY"]
    [row] = (await crew.customer.ask("{ pullTicket(limit: 9) { documents { id slaDueAt } } }"))["pullTicket"][
        "documents"
    ]
    assert row == {"id": ticket["id"], "slaDueAt": None}
    # The customer's own words move the clocks all the same.
    await say(crew.agent, ticket)
    await say(crew.customer, ticket, "And?")
    assert (await clocks(crew, ticket))["NEXT_RESPONSE"]["metAt"] is None


async def test_the_calls_of_the_page_work_when_pasted(crew: Crew, repository: Path) -> None:
    page = (repository / "docs" / "service-levels.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```graphql\n(.*?)```", page, re.DOTALL)
    for operation in block.split("\n\n"):
        answer = await crew.manager.ask(operation)
        assert not any(value.get("message") for value in answer.values()), answer
    ticket = await open_ticket(crew, type="INCIDENT", priority="URGENT")
    assert (await clocks(crew, ticket))["FIRST_RESPONSE"]["minutes"] == 30
    [node] = (await crew.agent.ask(operation))["tickets"]["nodes"]
    assert node["slaDueAt"] == min(one["dueAt"] for one in node["sla"])
