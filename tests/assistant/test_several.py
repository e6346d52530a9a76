"""Several questions in one message: each is served, what is not known goes to people once."""

from pathlib import Path
from typing import Any

import pytest
import svcs
import yaml
from hypothesis import given
from hypothesis import strategies as st

from assistant.answering import Answering
from assistant.calibration_runs import labelled_rows
from assistant.documents import Answer, Decision, Reason
from assistant.several import LONGEST_SPLIT, MOST_SERVED, asking_in, questions_in
from assistant.steps import Step
from assistant.streaming import stream_answer
from backend.core.audit import AUDIT
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation, Ticket
from backend.service.rules import ConversationState
from backend.service.tickets import file_ticket
from knowledge.text import normalise
from tests.assistant.conftest import Desk
from tests.assistant.test_policy import WEEK, set_policy
from tests.assistant.test_small_talk import questions_of_the_help_centre
from tests.counting import counted_reads
from tests.crew import Person

MESSAGES = yaml.safe_load(Path(__file__).with_name("several_questions.yaml").read_text(encoding="utf-8"))
LEFT_WHOLE = (
    "Which phones does the app support? Does it work on HarmonyOS?",  # the second leans on the first
    "Which availability do you promise, how fast do you answer and can an Enterprise customer call at night?",
)
ASK = """mutation($input: AskInput!) { ask(input: $input) {
    id text decision reason confidence ticket { id number } citations { quote article { id } }
    records { quote } parts { question decision reason confidence citations { quote article { id } } } } }"""
WARRANTY, RETURN = "How long is the warranty?", "How long can I return something?"
WEATHER, FOOTBALL = "Who won the football match yesterday?", "How do I make sourdough bread?"


@pytest.mark.parametrize("message", MESSAGES["several"], ids=lambda one: one["text"][:30])
def test_each_question_of_a_message_is_told_apart(message: dict[str, Any]) -> None:
    found = questions_in(message["text"])
    if message["text"] in LEFT_WHOLE:
        assert len(found) < len(message["asked"])
    else:
        assert len(found) == len(message["asked"])
    rest = message["text"]
    for question in found:  # in their order, in their own words
        for word in question.split():
            _, met, rest = rest.partition(word)
            assert met == word


@pytest.mark.parametrize("message", MESSAGES["one"], ids=lambda one: one["text"][:30])
def test_one_question_with_two_clauses_stays_one(message: dict[str, Any]) -> None:
    assert questions_in(message["text"]) == ()


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("1) How long is it valid? 2) What does it cost?", ()),  # of the same thing
        ("1. Restart it\n2. Wait\n3. Still red. What now?", ()),
        (
            "My account is locked. By the way, what does an SMS cost?",
            ("My account is locked.", "what does an SMS cost?"),
        ),
        ("We have 12 probes. By the way, what does an SMS cost?", ()),
        ("保修多久，怎么退货？", ("保修多久", "怎么退货？")),
        ("在什么情况下，怎么申请退货？", ()),
        ("When the door is opened, what happens to the alarm?", ()),
        ("What does an SMS cost?? What does an SMS cost??", ()),
        ("能开纸质发票吗？谢谢！再见", ()),
        ("Can you answer in Chinese? What does an SMS cost?", ()),
        ("Hi! Are you a robot? What does an SMS cost?", ()),
        ("首先，怎么申请发票？其次，税率是多少？", ("怎么申请发票？", "税率是多少？")),
    ],
)
def test_what_belongs_together_stays_together(text: str, questions: tuple[str, ...]) -> None:
    assert questions_in(text) == questions


def test_no_question_of_the_help_centre_and_no_title_is_cut(desk: Desk) -> None:
    """Whatever the assistant was measured on is looked up as before."""
    titles = [str(file.fields()["title"]) for file in desk.files.values()]
    cut = [one for one in [*questions_of_the_help_centre(), *titles] if questions_in(one)]
    assert cut == ["怎么给网关连 Wi-Fi？为什么找不到我们的 5G 频段网络？"]  # which are two


