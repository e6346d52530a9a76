"""A yes or no to something else: the place that has what was asked stands before it."""

import pytest

from assistant.yes_or_no import says_yes_or_no, with_what_is_named
from tests.assistant.conftest import Desk
from tests.assistant.test_compose import quotation


@pytest.mark.parametrize(
    ("text", "heading", "says"),
    [
        ("Once, free of charge.", "Can you deliver in two batches?", True),
        ("支持不需要登录的代理。", "支持代理服务器吗？", True),
        ("No.", "Cheques", True),
        ("7 working days.", "How long can it take?", False),
        ("苏州：7 个工作日。", "校准要多久？", False),
    ],
)
def test_a_passage_says_yes_or_no_to_its_heading(text: str, heading: str, says: bool) -> None:
    assert says_yes_or_no(quotation(text, heading, "en")) is says


def test_only_what_another_place_has_is_put_before_a_yes_or_no_to_something_else() -> None:
    paper = quotation("不能。打印件不能单独作为凭证。", "能开纸质发票吗？", "zh")
    intro = quotation("开具电子发票，普票和专票都可以。", "", "zh")
    apart = type(intro)(intro.hit, intro.text, 100, 100 + len(intro.text))
    assert with_what_is_named("能开专票吗", [paper], [apart]) == (apart, paper)
    assert with_what_is_named("能开专票吗", [paper, apart], []) == (apart, paper)
    # asked for by its heading, and held nowhere
    assert with_what_is_named("纸质的能开吗", [paper], [apart]) == (paper,)
    assert with_what_is_named("能开收据吗", [paper], [apart]) == (paper,)


@pytest.mark.parametrize("question", ["能开专票吗", "能开普票吗"])
async def test_no_is_not_said_to_what_is_possible(desk: Desk, question: str) -> None:
    answer = await desk.ask(desk.crew.customer, question)
    assert answer["decision"] == "ANSWERED"
    assert answer["text"].startswith(
        "中国大陆客户的人民币订单开具全面数字化的电子发票（数电票），普票和专票都可以。"
    )
