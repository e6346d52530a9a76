"""Slips of the pen through the front door: the answer is that of the question meant."""

import pytest

from assistant.documents import Answer
from tests.assistant.conftest import Desk

GROUNDS = "query($id: ID!) { answerGrounds(id: $id) { question askedAs } }"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            "Which firewal ports have to be open for the gatewya?",
            "Which firewall ports have to be open for the gateway?",
        ),
        ("HOW LONG IS THE WARRENTY ON A PROEB?", "how long is the warranty on a probe?"),
    ],
)
async def test_a_question_with_two_slips_gets_the_answer_of_the_one_meant(
    desk: Desk, typed: str, meant: str
) -> None:
    customer = desk.crew.customer
    answer, clean = await desk.ask(customer, typed), await desk.ask(customer, meant)
    for name in ("text", "decision", "confidence", "citations"):
        assert answer[name] == clean[name], name
    assert answer["decision"] == "ANSWERED"
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert (stored.question, stored.asked_as) == (typed, meant)
    grounds = (await desk.crew.agent.ask(GROUNDS, id=answer["id"]))["answerGrounds"]
    assert grounds == {"question": typed, "askedAs": meant}
    (stored,) = await desk.find(Answer, _id=clean["id"])
    assert stored.asked_as == ""


async def test_a_follow_up_leans_on_what_was_meant(desk: Desk) -> None:
    customer = desk.crew.customer
    conversation_id = await desk.start(customer)
    await desk.ask(customer, "How long is the warrenty on an HL-30 Probe?", conversation_id=conversation_id)
    answer = await desk.ask(customer, "And for the HL-10?", conversation_id=conversation_id)
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.asked_as == "How long is the warranty on an HL-30 Probe?\nAnd for the HL-10?"


@pytest.mark.parametrize(
    "question",
    ["Can I pay with paypal?", "Is there a zapier integration?", "Do you have a klarna or fortnox plugin?"],
)
async def test_a_brand_that_no_article_knows_stays_what_it_is_and_is_not_answered(
    desk: Desk, question: str
) -> None:
    answer = await desk.ask(desk.crew.customer, question)
    assert answer["decision"] != "ANSWERED"
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.asked_as == ""


async def test_a_word_of_taiwan_is_looked_up_as_the_articles_have_it(desk: Desk) -> None:
    answer = await desk.ask(desk.crew.customer, "閘道器的指示燈是橙色")
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert (stored.question, stored.asked_as) == ("閘道器的指示燈是橙色", "网关的指示灯是橙色")
