"""Who asks when people are there is told the workspace's own hours; nothing else is answered with them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assistant.hours_asked import HoursAsked, days_meant, hours_asked
from assistant.hours_told import tell_hours
from assistant.opening_hours import OpeningHours
from assistant.understand import understand
from backend.service.calendar import Calendar, Span
from backend.service.documents import Ticket
from tests.assistant.conftest import ASK, Desk
from tests.assistant.test_policy import ALWAYS, WEEK, ask, set_policy
from tests.crew import Crew

ASKS = """
你好呀，这么晚还有人吗
大半夜的有人在吗
hello is anyone there this late?
When do you open?
你们周末有人吗？
几点下班？
are you there on Sunday?
现在有人在吗
what are your opening hours
are you open on Christmas day?
is anyone there right now?
国庆放假吗
你们几点上班
客服时间是几点到几点
what time does support close today?
until when can I call you
are you closed tomorrow?
周六能找到人工吗
明天上班吗
营业时间
春节期间有人值班吗
Do you work weekends
when can I reach a human
晚上有客服吗
are you open 24/7
你们是24小时的吗
till what time are you available on Friday
你们什么时候开门
hours?
is support available at night?
下午五点还有人吗
what time zone are your hours in
请问客服几点下班呀
can i reach you on new year's eve
几点有真人
when will somebody answer me
when will somebody look at it
""".strip().splitlines()

ASKS_SOMETHING_ELSE = """
how do I open a ticket
opening the valve
工作时间记录
电池能工作多长时间
when does the warranty start
when does my order ship
how do I set working hours for alarms
怎么设置报警的工作时间段
when will the gateway be back online
what time does the logger record
can I open the logger
记录仪几点上传数据
周末报警会发吗
我的工单什么时候处理
when does the door open sensor trigger
门开报警
the door was open on Sunday, where do I see it
我周日下的单什么时候发货
are there any open tickets
现在有货吗
is anyone using the new firmware
how do I change the time zone of the logger
夏令时怎么设置
what time is it
the hours in the report are wrong
do alarms work at the weekend
how many hours does the battery last
when is my technician coming
do you have an office in Berlin
你们周末发货吗
how can I reach support
talk to a human now
can I talk to somebody now
there is nobody here, is anybody there?
有人吗
放假期间冷库出问题找谁
周末也能换电池吗
when will somebody look at my gateway
when does the calibration lab open its certificate portal
""".strip().splitlines()
CREATE_CALENDAR = """mutation($input: BusinessCalendarCreateInput!) { businessCalendarCreate(input: $input) {
    __typename ... on BusinessCalendar { id version } ... on Error { code message } } }"""
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]


@pytest.mark.parametrize("text", ASKS)
def test_a_question_for_the_hours_is_one(text: str) -> None:
    assert understand(text).hours is not None


@pytest.mark.parametrize("text", ASKS_SOMETHING_ELSE)
def test_nothing_else_is(text: str) -> None:
    assert understand(text).hours is None


TODAY = date(2026, 11, 30)  # a Monday


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("are you open today", ["2026-11-30"]),
        ("明天上班吗", ["2026-12-01"]),
        ("后天有人吗", ["2026-12-02"]),
        ("do you work weekends", ["2026-12-05", "2026-12-06"]),
        ("are you open on monday", ["2026-11-30"]),
        ("are you there on sunday", ["2026-12-06"]),
        ("are you open on christmas eve", ["2026-12-24"]),
        ("are you open on new year's day", ["2027-01-01"]),
        ("圣诞节上班吗", ["2026-12-25"]),
        ("are you open on december 24th", ["2026-12-24"]),
        ("are you open on the 2nd of january", ["2027-01-02"]),
        ("12月24号上班吗", ["2026-12-24"]),
        ("2月30号上班吗", []),
        ("春节期间有人值班吗", ["2027-02-05", "2027-02-06"]),
    ],
)
def test_days_are_meant_from_today_on(text: str, dates: list[str]) -> None:
    names = [(date(2026, 2, 16), "春节"), (date(2027, 2, 5), "春节"), (date(2027, 2, 6), "春节")]
    asked = hours_asked(text)
    assert asked is not None
    meant = days_meant(asked, TODAY, names=names, entered=[day for day, _ in names])
    assert [day.isoformat() for day in meant.dates] == dates


def test_a_stretch_is_told_day_by_day() -> None:
    asked = hours_asked("and between christmas and new year", follows_hours=True)
    assert asked == HoursAsked(("christmas", "new year"), is_range=True)
    meant = days_meant(asked, TODAY, names=[], entered=[])
    assert (meant.dates[0], meant.dates[-1], len(meant.dates)) == (date(2026, 12, 25), date(2027, 1, 1), 8)
    assert meant.unentered == ("christmas", "new year")


DAY = (Span(9 * 60, 12 * 60), Span(13 * 60, 17 * 60 + 30))
CHRISTMAS = date(2026, 12, 25)
HOURS = OpeningHours(
    calendar=Calendar("Europe/Amsterdam", (DAY,) * 5 + ((),) * 2, ((CHRISTMAS, ()),)),
    kind="business_calendar",
    record_id="office",
    version=3,
    names=((CHRISTMAS, "Christmas"),),
)
MIDNIGHT = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # half past twelve on Tuesday there


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        (
            "when do you open",
            "en",
            (
                "Nobody of our team is there now; next from Tuesday 2026-12-01 09:00 (Europe/Amsterdam).\n"
                "Our hours, in Europe/Amsterdam time:\n"
                "- Monday to Friday: 09:00–12:00 and 13:00–17:30\n- Saturday to Sunday: nobody is there"
            ),
        ),
        (
            "圣诞节上班吗",
            "zh",
            (
                "现在没有同事在，周二（2026-12-01）09:00（Europe/Amsterdam）起有人。\n"
                "我们的工作时间（Europe/Amsterdam 时区）：\n- 2026-12-25 周五（Christmas）：没有人"
            ),
        ),
        (
            "are you open on new year's day",
            "en",
            (
                "Nobody of our team is there now; next from Tuesday 2026-12-01 09:00 (Europe/Amsterdam).\n"
                "Our hours, in Europe/Amsterdam time:\n- Friday 2027-01-01: 09:00–12:00 and 13:00–17:30\n"
                "- No hours of its own are entered for “new year's day”: what stands here is the usual week."
            ),
        ),
        (
            "现在有人在吗",
            "zh",
            (
                "现在没有同事在，周二（2026-12-01）09:00（Europe/Amsterdam）起有人。\n"
                "您随时可以问我；如需同事回复，请说“转人工”，他们会在这里看到。"
            ),
        ),
    ],
)
def test_what_is_said_stands_in_the_calendar(text: str, language: Any, said: str) -> None:
    asked = hours_asked(text)
    assert asked is not None
    (fact,) = tell_hours(asked, HOURS, language, at=MIDNIGHT).facts
    assert (fact.kind, fact.record_id, fact.version) == ("business_calendar", "office", 3)
    assert fact.quote == said


async def test_with_no_hours_set_it_is_asked_as_any_other_question(crew: Crew) -> None:
    assert (await ask(crew.customer, "When do you open?"))["reason"] == "NOTHING_FOUND"
    assert (await ask(crew.customer, "现在有人在吗"))["reason"] == "CUSTOMER_ASKED_FOR_HUMAN"


async def test_the_assistants_own_hours_are_told_and_make_no_ticket(crew: Crew) -> None:
    await set_policy(crew, hours=WEEK, timeZone="Asia/Shanghai")
    answer = await ask(crew.customer, "你们几点下班？")
    assert (answer["decision"], answer["reason"], answer["ticket"]) == ("ANSWERED", "FOUND_IN_RECORDS", None)
    assert answer["text"].endswith("- 周一至周五：09:00–18:00\n- 周六至周日：没有人")
    assert "Asia/Shanghai" in answer["text"]
    unit = crew.house.store.unit_of_work(crew.system)
    assert await unit.find(Ticket) == []


async def test_without_hours_of_its_own_it_tells_those_of_the_working_calendar_and_promises_by_them(
    crew: Crew,
) -> None:
    today = datetime.now(UTC).date()
    given = {
        "name": "Office",
        "timeZone": "UTC",
        "isDefault": True,
        "weeklyHours": [{"weekday": day, "spans": [{"start": "00:00", "end": "24:00"}]} for day in DAYS],
        "holidays": [
            {"date": (today + timedelta(days=ahead)).isoformat(), "name": "Stocktaking"}
            for ahead in range(-1, 9)
        ],
    }
    made = (await crew.admin.ask(CREATE_CALENDAR, input=given))["businessCalendarCreate"]
    assert made["__typename"] == "BusinessCalendar"
    answer = await ask(crew.customer, "Are you there today?")
    assert answer["reason"] == "FOUND_IN_RECORDS"
    weekday = today.strftime("%A")
    assert answer["text"].endswith(f"- {weekday} {today.isoformat()} (Stocktaking): nobody is there")
    waits = await ask(crew.customer, "I want to talk to a human")
    assert waits["reason"] == "CUSTOMER_ASKED_FOR_HUMAN"
    assert "our team is there from" in waits["text"]
    # Who only asks whether somebody is there now is told, and may still ask for them.
    asked = await ask(crew.customer, "Is anyone there right now?")
    assert (asked["reason"], asked["ticket"]) == ("FOUND_IN_RECORDS", None)
    assert "talk to a person" in asked["text"]
    # Who waits is told of their ticket instead; and people are told of what is urgent outside their hours.
    more = {"conversationId": waits["conversation_id"], "text": "现在有人吗"}
    again = (await crew.customer.ask(ASK, input=more))["ask"]
    assert again["ticket"] == waits["ticket"]
    urgent = await ask(crew.customer, "our freezer is thawing with insulin inside")
    assert "they are told now, by night as well; their hours begin on" in urgent["text"]
    # The assistant's own hours, once set, come first.
    await set_policy(crew, hours=ALWAYS)
    assert (await ask(crew.customer, "Are you there today?"))["text"].startswith("Our team is there now")
    granted = await ask(crew.customer, "现在有人在吗")
    assert (granted["reason"], granted["ticket"] is None) == ("CUSTOMER_ASKED_FOR_HUMAN", False)


async def test_a_day_alone_is_understood_after_the_hours(crew: Crew) -> None:
    await set_policy(crew, hours=WEEK, timeZone="Asia/Shanghai")
    start = 'mutation { startConversation(input: {subject: "Chat"}) { id } }'
    conversation_id = (await crew.customer.ask(start))["startConversation"]["id"]
    said = []
    for text in ("几点下班？", "那周日呢"):
        given = {"conversationId": conversation_id, "text": text}
        data = await crew.customer.ask(
            "mutation($input: AskInput!) { ask(input: $input) { text } }", input=given
        )
        said.append(data["ask"]["text"])
    assert said[1].endswith("周日：没有人")


async def test_of_the_hours_in_general_an_article_that_tells_them_says_more(desk: Desk) -> None:
    await set_policy(desk.crew, hours=WEEK, timeZone="Asia/Shanghai")
    try:
        general = await desk.ask(desk.crew.customer, "When is support there?")
        of_a_day = await desk.ask(desk.crew.customer, "Is support there on Sunday?")
    finally:
        await set_policy(desk.crew, hours=[])
    assert general["reason"] == "FOUND_IN_ARTICLE"
    assert [one["article"]["id"] for one in general["citations"]] == [desk.ids["service-level-en"]]
    assert "Asia/Shanghai" in general["text"].split("\n\n")[-1], "whether somebody is there now stands below"
    assert (of_a_day["reason"], of_a_day["citations"]) == ("FOUND_IN_RECORDS", [])
