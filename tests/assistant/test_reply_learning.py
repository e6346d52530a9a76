"""Suggested replies learn from what agents make of them; macros, similar tickets and summaries, too."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.advice.documents import ReplyOutcome, ReplySource, ReplyVerdict
from assistant.advice.reply_learning import Tally, goodness, learned, share_kept
from tests.assistant.conftest import Desk
from tests.assistant.test_advice import file_ticket
from tests.crew import Crew, Person

REPLIES = """query($id: ID!) { suggestReplies(ticketId: $id, first: 10) { text confidence source sourceId
    citations { quote macro { id title } ticket { id } article { id } } } }"""
RECORD = """mutation($input: ReplyRecordInput!) { replyRecord(input: $input) { __typename
    ... on ReplyOutcome { id verdict kept source sourceId ticketId } ... on Error { code message } } }"""
SIMILAR = """query($id: ID!) { similarTickets(ticketId: $id, first: 3) { probability answer answerMessageId
    ticket { id number subject status } } }"""
SUMMARY = """query($id: ID!, $first: Int!) { conversationSummary(conversationId: $id, first: $first) {
    language messages points { text role who messageId start end } } }"""
APPROVE = """mutation($input: MacroDecideInput!) { macroApprove(input: $input) { __typename
    ... on Macro { id status approvedBy } ... on Error { code message } } }"""
SEALED = (
    "Please press the pairing button for ten seconds until the lamp turns blue, then pair the probe again."
)
BOXED = "Please take the probe out of its box, pull the strip from the battery and wait for the blue lamp."


async def suggested(person: Person, ticket_id: str) -> dict[str, dict[str, Any]]:
    found = (await person.ask(REPLIES, id=ticket_id))["suggestReplies"]
    return {one["sourceId"]: one for one in found}


async def judge(person: Person, ticket: str, source: dict[str, Any], verdict: str, **more: Any) -> Any:
    given = {"ticketId": ticket, "source": source["source"], "sourceId": source["sourceId"]}
    return (await person.ask(RECORD, input={**given, "verdict": verdict, **more}))["replyRecord"]


def _sure(found: dict[str, dict[str, Any]], source_id: str) -> float:
    """Return how sure a suggestion is; 0 when it is too unlikely to be shown."""
    return float(found[source_id]["confidence"]) if source_id in found else 0.0


async def test_verdicts_move_the_ranking_and_only_where_they_were_given(desk: Desk) -> None:
    crew = desk.crew
    first = await file_ticket(desk, "Probe does not pair", "The probe will not pair at all.", answer=SEALED)
    other = await file_ticket(desk, "My probe will not pair", "The probe will not pair now.", answer=BOXED)
    new = await file_ticket(desk, "Probe will not pair", "The new probe will not pair with the gateway.")
    before = await suggested(crew.agent, new)
    good, bad = sorted((first, other), key=lambda id: before[id]["confidence"])
    assert before[bad]["confidence"] >= before[good]["confidence"]

    done = await judge(crew.agent, new, before[bad], "REJECTED")
    assert (done["verdict"], done["kept"], done["ticketId"]) == ("REJECTED", 0.0, new)
    once = await suggested(crew.agent, new)
    assert _sure(once, bad) < before[bad]["confidence"]

    # Said again the last word counts: one agent has one verdict of a suggestion for a ticket.
    for _ in range(5):
        await judge(crew.agent, new, before[bad], "REJECTED")
    assert await suggested(crew.agent, new) == once
    assert len(await desk.find(ReplyOutcome, ticket_id=new)) == 1

    for n in range(6):
        again = await file_ticket(desk, f"Probe pairing {n}", "The probe does not pair with the gateway.")
        await judge(crew.agent, again, before[bad], "REJECTED")
        await judge(crew.agent, again, before[good], "ACCEPTED")
    after = await suggested(crew.agent, new)
    assert after[good]["confidence"] > _sure(after, bad)
    assert after[good]["confidence"] > before[good]["confidence"]
    assert _sure(after, bad) <= _sure(once, bad)

    elsewhere = await Crew.hire(crew.house, crew.agent.http)
    alien = await file_ticket(dataclasses.replace(desk, crew=elsewhere), "Probe", "It does not pair.")
    refused = await judge(elsewhere.agent, alien, before[good], "ACCEPTED")
    assert refused["code"] == "NOT_FOUND"
    assert await elsewhere.house.store.unit_of_work(elsewhere.system).count(ReplyOutcome) == 0


async def test_an_edited_reply_counts_by_what_was_kept_of_it(desk: Desk) -> None:
    crew = desk.crew
    source = await file_ticket(desk, "Lamp is red", "The lamp on the probe is red.", answer=SEALED)
    new = await file_ticket(desk, "Red lamp", "Why is the lamp of our probe red?")
    found = (await suggested(crew.agent, new))[source]
    sent = SEALED.replace("blue", "green")
    done = await judge(crew.agent, new, found, "EDITED", suggested=SEALED, sent=sent)
    assert 0.8 < done["kept"] < 1.0
    (row,) = await desk.find(ReplyOutcome, ticket_id=new)
    assert SEALED not in str(row.stored())
    assert sent not in str(row.stored())
    for person, code in ((crew.customer, "FORBIDDEN"), (crew.stranger, "NOT_FOUND")):
        assert (await judge(person, new, found, "REJECTED"))["code"] == code
    too_long = await judge(crew.agent, new, found, "EDITED", suggested="a" * 10_001, sent="b")
    assert too_long["code"] == "INVALID_INPUT"
    (same,) = await desk.find(ReplyOutcome, ticket_id=new)
    assert (same.verdict, same.kept) == (ReplyVerdict.EDITED, done["kept"])


async def test_only_an_approved_macro_is_suggested_and_other_words_need_another_approval(desk: Desk) -> None:
    crew = desk.crew
    body = "您好，发票抬头可以在当月内免费更改，请把正确的抬头和税号发给我们。"
    made = await crew.agent.do("macroCreate", {"title": "修改发票抬头", "body": body, "locale": "zh"})
    ticket = await file_ticket(desk, "发票抬头错了", "请问怎么修改发票抬头？")
    assert made["id"] not in await suggested(crew.agent, ticket)
    for person in (crew.rep, crew.agent):
        refused = (await person.ask(APPROVE, input={"id": made["id"]}))["macroApprove"]
        assert refused["code"] == "FORBIDDEN"
    approved = (await crew.manager.ask(APPROVE, input={"id": made["id"]}))["macroApprove"]
    assert (approved["status"], approved["approvedBy"]) == ("APPROVED", crew.manager.user_id)
    found = (await suggested(crew.agent, ticket))[made["id"]]
    assert (found["text"], found["source"]) == (body, "MACRO")
    assert found["citations"][0]["macro"] == {"id": made["id"], "title": "修改发票抬头"}
    english = await file_ticket(desk, "Invoice title", "How do I change the invoice title?")
    assert made["id"] not in await suggested(crew.agent, english)
    changed = await crew.agent.do("macroUpdate", {"id": made["id"], "body": body + "谢谢。"}, "status")
    assert changed["status"] == "DRAFT"
    assert made["id"] not in await suggested(crew.agent, ticket)
    assert (await crew.customer.post("{ macros { nodes { id } } }"))["data"]["macros"]["nodes"] == []


async def test_similar_tickets_are_those_that_the_asker_reads(desk: Desk) -> None:
    crew = desk.crew
    old = await file_ticket(desk, "Humidity reads 0", "The humidity sensor always reads 0.", answer=BOXED)
    new = await file_ticket(desk, "Humidity shows zero", "The humidity is always at zero since monday.")
    found = (await crew.agent.ask(SIMILAR, id=new))["similarTickets"]
    assert found[0]["ticket"]["id"] == old
    assert (found[0]["answer"], found[0]["ticket"]["status"]) == (BOXED, "RESOLVED")
    assert found == sorted(found, key=lambda one: -one["probability"])
    assert all(one["ticket"]["id"] != new for one in found)
    for person, code in ((crew.stranger, "NOT_FOUND"), (crew.customer, "FORBIDDEN")):
        refused = await person.post(SIMILAR, id=new)
        assert refused["errors"][0]["extensions"]["code"] == code


async def test_a_summary_quotes_what_was_wanted_answered_and_left_open(desk: Desk) -> None:
    crew = desk.crew
    made = await crew.agent.do(
        "conversationCreate", {"contactId": crew.contact_id, "subject": "Gateway"}, "id"
    )
    said = [
        (crew.customer, "Hello! Our gateway in hall 3 has been offline since Monday morning. Please help."),
        (crew.agent, "Thank you. Please restart the gateway with the button at its back."),
        (crew.customer, "That did not help. The gateway is still offline, and the lamp is red."),
        (crew.agent, "We will send you a new gateway tomorrow, free of charge."),
        (crew.customer, "Great. When exactly will it arrive?"),
    ]
    ids = []
    for person, body in said:
        sent = await person.do("messageCreate", {"conversationId": made["id"], "body": body}, "id")
        ids.append(sent["id"])
    note = {"conversationId": made["id"], "body": "He sounds angry, be careful.", "direction": "INTERNAL"}
    await crew.agent.do("messageCreate", note, "id")
    found = (await crew.agent.ask(SUMMARY, id=made["id"], first=3))["conversationSummary"]
    assert (found["language"], found["messages"]) == ("en", 5)
    assert [(one["role"], one["messageId"]) for one in found["points"]] == [
        ("wanted", ids[0]),
        ("answered", ids[3]),
        ("open", ids[4]),
    ]
    bodies = dict(zip(ids, (body for _, body in said), strict=True))
    for one in found["points"]:
        assert bodies[one["messageId"]][one["start"] : one["end"]] == one["text"]
    for person, code in ((crew.stranger, "NOT_FOUND"), (crew.customer, "FORBIDDEN")):
        refused = await person.post(SUMMARY, id=made["id"], first=3)
        assert refused["errors"][0]["extensions"]["code"] == code
    wrong = await crew.agent.post(SUMMARY, id=made["id"], first=0)
    assert wrong["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    done = await crew.agent.do("conversationUpdate", {"id": made["id"], "state": "RESOLVED"}, "id")
    assert done["__typename"] == "Conversation"
    found = (await crew.agent.ask(SUMMARY, id=made["id"], first=3))["conversationSummary"]
    assert [one["role"] for one in found["points"]] == ["wanted", "answered", "settled"]


async def test_what_the_assistant_said_when_it_knew_nothing_is_no_answer_in_a_summary(desk: Desk) -> None:
    person, agent = desk.crew.customer, desk.crew.agent
    conversation_id = await desk.start(person)
    for text in ("Hello", "Modbus please", "Do you sponsor ice hockey teams in Finland?"):
        await desk.ask(person, text, conversation_id=conversation_id)
    found = (await agent.ask(SUMMARY, id=conversation_id, first=5))["conversationSummary"]
    assert [(one["role"], one["who"], one["text"]) for one in found["points"]] == [
        ("wanted", "customer", "Modbus please"),
        ("open", "customer", "Do you sponsor ice hockey teams in Finland?"),
    ]
    answered = await desk.ask(
        person, "Which firewall ports have to be open for the gateway?", conversation_id=conversation_id
    )
    assert answered["decision"] == "ANSWERED"
    found = (await agent.ask(SUMMARY, id=conversation_id, first=5))["conversationSummary"]
    (said,) = [one["text"] for one in found["points"] if one["role"] == "answered"]
    assert said in answered["citations"][0]["quote"]
    assert not any("Source: " in one["text"] for one in found["points"])


verdicts = st.lists(st.sampled_from(list(ReplyVerdict)), max_size=40)


@given(confidence=st.floats(0.01, 0.99), said=verdicts)
def test_the_more_was_good_the_higher_and_one_verdict_moves_little(
    confidence: float, said: list[ReplyVerdict]
) -> None:
    def after(verdicts: list[ReplyVerdict]) -> float:
        good = sum(goodness(one, 0.5) for one in verdicts)
        tally = Tally({"a": (good, len(verdicts))}, {ReplySource.TICKET: (good, len(verdicts))})
        return learned(confidence, ReplySource.TICKET, "a", tally)

    assert after([]) == pytest.approx(confidence)
    assert after([*said, ReplyVerdict.ACCEPTED]) >= after([*said, ReplyVerdict.REJECTED])
    assert abs(after([ReplyVerdict.REJECTED]) - confidence) < 0.1
    assert 0 < after(said) < 1


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_is_kept_is_a_share(suggested_text: str, sent: str) -> None:
    assert 0 <= share_kept(suggested_text, sent) <= 1
    if suggested_text.strip():
        assert share_kept(suggested_text, suggested_text) == 1
