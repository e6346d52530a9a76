"""What asks nothing: told clause by clause, answered in kind, and no question is ever taken for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.small_talk import is_upset, small_talk
from assistant.understand import Intent, understand
from backend.core.demo import load
from knowledge.text import normalise
from tests.assistant.conftest import Desk

ROOT = Path(__file__).resolve().parents[2]


def strings(value: Any) -> Iterator[str]:
    """Yield every text of a YAML file, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from strings(key)
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("谢谢你，不用了", Intent.THANKS),
        ("ok thanks, sorry for ranting", Intent.THANKS),
        ("you've been very helpful, thank you so much!", Intent.THANKS),
        ("谢了哈", Intent.THANKS),
        # a space is all that many type between Chinese clauses
        ("谢谢 晚安", Intent.THANKS),
        ("行 谢谢 先睡了", Intent.THANKS),
        ("哦那太好了", Intent.FINE),
        ("never mind found it", Intent.FINE),
        ("谢谢 那怎么退货", Intent.QUESTION),
        ("晚安", Intent.FINE),
        ("never mind", Intent.FINE),
        ("算了吧", Intent.FINE),
        ("不用人工了", Intent.FINE),
        ("先别转人工", Intent.FINE),
        ("actually don't bother", Intent.FINE),
        ("so I have this thing", Intent.GREETING),
        ("我有个问题想问一下", Intent.GREETING),
        ("help!", Intent.GREETING),
        ("Good evening", Intent.GREETING),
        ("good day", Intent.GREETING),
        ("hellooo", Intent.GREETING),
        ("have a good evening", Intent.FINE),
        ("是不是机器人", Intent.WHO_ANSWERS),
        ("are you even a human", Intent.WHO_ANSWERS),
        ("what can you do?", Intent.WHO_ANSWERS),
        ("你能做什么", Intent.WHO_ANSWERS),
        ("thanks mate", Intent.THANKS),  # a core, and words that carry nothing
        ("太谢谢了，帮大忙了", Intent.THANKS),
        ("那我先去睡了，拜拜", Intent.FINE),
        ("no thank you", Intent.FINE),
        ("都下线了", Intent.QUESTION),
        ("thanks to the gateway", Intent.QUESTION),
        ("谢谢信怎么写", Intent.QUESTION),
        # a clause that asks or tells something makes the whole a message of its own
        ("谢谢，那怎么退货", Intent.QUESTION),
        ("thanks, and how do I return it", Intent.QUESTION),
        ("没事，我想问校准要几天", Intent.QUESTION),
        ("I have a question about the gateway", Intent.QUESTION),
        ("可以用支付宝吗", Intent.QUESTION),
    ],
)
def test_small_talk_is_told_clause_by_clause(text: str, intent: Intent) -> None:
    assert understand(text).intent is intent


@pytest.mark.parametrize(
    "text",
    [
        "that's not what I asked",
        "答非所问！",
        "你没看懂我的问题",
        "没用",
        "一点用都没有",
        "useless bot",
        "thanks for nothing",
        "you keep sending me the same crap",
        "什么意思？",
        "I don't understand",
        "this answer makes zero sense",
        "still not what I'm looking for",
        "你这回答跟我问的有关系吗",
    ],
)
def test_who_was_not_helped_says_nothing_to_look_up(text: str) -> None:
    found = understand(text)
    assert (found.is_unhelped, found.intent) == (True, Intent.QUESTION)


@pytest.mark.parametrize(
    ("text", "unhelped"),
    [
        ("错误代码 E5 是什么意思", False),
        ("橙灯什么意思", False),
        ("the reset did not help, the light is still red", False),
        ("这个功能没有用过，在哪里打开", False),
        ("why is my reading wrong", False),
        ("the sensor is useless in the rain", False),
        ("数据对不上", False),
    ],
)
def test_what_says_more_than_that_it_was_no_help_is_looked_up(text: str, unhelped: bool) -> None:
    assert understand(text).is_unhelped is unhelped


