"""How a workspace wants to be answered for: who sets it, what it changes, and what people are promised."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from assistant.documents import Answer
from backend.service.documents import Conversation, Message, Ticket
from tests.assistant.conftest import ASK, Desk
from tests.crew import Crew, Person

POLICY = """{ assistantPolicy { version mode humanFirst timeZone monthlyTokens closedOn
    hours { weekday opens closes } } }"""
SET = """mutation($input: AssistantPolicySetInput!) { assistantPolicySet(input: $input) {
    version mode humanFirst timeZone monthlyTokens closedOn hours { weekday opens closes } } }"""
WEEK = [{"weekday": day, "opens": "09:00", "closes": "18:00"} for day in range(1, 6)]
ALWAYS = [{"weekday": day, "opens": "00:00", "closes": "24:00"} for day in range(1, 8)]


async def set_policy(crew: Crew, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await crew.admin.ask(SET, input=fields))["assistantPolicySet"]
    return found


async def ask(person: Person, text: str) -> dict[str, Any]:
    start = 'mutation { startConversation(input: {subject: "Chat"}) { id } }'
    conversation_id = (await person.ask(start))["startConversation"]["id"]
    answer: dict[str, Any] = (await person.ask(ASK, input={"conversationId": conversation_id, "text": text}))[
        "ask"
    ]
    return answer | {"conversation_id": conversation_id}


async def test_an_admin_sets_the_policy_and_staff_read_it(crew: Crew) -> None:
    assert (await crew.agent.ask(POLICY))["assistantPolicy"] == {
        "version": 0, "mode": "EXTRACTIVE", "humanFirst": False, "timeZone": "UTC",
        "monthlyTokens": 1_000_000, "closedOn": [], "hours": [],
    }  # fmt: skip
    made = await set_policy(
        crew, mode="STRICT", hours=WEEK, timeZone="Asia/Shanghai", closedOn=["2027-01-01"]
    )
    assert (made["mode"], made["hours"], made["closedOn"]) == ("STRICT", WEEK, ["2027-01-01"])
    kept = await set_policy(crew, humanFirst=True)
    assert (kept["mode"], kept["humanFirst"], kept["timeZone"]) == ("STRICT", True, "Asia/Shanghai")
    assert (await crew.rep.ask(POLICY))["assistantPolicy"] == kept


@pytest.mark.parametrize("name", ["manager", "agent", "rep", "customer"])
async def test_nobody_else_sets_it(crew: Crew, name: str) -> None:
    refused = await crew.people[name].post(SET, input={"mode": "STRICT"})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await crew.admin.ask(POLICY))["assistantPolicy"]["version"] == 0


async def test_a_customer_does_not_read_it(crew: Crew) -> None:
    refused = await crew.customer.post(POLICY)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"hours": [{"weekday": 8, "opens": "09:00", "closes": "18:00"}]}, "hours.0.weekday"),
        ({"hours": [{"weekday": 1, "opens": "18:00", "closes": "09:00"}]}, "hours.0"),
        ({"hours": [{"weekday": 1, "opens": "9", "closes": "18:00"}]}, "hours.0.opens"),
        ({"monthlyTokens": -1}, "monthlyTokens"),
    ],
)
async def test_what_means_nothing_is_refused_by_field(crew: Crew, fields: dict[str, Any], field: str) -> None:
    await set_policy(crew, mode="STRICT")
    body = await crew.admin.post(SET, input={"mode": "EXTRACTIVE", **fields})
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    found = [one["field"].replace("_", "").lower() for one in error["extensions"]["fields"]]
    assert found == [field.lower()]
    assert (await crew.admin.ask(POLICY))["assistantPolicy"]["mode"] == "STRICT"


async def test_people_come_first_while_they_are_there_and_the_machine_when_not(crew: Crew) -> None:
    """The promise of a person is kept in the same commit: ticket, waiting conversation."""
    await set_policy(crew, humanFirst=True, hours=ALWAYS)
    answer = await ask(crew.customer, "How long is the warranty?")
    assert (answer["decision"], answer["reason"]) == ("HANDED_OFF", "HUMAN_FIRST")
    assert answer["ticket"]["number"] in answer["text"]
    unit = crew.house.store.unit_of_work(crew.system)
    (conversation,) = await unit.find(Conversation, {"_id": answer["conversation_id"]})
    assert (conversation.state, conversation.ticket_id) == ("waiting_human", answer["ticket"]["id"])

    today = datetime.now(UTC).date()
    closed = [(today + timedelta(days=ahead)).isoformat() for ahead in range(-1, 3)]
    await set_policy(crew, closedOn=closed)
    later = await ask(crew.customer, "How long is the warranty?")
    assert later["reason"] == "NOTHING_FOUND"  # it was looked up: this workspace has no articles
    opens = (today + timedelta(days=3)).isoformat()
    assert f"from {opens} 00:00 (UTC)" in later["text"]


async def test_staff_are_never_sent_to_people_first(crew: Crew) -> None:
    await set_policy(crew, humanFirst=True)
    assert (await ask(crew.agent, "How long is the warranty?"))["reason"] == "NOTHING_FOUND"


async def test_where_a_person_answers_the_machine_keeps_quiet(crew: Crew) -> None:
    handed = await ask(crew.customer, "I want to talk to a human")
    conversation_id = handed["conversation_id"]
    said = {"conversationId": conversation_id, "body": "Hello, this is Agent. What is it about?"}
    await crew.agent.do("messageCreate", said)
    data = await crew.customer.ask(ASK, input={"conversationId": conversation_id, "text": "你好，发票的问题"})
    assert (data["ask"]["decision"], data["ask"]["reason"]) == ("HANDED_OFF", "PERSON_ANSWERS")
    assert data["ask"]["ticket"] is None
    unit = crew.house.store.unit_of_work(crew.system)
    bodies = [
        m.body for m in await unit.find(Message, {"conversation_id": conversation_id}, sort=[("at", 1)])
    ]
    assert bodies[-2:] == ["Hello, this is Agent. What is it about?", "你好，发票的问题"]
    assert len(await unit.find(Ticket, {"conversation_id": conversation_id})) == 1


@pytest.mark.parametrize("text", ["Help, the battery is on fire!", "电池冒烟了，有人受伤了！"])
async def test_danger_goes_to_people_at_once_and_urgently(crew: Crew, text: str) -> None:
    answer = await ask(crew.customer, text)
    assert (answer["decision"], answer["reason"]) == ("HANDED_OFF", "DANGER")
    assert "emergency services" in answer["text"] or "急救" in answer["text"]
    unit = crew.house.store.unit_of_work(crew.system)
    (ticket,) = await unit.find(Ticket, {"_id": answer["ticket"]["id"]})
    assert (ticket.priority, ticket.handoff_reason) == ("urgent", "danger")


async def test_strict_answers_only_in_the_language_of_the_asker(desk: Desk, http: httpx.AsyncClient) -> None:
    question = "怎么填写欧盟增值税号？"  # there is an English article only
    open_minded = await desk.ask(desk.crew.customer, question)
    await set_policy(desk.crew, mode="STRICT")
    try:
        strict = await desk.ask(desk.crew.customer, question)
    finally:
        await set_policy(desk.crew, mode="EXTRACTIVE")
    assert "en" in [c["article"]["locale"] for c in open_minded["citations"]]
    assert (strict["decision"], strict["citations"]) == ("ABSTAINED", [])


async def test_the_agent_is_told_what_was_asked_and_tried(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    await desk.ask(
        desk.crew.customer, "Which firewall ports have to be open?", conversation_id=conversation_id
    )
    text = "Do you have a Modbus connection for building management systems?"
    answer = await desk.ask(desk.crew.customer, text, conversation_id=conversation_id)
    (ticket,) = await desk.find(Ticket, _id=answer["ticket"]["id"])
    lines = ticket.description.splitlines()
    assert lines[0] == text
    assert (answer["reason"], lines[2]) == (
        "LOW_CONFIDENCE",
        "Why it came to you: no article answers it surely enough",
    )
    assert lines[3] == "Asked before: Which firewall ports have to be open?"
    assert lines[4].startswith("Articles looked at: ")
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.evidence[0].title in lines[4]
