"""Working time: laws that hold in every zone over every change of clocks, and days that people know."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.service.calendar import ALWAYS, FORESEEN, Calendar, Span, first_moment, put_together

ZONES = sorted(available_timezones() - {"localtime"})
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NINE_TO_SIX = (Span(9 * 60, 12 * 60), Span(13 * 60, 18 * 60))
OFFICE = ((NINE_TO_SIX,) * 5) + ((),) * 2
SHANGHAI = Calendar("Asia/Shanghai", OFFICE)


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@cache
def changes(zone: str) -> list[datetime]:
    """Return when clocks change in a zone, to the minute, from 1971 to 2037."""
    found, info, step = [], ZoneInfo(zone), timedelta(days=7)
    moment = datetime(1971, 1, 1, tzinfo=UTC)
    while moment.year < 2038:
        if moment.astimezone(info).utcoffset() != (moment + step).astimezone(info).utcoffset():
            early, late = moment, moment + step
            while late - early > MINUTE:
                middle = early + (late - early) // 2
                same = middle.astimezone(info).utcoffset() == early.astimezone(info).utcoffset()
                early, late = (middle, late) if same else (early, middle)
            found.append(late.replace(second=0, microsecond=0))
        moment += step
    return found


@st.composite
def days(draw: st.DrawFn) -> tuple[Span, ...]:
    edges = draw(st.lists(st.integers(0, 24 * 60), max_size=6, unique=True).map(sorted))
    return tuple(Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Return a calendar with some hours, in any zone there is."""
    week = draw(st.tuples(*[days()] * 7).filter(any))
    return Calendar(draw(st.sampled_from(ZONES)), week)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """Return a calendar and a moment, most often within two days of a change of its clocks."""
    calendar = draw(calendars())
    near = draw(st.sampled_from(changes(calendar.time_zone) or [datetime(2026, 11, 29, tzinfo=UTC)]))
    return calendar, near + draw(st.timedeltas(timedelta(days=-2), timedelta(days=2)))


DURATIONS = st.timedeltas(timedelta(), timedelta(hours=200))


@given(cases(), DURATIONS)
def test_what_was_added_lies_between(case: tuple[Calendar, datetime], duration: timedelta) -> None:
    calendar, start = case
    end = calendar.add(start, duration)
    assert end >= start
    assert calendar.between(start, end) == duration
    # It is the first such moment: a little earlier, less has passed.
    if duration:
        assert calendar.between(start, end - timedelta(microseconds=1)) < duration


@given(cases(), DURATIONS, DURATIONS)
def test_adding_is_monotone_and_adds_up(
    case: tuple[Calendar, datetime], one: timedelta, other: timedelta
) -> None:
    calendar, start = case
    assert calendar.add(calendar.add(start, one), other) == calendar.add(start, one + other)
    assert calendar.add(start, min(one, other)) <= calendar.add(start, max(one, other))
    assert calendar.add(start, one) <= calendar.add(start + other, one)


@given(cases(), DURATIONS, DURATIONS)
def test_what_lies_between_adds_up_and_is_never_more_than_time_itself(
    case: tuple[Calendar, datetime], one: timedelta, other: timedelta
) -> None:
    calendar, start = case
    middle, end = start + one, start + one + other
    whole = calendar.between(start, end)
    assert calendar.between(start, middle) + calendar.between(middle, end) == whole
    assert timedelta() <= whole <= end - start
    assert calendar.between(end, start) == (whole if start == end else timedelta())


@given(cases(), DURATIONS)
def test_in_which_zone_a_moment_is_said_changes_nothing(
    case: tuple[Calendar, datetime], duration: timedelta
) -> None:
    calendar, start = case
    zone, end = ZoneInfo(calendar.time_zone), start + duration
    assert calendar.between(start.astimezone(zone), end.astimezone(zone)) == calendar.between(start, end)
    assert calendar.add(start.astimezone(zone), duration) == calendar.add(start, duration)


