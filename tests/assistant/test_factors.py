"""Laws of advice: factors sum to the score to the last digit, and a summary quotes letter by letter."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.advice.actions import propose_actions
from assistant.advice.experience import Experience, learn
from assistant.advice.reasons import explain
from assistant.advice.sentiment import mood, trend
from assistant.advice.subjects import Subject
from assistant.advice.summary import Said, summarise
from backend.core.ids import derived_id
from backend.house import House
from backend.sales.documents import Opportunity, StageChange
from backend.sales.rules import StageType
from backend.service.documents import Ticket, TicketPriority
from knowledge.text import Language

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def deal(number: int, end: StageType, amount: Decimal, *, days: int, source: str) -> Opportunity:
    steps = ["discovery", "proposal", *([end.value] if end is not StageType.OPEN else [])]
    history = [
        StageChange(
            from_stage=None, to_stage=step, at=NOW - timedelta(days=days - (5 + number % 7) * n), by="x"
        )
        for n, step in enumerate(steps)
    ]
    return Opportunity(
        id=derived_id(end.value, str(number)),
        name="Deal",
        account_id=derived_id("account", str(number % 30)),
        amount=amount,
        pipeline_id=derived_id("pipeline"),
        stage=steps[-1],
        stage_type=end,
        probability=40,
        source=source,
        stage_history=history,
    )


@pytest.fixture(scope="module")
def experience(house: House) -> Experience:
    """A past with enough won and lost to learn from."""
    closed = [
        deal(
            n,
            StageType.WON if (n * 7) % 10 < 5 else StageType.LOST,
            Decimal(1_000 + 37 * n),
            days=300 + n % 90,
            source="fair" if n % 3 else "web",
        )
        for n in range(240)
    ]
    found = learn(closed, [], {"follow_up": (5, 3), "send_quote": (0, 9)})
    assert found.model is not None
    return found


@given(
    amount=st.decimals("0.01", "99999999", places=2),
    days=st.integers(0, 400),
    source=st.sampled_from(["fair", "web", "", "never seen 😀"]),
)
@settings(max_examples=60, deadline=None)
def test_factors_sum_to_the_score_exactly(
    experience: Experience, amount: Decimal, days: int, source: str
) -> None:
    one = deal(1, StageType.OPEN, amount, days=days, source=source)
    subject = Subject(about=one, opportunities=[one])
    for action in propose_actions(subject, experience, now=NOW, language="en"):
        assert sum((factor.weight for factor in action.factors), Decimal(0)) == action.score
        assert action.value * action.probability - action.cost == action.score
        assert action.factors[0].name == "win_rate"
        assert action.factors[-1].name == "cost"
        assert 0 <= action.chance.low <= action.probability <= action.chance.high <= 1
        assert all(factor.said("zh") and factor.said("en") for factor in action.factors)


@pytest.mark.parametrize("known", [False, True], ids=["worth_unknown", "worth_known"])
def test_an_answer_that_is_owed_is_never_worth_less_than_nothing(experience: Experience, known: bool) -> None:
    """Whoever may read no deals (an agent) sees no value; the hours must not make the answer look wrong."""
    asked = NOW - timedelta(days=3)
    ticket = Ticket(
        id=derived_id("ticket"),
        number="T-1",
        subject="Offline",
        priority=TicketPriority.URGENT,
        opened_at=asked,
    )
    won = deal(1, StageType.WON, Decimal(5_000), days=90, source="fair")
    subject = Subject(about=ticket, tickets=[ticket], opportunities=[won] if known else [])
    found = propose_actions(subject, learn([], [], {}), now=NOW, language="en")
    assert [one.action for one in found] == ["answer_ticket", "escalate"]
    for one in found:
        assert sum((factor.weight for factor in one.factors), Decimal(0)) == one.score
        assert one.value * one.probability - one.cost == one.score
        assert (one.score > 0) is known
        assert one.score >= 0
        assert (one.factors[-1].name, one.factors[-1].weight) == ("cost", Decimal(0))
        assert "owed" in one.factors[-1].said("en")
        assert one.factors[-1].said("zh")


@given(
    bodies=st.lists(
        st.text(alphabet="ab c.?！。？网关离线了吗\n😀", max_size=80) | st.text(max_size=40), max_size=12
    ),
    most=st.integers(1, 10),
)
@settings(max_examples=80, deadline=None)
def test_every_point_stands_in_its_message_and_in_order(bodies: list[str], most: int) -> None:
    said = [
        Said(f"m{n}", "customer" if n % 2 == 0 else "agent", NOW + timedelta(minutes=n), body)
        for n, body in enumerate(bodies)
    ]
    found = summarise(said, language="en", most=most)
    known = {one.id: one for one in said}
    assert found.messages == len(said)
    assert len(found.points) <= most
    for point in found.points:
        assert known[point.message_id].body[point.start : point.end] == point.text
    places = [(point.at, point.start) for point in found.points]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def test_a_chinese_talk_is_told_by_what_was_wanted_answered_and_asked() -> None:
    said = [
        Said("1", "customer", NOW, "你好。三号车间的网关从周一开始一直离线，我们看不到温度数据。"),
        Said(
            "2", "agent", NOW + timedelta(minutes=1), "请按网关背面的按钮重新启动，等蓝灯亮起后再配对探头。"
        ),
        Said(
            "3", "customer", NOW + timedelta(minutes=2), "重启以后还是离线。请问保修期内可以免费更换网关吗？"
        ),
    ]
    found = summarise(said, language="zh", most=3)
    assert [(point.role, point.message_id) for point in found.points] == [
        ("wanted", "1"),
        ("answered", "2"),
        ("open", "3"),
    ]
    assert found.points[2].text == "请问保修期内可以免费更换网关吗？"


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("Thank you, that was great!", 1),
        ("This is not good.", -1),
        ("非常感谢，问题很快解决了", 1),
        ("太慢了，非常失望", -1),
        ("不满意", -1),
        ("👍👍", 1),
        ("The meeting is on Monday.", 0),
        ("", 0),
    ],
)
def test_words_have_a_sign(text: str, sign: int) -> None:
    found = mood(text)
    assert (found > 0) - (found < 0) == sign
    assert -1 < found < 1


def test_a_trend_needs_some_messages() -> None:
    assert trend([0.5, -0.5, 0.5]) is None
    assert trend([0.6, 0.6, -0.6, -0.6]) == "worse"
    assert trend([-0.6, -0.6, 0.6, 0.6]) == "better"
    assert trend([0.1, 0.1, 0.1, 0.1]) == "steady"


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "slower than usual: 2 of 9 past cases won"), ("zh", "慢于通常：过往 9 例中赢单 2 例")],
)
def test_a_level_is_said_in_the_readers_language(language: Language, said: str) -> None:
    assert explain("counted_level", language, level="slow", good="2", n="9") == said
    assert "Trade fair" in explain("counted_level", language, level="Trade fair", good="2", n="9")
