"""The story of one working day, in order, over real sockets: what Rapport is for.

A process started as ``make up`` starts it, real RxDB phones, a push service that speaks Firebase's
protocol. Each step goes on where the one before ended; examples/working_day.py holds the steps.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backend.core.demo import demo_id, load
from examples.working_day import ANSWERABLE, UNANSWERABLE, WorkingDay
from tests.e2e.conftest import DemoHouse
from tests.e2e.readme import paste_the_calls

# A process, a model, an index of sixty articles and two phones: some 50 s on two idle cores.
pytestmark = [pytest.mark.phone, pytest.mark.model, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
async def day(demo: DemoHouse) -> AsyncIterator[WorkingDay]:
    async with httpx.AsyncClient(base_url=demo.base, timeout=60) as http:
        yield WorkingDay(demo.base, http)


async def wait_until_indexed(day: WorkingDay) -> None:
    """The first start indexes the help centre in the background; words alone are searched meanwhile."""
    async with asyncio.timeout(240):
        while True:
            checks = (await day.http.get("/healthz")).json()["checks"]
            if checks["knowledge"] == "ready":
                return
            await asyncio.sleep(0.5)


async def test_the_day(day: WorkingDay, demo: DemoHouse) -> None:
    await a_phone_holds_what_its_rep_may_see(day)
    await a_push_reaches_the_agent(day, demo)
    await wait_until_indexed(day)
    conversation_id = await a_customer_is_answered_in_two_languages(day)
    ticket_id = await what_nobody_knows_becomes_a_ticket(day, conversation_id)
    await the_agent_finds_all_that_is_needed(day, ticket_id)


async def test_the_readmes_calls_work_when_pasted(demo: DemoHouse, repository: Path) -> None:
    """Here, not in a file of its own: another process would start and index a second demo house for it."""
    await paste_the_calls(demo, repository)


async def a_phone_holds_what_its_rep_may_see(day: WorkingDay) -> None:
    async with day.phone("rep", "phone") as phone, day.phone("rep", "tablet") as tablet:
        accounts = {row["id"] for row in await phone.dump("account")}
        # 陈立 sells in China: accounts of his own and of his team, none of the international team's.
        rows = load("accounts")["accounts"]
        assert accounts == {
            demo_id("account", row["key"])
            for row in rows
            if row["owner"] == "rep@demo.example" or row["team"] == "sales-china"
        }
        assert 0 < len(accounts) < len(rows) == 24
        counts = await day.count_rows(phone)
        assert counts["account"] == len(accounts)
        assert all(counts[name] > 0 for name in ("contact", "opportunity", "task", "ticket")), counts
        mine = {demo_id("opportunity", o["key"]) for o in load("opportunities")["opportunities"]}
        assert {row["id"] for row in await phone.dump("opportunity")} < mine

        edited = await day.edit_on_both_sides(phone, tablet)
        for seen in (edited["on_phone"], edited["on_tablet"]):
            assert (seen["amount"], seen["stage"]) == ("123456.78", "negotiation")
        before, after = edited["deal"], edited["on_tablet"]
        kept = before.keys() - {"amount", "stage", "probability", "updatedAt", "version"}
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        assert edited["task_on_tablet"]["title"] == "带样机去现场 Bring the sample"
        rep = await day.sign_in("rep")
        on_server = await rep.ask(
            """query($deal: ID!, $task: ID!) {
                opportunity(id: $deal) { amount stage stageHistory { from to } }
                task(id: $task) { title opportunityId ownerId } }""",
            deal=before["id"],
            task=edited["task"],
        )
        assert on_server["opportunity"]["amount"] == "123456.78"
        assert on_server["opportunity"]["stage"] == "negotiation"
        assert on_server["task"] == {
            "title": "带样机去现场 Bring the sample",
            "opportunityId": before["id"],
            "ownerId": rep.user_id,
        }
        # Offline it could not send; nothing else went wrong.
        assert [
            error for error in await phone.errors() if "the phone is offline" not in error["message"]
        ] == []


async def a_push_reaches_the_agent(day: WorkingDay, demo: DemoHouse) -> None:
    device = await day.register_device("agent", "agents-phone")
    assert device["__typename"] == "Device"
    ticket = await day.assign_a_ticket()
    assert ticket["__typename"] == "Ticket"
    assert ticket["assigneeId"] == (await day.sign_in("agent")).user_id
    line = await day.inbox_line_about("agent", ticket["id"])
    assert ticket["subject"] in line["title"]
    assert line["unread"] >= 1
    # By its line: the ticket's clock may come near meanwhile, which is told in a push of its own.
    async with asyncio.timeout(60):
        while not any(line["id"] in str(one.message) for one in demo.fcm.received):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)  # time for a second one to be wrong in
    (push,) = [one for one in demo.fcm.received if line["id"] in str(one.message)]
    assert ticket["id"] in str(push.message)
    assert (push.status, push.registration) == (200, "agents-phone")
    assert demo.fcm.sign_ins >= 1, "the push carried a token from the OAuth endpoint"


async def a_customer_is_answered_in_two_languages(day: WorkingDay) -> str:
    conversation_id = await day.start_conversation()
    said = {"en": "TCP 8883", "zh": "260"}
    keys = {"en": "gateway-setup-en", "zh": "calibration-zh"}
    for locale, question in ANSWERABLE.items():
        answer = await day.ask_the_bot(conversation_id, question)
        assert answer["decision"] == "ANSWERED", answer
        cited = {citation["article"]["id"]: citation for citation in answer["citations"]}
        citation = cited[demo_id("article", keys[locale])]
        assert citation["article"]["version"] == 1
        assert said[locale] in citation["quote"]
        assert 0 < answer["confidence"] <= 1
        customer = await day.sign_in("customer")
        found = await customer.ask(
            "query($id: ID!) { article(id: $id) { body } }", id=citation["article"]["id"]
        )
        assert citation["quote"] in found["article"]["body"], "a quote stands in the article word for word"
    return conversation_id


async def what_nobody_knows_becomes_a_ticket(day: WorkingDay, conversation_id: str) -> str:
    answer = await day.ask_the_bot(conversation_id, UNANSWERABLE)
    assert answer["decision"] == "ABSTAINED", answer
    assert answer["citations"] == []
    assert answer["ticket"]["number"].startswith("T-")
    ticket_id: str = answer["ticket"]["id"]
    return ticket_id


async def the_agent_finds_all_that_is_needed(day: WorkingDay, ticket_id: str) -> None:
    opened = await day.open_ticket(ticket_id)
    assert opened["ticket"]["contactId"] == demo_id("contact", "lin-yue")
    words = [message["body"] for message in opened["conversation"]["messages"]["nodes"]]
    for question in (*ANSWERABLE.values(), UNANSWERABLE):
        assert question in words, "the whole conversation is attached"
    assert opened["customerProfile"]["facts"]
    assert all(fact["evidence"] and fact["at"] for fact in opened["customerProfile"]["facts"])
    assert opened["nextBestActions"]
    assert all(action["factors"] for action in opened["nextBestActions"])
    agent = await day.sign_in("agent")
    resolved = await agent.ask(
        """query($id: ID!) { suggestReplies(ticketId: $id, first: 3) {
            text confidence citations { quote article { id version } } } }""",
        id=demo_id("ticket", "tic-gateway-drops"),
    )
    assert resolved["suggestReplies"], "a ticket that the help centre knows about gets suggestions"
    assert all(reply["citations"] for reply in resolved["suggestReplies"])
