"""Quotes that end soon are told to their owner, while it matters."""

from datetime import datetime, timedelta
from typing import Any

from notifications.due_dates import dates_of_record
from tests.crew import Crew
from tests.notifications.test_occasions import lines
from tests.notifications.test_planning import prefer
from tests.notifications.test_reminders import dates, settle, tell
from tests.sales.test_quotes import FIELDS, draft, move

MINUTE = timedelta(minutes=1)


async def sent(crew: Crew) -> tuple[dict[str, Any], datetime]:
    """Return a sent quote of the rep's, and when its last day is over."""
    made = await draft(
        crew, validUntil=(crew.house.store.clock.now() + timedelta(days=30)).date().isoformat()
    )
    quote = await move(crew.rep, "quoteSend", made["id"])
    assert quote["status"] == "SENT", quote
    return quote, datetime.fromisoformat(quote["expiresAt"])


async def test_its_owner_is_told_three_days_ahead_once_and_nobody_else(crew: Crew) -> None:
    quote, end = await sent(crew)
    await tell(crew, end - timedelta(days=3) - MINUTE)
    assert await lines(crew.rep) == []
    for _ in range(2):
        await tell(crew, end - timedelta(days=3) + MINUTE)
    assert await lines(crew.rep) == [("quote_expiring", "Quote expires: 冷库监测")]
    for person in (crew.colleague, crew.stranger, crew.manager):
        assert await lines(person) == []
    [line] = (await crew.rep.ask("{ notifications { nodes { subjectKind subjectId } } }"))["notifications"][
        "nodes"
    ]
    assert line == {"subjectKind": "quote", "subjectId": quote["id"]}


async def test_what_is_not_sent_or_was_answered_is_nobodys_news(crew: Crew) -> None:
    await draft(crew, validUntil="2999-01-31")
    accepted, end = await sent(crew)
    edited, _ = await sent(crew)
    await settle(crew)
    assert {one.record_id for one in await dates(crew, "quote_expiring")} == {accepted["id"], edited["id"]}
    await move(crew.rep, "quoteAccept", accepted["id"])
    await crew.rep.do("quoteUpdate", {"id": edited["id"], "terms": "Others"})
    await tell(crew, end - MINUTE)
    assert await dates(crew, "quote_expiring") == []
    assert await lines(crew.rep) == []


async def test_after_its_last_day_it_lapses_and_a_later_day_is_told_anew(crew: Crew) -> None:
    quote, end = await sent(crew)
    await tell(crew, end + MINUTE)  # the tick was away
    assert await lines(crew.rep) == []
    later = {"id": quote["id"], "validUntil": (end + timedelta(days=30)).date().isoformat()}
    edited = await crew.rep.do("quoteUpdate", later, FIELDS)
    assert (edited["status"], edited["revision"]) == ("DRAFT", 2)
    again = await move(crew.rep, "quoteSend", quote["id"])
    await tell(crew, datetime.fromisoformat(again["expiresAt"]) - timedelta(days=1))
    assert await lines(crew.rep) == [("quote_expiring", "Quote expires: 冷库监测")]


async def test_the_owner_says_how_long_before(crew: Crew) -> None:
    quote, end = await sent(crew)
    await settle(crew)
    await prefer(crew.rep, ahead=[{"type": "quote_expiring", "minutes": 7 * 24 * 60}])
    await settle(crew)
    [kept] = (await dates_of_record(crew.workspace_id, quote["id"])).values()
    assert kept.due_at == end - timedelta(days=7)
