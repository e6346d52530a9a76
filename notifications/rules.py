"""When a push may leave, and when a refused one is tried again. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class QuietHours:
    """From ``start`` up to but not including ``end`` by the clock on the wall, in whole minutes.

    An end before the start is on the next day.
    """

    start: time
    end: time

    def cover(self, wall: time) -> bool:
        """Tell whether it is quiet at this time of day."""
        if self.start < self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end


def first_moment_outside(quiet_hours: QuietHours, *, at: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment from ``at`` on at which it is not quiet in ``zone``, in UTC.

    Exact on the nights when clocks change, too: an end that the clocks skip comes when they skip it, one
    that they repeat comes at its first time, and hours that they repeat may be quiet twice.
    """
    local = at.astimezone(zone)
    if not quiet_hours.cover(local.time()):
        return at
    is_evening = quiet_hours.end < quiet_hours.start and local.time() >= quiet_hours.start
    day = local.date() + timedelta(days=1) if is_evening else local.date()
    end = datetime.combine(day, quiet_hours.end, zone).astimezone(UTC)
    if end.astimezone(zone).utcoffset() == local.utcoffset():
        return end
    # The clocks change tonight. Walk through it: at a moment in UTC nothing is skipped or said twice.
    moment = at.astimezone(UTC).replace(second=0, microsecond=0) + _MINUTE
    while quiet_hours.cover(moment.astimezone(zone).time()):
        moment += _MINUTE
    return moment


def pause_before_next_try(tries: int, *, asked_for: timedelta | None, jitter: float) -> timedelta:
    """Return how long to wait after ``tries`` tries (1 or more); ``jitter`` is random in [0, 1).

    Full jitter under a doubling limit, so that many refused at once do not come back at once; and never
    less than the vendor asked for.
    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    limit = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(tries - 1, 20)))
    return (asked_for or timedelta(0)) + limit * jitter
