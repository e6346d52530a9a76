"""Tickets that are the same matter, in a workspace where people write in two languages."""

import numpy as np
import pytest

from assistant.advice.similar_tickets import rises
from backend.core.unit_of_work import UnitOfWork
from backend.service.tickets import create_ticket
from tests.assistant.conftest import Desk
from tests.assistant.test_advice import REPLIES, file_ticket
from tests.crew import Crew

SIMILAR = """query($id: ID!) { similarTickets(ticketId: $id, first: 20) {
    ticket { subject } probability } }"""
SETTLED = """query($id: ID!) { similarTickets(ticketId: $id, first: 20) { ticket { id } answer } }"""
FEW = ("每次开门装货都报警", "想从商务版换到团队版", "发票抬头开错了，能重开吗")
MANY = (
    *("When will our order ship?", "Password reset link does not work", "Lost my phone"),
    *("SMS alarms do not arrive", "Webhooks stopped after our certificate change", "Probe lost in transit"),
    *("Invoice shows the wrong VAT", "Export of five years for the inspector", "Which power plug is it?"),
)


def test_a_text_is_compared_with_the_mean_of_its_own_language() -> None:
    cosines = np.array([0.9, 0.8, 0.6, 0.5], np.float32)
    texts = ["网关离线了", "发票开错了", "The gateway is offline", "The invoice is wrong"]
    assert rises(cosines, texts) == pytest.approx([0.05, -0.05, 0.05, -0.05], abs=1e-6)
    assert rises(cosines[:1], texts[:1]) == [0.0]


async def test_to_be_in_the_language_of_few_is_no_likeness(desk: Desk, crew: Crew) -> None:
    """Against a mean over both languages each of the few was told as the same matter, up to 0.8."""
    ids: dict[str, str] = {}

    async def file(uow: UnitOfWork) -> None:
        for subject in (*FEW, *MANY, "3 号库网关每天夜里掉线", "Lost my telephone"):
            ids[subject] = (await create_ticket(uow, {"subject": subject})).id

    await crew.house.store.write(crew.system, file)
    agent = crew.agent
    assert (await agent.ask(SIMILAR, id=ids["3 号库网关每天夜里掉线"]))["similarTickets"] == []
    found = (await agent.ask(SIMILAR, id=ids["Lost my telephone"]))["similarTickets"]
    assert [one["ticket"]["subject"] for one in found] == ["Lost my phone"]
    assert found[0]["probability"] > 0.5


async def test_a_reply_is_suggested_in_the_customers_language(desk: Desk) -> None:
    """The same matter was settled in the other language: that is shown to the agent, and not to be sent."""
    answer = "Please hold the pairing button for ten seconds, then choose the blue hub in the list."
    for other in MANY[:6]:
        await file_ticket(desk, other, other, answer="We have looked into it and will write again tomorrow.")
    old = await file_ticket(desk, "Pairing the blue hub", "How do I pair the blue hub?", answer=answer)
    new = await file_ticket(desk, "怎么配对 blue hub", "blue hub 怎么配对？按了按钮也没有反应。")
    same = await file_ticket(desk, "Pairing a blue hub", "How can I pair our blue hub?")
    shown = (await desk.crew.agent.ask(SETTLED, id=new))["similarTickets"]
    assert old in {one["ticket"]["id"] for one in shown}
    assert answer not in {
        one["text"] for one in (await desk.crew.agent.ask(REPLIES, id=new))["suggestReplies"]
    }
    assert answer in {one["text"] for one in (await desk.crew.agent.ask(REPLIES, id=same))["suggestReplies"]}
