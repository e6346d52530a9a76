"""A question inside a letter, a greeting or dictated words: only the question is looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.documents import Answer
from assistant.letters import asked_in
from tests.assistant.conftest import Desk
from tests.assistant.test_small_talk import questions_of_the_help_centre

ENGLISH = """Dear Sir or Madam,

I hope this e-mail finds you well. We are a small pharmacy in Lyon and have had your loggers since spring.

Could you please tell me how often the probes need to be calibrated?

Many thanks in advance and kind regards,
Claire Fontaine
Pharmacie du Parc
Tel. +33 4 00 00 00 00
Sent from my iPhone"""
CHINESE = """尊敬的客服：
您好！我是苏州某药店的小王，上个月在贵公司买了两支探头。
请问断网之后数据会不会丢？
此致
敬礼
王芳"""


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (ENGLISH, "Could you please tell me how often the probes need to be calibrated?"),
        (CHINESE, "请问断网之后数据会不会丢？"),
        # what was told stays with the question that names nothing
        (
            "Hi,\nThe box was crushed. The devices seem ok. What should we do?\nRegards,\nOliver",
            "The box was crushed. The devices seem ok. What should we do?",
        ),
        ("在么 想买几个温度标签 谢谢", "想买几个温度标签"),
        ("Hi all,\nthe light stays red.\nBest,\nTom", "the light stays red."),
        ("hello, how much is an HL-30?", "how much is an HL-30?"),
        ("答非所问！HL-50 的电池能用多久？谢谢", "HL-50 的电池能用多久？"),
        ("嗯然后就是那个一个网关能接多少个", "一个网关能接多少个"),
        ("um yeah hi so I was wondering like you know which one do I need", "which one do I need"),
        # nothing stands around these
        ("请问断网之后数据会不会丢？", "请问断网之后数据会不会丢？"),
        ("那个大的网关多少钱", "那个大的网关多少钱"),
        ("So how long does it take?", "So how long does it take?"),
        ("1. Restart it\n2. Wait\n3. Still red", "1. Restart it\n2. Wait\n3. Still red"),
        ("谢谢", "谢谢"),
    ],
)
def test_what_stands_around_a_question_is_left_out(text: str, asked: str) -> None:
    assert asked_in(text) == asked


def test_no_question_of_the_help_centre_is_changed() -> None:
    """Whatever the assistant was measured on is looked up as before."""
    assert [one for one in questions_of_the_help_centre() if asked_in(one) != one] == []


@given(st.text(max_size=300))
def test_something_is_left_of_any_text(text: str) -> None:
    assert asked_in(text) == text or any(character.isalnum() for character in asked_in(text))


@pytest.mark.parametrize(
    ("letter", "key", "asked"),
    [
        (ENGLISH, "calibration-en", "Could you please tell me how often the probes need to be calibrated?"),
        (CHINESE, "buffering-zh", "请问断网之后数据会不会丢？"),
    ],
)
async def test_a_letter_is_answered_and_stored_as_it_came(
    desk: Desk, letter: str, key: str, asked: str
) -> None:
    answer = await desk.ask(desk.crew.customer, letter)
    assert answer["decision"] == "ANSWERED"
    assert answer["citations"][0]["article"]["id"] == desk.ids[key]
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert (stored.question, stored.asked_as) == (letter, asked)
