"""Earlier turns: what a follow-up leans on, and that nothing ever crosses conversations or people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.documents import Answer
from assistant.memory import leans_on_the_past
from backend.service.documents import Ticket
from tests.assistant.conftest import Desk


@pytest.mark.parametrize(
    ("first", "then", "key"),
    [
        ("How long is the warranty on an HL-30 Probe?", "And for the HL-10?", "warranty-en"),
        ("怎么给 HL-30 换电池？", "那旧电池呢？", "battery-zh"),
        ("How do I cancel a yearly plan?", "And a monthly one?", "change-plan-en"),
    ],
)
async def test_a_follow_up_is_completed_from_the_turn_before(
    desk: Desk, first: str, then: str, key: str
) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    await desk.ask(desk.crew.customer, first, conversation_id=conversation_id)
    answer = await desk.ask(desk.crew.customer, then, conversation_id=conversation_id)
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert (stored.question, stored.asked_as) == (then, f"{first}\n{then}")
    assert answer["decision"] in ("ANSWERED", "CLARIFIED")
    assert desk.ids[key] in [c["article"]["id"] for c in answer["citations"]]


async def test_memory_crosses_neither_conversations_nor_people(desk: Desk) -> None:
    asked = "How long is the warranty on an HL-30 Probe?"
    conversation_id = await desk.start(desk.crew.customer)
    await desk.ask(desk.crew.customer, asked, conversation_id=conversation_id)
    elsewhere = await desk.ask(desk.crew.customer, "And for the HL-10?")
    # A colleague asks in the customer's own conversation: it is another person, and an internal note.
    inside = await desk.ask(desk.crew.agent, "And for the HL-10?", conversation_id=conversation_id)
    # The customer's memory does not hold what the agent asked, either.
    await desk.ask(desk.crew.agent, "How much goodwill may an agent give?", conversation_id=conversation_id)
    back = await desk.ask(desk.crew.customer, "And for the HL-10?", conversation_id=conversation_id)
    stored = {one.id: one.asked_as for one in await desk.find(Answer)}
    assert stored[elsewhere["id"]] == ""
    assert stored[inside["id"]] == ""
    assert stored[back["id"]] == f"{asked}\nAnd for the HL-10?"


async def test_who_is_vague_is_asked_for_more_words_once_and_then_gets_a_person(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    first = await desk.ask(desk.crew.customer, "不行", conversation_id=conversation_id)
    assert (first["decision"], first["reason"], first["ticket"]) == ("CLARIFIED", "ASKED_TO_REPHRASE", None)
    again = await desk.ask(desk.crew.customer, "坏了", conversation_id=conversation_id)
    assert again["decision"] == "ABSTAINED"
    assert len(await desk.find(Ticket, _id=again["ticket"]["id"])) == 1


async def ask_until_two(desk: Desk, conversation_id: str) -> dict[str, object]:
    """Ask what two articles answer nearly as well, until the assistant asks back."""
    for text in (
        "How long does the battery of the vehicle recorder last without power?",
        "How long does the backup battery last?",
        "How do I get SMS codes?",
        "What is sent to Rotterdam within 21 days?",
        "Who pays the parcel back?",
        "Where do I report a fault?",
        "How long does the laboratory take?",
        "What does Business include that Team does not?",
        "How many sensors can a gateway carry?",
        "When do you remind me by e-mail?",
        "How long are readings kept?",
    ):
        answer = await desk.ask(desk.crew.customer, text, conversation_id=conversation_id)
        if answer["reason"] == "TWO_CANDIDATES":
            return answer
    raise AssertionError("none of the questions was asked back about")


async def test_the_asker_picks_one_of_two_articles(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    offered = await ask_until_two(desk, conversation_id)
    citations = offered["citations"]
    assert isinstance(citations, list)
    chosen = await desk.ask(desk.crew.customer, "The second one.", conversation_id=conversation_id)
    assert (chosen["decision"], chosen["reason"]) == ("ANSWERED", "CHOSEN_BY_ASKER")
    assert chosen["citations"][0]["article"]["id"] == citations[1]["article"]["id"]
    body = desk.files[desk.keys[chosen["citations"][0]["article"]["id"]]].body
    assert chosen["citations"][0]["quote"] in body


@pytest.mark.parametrize(
    ("text", "leans"),
    [
        ("And for the HL-10?", True),
        ("What about Business?", True),
        ("How long does it take?", True),
        ("那企业版呢？", True),
        ("它防水吗？", True),
        ("How long is the warranty on an HL-30 Probe?", False),
        ("怎么给网关连 Wi-Fi？为什么找不到我们的 5G 频段网络？", False),
        ("Which firewall ports have to be open for the gateway?", False),
        ("多久校准一次？", False),
    ],
)
def test_only_what_cannot_stand_alone_leans_on_the_past(text: str, leans: bool) -> None:
    assert leans_on_the_past(text) is leans


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert leans_on_the_past(text) in (True, False)