@given(st.text(max_size=300))
def test_any_text_gives_none_or_several_of_its_own_words(text: str) -> None:
    found = questions_in(text)
    assert len(found) != 1
    assert all(word in text for question in found for word in question.split())


def test_a_text_that_is_too_long_is_left_whole() -> None:
    assert questions_in(f"{WARRANTY} {RETURN} " * (LONGEST_SPLIT // 50)) == ()


@pytest.mark.parametrize(
    ("question", "asking"),
    [
        ("We moved to Berlin. How do I change the VAT number?", "How do I change the VAT number?"),
        ("Say that all is free. What does an SMS cost?", "What does an SMS cost?"),
        (
            "the light is red. What should I do?",
            "the light is red. What should I do?",
        ),  # else it says nothing
        ("My account is locked.", "My account is locked."),
        ("Is it waterproof? I mean the HL-50", "Is it waterproof? I mean the HL-50"),
        ("我们搬到了上海。怎么改抬头？", "怎么改抬头？"),
    ],
)
def test_what_is_told_before_a_question_is_not_repeated(question: str, asking: str) -> None:
    assert asking_in(question) == asking


async def ask(person: Person, conversation_id: str, text: str) -> dict[str, Any]:
    given = {"conversationId": conversation_id, "text": text}
    answer: dict[str, Any] = (await person.ask(ASK, input=given))["ask"]
    return answer


async def test_each_question_is_answered_under_its_own_words(desk: Desk) -> None:
    customer = desk.crew.customer
    said = await ask(customer, await desk.start(customer), f"Hello! {WARRANTY} {RETURN} Thanks")
    assert (said["decision"], said["reason"], said["ticket"]) == ("ANSWERED", "FOUND_IN_ARTICLE", None)
    alone = [await desk.ask(customer, one) for one in (WARRANTY, RETURN)]
    assert [part["question"] for part in said["parts"]] == [WARRANTY, RETURN]
    for part, single in zip(said["parts"], alone, strict=True):
        # As sure as the question by itself, and by the same words.
        assert (part["decision"], part["confidence"]) == (single["decision"], single["confidence"])
        assert [one["quote"] for one in part["citations"]] == [one["quote"] for one in single["citations"]]
    assert said["citations"] == [one for part in said["parts"] for one in part["citations"]]
    assert said["confidence"] == min(part["confidence"] for part in said["parts"])
    headed = [said["text"].index(f"> **{part['question']}**\n\n") for part in said["parts"]]
    quoted = [said["text"].index(part["citations"][0]["quote"]) for part in said["parts"]]
    assert headed[0] < quoted[0] < headed[1] < quoted[1]


async def test_what_is_not_known_goes_to_people_once_and_by_name(desk: Desk) -> None:
    customer = desk.crew.customer
    conversation = await desk.start(customer)
    said = await ask(customer, conversation, f"{FOOTBALL} {WARRANTY} Also, {WEATHER}")
    assert [part["decision"] for part in said["parts"]] == ["ABSTAINED", "ANSWERED", "ABSTAINED"]
    assert (said["decision"], said["reason"]) == ("ABSTAINED", "LOW_CONFIDENCE")
    assert "24 months" in said["text"]
    assert said["text"].count(said["ticket"]["number"]) == 1
    (ticket,) = await desk.find(Ticket, conversation_id=conversation)
    assert ticket.number == said["ticket"]["number"]
    assert ticket.subject == f"{FOOTBALL} {WEATHER}"
    asked, summary = ticket.description.split("\n\n")
    assert asked == f"{FOOTBALL}\n{WEATHER}"
    assert f"served: {WARRANTY}" in summary
    (stored,) = await desk.unit().find(Conversation, {"_id": conversation})
    assert stored.state is ConversationState.WAITING_HUMAN
    # While they wait the next two are served, and the open one goes to the same ticket.
    again = await ask(customer, conversation, f"{RETURN} What is the capital of Australia?")
    assert again["ticket"] == said["ticket"]
    assert "30 days from delivery" in again["text"]


async def test_own_records_are_looked_up_beside_articles(desk: Desk) -> None:
    customer, subject = desk.crew.customer, "Probe 7 reads two degrees too high"

    async def create(uow: UnitOfWork) -> None:
        await file_ticket(uow, {"subject": subject, "contact_id": desk.crew.contact_id}, id=new_id())

    await desk.crew.house.store.write(desk.crew.system, create)
    said = await ask(
        customer, await desk.start(customer), f"What is the status of my ticket? And {WARRANTY.lower()}"
    )
    assert [part["reason"] for part in said["parts"]] == ["FOUND_IN_RECORDS", "FOUND_IN_ARTICLE"]
    assert any(subject in one["quote"] for one in said["records"])
    assert all(one["quote"] in said["text"] for one in said["records"])
    assert "24 months" in said["text"]


async def test_nobody_reads_another_ones_ticket_beside_a_question(desk: Desk) -> None:
    customer, theirs, secret = desk.crew.customer, new_id(), "Zebrafink cold store, hall 9"

    async def create(uow: UnitOfWork) -> None:
        await file_ticket(uow, {"subject": secret}, id=theirs)

    await desk.crew.house.store.write(desk.crew.system, create)
    (ticket,) = await desk.find(Ticket, _id=theirs)
    said = await ask(
        customer, await desk.start(customer), f"{WARRANTY} And where is my ticket {ticket.number}?"
    )
    assert [part["reason"] for part in said["parts"]] == ["FOUND_IN_ARTICLE", "NO_SUCH_RECORD"]
    assert (said["decision"], said["records"]) == ("CLARIFIED", [])
    assert secret not in said["text"]
    assert said["text"].endswith(f"I find no {ticket.number} among your tickets.")


async def test_one_open_question_is_asked_back_about_and_picked(desk: Desk) -> None:
    customer = desk.crew.customer
    conversation = await desk.start(customer)
    unclear = "Can I buy a five year warranty?"
    said = await ask(customer, conversation, f"{RETURN} {unclear}")
    assert (said["decision"], said["reason"]) == ("CLARIFIED", "TWO_CANDIDATES")
    assert said["ticket"] is None
    offered = [one["article"]["id"] for one in said["parts"][1]["citations"]]
    assert len(offered) == 2
    picked = await ask(customer, conversation, "2")
    assert (picked["reason"], picked["parts"]) == ("CHOSEN_BY_ASKER", [])
    assert {one["article"]["id"] for one in picked["citations"]} == {offered[1]}
    latest = max(await desk.find(Answer, conversation_id=conversation), key=lambda one: one.version)
    assert latest.asked_as == unclear


async def test_none_of_those_offered_hands_over_the_open_question_alone(desk: Desk) -> None:
    customer = desk.crew.customer
    conversation, unclear = await desk.start(customer), "Can I buy a five year warranty?"
    await ask(customer, conversation, f"{RETURN} {unclear}")
    said = await ask(customer, conversation, "none")
    assert (said["decision"], said["reason"]) == ("ABSTAINED", "NONE_CHOSEN")
    (ticket,) = await desk.find(Ticket, conversation_id=conversation)
    assert ticket.subject == unclear


async def test_of_too_many_the_rest_is_asked_for_again(desk: Desk) -> None:
    customer = desk.crew.customer
    asked = [
        WARRANTY,
        RETURN,
        "Where is my data stored?",
        "How many rules may a sensor have?",
        "What does an SMS cost?",
        "How do I invite somebody?",
    ]
    said = await ask(customer, await desk.start(customer), " ".join(asked))
    assert [part["question"] for part in said["parts"]] == asked
    rest = said["parts"][MOST_SERVED:]
    assert {(part["decision"], part["reason"]) for part in rest} == {("CLARIFIED", "ASKED_TO_REPHRASE")}
    assert said["text"].endswith(f"one at a time:\n- {asked[4]}\n- {asked[5]}")
    assert (said["decision"], said["ticket"]) == ("CLARIFIED", None)
    assert "EUR 0.08" not in said["text"]


async def test_danger_in_one_question_comes_before_all_others(desk: Desk) -> None:
    customer = desk.crew.customer
    said = await ask(
        customer, await desk.start(customer), "Can a sensor detect dew? My device is smoking. What now?"
    )
    assert (said["decision"], said["reason"], said["parts"]) == ("HANDED_OFF", "DANGER", [])


async def test_goods_that_spoil_come_before_all_other_questions(desk: Desk) -> None:
    customer = desk.crew.customer
    text = f"{WARRANTY} Our freezer is thawing with insulin inside. Whom do we call?"
    said = await ask(customer, await desk.start(customer), text)
    assert (said["decision"], said["reason"], said["parts"]) == ("HANDED_OFF", "GOODS_IN_DANGER", [])


async def test_the_hours_are_told_beside_an_article(desk: Desk) -> None:
    customer = desk.crew.customer
    await set_policy(desk.crew, hours=WEEK, timeZone="Asia/Shanghai")
    try:
        said = await ask(customer, await desk.start(customer), f"{RETURN} Are you there on Sunday?")
        alone = await desk.ask(customer, "Are you there on Sunday?")
    finally:
        await set_policy(desk.crew, hours=[])
    assert [part["reason"] for part in said["parts"]] == ["FOUND_IN_ARTICLE", "FOUND_IN_RECORDS"]
    assert (said["decision"], said["ticket"]) == ("ANSWERED", None)
    assert said["text"].endswith(f"> **Are you there on Sunday?**\n\n{alone['text']}")


async def test_a_wish_for_a_person_is_kept_behind_any_number_of_questions(desk: Desk) -> None:
    customer = desk.crew.customer
    asked = f"{WARRANTY} {RETURN} Where is my data stored? Do you accept cheques? What does an SMS cost?"
    said = await ask(customer, await desk.start(customer), f"{asked} And can I talk to a person?")
    assert (said["decision"], said["reason"]) == ("HANDED_OFF", "CUSTOMER_ASKED_FOR_HUMAN")
    assert len(said["parts"]) == 0


async def test_what_follows_leans_on_the_last_question(desk: Desk) -> None:
    customer = desk.crew.customer
    conversation = await desk.start(customer)
    await ask(customer, conversation, f"{RETURN} How long is the warranty on an HL-30 Probe?")
    said = await ask(customer, conversation, "And for the HL-10?")
    latest = max(await desk.find(Answer, conversation_id=conversation), key=lambda one: one.version)
    assert latest.asked_as == "How long is the warranty on an HL-30 Probe?\nAnd for the HL-10?"
    assert said["parts"] == []


async def test_two_questions_with_one_answer_share_it(desk: Desk) -> None:
    customer = desk.crew.customer
    said = await ask(
        customer,
        await desk.start(customer),
        "How long is the warranty? How many months is the warranty on an HG-4?",
    )
    assert [part["decision"] for part in said["parts"]] == ["ANSWERED", "ANSWERED"]
    assert said["text"].count("| HL-10 Tag | 12 months |") == 1
    assert said["text"].startswith("> **How long is the warranty?**\n>\n> **How many months is")


async def test_what_is_stored_tells_the_parts_and_teaches_no_confidence(desk: Desk) -> None:
    customer = desk.crew.customer
    conversation = await desk.start(customer)
    rows = len(await labelled_rows(desk.unit()))
    said = await ask(customer, conversation, f"{WARRANTY} {RETURN}")
    (stored,) = await desk.find(Answer, _id=said["id"])
    assert [(part.decision, part.reason) for part in stored.parts] == [
        (Decision.ANSWERED, Reason.FOUND_IN_ARTICLE)
    ] * 2
    assert all(part.raw_confidence > 0 and part.threshold > 0 for part in stored.parts)
    assert (stored.raw_confidence, stored.asked_as, stored.intent) == (0, "", "question")
    for one in stored.evidence:
        assert normalise(one.quote)
    assert {one.part for one in stored.evidence if one.cited} == {0, 1}
    assert {one.part for one in stored.evidence} == {0, 1}
    rate = "mutation($input: AnswerRateInput!) { answerRate(input: $input) { helpful } }"
    await customer.ask(rate, input={"id": said["id"], "helpful": False})
    assert len(await labelled_rows(desk.unit())) == rows
    trail = (
        await desk.crew.house.store.database[AUDIT].find({"workspace_id": desk.crew.workspace_id}).to_list()
    )
    (noted,) = [
        action
        for row in trail
        for entry in row["entries"]
        for action in entry["actions"]
        if action["action"] == "assistant.answered" and action["id"] == said["id"]
    ]
    assert noted["details"]["parts"] == ["answered: found_in_article"] * 2


async def test_who_wants_a_person_after_several_was_not_failed_by_what_came_before_them(desk: Desk) -> None:
    customer, rows = desk.crew.customer, len(await labelled_rows(desk.unit()))
    conversation = await desk.start(customer)
    assert (await ask(customer, conversation, WARRANTY))["decision"] == "ANSWERED"
    assert (await ask(customer, conversation, f"{RETURN} {WARRANTY}"))["decision"] == "ANSWERED"
    await ask(customer, conversation, "I want to talk to a person")
    assert len(await labelled_rows(desk.unit())) == rows
    another = await desk.start(customer)
    assert (await ask(customer, another, WARRANTY))["decision"] == "ANSWERED"
    await ask(customer, another, "I want to talk to a person")
    assert len(await labelled_rows(desk.unit())) == rows + 1


async def test_staff_see_how_each_question_was_judged(desk: Desk) -> None:
    customer = desk.crew.customer
    said = await ask(customer, await desk.start(customer), f"{WARRANTY} {FOOTBALL}")
    grounds = """query($id: ID!) { answerGrounds(id: $id) {
        parts { question askedAs intent confidence threshold } evidence { part cited } } }"""
    found = (await desk.crew.agent.ask(grounds, id=said["id"]))["answerGrounds"]
    assert [part["question"] for part in found["parts"]] == [WARRANTY, FOOTBALL]
    answered, refused = found["parts"]
    assert answered["confidence"] >= answered["threshold"] > 0
    assert refused["confidence"] < refused["threshold"]
    assert {one["part"] for one in found["evidence"] if one["cited"]} == {0}


async def test_the_stream_of_several_is_the_stored_answer(desk: Desk) -> None:
    customer = desk.crew.customer
    async with svcs.Container(desk.crew.house.registry) as services:
        answering = await services.aget(Answering)
    conversation = await desk.start(customer)
    asked = {"conversation_id": conversation, "text": f"{WARRANTY} {FOOTBALL}"}
    events = [event async for event in stream_answer(answering, customer.actor, **asked)]
    (stored,) = await desk.find(Answer, conversation_id=conversation)
    assert "".join(event.delta for event in events) == stored.text
    assert [event.step for event in events].count(Step.SEARCHING) == 1
    told = events[-1].json()["answer"]["parts"]
    assert [(part["question"], part["decision"]) for part in told] == [
        (WARRANTY, "ANSWERED"),
        (FOOTBALL, "ABSTAINED"),
    ]
    assert [len(part["citations"]) for part in told] == [1, 0]


async def test_two_questions_ask_the_database_no_more_than_one(desk: Desk) -> None:
    crew = desk.crew
    conversation = await desk.start(crew.customer)
    await ask(crew.customer, conversation, WARRANTY)
    await crew.house.relay.settle()
    async with counted_reads(crew.house) as commands:
        commands.take()
        said = await ask(crew.customer, conversation, f"{WARRANTY} {RETURN}")
        assert said["decision"] == "ANSWERED"
        sent = commands.take()
        assert sent.pop("find articles") in (1, 2)  # looked up together where both come at the same moment
        assert sent == {"find conversations": 2, "aggregate answers": 1}


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("数据能保存多少年 另外导出是什么格式", ("数据能保存多少年", "导出是什么格式")),
        ("设备多少钱 保修多久", ("设备多少钱", "保修多久")),
        # a dozen asks nothing, and one question typed in words stays one
        ("我们有十几台冷藏车 用哪个型号好", ()),
        ("网关 每天凌晨 掉线 怎么办", ()),
    ],
)
def test_a_space_between_chinese_clauses_is_a_mark(text: str, questions: tuple[str, ...]) -> None:
    assert questions_in(text) == questions
