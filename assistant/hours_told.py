"""What is said of the hours: today, on a day, in general, always with the time zone; pure."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from assistant.documents import RecordFact
from assistant.hours_asked import HoursAsked, days_meant
from assistant.opening_hours import OpeningHours
from assistant.own_records import OwnFacts
from assistant.wording import say
from backend.service.calendar import MINUTES_OF_DAY, Span
from knowledge.text import Language

_TIME_OF_DAY = re.compile(
    r"\d{1,2}[:：]\d\d|\b\d{1,2} ?[ap]m\b|\d点|around the clock|24 ?/ ?7|24 ?小时", re.IGNORECASE
)


def tell_hours(asked: HoursAsked, hours: OpeningHours, language: Language, *, at: datetime) -> OwnFacts:
    """Return the hours that were asked for, as a fact of the record that says them."""
    today = at.astimezone(ZoneInfo(hours.calendar.time_zone)).date()
    entered = {day for day, _ in hours.calendar.days}
    meant = days_meant(asked, today, names=hours.names, entered=entered)
    parts = [_day(hours, day, language) for day in meant.dates]
    if not meant.dates and not asked.is_of_now:
        parts.append(_week(hours, language))
    parts += [say("hours_unentered", language, day=day) for day in meant.unentered]
    head = say("hours_zone", language, zone=hours.calendar.time_zone)
    text = "\n".join(
        [
            tell_now(hours, language, at=at),
            head,
            *(f"- {line}" for part in parts for line in part.split("\n")),
        ]
    )
    if asked.is_of_now:
        text = f"{tell_now(hours, language, at=at)}\n{say('hours_leave_it', language)}"
    return OwnFacts((_fact(hours, text),), about="hours")


def tell_now_beside(hours: OpeningHours, language: Language, *, at: datetime) -> OwnFacts:
    """Return whether somebody is there now: what an article about the hours cannot know."""
    return OwnFacts((_fact(hours, tell_now(hours, language, at=at)),), about="hours")


def tell_now(hours: OpeningHours, language: Language, *, at: datetime) -> str:
    """Say whether somebody is there, until when or from when on."""
    calendar = hours.calendar
    if calendar.is_open(at):
        until = calendar.closes_next(at)
        if until is None:
            return say("hours_always_open", language)
        is_today = until.date() == at.astimezone(until.tzinfo).date()
        return _moment("hours_open_until_today" if is_today else "hours_open_until", until, language)
    opens = calendar.opens_next(at)
    return _moment("hours_closed_until", opens, language) if opens else say("hours_closed", language)


def speaks_of_hours(text: str) -> bool:
    """Tell whether a passage names times of day, as one about opening hours does."""
    return bool(_TIME_OF_DAY.search(text))


def _fact(hours: OpeningHours, text: str) -> RecordFact:
    return RecordFact(kind=hours.kind, record_id=hours.record_id, version=hours.version, quote=text)


def _moment(key: str, moment: datetime, language: Language) -> str:
    return say(
        key,
        language,
        weekday=say(f"weekday_{moment.weekday()}", language),
        day=moment.date().isoformat(),
        time=moment.strftime("%H:%M"),
        zone=str(moment.tzinfo),
    )


def _day(hours: OpeningHours, day: date, language: Language) -> str:
    weekday = say(f"weekday_{day.weekday()}", language)
    name = next(
        (f" ({name})" if language == "en" else f"（{name}）" for at, name in hours.names if at == day), ""
    )
    times = _times(hours.calendar.hours_of(day), language)
    return say("hours_of_day", language, weekday=weekday, day=day.isoformat(), name=name, times=times)


def _week(hours: OpeningHours, language: Language) -> str:
    """Tell the usual week, days in a row that have the same hours as one."""
    lines, week = [], hours.calendar.week
    first = 0
    while first < len(week):
        last = first
        while last + 1 < len(week) and week[last + 1] == week[first]:
            last += 1
        names = [say(f"weekday_{day}", language) for day in dict.fromkeys((first, last))]
        days = say("hours_from_to", language, first=names[0], last=names[-1]) if len(names) > 1 else names[0]
        lines.append(say("hours_of_days", language, days=days, times=_times(week[first], language)))
        first = last + 1
    return "\n".join(lines)


def _times(spans: Sequence[Span], language: Language) -> str:
    if not spans:
        return say("hours_none", language)
    if spans == (Span(0, MINUTES_OF_DAY),):
        return say("hours_all_day", language)
    return say("hours_and", language).join(f"{_clock(span.start)}–{_clock(span.end)}" for span in spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
