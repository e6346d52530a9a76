"""Quiet hours and digests in every time zone over both changes of its clocks; turns; waking phones."""

import itertools
import random
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.catalogue import CATALOGUE, DIGEST, TEST, TICKET_ASSIGNED
from notifications.choosing import Handling, Layer, Plan, Ruling, Wishes, in_order, plan
from notifications.pacing import (
    DEBOUNCE,
    LONGEST_DEBOUNCE,
    Woken,
    next_digest,
    reached_at,
    take_turn,
    wake,
)
from notifications.rules import QuietHours, first_moment_outside

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


Change = tuple[datetime, timedelta, timedelta]


def changes_of(zone: ZoneInfo) -> tuple[Change, ...]:
    """Return when a zone's clocks change in 2026, to the minute, and their offsets before and after."""
    return tuple(_changes(zone))


def _changes(zone: ZoneInfo) -> Iterator[Change]:
    moment = YEAR[0]
    while moment < YEAR[1]:
        later = moment + timedelta(days=1)
        before, after = _offset(moment, zone), _offset(later, zone)
        if before != after:
            low, high = moment, later
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
            change = high.replace(second=0, microsecond=0)
            yield (change if _offset(change, zone) == after else change + MINUTE), before, after
        moment = later


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    found = moment.astimezone(zone).utcoffset()
    assert found is not None
    return found


