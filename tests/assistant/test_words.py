"""Advice reads as people write: in the reader's language, and one is not many."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from assistant.advice.outlook import Purchases, foretell
from assistant.advice.profile import _rank, compute_profile
from assistant.advice.profiles import _facts
from assistant.advice.reasons import explain
from assistant.advice.subjects import Subject
from assistant.advice.words import called
from backend.core.ids import derived_id
from backend.crm.documents import (
    Account,
    Activity,
    ActivityDirection,
    ActivityType,
    Contact,
    Lifecycle,
)
from backend.house import House
from backend.service.documents import Channel
from knowledge.text import Language

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("n", "english", "chinese"),
    [
        (0, "0 payments are overdue; EUR 5 are open.", "有 0 笔款项逾期，尚余 EUR 5。"),
        (1, "1 payment is overdue; EUR 5 are open.", "有 1 笔款项逾期，尚余 EUR 5。"),
        (12, "12 payments are overdue; EUR 5 are open.", "有 12 笔款项逾期，尚余 EUR 5。"),
    ],
)
def test_one_is_not_many(n: int, english: str, chinese: str) -> None:
    for count in (n, str(n)):  # numbers that were kept are texts
        assert explain("overdue_payments", "en", count=count, open="5", currency="EUR") == english
        assert explain("overdue_payments", "zh", count=count, open="5", currency="EUR") == chinese


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        (0, "less than a day ago", "不到 1 天"),
        (1, "a day ago", " 1 天"),
        (9, "9 days ago", " 9 天"),
    ],
)
def test_what_was_just_sent_was_not_sent_0_days_ago(days: int, english: str, chinese: str) -> None:
    values = {"number": "Q-1", "days": days}
    assert explain("quote_sent", "en", **values) == f"Quote Q-1 was sent {english} and is not answered."
    assert explain("quote_sent", "zh", **values) == f"报价 Q-1 已发出{chinese}，客户还没有答复。"


@pytest.mark.parametrize(
    ("mine", "all", "rank", "english", "chinese"),
    [
        # Everybody bought once: nobody is best.
        (1, [1] * 9, 3, "0 of 9 customers, level with 8 others", "9 位客户中的 0 位，与另外 8 位持平"),
        (1, [1] * 7 + [2, 3, 4], 2, "0 of 10 customers, level with 6 others", "0 位，与另外 6 位持平"),
        (2, [1] * 7 + [2, 3, 4], 4, "7 of 10 customers", "优于 10 位客户中的 7 位"),
        (4, [1, 2, 3, 4, 4], 4, "3 of 5 customers, level with 1 other", "3 位，与另外 1 位持平"),
        (1, [1, 2, 3, 4, 5], 1, "0 of 5 customers", "优于 5 位客户中的 0 位"),
        (5, [1, 2, 3, 4, 5], 5, "4 of 5 customers", "优于 5 位客户中的 4 位"),
    ],
)
def test_who_is_level_with_most_is_not_ranked_among_the_best(
    mine: int, all: list[int], rank: int, english: str, chinese: str
) -> None:
    numbers = [Decimal(one) for one in all]
    assert _rank(Decimal(mine), numbers, "en") == (rank, f"better than {english}")
    found, said = _rank(Decimal(mine), numbers, "zh")
    assert found == rank
    assert said.endswith(chinese)
    low, _ = _rank(Decimal(-mine), [-one for one in numbers], "en", low_is_good=True)
    assert low == rank


def test_what_people_typed_is_no_blank_to_fill() -> None:
    assert explain("next_step", "en", step="{count:a|b} | 50 %") == "Agreed next step: {count:a|b} | 50 %"


@pytest.mark.parametrize("kind", [Channel, ActivityType, Lifecycle])
def test_every_code_of_a_profile_has_a_name_in_chinese(
    kind: type[Channel] | type[ActivityType] | type[Lifecycle],
) -> None:
    same_everywhere = {"whatsapp", "api"}
    for one in kind:
        name = called(one.value, "zh")
        assert name != one.value
        assert name.isascii() is (one.value in same_everywhere)
    assert called("Head of cold chain", "zh") == "Head of cold chain"  # as somebody typed it


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "zh",
            {
                "lifecycle": "已赢回",
                "last_interaction": "会议 2026-04-30",
                "preferred_channel": "会议 (1/1)",
                "language": "中文",
                "key_people": "Ada Noor (决策人)",
            },
        ),
        (
            "en",
            {
                "lifecycle": "won back",
                "last_interaction": "meeting 2026-04-30",
                "preferred_channel": "meeting (1/1)",
                "language": "Chinese",
                "key_people": "Ada Noor (decision maker)",
            },
        ),
    ],
)
def test_a_profile_is_told_in_the_readers_words_and_kept_in_codes(
    house: House, language: Language, said: dict[str, str]
) -> None:
    account = Account(id=derived_id("a"), name="Many", lifecycle=Lifecycle.WON_BACK)
    ada = Contact(id=derived_id("c"), full_name="Ada Noor", role="decisionMaker", language="zh")
    met = Activity(
        id=derived_id("m"),
        type=ActivityType.MEETING,
        direction=ActivityDirection.OUTBOUND,
        at=NOW - timedelta(days=1),
        summary="Met",
    )
    subject = Subject(about=account, account=account, contacts=[ada], activities=[met])
    outlook = foretell([], Purchases([], NOW), now=NOW, home="EUR")
    assert outlook.currency == "EUR"
    found = compute_profile(subject, [], outlook, now=NOW, language=language)
    assert {one.key: one.value for one in found.facts if one.key in said} == said
    assert {fact.key: fact.value for fact in _facts(found) if fact.key in said} == {
        "lifecycle": "won_back",
        "last_interaction": "meeting 2026-04-30",
        "preferred_channel": "meeting (1/1)",
        "language": "zh",
        "key_people": ada.id,
    }