def shown(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Count by looking at the clock on the wall once a minute: what ``between`` must say of whole minutes.

    A span runs from when the clock first shows its start, and stops when it first shows its end.
    """
    zone, worked, moment = ZoneInfo(calendar.time_zone), timedelta(), start
    furthest = max((start - MINUTE * n).astimezone(zone).replace(tzinfo=None) for n in range(1, 3 * 24 * 60))
    while moment < end:
        furthest = max(furthest, moment.astimezone(zone).replace(tzinfo=None))
        minutes = furthest.hour * 60 + furthest.minute
        if any(span.start <= minutes < span.end for span in calendar.week[furthest.weekday()]):
            worked += MINUTE
        moment += MINUTE
    return worked


@pytest.mark.parametrize(
    "zone",
    [
        *("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Beirut"),
        *("Africa/Casablanca", "America/St_Johns", "Pacific/Apia", "Asia/Shanghai", "Antarctica/Troll"),
    ],
)
def test_over_a_change_of_clocks_it_says_what_the_clock_on_the_wall_shows(zone: str) -> None:
    week = tuple(
        (Span(0, 45), Span(75, 150), Span(165, 195 + place), Span(1_380, 1_440)) for place in range(7)
    )
    calendar = Calendar(zone, week)
    for change in changes(zone)[-4:]:
        start, end = change - 20 * HOUR, change + 20 * HOUR
        assert calendar.between(start, end) == shown(calendar, start, end), change


def test_every_zone_has_days_of_which_each_hour_counts_once() -> None:
    for zone in ZONES:
        round_the_clock = Calendar(zone, ALWAYS.week)
        for change in changes(zone)[-6:]:
            start, end = change - 30 * HOUR, change + 30 * HOUR
            assert round_the_clock.between(start, end) == end - start, (zone, change)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-11-27 16:30", 60, "2026-11-27 17:30"),
        ("2026-11-27 17:30", 60, "2026-11-30 09:30"),  # over the weekend
        ("2026-11-27 11:30", 60, "2026-11-27 13:30"),  # over lunch
        ("2026-11-28 10:00", 480, "2026-11-30 18:00"),  # not Tuesday morning: it is over when the day is
        ("2026-11-27 18:00", 1, "2026-11-30 09:01"),
    ],
)
def test_office_hours(start: str, minutes: int, due: str) -> None:
    assert SHANGHAI.add(at(start), timedelta(minutes=minutes)) == at(due)


def test_holidays_and_days_worked_instead_of_them() -> None:
    """National Day 2026: 1 to 7 October free, the Saturday after it worked."""
    free = tuple((date(2026, 10, day), ()) for day in range(1, 8))
    calendar = Calendar("Asia/Shanghai", OFFICE, (*free, (date(2026, 10, 10), NINE_TO_SIX)))
    assert calendar.add(at("2026-09-30 17:00"), 2 * HOUR) == at("2026-10-08 10:00")
    assert calendar.add(at("2026-10-09 17:00"), 2 * HOUR) == at("2026-10-10 10:00")
    assert calendar.between(at("2026-10-01 00:00"), at("2026-10-12 00:00")) == 24 * HOUR


def test_over_new_year_and_over_many_years() -> None:
    assert SHANGHAI.between(at("2026-12-31 17:00"), at("2027-01-01 10:00")) == 2 * HOUR
    assert SHANGHAI.add(at("2026-12-31 17:00"), 2 * HOUR) == at("2027-01-01 10:00")
    assert ALWAYS.between(datetime(1999, 6, 1, tzinfo=UTC), datetime(2031, 6, 1, tzinfo=UTC)) == (
        datetime(2031, 6, 1, tzinfo=UTC) - datetime(1999, 6, 1, tzinfo=UTC)
    )


def test_hours_that_clocks_skip_or_say_twice() -> None:
    night = Calendar("America/New_York", ((Span(2 * 60 + 30, 3 * 60 + 30),),) * 7)
    # 8 March 2026: 2:00 is 3:00. Of half past two to half past three there is half an hour.
    spring = at("2026-03-08 00:00", "America/New_York")
    assert night.between(spring, spring + 12 * HOUR) == HOUR / 2
    once = Calendar("America/New_York", ((Span(60, 90),),) * 7)
    autumn = at("2026-11-01 00:00", "America/New_York")  # 2:00 is 1:00 again
    assert once.between(autumn, autumn + 12 * HOUR) == HOUR / 2
    both = Calendar("America/New_York", ((Span(0, 120),),) * 7)
    assert both.between(autumn, autumn + 12 * HOUR) == 3 * HOUR
    # Samoa had no 30 December 2011.
    apia = Calendar("Pacific/Apia", ((Span(540, 1080),),) * 7)
    assert (
        apia.between(at("2011-12-29 00:00", "Pacific/Apia"), at("2012-01-01 00:00", "Pacific/Apia"))
        == 18 * HOUR
    )
    assert first_moment(date(2011, 12, 30), 600, ZoneInfo("Pacific/Apia")) == datetime(
        2011, 12, 30, 10, tzinfo=UTC
    )


def test_a_calendar_without_hours_ends_and_time_does_not_go_back() -> None:
    empty = Calendar("UTC", ((),) * 7, ((date(2026, 12, 1), NINE_TO_SIX),))
    start = datetime.combine(date(2026, 11, 29), time(), UTC)
    assert empty.add(start, 8 * HOUR) == datetime(2026, 12, 1, 18, tzinfo=UTC)
    with pytest.raises(OverflowError):
        empty.add(start, 9 * HOUR)
    assert empty.between(start, start + timedelta(days=900)) == 8 * HOUR
    with pytest.raises(ValueError, match="goes forward alone"):
        SHANGHAI.add(start, -MINUTE)


# ── when people are there

AMSTERDAM = Calendar(
    "Europe/Amsterdam", ((Span(9 * 60, 18 * 60),),) * 5 + ((),) * 2, ((date(2026, 3, 30), ()),)
)


@pytest.mark.parametrize(
    ("moment", "opens", "closes"),
    [
        (
            "2026-03-27T12:00",
            "2026-03-27T12:00:00+01:00",
            "2026-03-27T18:00:00+01:00",
        ),  # Friday: they are there
        ("2026-03-27T18:00", "2026-03-31T09:00:00+02:00", "2026-03-31T18:00:00+02:00"),  # over; Monday is off
        ("2026-03-31T08:59", "2026-03-31T09:00:00+02:00", "2026-03-31T18:00:00+02:00"),  # summer time by now
    ],
)
def test_people_open_and_close_in_local_time_over_days_off_and_summer_time(
    moment: str, opens: str, closes: str
) -> None:
    asked = at(moment, "Europe/Amsterdam")
    found, until = AMSTERDAM.opens_next(asked), AMSTERDAM.closes_next(asked)
    assert found is not None
    assert until is not None
    assert (found.isoformat(), until.isoformat()) == (opens, closes)
    assert AMSTERDAM.is_open(asked) == (found == asked)


@given(cases())
def test_people_are_there_from_when_they_open_until_they_close_and_not_before(
    case: tuple[Calendar, datetime],
) -> None:
    calendar, moment = case
    local = calendar.opens_next(moment)
    if local is None:
        assert calendar.between(moment, moment + FORESEEN) == timedelta()
        return
    opens = local.astimezone(UTC)
    assert calendar.is_open(local)
    assert calendar.between(moment, opens) == timedelta()
    assert calendar.is_open(moment) == (opens == moment)
    end = calendar.closes_next(moment)
    if end is not None:
        closes = end.astimezone(UTC)
        assert not calendar.is_open(closes)
        assert calendar.between(opens, closes) == closes - opens


def test_nobody_promises_a_time_that_never_comes_or_an_end_that_never_does() -> None:
    off = tuple((date(2026, 1, 5) + timedelta(days=7 * n), ()) for n in range(60))
    never = Calendar("UTC", ((Span(540, 600),), *((),) * 6), off)
    moment = at("2026-01-05T00:00", "UTC")
    assert (never.opens_next(moment), never.closes_next(moment), never.is_open(moment)) == (None, None, False)
    assert (ALWAYS.opens_next(moment), ALWAYS.closes_next(moment), ALWAYS.is_open(moment)) == (
        moment,
        None,
        True,
    )


@given(days(), days())
def test_spans_put_together_cover_what_they_covered(one: tuple[Span, ...], other: tuple[Span, ...]) -> None:
    together = put_together((*one, *other))
    minutes = {minute for span in (*one, *other) for minute in range(span.start, span.end)}
    assert {minute for span in together for minute in range(span.start, span.end)} == minutes
    assert all(first.end < second.start for first, second in pairwise(together))
