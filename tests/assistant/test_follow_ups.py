"""What is asked on: read with the question before it, alone, or as the answer to what was asked back."""

from dataclasses import replace

import pytest

from assistant.decide import Verdict
from assistant.documents import Answer, Decision, Reason
from assistant.follow_ups import picks_in_own_words, readings_of
from assistant.question_words import names_nothing, shares_words
from tests.assistant.conftest import Desk
from tests.assistant.test_compose import quotation
from tests.assistant.test_memory import offered, turn


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("要多久", True),
        ("多少钱？", True),
        ("怎么装", True),
        ("how much is it?", True),
        ("What should we do?", True),
        ("保修多久", False),
        ("要什么材料", False),
        ("how long is the warranty", False),
    ],
)
def test_a_question_may_name_nothing(text: str, nothing: bool) -> None:
    assert names_nothing(text) is nothing


def test_a_passage_speaks_of_what_is_asked_on_about_by_its_words() -> None:
    assert shares_words("高压水枪呢", "可以冲洗，但不能用高压水枪。")
    assert not shares_words("它的保固多久", "用 HL-30U。感温元件在 3 米线缆末端。")
    assert shares_words("can they confirm alarms?", "Confirm alarms, write reasons")
    assert not shares_words("is it GDPR compliant", "Nobody by default.")


@pytest.mark.parametrize(
    ("text", "first", "other"),
    [
        # says not of what: completed, and nothing to look up alone
        ("要多久", "探头坏了想寄修\n要多久", ""),
        # leans, but says what is asked
        ("那它的质保多久", "探头坏了想寄修\n那它的质保多久", "那它的质保多久"),
        # may be told of the question before
        ("我们是团队版", "我们是团队版", "探头坏了想寄修\n我们是团队版"),
        # stands by itself
        (
            "怎么给网关连 Wi-Fi？为什么找不到我们的频段网络？",
            "怎么给网关连 Wi-Fi？为什么找不到我们的频段网络？",
            "",
        ),
        # a question in words of its own, short as it is
        ("怎么升级套餐？", "怎么升级套餐？", ""),
        # shares words with the question before it, or has too few
        ("修好要寄费吗？", "修好要寄费吗？", "探头坏了想寄修\n修好要寄费吗？"),
        ("超过了还会发吗", "超过了还会发吗", "探头坏了想寄修\n超过了还会发吗"),
        # corrects: never looked up alone
        ("我问的是 HL-50", "探头坏了想寄修\nHL-50", ""),
    ],
)
def test_a_message_is_read_in_the_order_of_what_it_may_mean(text: str, first: str, other: str) -> None:
    readings = readings_of(text, [turn("探头坏了想寄修")])
    assert (readings.first, readings.other) == (first, other)


def test_with_nothing_before_it_a_message_is_read_alone() -> None:
    readings = readings_of("要多久", [])
    assert (readings.first, readings.other, readings.leans) == ("要多久", "", False)


@pytest.mark.parametrize(
    ("first", "then", "key", "said"),
    [
        ("I want to cancel", "the yearly plan", "change-plan-en", "at least 30 days before"),
        ("API 一分钟能调多少次", "企业版呢", "api-limits-zh", "| 120 | 600 |"),
        ("设备上的灯是红的", "网关的", "gateway-setup-zh", "故障，请重启"),
    ],
)
async def test_who_was_asked_which_article_is_meant_may_answer_in_their_own_words(
    desk: Desk, first: str, then: str, key: str, said: str
) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    asked_back = await desk.ask(desk.crew.customer, first, conversation_id=conversation_id)
    assert (asked_back["decision"], asked_back["ticket"]) == ("CLARIFIED", None)
    answer = await desk.ask(desk.crew.customer, then, conversation_id=conversation_id)
    assert (answer["decision"], answer["ticket"]) == ("ANSWERED", None)
    assert {one["article"]["id"] for one in answer["citations"]} == {desk.ids[key]}
    assert said in answer["text"]


async def test_who_only_says_the_same_again_has_not_chosen(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    await desk.ask(desk.crew.customer, "I want to cancel", conversation_id=conversation_id)
    answer = await desk.ask(desk.crew.customer, "I want to CANCEL", conversation_id=conversation_id)
    assert (answer["decision"], answer["reason"]) == ("ABSTAINED", "LOW_CONFIDENCE")


def test_what_only_the_question_before_leads_to_is_not_picked() -> None:
    before = offered("a", "b")
    before.question = "what is the price"
    made = quotation("How to pay by card.", "Payment", "en")
    quote = replace(made, hit=replace(made.hit, article_id="a"))
    verdict = Verdict(Decision.CLARIFIED, Reason.TWO_CANDIDATES, quotations=(quote, quote))
    for question, picked in (
        ("and by card", "a"),  # spoken of
        ("and how much", "a"),  # names nothing
        ("and your hockey team", None),
        ("What is the PRICE", None),  # the same again
    ):
        reading = f"{before.question}\n{question}"
        assert picks_in_own_words(question, verdict, [before], reading=reading) == picked
    alone = picks_in_own_words("who is the goalkeeper", verdict, [before], reading="who is the goalkeeper")
    assert alone == "a"  # found by its own words alone, and surely
    assert picks_in_own_words("and by card", verdict, [], reading="and by card") is None


async def test_what_was_just_shown_is_no_answer_to_something_else(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    shown = await desk.ask(
        desk.crew.customer, "超低温冰箱 -80 度要用哪一款感测器？", conversation_id=conversation_id
    )
    assert shown["decision"] == "ANSWERED"
    again = await desk.ask(desk.crew.customer, "它的保固多久", conversation_id=conversation_id)
    assert shown["citations"][0]["quote"] not in [one["quote"] for one in again["citations"]]
    assert again["citations"][0]["article"]["id"] == desk.ids["warranty-zh"]


async def test_what_is_asked_on_is_found_with_the_question_before(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    await desk.ask(desk.crew.customer, "短信超了怎么算", conversation_id=conversation_id)
    answer = await desk.ask(desk.crew.customer, "能设上限不", conversation_id=conversation_id)
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.asked_as == "短信超了怎么算\n能设上限不"
    assert (answer["decision"], answer["citations"][0]["article"]["id"]) == (
        "ANSWERED",
        desk.ids["alarm-channels-zh"],
    )
    assert "**账单 > 限额**" in answer["text"]


async def test_another_question_is_asked_back_about_though_the_same_article_comes_near(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    first = await desk.ask(
        desk.crew.customer, "how do i add a colleague as viewer", conversation_id=conversation_id
    )
    then = await desk.ask(desk.crew.customer, "what can they see", conversation_id=conversation_id)
    assert [one["decision"] for one in (first, then)] == ["CLARIFIED", "CLARIFIED"]
    assert [one["citations"][0]["article"]["id"] for one in (first, then)] == [desk.ids["users-roles-en"]] * 2


async def test_what_is_asked_last_says_which_fact_is_meant(desk: Desk) -> None:
    """ "How much?", then "how long?": the price list was shown again, surely."""
    customer = desk.crew.customer
    conversation = await desk.start(customer)
    asked = ("三点校准一支多少钱？", "要多久？")
    price, time = [await desk.ask(customer, text, conversation_id=conversation) for text in asked]
    assert "260" in price["text"]
    assert "收到后 7 个工作日" in time["text"]
    assert "260" not in time["text"]