@cache
def zones_by_changes() -> dict[tuple[Change, ...], list[str]]:
    """Return all zones there are, those whose clocks do the same in 2026 together; the first is no change."""
    found: dict[tuple[Change, ...], list[str]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        offset = _offset(YEAR[0], zone)
        found.setdefault(((NOON, offset, offset), *changes_of(zone)), []).append(name)
    return found


def is_quiet(moment: datetime, zone: ZoneInfo, quiet: tuple[time, time]) -> bool:
    wall, (start, end) = moment.astimezone(zone).time(), quiet
    return start <= wall < end if start < end else not end <= wall < start


def first_loud_minute(at: datetime, zone: ZoneInfo, quiet: tuple[time, time]) -> datetime:
    """Walk minute by minute, as somebody would who watches the clock on the wall."""
    if not is_quiet(at, zone, quiet):
        return at
    moment = at.replace(second=0, microsecond=0) + MINUTE
    while is_quiet(moment, zone, quiet):
        moment += MINUTE
    return moment


def watched_digest(at: datetime, zone: ZoneInfo, times: list[time]) -> datetime:
    """Watch the calendar and the clock from two days before: each time of each day is reached once."""
    moment = at.replace(second=0, microsecond=0) - timedelta(days=2)
    furthest = moment.astimezone(zone).replace(tzinfo=None)
    while True:
        moment += MINUTE
        now = moment.astimezone(zone).replace(tzinfo=None)
        if now <= furthest:
            continue
        passed = any(
            furthest < datetime.combine(day, one) <= now
            for one in times
            for day in {furthest.date(), now.date()}
        )
        furthest = now
        if passed and moment > at:
            return moment


def test_every_zone_and_both_its_changes_are_here() -> None:
    groups = zones_by_changes()
    assert sum(map(len, groups.values())) == len(zoneinfo.available_timezones()) > 400
    twice = [group for group in groups if len(group) == 3]
    assert len(twice) > 20  # forwards and back, in many ways
    steps = {abs(after - before) for group in twice for _, before, after in group[1:]}
    assert steps == {timedelta(minutes=30), HOUR, 2 * HOUR}


def test_quiet_hours_end_when_the_wall_says_so_in_every_zone_at_every_change() -> None:
    rng = random.Random(6)
    for group, names in zones_by_changes().items():
        for change, _, _ in group[1:] or group:
            zone = ZoneInfo(rng.choice(names))
            for _ in range(4):
                at = change + timedelta(seconds=rng.randrange(-14 * 3600, 4 * 3600))
                start = (at.astimezone(zone) - timedelta(minutes=rng.randrange(120))).time()
                quiet = (start.replace(second=0, microsecond=0), time(rng.randrange(24), rng.randrange(60)))
                if quiet[0] != quiet[1]:
                    expected = first_loud_minute(at, zone, quiet)
                    assert first_moment_outside(QuietHours(*quiet), at=at, zone=zone) == expected, (zone, at)


def test_digests_leave_once_for_each_time_of_each_day_in_every_zone_at_every_change() -> None:
    rng = random.Random(7)
    for group, names in zones_by_changes().items():
        for change, _, _ in group[1:] or group:
            zone = ZoneInfo(rng.choice(names))
            at = change + timedelta(seconds=rng.randrange(-20 * 3600, 4 * 3600))
            near = (change.astimezone(zone) + timedelta(minutes=rng.randrange(-70, 70))).time()
            times = [near.replace(second=0, microsecond=0), time(rng.randrange(24), rng.randrange(60))]
            assert next_digest(times, after=at, zone=zone) == watched_digest(at, zone, times), (zone, at)


wall_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_digests_and_quiet_hours_hold_for_whatever_is_set(data: st.DataObject) -> None:
    group = data.draw(st.sampled_from(sorted(zones_by_changes(), key=str)))
    zone = ZoneInfo(data.draw(st.sampled_from(zones_by_changes()[group])))
    change = data.draw(st.sampled_from(group[1:] or group))[0]
    at = change + timedelta(seconds=data.draw(st.integers(-30 * 3600, 12 * 3600)))
    times = data.draw(st.lists(wall_times, min_size=1, max_size=3))
    quiet = data.draw(st.tuples(wall_times, wall_times).filter(lambda pair: pair[0] != pair[1]))

    left = next_digest(times, after=at, zone=zone)
    assert left == watched_digest(at, zone, times)
    assert first_moment_outside(QuietHours(*quiet), at=at, zone=zone) == first_loud_minute(at, zone, quiet)

    wishes = Wishes((Layer(name="user", quiet_hours=QuietHours(*quiet), digest_at=tuple(times)),))
    planned = plan(TICKET_ASSIGNED, GATHER, wishes, at=at, zone=zone)
    assert planned.not_before == first_loud_minute(left, zone, quiet)
    assert not is_quiet(planned.not_before, zone, quiet)


def test_a_time_that_clocks_skip_is_reached_when_they_skip_it_and_one_said_twice_the_first_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert reached_at(spring, time(2, 30), berlin) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert reached_at(autumn, time(2, 30), berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert next_digest(
        [time(2, 30)], after=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), zone=berlin
    ) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    # A whole day that a zone leaves out is reached together with the next one.
    samoa = ZoneInfo("Pacific/Apia")
    assert reached_at(date(2011, 12, 30), time(9), samoa) == datetime(2011, 12, 30, 10, tzinfo=UTC)


# ── plans ────────────────────────────────────────────────────────────────────────────────────────

SHANGHAI = ZoneInfo("Asia/Shanghai")
LATE = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai
MORNING = datetime(2026, 3, 2, 23, 0, tzinfo=UTC)
NIGHT = Layer(name="user", quiet_hours=QuietHours(time(22), time(7)))


GATHER = Ruling(Handling.DIGEST, "team:1")


def planned(type_key: str, wishes: Wishes, *, allowed_at: datetime | None = None) -> Plan:
    type = CATALOGUE[type_key]
    ruling = wishes.ruling(type, "push")
    return plan(type, ruling, wishes, at=LATE, zone=SHANGHAI, allowed_at=allowed_at)


def test_quiet_hours_hold_a_push_and_a_critical_one_passes() -> None:
    night = Wishes((NIGHT,))
    assert planned("ticket_assigned", night) == Plan(
        MORNING, MORNING + TICKET_ASSIGNED.lives, "quiet_hours", "user"
    )
    assert planned("ticket_assigned", Wishes(())) == Plan(LATE, LATE + TICKET_ASSIGNED.lives)
    assert planned("test", night, allowed_at=MORNING) == Plan(LATE, LATE + TEST.lives)


def test_what_comes_too_often_is_gathered_until_it_is_its_turn_and_nobody_sleeps() -> None:
    turn = LATE + timedelta(minutes=5)
    assert planned("ticket_assigned", Wishes(()), allowed_at=turn) == Plan(
        turn, turn + DIGEST.lives, "throttled", "usual", is_gathered=True
    )
    assert planned("ticket_assigned", Wishes((NIGHT,)), allowed_at=turn).not_before == MORNING


def test_the_more_specific_layer_wins_and_within_one_the_rule_for_a_type() -> None:
    off, at_once, digest = Handling.OFF, Handling.AT_ONCE, Handling.DIGEST
    workspace = Layer(name="workspace", handling={("*", "push"): off, ("ticket_assigned", "push"): digest})
    team = Layer(name="team:a", handling={("*", "push"): at_once})
    other = Layer(name="team:b", handling={("*", "push"): off}, is_private=True)
    person = Layer(name="user", handling={("message_received", "push"): off}, muted=frozenset({"task_due"}))

    def said(wishes: Wishes, type_key: str, channel: str = "push") -> tuple[Handling, str]:
        ruling = wishes.ruling(CATALOGUE[type_key], channel)
        return ruling.handling, ruling.rule

    assert said(in_order(None, [], workspace), "ticket_assigned") == (digest, "workspace")
    assert said(in_order(None, [], workspace), "task_due") == (off, "workspace")
    everybody = in_order(person, [team, other], workspace)
    assert said(everybody, "ticket_assigned") == (at_once, "team:a")
    assert said(everybody, "message_received") == (off, "user")
    assert said(everybody, "task_due") == (off, "user")
    assert said(everybody, "task_due", "in_app") == (at_once, "usual")
    assert said(everybody, "device_taken", "email") == (at_once, "usual")
    assert said(everybody, "ticket_assigned", "email") == (off, "usual")
    assert everybody.is_private() is True
    # What is critical is never gathered, and turned off only by being turned off.
    critical = in_order(Layer(name="user", handling={("*", "push"): digest}), [], None)
    assert said(critical, "sla_breached") == (at_once, "user")


def test_quiet_hours_of_the_workspace_end_where_somebody_wants_none() -> None:
    workspace = Layer(name="workspace", quiet_hours=QuietHours(time(20), time(8)))
    assert in_order(None, [], workspace).quiet_hours()[1] == "workspace"
    awake = in_order(Layer(name="user", is_never_quiet=True), [], workspace)
    assert awake.quiet_hours() == (None, "user")


# ── turns ────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=100, deadline=None)
@given(
    waits=st.lists(st.integers(0, 900), min_size=1, max_size=60),
    most=st.integers(1, 6),
    minutes=st.integers(1, 60),
)
def test_nobody_is_interrupted_more_often_than_they_may_be(waits: list[int], most: int, minutes: int) -> None:
    """In any window no more than the burst and what came back in it; whoever waits gets a turn then."""
    now, full_at, within, taken = NOON, None, timedelta(minutes=minutes), list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait)
        turn = take_turn(full_at, now=now, most=most, within=within)
        full_at = turn.full_at
        if turn.allowed_at <= now:
            taken.append(now)
        else:
            again = take_turn(full_at, now=turn.allowed_at, most=most, within=within)
            assert again.allowed_at == turn.allowed_at
    for place, first in enumerate(taken):
        inside = [one for one in taken[place:] if one - first < within]
        assert len(inside) <= 2 * most
    assert len(taken) <= most + (now - NOON) / (within / most) + 1


