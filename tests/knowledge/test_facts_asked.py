"""Which kind of fact a question asks for, and which a sentence or a table row holds; zh and en. Pure."""

import time

import pytest

from assistant.turn import check_question
from backend.service.rules import LONGEST_MESSAGE
from knowledge.facts_asked import facts_asked, facts_held, may_hold_a_way


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("What does a gateway cost?", {"money"}),
        ("How much is a gateway?", {"money"}),
        ("How much cheaper is it?", {"share"}),
        ("How much time does it take?", {"length of time"}),
        ("Is there a fee?", {"charge"}),
        ("How long is the warranty?", {"length of time"}),
        ("How many working days until it comes?", {"length of time"}),
        ("What is the preset delay?", {"length of time"}),
        ("How many probes do I need?", {"count"}),
        ("What is the limit of requests?", {"count"}),
        ("When do you open?", {"moment", "length of time"}),
        ("When the door opens, why is there an alarm?", set()),
        ("At what hour do you open?", {"moment"}),
        ("What is the tax rate?", {"share"}),
        ("Which temperature may it have?", {"temperature"}),
        ("How far does the radio reach?", {"distance"}),
        ("How heavy is it?", {"weight"}),
        ("Which voltage does it take?", {"voltage"}),
        ("Why is my battery empty?", set()),
        ("Can I pay with PayPal?", set()),
        ("校准要多少钱", {"money"}),
        ("短信怎么收费？", {"money", "charge"}),
        ("要不要钱？", {"charge"}),
        ("记录仪多久校准一次？", {"length of time"}),
        ("要几个工作日？", {"length of time"}),
        ("什么时候扣费？", {"moment", "length of time"}),
        ("下午几点前下单？", {"moment"}),
        ("要放多少支探头？", {"count"}),
        ("最多几条规则？", {"count"}),
        ("有没有折扣？", {"share"}),
        ("零下多少度？", {"temperature", "count"}),
        ("网关该装多高？", {"distance"}),
        ("这台多重？", {"weight"}),
        ("能接多少伏的电？", {"voltage", "count"}),
        ("能省多少？", {"money", "share", "length of time", "count"}),
        ("怎么申请发票？", {"way"}),
        ("How can I return a device?", {"way"}),
        ("How do I know that it is full?", set()),
        ("怎么回事？", set()),
        ("三点校准一支多少钱？\n怎么预约？", {"way"}),
    ],
)
def test_the_kind_of_fact_that_a_question_asks_for(question: str, kinds: set[str]) -> None:
    assert facts_asked(question) == kinds


@pytest.mark.parametrize(
    ("text", "head", "kinds"),
    [
        ("Each further SMS is EUR 0.08.", "", {"money", "charge"}),
        ("The test is free of charge.", "", {"charge"}),
        ("测试不收费。", "", {"charge"}),
        ("- HL-30U: 72 hours on its battery", "", {"length of time"}),
        ("3. Send them back.", "", set()),
        ("3. 打印标签。", "", set()),
        ("Ten.", "", {"count"}),
        ("About 150 m through a wall.", "", {"distance"}),
        ("It accepts 8 to 36 V DC.", "", {"voltage", "count"}),
        ("Each weighs 90 g.", "", {"weight", "count"}),
        ("Below −60 °C it stops.", "", {"temperature"}),
        ("Invoices come on Mondays.", "", {"moment"}),
        ("Orders leave by 15:00.", "", {"moment"}),
        ("| HG-4 Gateway | 2,380 | 369 |", "| Device | CNY | USD |", {"money", "charge", "count"}),
        ("| HG-4 Gateway | 2,380 | 369 |", "| Device | A | B |", {"count"}),
        ("| 三点校准，每支 | 260 |", "| | 人民币 |", {"money", "charge", "count"}),
        ("| United Kingdom | 5–7 |", "| To | Days |", {"length of time", "count"}),
        ("| Price EUR | 0 | 2.50 |", "| | Starter | Team |", {"money", "charge", "count"}),
        ("| red | battery empty |", "| Light | Meaning |", set()),
    ],
)
def test_the_kinds_of_fact_that_a_place_holds(text: str, head: str, kinds: set[str]) -> None:
    assert facts_held(text, head) == kinds


@pytest.mark.parametrize(
    ("heading", "may"),
    [
        ("", True),
        ("How do I return it?", True),
        ("What cannot be returned?", False),
        ("What can't be exchanged", False),
        ("How do I read a probe that can't reach the gateway?", True),
        ("Notes", True),
        ("哪些不能退？", False),
        ("收不到短信怎么办？", True),
        ("手机无法登录怎么办？", True),
        ("不在保修范围", True),
    ],
)
def test_where_a_way_may_stand(heading: str, may: bool) -> None:
    assert may_hold_a_way(heading) is may


@pytest.mark.parametrize(
    "words", ["how much is ", "what which ", "what rate price ", "when, when ", "收费要", "多少几"]
)
def test_the_longest_message_costs_no_more_than_its_length(words: str) -> None:
    message = check_question((words * LONGEST_MESSAGE)[:LONGEST_MESSAGE])
    started = time.process_time()
    facts_asked(message)
    assert time.process_time() - started < 1.5  # a gap without a bound took seven seconds
