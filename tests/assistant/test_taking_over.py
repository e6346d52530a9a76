"""What who takes over a case reads: the matter without greetings and thanks, and how it stands."""

from datetime import UTC, datetime, timedelta

import pytest

from assistant.advice.courtesies import (
    says_it_is_settled,
    without_opening,
    without_signature,
)
from assistant.advice.summary import Said, summarise
from knowledge.text import Language

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
GATEWAY = (
    ("customer", "Good morning,\nmy name is Grace Holloway from Harbour Foods. The new gateway is offline."),
    ("agent", "Hello Grace, thank you for writing. Which gateway is it, and what do the lights show?"),
    ("customer", "It is G2-40112. The light blinks red twice. The probes are all offline since Sunday."),
    ("agent", "Two red blinks mean that the gateway has no internet. Was anything changed on Sunday?"),
    ("customer", "Yes, our IT replaced the firewall."),
    ("agent", "Please ask IT to open outgoing port 8883, then unplug the gateway for ten seconds."),
    (
        "customer",
        "One probe in hall 4 is dead. The auditor comes on Thursday at nine. Can you send one by express?",
    ),
)
RECORDER = (
    ("customer", "您好，我是重庆山城冷运的郑凯。上周到的车载记录仪不上传数据。"),
    ("agent", "郑工您好，请问是哪一台？指示灯是什么状态？"),
    ("customer", "灯不亮，充了一晚上电也没用。"),
    ("agent", "灯完全不亮说明主板有问题，请填写退回单寄回。"),
    ("customer", "太好了，解决了，谢谢！"),
)


PROBE = (
    (
        "customer",
        "Probe HL-30 reads 1.8 °C high, next to our reference. The others agree within 0.2. What now?",
    ),
    ("agent", "1.8 °C is far outside what we promise, so this is a warranty case. We send another probe."),
    ("customer", "It reads right. That did it."),
)
NIGHTLY = (
    ("customer", "3 号库网关每天凌晨两三点就离线，过十几分钟又好了。温度数据会不会丢？"),
    ("agent", "数据不会丢：网关断网时也能缓存 7 天。凌晨离线多半是 Wi-Fi 定时重启，请改接有线网口。"),
    ("customer", "已经拉了网线，昨晚没有掉。"),
    ("agent", "太好了。我们再观察一周，如果没有再掉线就关闭工单。"),
)


def told(
    talk: tuple[tuple[str, str], ...], language: Language, most: int, *, is_over: bool = False
) -> list[tuple[str, str, str]]:
    said = [Said(str(n), who, NOW + timedelta(minutes=n), body) for n, (who, body) in enumerate(talk)]
    found = summarise(said, language=language, most=most, is_over=is_over)
    return [(one.role, one.who, one.text) for one in found.points]


def test_what_was_wanted_is_what_they_came_with_and_what_they_asked() -> None:
    """Centrality alone took "The others agree within 0.2." for the matter, and "太好了。" for the answer."""
    first = "Probe HL-30 reads 1.8 °C high, next to our reference."
    assert ("wanted", "customer", first) in told(PROBE, "en", 3)
    found = told(NIGHTLY, "zh", 3)
    assert found == [
        ("wanted", "customer", "3 号库网关每天凌晨两三点就离线，过十几分钟又好了。"),
        ("wanted", "customer", "温度数据会不会丢？"),
        ("answered", "agent", "我们再观察一周，如果没有再掉线就关闭工单。"),
    ]


def test_a_list_that_we_sent_is_told_whole_and_under_its_heading() -> None:
    goods = "**哪些不能退？**\n\n- 按特殊点校准过的探头\n- 已拆封的温度标签\n- 刻字的设备"
    talk = (
        ("customer", "多买了 30 个温度标签没拆封，可以退吗？"),
        ("bot", f"{goods}\n\n来源：《退货与退款》"),
        ("customer", "1. 运费谁出？\n2. 多久退款到账？"),
    )
    assert told(talk, "zh", 4) == [
        ("wanted", "customer", "多买了 30 个温度标签没拆封，可以退吗？"),
        ("answered", "bot", goods),
        ("said", "customer", "1. 运费谁出？"),
        ("open", "customer", "2. 多久退款到账？"),
    ]
    long = "\n".join(f"- item {n} of what has to be sent along with the device" for n in range(20))
    points = [text for _, who, text in told((talk[0], ("agent", long)), "en", 10) if who == "agent"]
    assert "\n".join(points) == long
    assert all(len(text) <= 400 for text in points)


