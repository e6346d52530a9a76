"""The check of a draft's claims: good ones pass, every kind of lie is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.claims import refuse
from assistant.withheld import withhold, without_addresses
from knowledge.text import Language

WARRANTY = (
    "The HL-30 Probe is covered for 24 months from the day of delivery. Batteries are covered for 6 months. "
    "Water damage is not covered. Send the device within 21 days to Rotterdam."
)
BILL = "付款后 180 天内可以申请发票，3 个工作日内开出，税率 13 %。已拆封的标签不能退货。"
ASKED_EN, ASKED_ZH = "How long is the warranty on my probe?", "发票多久之内可以申请？"


@pytest.mark.parametrize(
    "draft",
    [
        "The HL-30 Probe is covered for 24 months from the day of delivery.",
        "Your probe is covered for 24 months from delivery. Batteries are covered for 6 months.",
        "Water damage is not covered.",
    ],
)
def test_what_the_source_says_passes(draft: str) -> None:
    assert refuse(draft, sources=[WARRANTY], question=ASKED_EN, language="en") == ""


@pytest.mark.parametrize("draft", ["付款后 180 天内可以申请发票。", "发票在 3 个工作日内开出，税率 13%。"])
def test_what_the_chinese_source_says_passes(draft: str) -> None:
    assert refuse(draft, sources=[BILL], question=ASKED_ZH, language="zh") == ""


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        ("The HL-30 Probe is covered for 36 months from the day of delivery.", "number 36"),
        ("The HL-30 Probe is covered for thirty months from the day of delivery.", "number 30"),
        ("The HL-30 Probe is covered for 24 days from the day of delivery.", "unit 24 day"),
        ("The HL-50 Road is covered for 24 months from the day of delivery.", "name HL-50"),
        ("The Pro Probe is covered for 24 months. Ask Miller.", "name Pro"),
        ("Water damage is covered.", "denies"),
        ("Batteries are not covered for 6 months.", "denies"),
        ("The probe is covered for 24 months and we will replace it.", "promise we will"),
        ("The probe is covered for 24 months, free of charge.", "promise free of charge"),
        ("Our engineers love to drink coffee in the garden.", "not in the sources"),
        (f"**{ASKED_EN}**\n\n{ASKED_EN}", "only in the question"),
        ("Your warranty is long.", "only in the question"),
        ("Batteries are covered for 6 months because of water damage.", "cause because"),
        ("See https://evil.example/refund for the HL-30 Probe.", "address"),
        ("保修期是 24 个月。", "another language"),
        ("Hello [NAME], the probe is covered for 24 months.", "a placeholder"),
        ("", "nothing written"),
        (WARRANTY * 3, "too long"),
    ],
)
def test_a_lie_is_refused(draft: str, why: str) -> None:
    assert why in refuse(draft, sources=[WARRANTY], question=ASKED_EN, language="en")


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        ("付款后 90 天内可以申请发票。", "number 90"),
        ("付款后 180 小时内可以申请发票。", "unit 180 hour"),
        ("发票在三十个工作日内开出。", "number 30"),
        ("发票可以申请 3 次。", "count 3 次"),
        ("已拆封的标签可以退货。", "denies"),
        ("付款后 180 天内可以申请发票，我们会赔偿。", "promise"),
        ("付款后 180 天内可以向《税务总局》申请发票。", "quotation"),
        ("今天天气很好，适合去公园散步。", "not in the sources"),
        (ASKED_ZH, "nothing of the sources"),
    ],
)
def test_a_chinese_lie_is_refused(draft: str, why: str) -> None:
    assert why in refuse(draft, sources=[BILL], question=ASKED_ZH, language="zh")


@pytest.mark.parametrize(
    ("source", "question", "draft"),
    [
        (
            "管理员打开**设置 > API 密钥 > 新建**，选择权限（只读或读写）和站点。密钥只显示一次。",
            "谁有权限取消订阅？",
            "只有管理员可以取消订阅。",
        ),
        (
            "Yes. A trial kit of one gateway is free for 30 days; you pay only the return parcel.",
            "We only need the sensors in summer. Can we stop paying in winter?",
            "Yes, you can stop paying for the sensors in winter.",
        ),
    ],
)
def test_what_only_the_question_supposes_is_no_fact(source: str, question: str, draft: str) -> None:
    """Both were written by a real model that had been given the wrong article."""
    language: Language = "zh" if "谁" in question else "en"
    assert "only in the question" in refuse(draft, sources=[source], question=question, language=language)


@pytest.mark.parametrize(("number", "passes"), [("120", True), ("5", False), ("3", False)])
def test_a_number_of_a_table_counts_what_the_source_speaks_of(number: str, passes: bool) -> None:
    table = "| 套餐 | 每分钟次数 |\n|---|---|\n| 商务版 | 120 |\n\n数据保留 5 年，每周备份 3 份。"
    draft = f"商务版每分钟 {number} 次。"
    refused = refuse(draft, sources=[table], question="商务版每分钟多少次？", language="zh")
    assert (refused == "") is passes


@given(st.text(max_size=200), st.sampled_from(["en", "zh"]))
def test_no_text_breaks_the_check(draft: str, language: str) -> None:
    assert isinstance(
        refuse(draft, sources=[WARRANTY, BILL], question=draft, language="zh" if language == "zh" else "en"),
        str,
    )


@given(st.integers(0, 10**9))
def test_a_number_that_the_source_does_not_have_never_passes(number: int) -> None:
    draft = f"The HL-30 Probe is covered for {number} months from the day of delivery."
    refused = refuse(draft, sources=[WARRANTY], question=ASKED_EN, language="en")
    assert bool(refused) is (number not in (24, 6))


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("I am Anna Berg, anna.berg@example.com, +47 912 34 567.", "I am [NAME], [EMAIL], [PHONE]."),
        ("我是王芳，电话 13800138000，邮箱 wang@example.cn", "我是[NAME]，电话 [PHONE]，邮箱 [EMAIL]"),
        ("Card 4111111111111111, passport E12345678", "Card [NUMBER], passport [NUMBER]"),
        ("身份证 11010519491231002X", "身份证 [NUMBER]"),
        (
            "How long is 24 months? HL-30, TCP 8883, 1,290 CNY",
            "How long is 24 months? HL-30, TCP 8883, 1,290 CNY",
        ),
        ("Annabel is not Anna Berg", "Annabel is not [NAME]"),
    ],
)
def test_people_are_covered_and_products_are_not(text: str, covered: str) -> None:
    assert withhold(text, ["Anna Berg", "王芳", ""]) == covered


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("How long is 24 months? HL-30, TCP 8883", "How long is 24 months? HL-30, TCP 8883"),
        ("Which ports? kim@example.com", "Which ports?"),
        ("怎么退货？电话 13800138000", "怎么退货？电话"),
        ("13800138000", "13800138000"),
    ],
)
def test_addresses_of_people_are_not_looked_up(text: str, asked: str) -> None:
    assert without_addresses(text) == asked