def questions_of_the_help_centre() -> list[str]:
    """Return whatever the assistant was measured on."""
    files = [ROOT / "eval/questions" / f"{name}.yaml" for name in ("answered", "unanswered", "across")]
    texts = [one for file in files for one in strings(yaml.safe_load(file.read_text(encoding="utf-8")))]
    texts += strings(load("questions"))
    assert len(texts) > 1_500
    return texts


def test_no_question_of_the_help_centre_is_small_talk_or_anger() -> None:
    texts = questions_of_the_help_centre()
    assert [one for one in texts if small_talk(normalise(one)) is not None] == []
    assert [one for one in texts if is_upset(normalise(one))] == []


@pytest.mark.parametrize(
    ("text", "upset"),
    [
        ("你们这什么破东西！！！", True),
        ("This is ridiculous, the third time this week", True),
        ("为什么验证邮件在垃圾邮件里？", False),
        ("How do I return it?!", False),
    ],
)
def test_anger_is_heard(text: str, upset: bool) -> None:
    assert is_upset(normalise(text)) is upset


@pytest.mark.parametrize(
    ("first", "again", "asks", "hands_over"),
    [
        (
            "that's not what I asked",
            "you don't understand me",
            "I am sorry",
            "I am sorry that I could not help.",
        ),
        ("答非所问", "你没看懂我的问题", "抱歉", "抱歉没能帮上您。"),
    ],
)
async def test_who_was_not_helped_is_asked_once_in_other_words_and_then_gets_a_person(
    desk: Desk, first: str, again: str, asks: str, hands_over: str
) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    answer = await desk.ask(desk.crew.customer, first, conversation_id=conversation_id)
    assert (answer["reason"], answer["ticket"]) == ("ASKED_TO_REPHRASE", None)
    assert answer["text"].startswith(asks)
    more = await desk.ask(desk.crew.customer, again, conversation_id=conversation_id)
    assert more["text"].startswith(hands_over)
    assert more["ticket"]["number"] in more["text"]


@pytest.mark.parametrize(
    ("wish", "hello", "enough", "is_told", "is_left"),
    [
        ("talk to a person", "hello??", "never mind", "I am here.", "stays with our team"),
        ("转人工", "在吗", "算了", "我在。", "仍在同事那里"),
    ],
)
async def test_who_waits_for_a_person_is_told_so_when_they_call_and_when_they_give_up(
    desk: Desk, wish: str, hello: str, enough: str, is_told: str, is_left: str
) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    before = await desk.ask(desk.crew.customer, enough, conversation_id=conversation_id)
    assert is_left not in before["text"]
    await desk.ask(desk.crew.customer, wish, conversation_id=conversation_id)
    called = await desk.ask(desk.crew.customer, hello, conversation_id=conversation_id)
    assert called["text"].startswith(is_told)
    left = await desk.ask(desk.crew.customer, enough, conversation_id=conversation_id)
    assert (left["reason"], is_left in left["text"]) == ("SMALL_TALK", True)


async def test_an_angry_question_is_answered_with_regret(desk: Desk) -> None:
    asked = "How long is the warranty on an HL-30 Probe?"
    calm = await desk.ask(desk.crew.customer, asked)
    angry = await desk.ask(desk.crew.customer, f"This is ridiculous!!! {asked}")
    regret = "I am sorry for the trouble."
    assert (calm["decision"], regret in calm["text"]) == ("ANSWERED", False)
    assert angry["text"].startswith(f"{regret}\n\n")
    assert angry["citations"][0]["quote"] in angry["text"]


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("can you answer in English please", "en", "I answer in the language that you write in"),
        ("请用英文回答", "en", "I answer in the language that you write in"),
        ("do you speak Chinese?", "zh", "请直接用中文提问"),
    ],
)
async def test_a_wish_for_a_language_is_answered_in_it(
    desk: Desk, text: str, language: str, said: str
) -> None:
    answer = await desk.ask(desk.crew.customer, text)
    assert (answer["locale"], answer["reason"], answer["ticket"]) == (language, "SMALL_TALK", None)
    assert said in answer["text"]
