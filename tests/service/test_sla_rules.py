"""The rules of promised times: laws that hold whatever happens to a ticket, and the defects of others."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.service.calendar import ALWAYS, Calendar, Span
from backend.service.rules import TICKET_MOVES, Progress, TicketStatus, moved
from backend.service.sla_rules import (
    MOST_ROUNDS,
    Matter,
    SlaClock,
    SlaMetric,
    SlaPause,
    Terms,
    looked_at,
    next_due,
    next_look,
    settled,
)

FIRST, NEXT, END = SlaMetric.FIRST_RESPONSE, SlaMetric.NEXT_RESPONSE, SlaMetric.RESOLUTION
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MONDAY = datetime(2026, 11, 30, 1, tzinfo=UTC)  # nine o'clock in Shanghai
OFFICE = Calendar("Asia/Shanghai", ((Span(540, 720), Span(780, 1080)),) * 5 + ((),) * 2)
ROUND_THE_CLOCK = Terms(
    policy_id="p", policy_version=1, calendar=ALWAYS, minutes={FIRST: 60, NEXT: 120, END: 480}
)
IN_OFFICE = replace(ROUND_THE_CLOCK, calendar=OFFICE)
STRICTER = replace(
    IN_OFFICE, policy_id="q", policy_version=7, minutes={FIRST: 20, NEXT: 30, END: 200}, paused_in=frozenset()
)
OPEN, PENDING, ON_HOLD, RESOLVED = (
    TicketStatus.OPEN,
    TicketStatus.PENDING_CUSTOMER,
    TicketStatus.ON_HOLD,
    TicketStatus.RESOLVED,
)


@dataclass
class Story:
    """What happens to a ticket, step by step, and the clocks after each."""

    terms: Terms | None = ROUND_THE_CLOCK
    at: datetime = MONDAY
    matter: Matter = field(default_factory=lambda: Matter(progress=Progress(), is_talk=True))
    clocks: Sequence[SlaClock] = ()

    def __post_init__(self) -> None:
        self.settle()

    def settle(self) -> None:
        self.clocks = settled(self.clocks, self.terms, self.matter, at=self.at)

    def passes(self, time: timedelta) -> "Story":
        self.at += time
        return self

    def moves(self, to: TicketStatus) -> "Story":
        self.matter = replace(self.matter, progress=moved(self.matter.progress, to, at=self.at))
        self.settle()
        return self

    def customer_writes(self) -> "Story":
        self.matter = replace(self.matter, waits_since=self.matter.waits_since or self.at)
        self.settle()
        return self

    def person_answers(self) -> "Story":
        first = self.matter.first_responded_at or self.at
        self.matter = replace(self.matter, first_responded_at=first, waits_since=None)
        self.settle()
        return self

    def one(self, metric: SlaMetric) -> SlaClock:
        return [clock for clock in self.clocks if clock.metric is metric][-1]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story(terms=draw(st.sampled_from([ROUND_THE_CLOCK, IN_OFFICE])))
    for _ in range(draw(st.integers(0, 8))):
        story.passes(draw(st.timedeltas(timedelta(), timedelta(hours=30))))
        deeds = [story.customer_writes, story.person_answers]
        may = [to for to in (OPEN, PENDING, ON_HOLD, RESOLVED) if can_move(story, to)]
        choice = draw(st.integers(0, len(deeds) + len(may) - 1))
        if choice < len(deeds):
            deeds[choice]()
        else:
            story.moves(may[choice - len(deeds)])
    return story


def can_move(story: Story, to: TicketStatus) -> bool:
    return to in TICKET_MOVES[story.matter.progress.status]


def counted(clock: SlaClock, calendar: Calendar, until: datetime) -> timedelta:
    """Return the working time on a clock by ``until``, less that of its pauses."""
    held = (calendar.between(one.from_at, min(one.to_at or until, until)) for one in clock.pauses)
    return calendar.between(clock.started_at, until) - sum(held, timedelta())


@given(stories())
def test_settled_again_nothing_changes(story: Story) -> None:
    before = list(story.clocks)
    story.settle()
    assert story.clocks == before


@given(stories())
def test_a_next_answer_is_never_counted_before_the_first_and_only_while_the_customer_waits(
    story: Story,
) -> None:
    rounds = [clock for clock in story.clocks if clock.metric is NEXT]
    under_way = [clock for clock in rounds if clock.met_at is None]
    waits = story.matter.waits_since is not None and story.matter.first_responded_at is not None
    assert len(under_way) == int(waits)
    first = story.matter.first_responded_at
    assert all(first is not None and clock.started_at >= first for clock in rounds)


@given(stories())
def test_each_clock_took_what_lay_between_less_its_pauses(story: Story) -> None:
    assert story.terms is not None
    calendar = story.terms.calendar
    for clock in story.clocks:
        until = clock.met_at or (clock.pauses[-1].from_at if clock.is_paused else None)
        if until is None:
            assert clock.elapsed_seconds is None
            continue
        took = counted(clock, calendar, until)
        assert clock.elapsed_seconds == int(took.total_seconds())
        promised = timedelta(minutes=clock.minutes)
        if clock.met_at is not None and clock.breached_at is None:
            assert took <= promised
        elif clock.breached_at is not None:
            assert took >= promised  # all of it, though it may be met when nobody works any more


@given(stories())
def test_due_is_when_the_time_has_been_counted_and_lists_go_by_the_nearest(story: Story) -> None:
    still = [clock for clock in story.clocks if clock.met_at is None]
    assert next_due(story.clocks) == min((c.due_at for c in still if c.due_at), default=None)
    for clock in story.clocks:
        if clock.due_at is not None:
            assert story.terms is not None
            assert clock.near_at is not None
            promised = timedelta(minutes=clock.minutes)
            assert counted(clock, story.terms.calendar, clock.due_at) == promised
            assert counted(clock, story.terms.calendar, clock.near_at) == promised * 4 / 5


@given(stories())
def test_another_policy_counts_from_the_start_and_keeps_the_pauses(story: Story) -> None:
    before = {clock.metric: clock for clock in story.clocks if clock.met_at is None}
    story.terms = replace(STRICTER, paused_in=frozenset({PENDING, ON_HOLD}))
    story.settle()
    for clock in story.clocks:
        if clock.met_at is not None:
            assert clock.policy_id == "p"  # it was kept by what was promised then
            continue
        was = before[clock.metric]
        assert (clock.policy_id, clock.policy_version) == ("q", 7)
        assert (clock.started_at, clock.pauses) == (was.started_at, was.pauses)
        assert clock.due_at is None or counted(clock, OFFICE, clock.due_at) == timedelta(
            minutes=clock.minutes
        )


@given(stories(), st.timedeltas(timedelta(), timedelta(days=9)))
def test_looked_at_twice_it_is_noted_once_and_nothing_is_left_to_note(story: Story, later: timedelta) -> None:
    now = story.at + later
    noted = looked_at(story.clocks, at=now)
    assert looked_at(noted, at=now) == noted
    ahead = next_look(noted)
    assert ahead is None or ahead > now
    for clock in noted:
        is_over = clock.met_at is None and clock.due_at is not None and clock.due_at <= now
        assert not is_over or clock.breached_at == clock.due_at
    again = settled(noted, story.terms, story.matter, at=max(now, story.at))
    assert [clock.breached_at for clock in again] == [clock.breached_at for clock in noted]


@given(st.timedeltas(timedelta(), timedelta(hours=7)), st.timedeltas(timedelta(), timedelta(hours=50)))
def test_pausing_moves_the_due_date_by_the_time_that_did_not_count(
    before: timedelta, pause: timedelta
) -> None:
    """Zammad documents it otherwise: there a due date stays while its ticket waits for the customer."""
    story = Story(terms=IN_OFFICE)
    due = story.one(END).due_at
    assert due is not None
    story.passes(before).moves(PENDING)
    held = story.one(END)
    assert (held.due_at, held.is_paused) == (None, True)
    story.passes(pause).moves(OPEN)
    resumed = story.one(END)
    paused = OFFICE.between(MONDAY + before, MONDAY + before + pause)
    assert resumed.due_at == OFFICE.add(due, paused)
    assert resumed.pauses == [SlaPause(from_at=MONDAY + before, to_at=MONDAY + before + pause)]


def test_a_first_answer_counts_and_further_ones_in_rounds_of_their_own() -> None:
    story = Story().passes(10 * MINUTE).customer_writes()
    assert {clock.metric for clock in story.clocks} == {FIRST, END}  # Zammad #5177
    story.passes(20 * MINUTE).person_answers()
    assert (story.one(FIRST).met_at, story.one(FIRST).elapsed_seconds) == (MONDAY + 30 * MINUTE, 1800)
    assert {clock.metric for clock in story.clocks} == {FIRST, END}  # Zammad #3140: nobody waits
    story.passes(HOUR).customer_writes()
    asked = story.at
    story.passes(HOUR).customer_writes()  # once more: the first of the two counts
    assert (story.one(NEXT).started_at, story.one(NEXT).due_at) == (asked, asked + 2 * HOUR)
    story.passes(HOUR * 2).person_answers()
    assert story.one(NEXT).breached_at == asked + 2 * HOUR  # met, and late
    for _ in range(MOST_ROUNDS + 5):
        story.passes(MINUTE).customer_writes().passes(MINUTE).person_answers()
    rounds = [clock for clock in story.clocks if clock.metric is NEXT]
    assert len(rounds) == MOST_ROUNDS
    assert rounds[0].started_at > asked


def test_reopened_it_goes_on_with_what_had_elapsed() -> None:
    story = Story().passes(2 * HOUR).moves(RESOLVED)
    assert (story.one(END).met_at, story.one(END).elapsed_seconds) == (story.at, 7200)
    assert story.one(FIRST).is_paused  # done without an answer: nobody owes one now
    story.passes(72 * HOUR).moves(OPEN)
    assert story.one(END).met_at is None
    assert story.one(END).due_at == MONDAY + 80 * HOUR
    assert story.one(FIRST).pauses == [SlaPause(from_at=MONDAY + 2 * HOUR, to_at=story.at)]
    assert story.one(FIRST).due_at == MONDAY + HOUR  # it was over before that
    story.passes(HOUR).moves(RESOLVED)
    assert story.one(END).elapsed_seconds == 3 * 3600


def test_what_a_reply_after_the_end_asks_is_owed_once_the_ticket_is_open_again() -> None:
    story = Story().person_answers().passes(HOUR).moves(RESOLVED)
    story.passes(10 * 24 * HOUR).customer_writes()
    assert (story.one(NEXT).is_paused, story.one(NEXT).due_at) == (True, None)
    story.passes(24 * HOUR).moves(OPEN)
    assert story.one(NEXT).due_at == story.at + 2 * HOUR


def test_without_a_place_to_answer_no_answer_is_promised() -> None:
    story = Story(matter=Matter(progress=Progress(), is_talk=False))
    assert [clock.metric for clock in story.clocks] == [END]
    talked = Story()
    talked.matter = replace(talked.matter, is_talk=False)  # its conversation was deleted
    talked.settle()
    assert [clock.metric for clock in talked.clocks] == [END]


def test_what_nobody_promises_any_more_ends_and_what_was_kept_stays() -> None:
    story = Story().passes(10 * MINUTE).person_answers()
    story.terms = None
    story.settle()
    assert [(clock.metric, clock.met_at) for clock in story.clocks] == [(FIRST, MONDAY + 10 * MINUTE)]
    assert next_look(story.clocks) is None
    # A ticket that a policy takes up later owes from then on.
    story.terms = ROUND_THE_CLOCK
    story.passes(9 * HOUR).settle()
    assert story.one(END).due_at == story.at + 8 * HOUR


def test_a_breach_stays_noted_until_the_promise_itself_is_moved() -> None:
    story = Story()
    story.clocks = looked_at(story.clocks, at=MONDAY + 2 * HOUR)
    story.passes(2 * HOUR).customer_writes()
    assert story.one(FIRST).breached_at == MONDAY + HOUR
    story.terms = replace(ROUND_THE_CLOCK, minutes={FIRST: 600, END: 900})
    story.settle()
    assert (story.one(FIRST).breached_at, story.one(FIRST).due_at) == (None, MONDAY + 10 * HOUR)
