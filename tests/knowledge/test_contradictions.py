"""What two passages contradict each other in, and what only looks like it; quantities and denials. Pure."""

import pytest

from knowledge.contradictions import Contradiction, find_contradiction
from knowledge.passage_index import IndexedPassage
from knowledge.passages import Passage
from knowledge.quantities import Quantity, contradicting, read_quantities
from knowledge.review import Finding, compare
from knowledge.shelved_articles import ShelvedPassage
from knowledge.text import guess_language, tokens

Text = tuple[str, str]  # title and body

CONTRADICT: list[tuple[Text, Text]] = [
    (
        ("Returning goods", "You may return goods within 14 days of delivery."),
        ("How to return an order", "Goods may be returned within 30 days of delivery."),
    ),
    (("退货说明", "商品签收后7天内可以申请退货。"), ("如何退货", "商品签收后15天内可以申请退货。")),
    (
        ("Prices", "The Team plan costs $20 per user and month."),
        ("What the Team plan costs", "The Team plan costs $25 per user and month."),
    ),
    (("价格", "团队版每用户每月120元。"), ("团队版价格", "团队版每用户每月150元。")),
    (
        ("Export", "Invoices can be exported as PDF."),
        ("Exporting invoices", "Invoices cannot be exported as PDF."),
    ),
    (("发票导出", "发票可以导出为PDF。"), ("导出发票", "发票不能导出为PDF。")),
    (
        ("Alarm while offline", "The logger does not sound the alarm while it is offline."),
        ("Offline loggers", "The logger sounds the alarm while it is offline."),
    ),
    (("退款到账", "促销商品支持无理由退货。"), ("促销商品", "促销商品不支持无理由退货。")),
    (
        ("Support hours", "Phone support is open from 9:00 to 18:00 on weekdays."),
        ("When can I call support", "Phone support is open from 8:00 to 20:00 on weekdays."),
    ),
    (
        ("客服时间", "电话客服工作日9:00至18:00服务。"),
        ("什么时候可以打电话", "电话客服工作日8:00至20:00服务。"),
    ),
    (
        ("End of version 2", "Version 2 of the API is switched off on 31 March 2026."),
        ("API version 2", "Version 2 of the API is switched off on 30 June 2026."),
    ),
    (("旧版接口下线", "旧版接口将于2026年3月31日下线。"), ("旧版接口", "旧版接口将于2026年6月30日下线。")),
    (
        ("Range of the T2 sensor", "The T2 sensor measures from -40 °C to 85 °C."),
        ("T2 sensor data sheet", "The T2 sensor measures from -20 °C to 60 °C."),
    ),
    (
        ("Warranty", "The warranty on sensors lasts two years."),
        ("How long is the warranty", "The warranty on sensors lasts three years."),
    ),
    (("保修", "传感器保修期为两年。"), ("保修多久", "传感器保修期为三年。")),
    (
        ("Contact", "Our number in Norway is +47 22 00 11 22."),
        ("Call us", "Our number in Norway is +47 55 66 77 88."),
    ),
    (
        ("Cancelling late", "Cancelling later than that costs 20% of the order."),
        ("Fees for cancelling", "Cancelling later than that costs 50% of the order."),
    ),
    (
        ("Shipping", "Shipping within Norway is free of charge."),
        ("What shipping costs", "Shipping within Norway is not free of charge."),
    ),
    (("Trial", "The free trial lasts 14 days."), ("Trying the product", "A free trial lasts for 30 days.")),
    (("试用", "免费试用期为14天。"), ("免费试用", "免费试用期是30天。")),
    (
        ("Attachments", "Attachments may be up to 10 MB."),
        ("Size of attachments", "Attachments may be up to 25 MB."),
    ),
    (("附件大小", "附件最大10MB。"), ("附件", "附件最大25MB。")),
    (
        ("Deleted records", "Deleted records can be restored by an admin."),
        ("Restoring", "Deleted records can never be restored."),
    ),
    (("Password", "Passwords expire after 90 days."), ("Passwords", "Passwords expire after six months.")),
    (
        ("Invoices", "Invoices are due within 30 days."),
        ("Paying an invoice", "Every invoice is due within 14 days."),
    ),
    (("发票", "发票须在30日内付款。"), ("付款期限", "发票须于14日内付款。")),
    (("Users", "The Team plan includes five users."), ("Team plan", "The Team plan includes 10 users.")),
    (
        ("Port", "The gateway needs TCP port 8883 to be open."),
        ("Firewall", "The gateway needs TCP port 1883 to be open."),
    ),
]
AGREE: list[tuple[Text, Text]] = [
    (
        ("Contact in Norway", "Call us in Norway on +47 22 00 11 22."),
        ("Contact in China", "Call us in China on +86 21 5555 1234."),
    ),
    (("联系我们", "中国客户请拨打 +86 21 5555 1234。"), ("海外联系方式", "挪威客户请拨打 +47 22 00 11 22。")),
    (
        ("Team plan", "The Team plan keeps readings for 12 months."),
        ("Enterprise plan", "The Enterprise plan keeps readings for 36 months."),
    ),
    (("团队版", "团队版数据保存12个月。"), ("企业版", "企业版数据保存36个月。")),
    (
        ("Returning goods", "You may return goods within 14 days of delivery."),
        ("Returning goods, in short", "You may return goods within two weeks of delivery."),
    ),
    (("保修", "传感器保修期为两年。"), ("保修期", "传感器保修期为24个月。")),
    (
        ("Answer times", "We answer tickets within 24 hours."),
        ("When do you answer", "We answer tickets within 1 day."),
    ),
    (
        ("Return period", "You may return goods within 14 days."),
        ("Refund time", "We refund the money within 5 days."),
    ),
    (("退货期限", "商品签收后7天内可以退货。"), ("退款时间", "退款将在3天内原路退回。")),
    (
        ("Export", "Invoices can be exported as PDF."),
        ("Exporting", "Invoices can be exported not only as PDF but also as CSV."),
    ),
    (
        ("Export", "Invoices can be exported as PDF."),
        ("Drafts", "Drafts of invoices cannot be exported as PDF."),
    ),
    (("发票导出", "发票可以导出为PDF。"), ("草稿", "草稿不能导出为PDF。")),
    (
        ("Delivery in Norway", "Delivery in Norway takes 2 working days."),
        ("Delivery in China", "Delivery in China takes 5 working days."),
    ),
    (
        ("T2 sensor", "The T2 sensor has a battery life of 2 years."),
        ("T5 sensor", "The T5 sensor has a battery life of 5 years."),
    ),
    (
        ("Password rules", "A password has at least 12 characters."),
        ("Password length", "A password has at most 64 characters."),
    ),
    (
        ("Working without a network", "The app does not need a network to record visits."),
        ("Offline", "The app records visits without a network."),
    ),
    (("离线使用", "没有网络时也可以记录拜访。"), ("离线", "无需网络即可记录拜访。")),
    (
        ("Release of version 3", "Version 3 of the API came out on 1 October 2025."),
        ("End of version 2", "Version 2 of the API is switched off on 30 June 2026."),
    ),
    (
        ("Trial", "The free trial lasts 14 days."),
        ("Trying", "The free trial lasts two weeks and needs no card."),
    ),
    (("试用", "免费试用期为14天。"), ("免费试用", "免费试用两周，无需信用卡。")),
    (("Photos", "Photos may be up to 10 MB."), ("Videos", "Videos may be up to 200 MB.")),
    (("图片大小", "图片最大10MB。"), ("视频大小", "视频最大200MB。")),
    (
        ("Alarm levels", "At level 1 the alarm is sent after 5 minutes."),
        ("Escalation", "At level 2 the alarm is sent after 15 minutes."),
    ),
    (("告警级别", "一级告警5分钟后发送。"), ("升级", "二级告警15分钟后发送。")),
    (
        ("Support", "Support answers within 4 hours on weekdays."),
        ("Support at weekends", "Support answers within 24 hours at weekends."),
    ),
    (
        ("Refunds", "Refunds are paid to the same card."),
        ("Refunds abroad", "Refunds are not paid in cash but to the same card."),
    ),
    (("上海仓库", "上海仓库9:00开门。"), ("广州仓库", "广州仓库8:30开门。")),
    (
        ("Warranty of loggers", "The HL-30 has a warranty of 24 months."),
        ("Warranty of gateways", "The HG-4 has a warranty of 36 months."),
    ),
    (
        ("Minimum order", "The minimum order is 10 units."),
        ("Maximum order", "The maximum order is 500 units."),
    ),
]
TRANSLATIONS = [
    ("You may return goods within 14 days of delivery.", "商品签收后30天内可以申请退货。", True),
    ("The Team plan costs $20 per user and month.", "团队版每用户每月25美元。", True),
    ("A yearly payment saves 10%.", "按年付款可省20%。", True),
    ("You may return goods within 14 days of delivery.", "商品签收后14天内可以申请退货。", False),
    (
        "Loggers are calibrated once a year and the certificate is valid for 12 months.",
        "记录仪每年校准一次，证书有效期为12个月。",
        False,
    ),
    ("The office opens at 9 am.", "办公室上午9:00开门。", False),
]


