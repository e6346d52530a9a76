"""When people are there: weekly hours in a time zone of their own, and days off; pure.

Worked out in local wall time, so that a change to summer time moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_LOOKED_AHEAD = 60  # longer closed than this, no time is promised


@dataclass(frozen=True)
class Span:
    """Open on one weekday (0 is Monday) from ``opens`` up to ``closes``; 24:00 is ``time.max``."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True)
class OpeningHours:
    """No spans: somebody is always there."""

    spans: Sequence[Span]
    time_zone: str
    closed_on: frozenset[date] = frozenset()

    def is_open(self, at: datetime) -> bool:
        """Tell whether people are there at that moment."""
        local = at.astimezone(ZoneInfo(self.time_zone))
        return not self.spans or any(
            span.opens <= local.time() < span.closes for span in self._spans_of(local.date())
        )

    def opens_next(self, at: datetime) -> datetime | None:
        """Return when people are there again, in their time zone: ``at`` itself while they are.

        None when that is further off than ``DAYS_LOOKED_AHEAD``.
        """
        local = at.astimezone(ZoneInfo(self.time_zone))
        if self.is_open(at):
            return local
        for ahead in range(DAYS_LOOKED_AHEAD + 1):
            day = local.date() + timedelta(days=ahead)
            for span in self._spans_of(day):
                opens = datetime.combine(day, span.opens, local.tzinfo)
                if opens > local:
                    return opens
        return None

    def _spans_of(self, day: date) -> list[Span]:
        if day in self.closed_on:
            return []
        return sorted(
            (span for span in self.spans if span.weekday == day.weekday()), key=lambda span: span.opens
        )
