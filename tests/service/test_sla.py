"""Promised times over GraphQL: policies, working hours, clocks on tickets, and who is told of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import svcs

from backend.service.sla_clocks import watch_clocks
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
    """Let the watch look at ``now``, twice; then let everything follow."""
    await crew.house.relay.settle()
    async with svcs.Container(crew.house.registry) as services:
        for _ in range(2):
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