def contradictions(one: Text, other: Text) -> list[Finding]:
    """What the review finds in two passages, apart from repetitions."""
    passages = []
    for id, (title, body) in (("a", one), ("b", other)):
        indexed = IndexedPassage(f"{id}@1/0#0", f"{id}@1", guess_language(body))
        words = tuple(tokens(f"{title} {body}"))
        passages.append(ShelvedPassage(title, Passage(0, (), body, 0, len(body)), indexed, body, words, "0"))
    found = [pair.finding for pair in compare(*passages)]
    return [finding for finding in found if finding is not Finding.NEAR_DUPLICATE]


@pytest.mark.parametrize(("one", "other"), CONTRADICT)
def test_what_contradicts_is_found_from_either_side(one: Text, other: Text) -> None:
    assert len(contradictions(one, other)) == len(contradictions(other, one)) == 1


@pytest.mark.parametrize(("one", "other"), AGREE)
def test_what_speaks_of_two_things_or_says_the_same_is_no_contradiction(one: Text, other: Text) -> None:
    assert contradictions(one, other) == contradictions(other, one) == []


@pytest.mark.parametrize(("one", "other", "differ"), TRANSLATIONS)
def test_translations_are_compared_by_what_they_measure(one: str, other: str, differ: bool) -> None:
    found = contradicting(read_quantities(one), read_quantities(other), same_counts=False)
    assert (found is not None) is differ


