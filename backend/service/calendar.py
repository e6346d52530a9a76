"""Working time: what of a stretch of time counts when only office hours do. Pure.

Hours are said by the clock on the wall of one time zone. A span lasts from the first moment at which that
clock shows its start to the first at which it shows its end: an hour that clocks skip is nobody's work, and
of one that they say twice the first counts, unless a span covers both.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

ZERO, DAY = timedelta(), timedelta(days=1)
MINUTES_OF_DAY = 24 * 60
YEARS_KEPT = 512  # of all calendars in this process; some 40 kB each
FORESEEN = timedelta(days=60)  # of what is further off, nothing is promised
LAST_YEAR = 9998  # the calendar's own end is near: nobody is promised anything beyond


@dataclass(frozen=True, order=True)
class Span:
    """Hours of one day, in minutes after midnight by the clock on the wall: ``end`` is not in it."""

    start: int
    end: int


def minutes_of(text: str) -> int:
    """Return the minutes after midnight that a time of day such as 09:00 says; 24:00 is the day's end."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def put_together(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, those that overlap or touch as one."""
    together: list[Span] = []
    for span in sorted(spans):
        if together and span.start <= together[-1].end:
            span = Span(together[-1].start, max(span.end, together.pop().end))
        together.append(span)
    return tuple(together)


@dataclass(frozen=True)
class Calendar:
    """Which hours count. ``week`` has the spans of the days from Monday on, ``days`` those of single dates.

    Spans are in order and do not overlap; a day without any is free.
    """

    time_zone: str
    week: tuple[tuple[Span, ...], ...]
    days: tuple[tuple[date, tuple[Span, ...]], ...] = ()

    def hours_of(self, day: date) -> tuple[Span, ...]:
        """Return the spans of a date; none when it is free."""
        return dict(self.days).get(day, self.week[day.weekday()])

    def is_open(self, at: datetime) -> bool:
        """Tell whether people work at that moment."""
        # In UTC: in an hour that clocks say twice, a moment equals none of another zone.
        moment = at.astimezone(UTC)
        return any(start <= moment for start, _ in self._ahead(moment))

    def opens_next(self, at: datetime) -> datetime | None:
        """Return when people work again, in this time zone: ``at`` itself while they do.

        None when that is further off than ``FORESEEN``.
        """
        start = next((max(start, at.astimezone(UTC)) for start, _ in self._ahead(at)), None)
        return start.astimezone(_zone(self.time_zone)) if start else None

    def closes_next(self, at: datetime) -> datetime | None:
        """Return when people who work at ``at``, or next, stop, in this time zone.

        What ends at midnight and goes on then has not ended. None when it ends later than ``FORESEEN``.
        """
        until = None
        for start, end in self._ahead(at):
            if until is not None and start > until:
                return until.astimezone(_zone(self.time_zone))
            until = end
        return until.astimezone(_zone(self.time_zone)) if until and until - at <= FORESEEN else None

    def _ahead(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the spans that end after ``at`` and begin within ``FORESEEN``, as moments, in order."""
        year = at.astimezone(_zone(self.time_zone)).year
        for worked in (_year(self, year), _year(self, year + 1)):
            for place in range(bisect_right(worked.ends, at), len(worked.ends)):
                if worked.starts[place] - at > FORESEEN:
                    return
                yield worked.starts[place], worked.ends[place]

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """Return the first moment, in UTC, at which ``duration`` of working time has passed since ``start``.

        Raise ValueError for a negative duration, OverflowError when it never passes: a calendar without
        hours is for nobody to promise by.
        """
        if duration < ZERO:
            raise ValueError("working time goes forward alone; give a duration of zero or more")
        if duration == ZERO:
            return start.astimezone(UTC)
        year = start.astimezone(_zone(self.time_zone)).year
        last = LAST_YEAR if any(self.week) else max((day.year for day, _ in self.days), default=year)
        wanted = _year(self, year).until(start) + duration
        while (worked := _year(self, year)).total < wanted:
            wanted -= worked.total
            year += 1
            if year > last:
                raise OverflowError(f"{duration} of working time do not pass by the end of {last}")
        return worked.moment_of(wanted)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies from ``start`` to ``end``; none when the end comes first."""
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        if end <= start:
            return ZERO
        zone = _zone(self.time_zone)
        first, last = start.astimezone(zone).year, end.astimezone(zone).year
        passed = sum((_year(self, year).total for year in range(first, last)), ZERO)
        return passed + _year(self, last).until(end) - _year(self, first).until(start)


ALWAYS = Calendar("UTC", ((Span(0, MINUTES_OF_DAY),),) * 7)
"""Every hour of every day."""


@dataclass(frozen=True)
class _Year:
    """The spans of one year as moments in UTC, in order; ``before`` is how much was worked before each."""

    starts: Sequence[datetime]
    ends: Sequence[datetime]
    before: Sequence[timedelta]
    total: timedelta

    def until(self, moment: datetime) -> timedelta:
        """Return how much of the year's working time lies before ``moment``."""
        place = bisect_right(self.starts, moment) - 1
        if place < 0:
            return ZERO
        # In this order: a moment that is not in UTC is moved by its wall clock, over a change of it wrongly.
        return self.before[place] + (min(moment, self.ends[place]) - self.starts[place])

    def moment_of(self, worked: timedelta) -> datetime:
        """Return when ``worked`` (more than none, at most ``total``) of the year's time has passed."""
        place = bisect_left(self.before, worked) - 1
        return self.starts[place] + (worked - self.before[place])


@lru_cache(maxsize=YEARS_KEPT)
def _year(calendar: Calendar, year: int) -> _Year:
    zone, single = _zone(calendar.time_zone), dict(calendar.days)
    starts, ends = [], []
    day = date(year, 1, 1)
    while day.year == year:
        for span in single.get(day, calendar.week[day.weekday()]):
            start, end = first_moment(day, span.start, zone), first_moment(day, span.end, zone)
            if start < end:  # clocks may skip all of it
                starts.append(start)
                ends.append(end)
        day += DAY
    passed = list(accumulate((end - start for start, end in zip(starts, ends, strict=True)), initial=ZERO))
    return _Year(starts, ends, passed[:-1], passed[-1])


@lru_cache(maxsize=1024)  # there are some 600
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def first_moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the first moment, in UTC, at which clocks in ``zone`` show an hour of ``day`` or later."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # Clocks skip it. They do so at one moment between what the offsets before and after would make of it.
    early, late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    while late - early > timedelta(seconds=1):
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return late
