"""Earlier turns: what a follow-up leans on, and that nothing ever crosses conversations or people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.documents import Answer, Decision, Evidence, Reason
from assistant.memory import complete, leans_on_the_past, was_asked_back
from backend.service.documents import Conversation, Ticket
from backend.service.rules import ConversationState
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


async def test_a_correction_completes_the_question_that_was_misunderstood(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    for text in ("电池能用多久", "答非所问"):
        await desk.ask(desk.crew.customer, text, conversation_id=conversation_id)
    answer = await desk.ask(desk.crew.customer, "我问的是HL-50的电池", conversation_id=conversation_id)
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.asked_as == "电池能用多久\nHL-50的电池"
    assert answer["citations"][0]["article"]["id"] == desk.ids["battery-zh"]


def turn(question: str) -> Answer:
    made: Answer = Answer.model_construct(
        question=question, asked_as="", intent="question", reason=Reason.LOW_CONFIDENCE
    )
    return made


@pytest.mark.parametrize(
    ("question", "before", "asked"),
    [
        ("I meant the HL-50", ["How long is the warranty?"], "How long is the warranty?\nthe HL-50"),
        ("我说的是校准", ["都不是", "多少钱"], "多少钱\n校准"),
        ("No, I meant the gateway.", ["neither of them", "Set it up"], "Set it up\nthe gateway."),
        # a whole question, and no question before
        ("I mean where do I throw the old cells away", ["battery"], "where do I throw the old cells away"),
        ("我说的是校准", [], "校准"),
        ("我说了三遍了，网关还是红灯", ["多少钱"], "我说了三遍了，网关还是红灯"),
    ],
)
def test_who_corrects_names_the_missing_part_only(question: str, before: list[str], asked: str) -> None:
    assert complete(question, [turn(one) for one in before]) == asked


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


def offered(*article_ids: str) -> Answer:
    nothing = {"article_version": 1, "title": "", "locale": "en", "quote": "", "start": 0, "end": 0}
    scores = {"score": 0.0, "dense": 0.0, "lexical": 0.0}
    evidence = [
        Evidence.model_validate({"article_id": id, "cited": True} | nothing | scores) for id in article_ids
    ]
    answer: Answer = Answer.model_construct(
        decision=Decision.CLARIFIED, reason=Reason.TWO_CANDIDATES, evidence=evidence
    )
    return answer


def test_asking_back_is_counted_by_what_was_asked_about() -> None:
    rephrase = Answer.model_construct(decision=Decision.CLARIFIED, reason=Reason.ASKED_TO_REPHRASE)
    answered = Answer.model_construct(decision=Decision.ANSWERED, reason=Reason.FOUND_IN_ARTICLE)
    assert not was_asked_back([])
    assert not was_asked_back([answered, rephrase])
    assert was_asked_back([rephrase])
    assert was_asked_back([offered("a", "b")])
    assert was_asked_back([offered("a", "b")], offers=["b", "c"])
    assert not was_asked_back([offered("a", "b")], offers=["c", "b"])  # another one is likeliest now
    assert not was_asked_back([rephrase], offers=["c", "d"])


async def test_another_question_is_asked_back_about_though_the_one_before_was(desk: Desk) -> None:
    """Who asks of something else is not passed on for having been unclear before."""
    pairs: dict[str, set[str]] = {}
    for text in ("价格", "退货", "How do I return a device?", "How long do the batteries last?"):
        answer = await desk.ask(desk.crew.customer, text)
        if answer["reason"] == "TWO_CANDIDATES":
            pairs[text] = {one["article"]["id"] for one in answer["citations"]}
    one, other = next(
        (a, b) for a in pairs for b in pairs if pairs[a].isdisjoint(pairs[b])
    )  # two that have nothing in common
    conversation_id = await desk.start(desk.crew.customer)
    for text in (one, other):
        answer = await desk.ask(desk.crew.customer, text, conversation_id=conversation_id)
        assert (answer["decision"], answer["reason"]) == ("CLARIFIED", "TWO_CANDIDATES")
    again = await desk.ask(desk.crew.customer, other, conversation_id=conversation_id)
    assert (again["decision"], again["ticket"] is None) == ("ABSTAINED", False)


async def test_one_word_that_a_title_has_is_offered_two_articles(desk: Desk) -> None:
    answer = await desk.ask(desk.crew.customer, "退货")
    assert (answer["decision"], answer["reason"]) == ("CLARIFIED", "TWO_CANDIDATES")
    assert desk.ids["returns-zh"] in [one["article"]["id"] for one in answer["citations"]]


@pytest.mark.parametrize(
    ("wish", "unknown", "said"),
    [
        ("talk to a person", "Do you sponsor ice hockey teams?", "Our team has this with ticket {}"),
        ("转人工", "你们赞助冰球队吗？", "已补充到工单 {}"),
    ],
)
async def test_who_waits_for_a_person_is_answered_meanwhile_and_promised_nothing_twice(
    desk: Desk, wish: str, unknown: str, said: str
) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    handed = await desk.ask(desk.crew.customer, wish, conversation_id=conversation_id)
    number = handed["ticket"]["number"]
    answer = await desk.ask(
        desk.crew.customer,
        "Which firewall ports have to be open for the gateway?",
        conversation_id=conversation_id,
    )
    assert (answer["decision"], answer["ticket"]) == ("ANSWERED", None)
    for text in (unknown, "序列号是 12345" if "工" in wish else "please hurry up", wish):
        more = await desk.ask(desk.crew.customer, text, conversation_id=conversation_id)
        assert more["ticket"]["number"] == number
        assert more["text"].startswith(said.format(number))
    (ticket,) = await desk.find(Ticket, number=number)
    conversations = await desk.find(Conversation, _id=conversation_id)
    assert [one.state for one in conversations] == [ConversationState.WAITING_HUMAN]
    assert "customer_asked_for_human" not in ticket.description
    assert ("the customer asked for a person" in ticket.description) or (
        "客户要求人工服务" in ticket.description
    )


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