@pytest.mark.parametrize(
    ("text", "quantities"),
    [
        ("Within 30 days, or 1,200.50 CNY", {("time", 30), ("CNY", 1200.5)}),
        ("CNY 0.10, €5 or 9 USD", {("CNY", 0.1), ("EUR", 5), ("USD", 9)}),
        ("seven calendar days after two e-mails", {("time", 7), ("count", 2)}),
        ("within one week, by one man", {("time", 7)}),
        ("no one may enter", set()),
        ("七个自然日内退回，最多两次", {("time", 7), ("count", 2)}),
        ("三十天，一百二十元，百分之五", {("time", 30), ("CNY", 120), ("%", 5)}),
        ("一天内，一起去，万一下雨", {("time", 1)}),
        ("第三章，二级告警，三方", set()),
        ("第３０条", {("count", 30)}),
        ("version 1.2.3 of the app on the HL-30", set()),
        ("from −40 °C to 85 ℃", {("°", -40), ("°", 85)}),
        ("9:00 to 6 pm", {("clock", 540), ("clock", 1080)}),
        ("2026年3月31日, 31 March 2026, March 31, 2026, 2026-03-31", {("date", 2026 * 372 + 3 * 31 + 31)}),
        ("write +47… and not 0086 21 5555", {("telephone", 47), ("telephone", 86215555)}),
        ("", set()),
    ],
)
def test_quantities_are_read_in_digits_and_in_words(text: str, quantities: set[tuple[str, float]]) -> None:
    assert {(found.kind, round(found.value, 6)) for found in read_quantities(text)} == quantities


def test_units_are_put_together_and_bounds_of_other_sides_do_not_meet() -> None:
    (day,) = read_quantities("24 hours")
    (same,) = read_quantities("one day")
    assert not day.contradicts(same)
    assert not Quantity("count", 12, bound="least").contradicts(Quantity("count", 64, bound="most"))
    assert Quantity("count", 12, bound="least").contradicts(Quantity("count", 64))


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("You can return opened probes.", "You cannot return opened probes.", Contradiction.OPPOSITE),
        ("It applies to probes.", "It doesn’t apply to probes.", Contradiction.OPPOSITE),
        ("已拆封的探头可退货。", "已拆封的探头不可退货。", Contradiction.OPPOSITE),
        ("已拆封的探头可以退货。", "已拆封的探头不仅可以退货，还可以换货。", None),
        ("可以退款", "無法退款", Contradiction.OPPOSITE),
        ("Notes are kept.", "Notes are kept.", None),
    ],
)
def test_a_denial_is_told_from_what_looks_like_one(one: str, other: str, found: Contradiction | None) -> None:
    assert find_contradiction(one, other) is found
