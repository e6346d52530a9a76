"""How often somebody may be interrupted, and when what was gathered is told. Pure.

All of it stands a clock that jumps: what lies too far ahead to have been said by this clock is not believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class Taken:
    """What came of asking for a turn: ``full_at`` is to be kept, ``allowed_at`` is when it is one's turn."""

    full_at: datetime
    allowed_at: datetime


def take_turn(full_at: datetime | None, *, now: datetime, most: int, within: timedelta) -> Taken:
    """Take one of ``most`` turns, of which one comes back each ``within / most``.

    ``full_at`` is when all turns would be there again; None for never asked. A turn that must be waited for
    is not taken: ``full_at`` stays. One further ahead than ``within`` is of a clock that went back since.
    Source: ITU-T I.371, generic cell rate algorithm (virtual scheduling).
    """
    apart = within / most
    full = max(full_at, now) if full_at is not None and full_at <= now + within else now
    allowed_at = full + apart - within
    if allowed_at > now:
        return Taken(full, allowed_at)
    return Taken(full + apart, now)


def next_digest(times: Sequence[time], *, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment after ``after`` at which the clock on the wall in ``zone`` reaches a time.

    In UTC. A time that clocks skip is reached when they skip it, one that they repeat the first time: each
    comes once on each day that a zone has.
    """
    day = after.astimezone(zone).date() - _DAY
    while True:
        reached = [moment for one in times if (moment := reached_at(day, one, zone)) > after]
        # A day that a zone leaves out is reached together with the next one.
        if reached:
            return min(reached)
        day += _DAY


def reached_at(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Return the first moment, in UTC, at which it is ``wall`` on ``day`` or later in ``zone``."""
    wanted = datetime.combine(day, wall)
    first = wanted.replace(tzinfo=zone).astimezone(UTC)
    again = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if again >= first:
        return first  # usual, or said twice: the first time
    # Skipped: somewhere in between the clocks jump over it.
    moment = again
    while moment.astimezone(zone).replace(tzinfo=None) < wanted:
        moment += _MINUTE
    return moment


# ── waking phones ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Budget:
    """How often a platform lets an app be woken without a word."""

    most: int
    within: timedelta


BUDGETS = {
    # Source: FCM, "Collapsible message rates": 20 a device, one back each 3 minutes.
    "android": Budget(20, 20 * timedelta(minutes=3)),
    # Source: Apple, "Pushing background updates": two or three an hour; spread, they come one at a time.
    "ios": Budget(1, timedelta(minutes=20)),
}

DEBOUNCE = timedelta(seconds=60)
LONGEST_DEBOUNCE = timedelta(hours=1)


@dataclass(frozen=True)
class Woken:
    """What is known of waking one device: when last, how often since it pulled, and its budget."""

    at: datetime
    unanswered: int
    full_at: datetime | None = None


def wake(
    woken: Woken | None, *, platform: str, now: datetime, has_answered: bool
) -> tuple[datetime, Woken | None]:
    """Decide about waking a device that has something to pull.

    Return ``(at, kept)``: with ``kept`` it is woken now; with None it is looked at again, at ``at``. The
    first change wakes at once. After that a minute must pass, doubled for each time that the device did not
    pull: what the vendor still keeps for it says the same.
    """
    unanswered = 0 if woken is None or has_answered else woken.unanswered
    if woken is not None and woken.at <= now:  # else it is of a clock that went back since
        apart = min(DEBOUNCE * (1 << min(max(unanswered - 1, 0), 10)), LONGEST_DEBOUNCE)
        next_at = woken.at + apart
        if next_at > now:
            return next_at, None
    budget = BUDGETS[platform]
    taken = take_turn(woken.full_at if woken else None, now=now, most=budget.most, within=budget.within)
    if taken.allowed_at > now:
        return taken.allowed_at, None
    return now, Woken(at=now, unanswered=unanswered + 1, full_at=taken.full_at)