def test_the_last_words_of_a_matter_that_we_settled_are_not_open() -> None:
    assert told(PROBE, "en", 3)[-1][0] == "open"
    assert told(PROBE, "en", 3, is_over=True)[-1][0] == "settled"


def test_a_summary_begins_with_the_matter_and_not_with_who_greets() -> None:
    found = told(GATEWAY, "en", 6)
    assert found[0] == ("wanted", "customer", "The new gateway is offline.")
    assert found[-1] == ("open", "customer", "Can you send one by express?")
    assert not any("Grace" in text for _, _, text in found)
    # What we asked tells nothing beside what was answered.
    assert not any(who == "agent" and text.endswith("?") for _, who, text in found)


def test_what_nobody_has_dealt_with_is_told_before_what_is_said_most() -> None:
    found = [text for _, _, text in told(GATEWAY, "en", 5)]
    assert found[2:] == [
        "One probe in hall 4 is dead.",
        "The auditor comes on Thursday at nine.",
        "Can you send one by express?",
    ]


def test_thanks_at_the_end_leave_nothing_open() -> None:
    found = told(RECORDER, "zh", 4)
    assert found[0] == ("wanted", "customer", "上周到的车载记录仪不上传数据。")
    assert found[-1] == ("settled", "customer", "太好了，解决了，谢谢！")
    assert ("said", "customer", "灯不亮，充了一晚上电也没用。") in found
    still = (*RECORDER[:-1], ("customer", "谢谢，但是还没有收到退回单。"))
    assert told(still, "zh", 4)[-1] == ("open", "customer", "谢谢，但是还没有收到退回单。")


@pytest.mark.parametrize(
    ("text", "matter"),
    [
        ("Hello, Maria Rossi here. The gateway hums.", "The gateway hums."),
        ("Hi, I'm Bob, our probe is dead", "Our probe is dead"),
        ("Dear Sir or Madam,\nwe need a probe.", "We need a probe."),
        ("This is Anna and we need help", "We need help"),
        ("我叫王芳，我们的探头坏了", "我们的探头坏了"),
        ("Hello", "Hello"),
        # A wish is never cut.
        ("Hi my probe is broken.", "Hi my probe is broken."),
        ("I am at the gate. Help", "I am at the gate. Help"),
        ("This is urgent. Fridge 3 is at 11 °C", "This is urgent. Fridge 3 is at 11 °C"),
        ("This is Probe 4 and it is dead", "This is Probe 4 and it is dead"),
        ("我是想问一下怎么退货，谢谢", "我是想问一下怎么退货，谢谢"),
        ("我是在周一下的单，没收到", "我是在周一下的单，没收到"),
    ],
)
def test_a_message_comes_to_its_matter_behind_the_courtesies(text: str, matter: str) -> None:
    assert without_opening(text) == matter


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Open it.\n\nBest regards,\nZhang Wei\nSupport", "Open it."),
        ("下载PDF即可。\n\n祝好\n张伟\n客户支持", "下载PDF即可。"),
        ("The phone is staffed. Zhang Wei", "The phone is staffed."),
        ("Best regards go to Zhang Wei, who is on leave.", "Best regards go to Zhang Wei, who is on leave."),
        ("Zhang Wei", "Zhang Wei"),
    ],
)
def test_an_answer_loses_who_signed_it(text: str, bare: str) -> None:
    assert without_signature(text, "Zhang Wei") == bare


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("Great, that works, thank you!", True),
        ("没问题了，谢谢", True),
        ("Thanks, but it is still offline.", False),
        ("Thank you in advance.", False),
        ("请尽快处理，谢谢", False),
        ("Thanks! When will it arrive?", False),
        ("重启以后还是离线。", False),
    ],
)
def test_thanks_settle_only_where_nothing_is_asked_or_objected(text: str, settled: bool) -> None:
    assert says_it_is_settled(text) is settled