def test_a_clock_that_jumps_makes_nobody_wait_longer_than_a_window() -> None:
    turn = take_turn(NOON + timedelta(days=400), now=NOON, most=4, within=HOUR)
    assert (turn.allowed_at, turn.full_at) == (NOON, NOON + HOUR / 4)
    assert take_turn(NOON + HOUR, now=NOON, most=4, within=HOUR).allowed_at == NOON + HOUR / 4
    assert take_turn(NOON - timedelta(days=400), now=NOON, most=4, within=HOUR).allowed_at == NOON


# ── waking phones ────────────────────────────────────────────────────────────────────────────────


def wakes(platform: str, changes: list[datetime], *, answers: bool) -> list[datetime]:
    """Let a phone be looked at whenever something changes and whenever it is to be looked at again."""
    woken: Woken | None = None
    at: list[datetime] = []
    pending = sorted(changes)
    is_behind = False
    while pending:
        now = pending.pop(0)
        is_behind = is_behind or now in changes
        if not is_behind:
            continue
        again, kept = wake(woken, platform=platform, now=now, has_answered=answers)
        if kept is not None:
            at.append(now)
            woken, is_behind = kept, not answers
        elif again not in pending and again < changes[-1] + HOUR:
            pending = sorted([*pending, again])
    return at


def test_a_thousand_changes_in_ten_minutes_wake_a_phone_that_is_off_within_the_budgets() -> None:
    changes = [NOON + timedelta(milliseconds=600 * step) for step in range(1_000)]
    end = NOON + timedelta(minutes=10)
    for answers in (False, True):
        android = [one for one in wakes("android", changes, answers=answers) if one < end]
        ios = [one for one in wakes("ios", changes, answers=answers) if one < end]
        assert android[0] == NOON
        assert len(android) == (10 if answers else 4)
        assert ios == [NOON]


@pytest.mark.parametrize(("platform", "most"), [("android", 20 + 480), ("ios", 72)])
def test_a_day_of_changes_stays_within_what_platforms_allow(platform: str, most: int) -> None:
    changes = [NOON + timedelta(seconds=20 * step) for step in range(3 * 60 * 24)]
    found = wakes(platform, changes, answers=True)
    assert len(found) <= most + 1
    if platform == "ios":
        assert all(later - one >= timedelta(minutes=20) for one, later in itertools.pairwise(found))


def test_a_phone_that_does_not_answer_is_woken_ever_more_seldom_and_never_given_up() -> None:
    woken: Woken | None = None
    now, pauses = NOON, []
    for _ in range(10):
        at, kept = wake(woken, platform="android", now=now, has_answered=False)
        assert (at, kept is not None) == (now, True)
        woken = kept
        now, _ = wake(woken, platform="android", now=now, has_answered=False)
        pauses.append(now - at)
    assert pauses[:3] == [DEBOUNCE, 2 * DEBOUNCE, 4 * DEBOUNCE]
    assert pauses[-1] == LONGEST_DEBOUNCE
    # A clock that went back by a year does not silence it for that long.
    assert woken is not None
    back, _ = wake(woken, platform="android", now=NOON - timedelta(days=365), has_answered=False)
    assert back - (NOON - timedelta(days=365)) <= LONGEST_DEBOUNCE
