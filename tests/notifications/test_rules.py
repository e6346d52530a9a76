"""When pushes may leave, in every time zone, and when they are tried again."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications.rules import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    QuietHours,
    first_moment_outside,
    pause_before_next_try,
)

MINUTE = timedelta(minutes=1)
# Whole and half hours, half-hour and midnight changes, the far ends of the day, north and south.
ZONES = (
    *("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Pacific/Kiritimati", "Pacific/Chatham", "America/Santiago", "Africa/Cairo", "Etc/GMT+12"),
    *("Africa/Casablanca", "Asia/Beirut", "America/St_Johns", "Antarctica/Troll"),
)
CHANGES = (  # around these, in UTC, some of the zones change their clocks
    *(datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
    *(datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 4, 5, 4, tzinfo=UTC)),
    *(datetime(2026, 9, 6, 4, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    *(datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    *(datetime(2026, 4, 23, 22, tzinfo=UTC), datetime(2026, 10, 29, 21, tzinfo=UTC)),
)
wall_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
moments = st.builds(
    lambda change, seconds: change + timedelta(seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-36 * 3600, 36 * 3600),
)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    at=moments,
    quiet=st.tuples(wall_times, wall_times).filter(lambda pair: pair[0] != pair[1]),
)
@example(  # the end, 02:30, is skipped: 02:00 becomes 03:00
    zone="Europe/Berlin", at=datetime(2026, 3, 29, 0, 0, 30, tzinfo=UTC), quiet=(time(1), time(2, 30))
)
@example(  # the end, 02:30, comes twice; this is the second quiet half hour
    zone="Europe/Berlin", at=datetime(2026, 10, 25, 1, 5, tzinfo=UTC), quiet=(time(2), time(2, 30))
)
@example(  # the clocks fall back before the start: it is not quiet any more for 30 minutes
    zone="Europe/Berlin", at=datetime(2026, 10, 25, 0, 45, tzinfo=UTC), quiet=(time(2, 30), time(6))
)
@example(zone="America/Santiago", at=datetime(2026, 9, 6, 3, 59, tzinfo=UTC), quiet=(time(22), time(0, 30)))
def test_a_push_leaves_at_the_first_moment_that_is_not_quiet(
    zone: str, at: datetime, quiet: tuple[time, time]
) -> None:
    hours, place = QuietHours(*quiet), ZoneInfo(zone)

    def is_quiet(moment: datetime) -> bool:
        wall = moment.astimezone(place).time()
        start, end = quiet
        return start <= wall < end if start < end else not end <= wall < start

    expected = at
    if is_quiet(at):
        expected = at.replace(second=0) + MINUTE
        while is_quiet(expected):
            expected += MINUTE

    assert first_moment_outside(hours, at=at, zone=place) == expected


@pytest.mark.parametrize(
    ("tries", "asked_for", "jitter", "pause"),
    [
        (1, None, 0.0, timedelta(0)),
        (1, None, 0.5, FIRST_PAUSE / 2),
        (3, None, 0.5, FIRST_PAUSE * 2),
        (3, timedelta(seconds=7), 0.0, timedelta(seconds=7)),
        (99, timedelta(seconds=7), 0.5, timedelta(seconds=7) + LONGEST_PAUSE / 2),
    ],
)
def test_tries_spread_out_and_honour_what_the_vendor_asks(
    tries: int, asked_for: timedelta | None, jitter: float, pause: timedelta
) -> None:
    assert pause_before_next_try(tries, asked_for=asked_for, jitter=jitter) == pause
