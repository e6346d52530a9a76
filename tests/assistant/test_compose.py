"""How a verified quotation is shown."""

import pytest

from assistant.citations import Quotation
from assistant.compose import compose_answer
from knowledge.search import Hit
from knowledge.text import Language


def quotation(text: str, heading: str, locale: str = "en") -> Quotation:
    hit: Hit = Hit(
        article_id="a",
        article_version=1,
        title="Warranty",
        locale=locale,
        visibility="public",
        valid_until=None,
        passage_id="p",
        heading_path=(heading,) if heading else (),
        text=text,
        start=0,
        quote_start=0,
        quote_end=len(text),
        score=0.0,
        dense=0.0,
        lexical=0.0,
        coverage=0.0,
        same_language=True,
    )
    return Quotation(hit, text, 0, len(text))


@pytest.mark.parametrize(
    ("text", "heading", "locale", "shown"),
    [
        ("Yes. For 36 months.", "Can it be longer?", "en", "**Can it be longer?**\n\nYes. For 36 months."),
        (
            "会。数据一到就报警。",
            "离线期间超温会报警吗？",
            "zh",
            "**离线期间超温会报警吗？**\n\n会。数据一到就报警。",
        ),
        ("不能。数电票即可。", "能开纸质发票吗？", "zh", "**能开纸质发票吗？**\n\n不能。数电票即可。"),
        # a list and a table say nothing without what they are a list of
        (
            "- opened labels\n- engraved probes",
            "What can't go back?",
            "en",
            "**What can't go back?**\n\n- opened labels\n- engraved probes",
        ),
        ("1. 打开订单。\n2. 点退货。", "怎么办理？", "zh", "**怎么办理？**\n\n1. 打开订单。\n2. 点退货。"),
        ("| 状态 | 退款 |\n|---|---|", "退多少？", "zh", "**退多少？**\n\n| 状态 | 退款 |\n|---|---|"),
        ("Take along:\n\n- the probe", "What do I send?", "en", "Take along:\n\n- the probe"),
        # a yes that does not begin with one
        (
            "可以免费分一次，须在 90 天以内。",
            "可以分两批发货吗？",
            "zh",
            "**可以分两批发货吗？**\n\n可以免费分一次，须在 90 天以内。",
        ),
        (
            "Once, free of charge.",
            "Can you do it twice?",
            "en",
            "**Can you do it twice?**\n\nOnce, free of charge.",
        ),
        # nothing that says yes or no, and no heading
        ("24 months from delivery.", "How long?", "en", "24 months from delivery."),
        ("Nobody by default.", "Who can see it?", "en", "Nobody by default."),
        ("会员可以申请。", "谁可以？", "zh", "会员可以申请。"),
        ("Yes.", "", "en", "Yes."),
    ],
)
def test_a_yes_stands_under_what_it_says_yes_to(
    text: str, heading: str, locale: Language, shown: str
) -> None:
    answer = compose_answer([quotation(text, heading, locale)], locale)
    assert answer.removesuffix(answer.split("\n\n")[-1]).rstrip() == shown


def test_a_yes_in_the_other_language_keeps_its_heading_inside_the_quotation() -> None:
    answer = compose_answer([quotation("会。一到就报警。", "离线会报警吗？", "zh")], "en")
    assert "> **离线会报警吗？**\n>\n> 会。一到就报警。" in answer
