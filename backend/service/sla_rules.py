"""The clocks of an agreement: what starts, holds, meets and breaks them. Pure.

A clock counts working time from its start. Its due date is never kept by hand: it follows from the start,
the pauses and the calendar, whenever something happens to the ticket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from backend.service.calendar import ZERO, Calendar
from backend.service.rules import Progress, TicketStatus

NEAR_IN_FIFTHS = 4  # of the agreed time: 80 %
MOST_ROUNDS = 20  # answers within an agreed time that a ticket remembers; the oldest are forgotten
WAITING = (TicketStatus.PENDING_CUSTOMER, TicketStatus.ON_HOLD)


class SlaMetric(StrEnum):
    """What is promised: an answer to the matter, one to each further message, an end."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


class SlaPause(BaseModel):
    """Time that does not count; without ``to_at`` it goes on."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    from_at: datetime
    to_at: datetime | None = None


class SlaClock(BaseModel):
    """One promise under way, kept or broken. ``due_at`` is None while it is held and not yet over.

    ``warned_at`` and ``breached_at`` say when 80 % and all of the time had passed, once that is noted;
    ``elapsed_seconds`` how much working time it took, known while it stands still.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    metric: SlaMetric
    policy_id: str
    policy_version: int
    minutes: int
    started_at: datetime
    pauses: list[SlaPause] = Field(default_factory=list)
    near_at: datetime | None = None
    due_at: datetime | None = None
    met_at: datetime | None = None
    warned_at: datetime | None = None
    breached_at: datetime | None = None
    elapsed_seconds: int | None = None

    @property
    def is_paused(self) -> bool:
        return self.met_at is None and bool(self.pauses) and self.pauses[-1].to_at is None

    @property
    def next_at(self) -> datetime | None:
        """Return when something is to be noted about it: that it comes near, then that it is over."""
        if self.met_at is not None or self.breached_at is not None or self.due_at is None:
            return None
        return self.near_at if self.warned_at is None else self.due_at


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a policy promises for a ticket of one priority, in working minutes."""

    policy_id: str
    policy_version: int
    calendar: Calendar
    minutes: Mapping[SlaMetric, int]
    paused_in: frozenset[TicketStatus] = frozenset(WAITING)


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What the clocks need to know of a ticket. ``waits_since``: the customer's first unanswered message."""

    progress: Progress
    is_talk: bool
    first_responded_at: datetime | None = None
    waits_since: datetime | None = None


def settled(
    clocks: Sequence[SlaClock], terms: Terms | None, matter: Matter, *, at: datetime
) -> list[SlaClock]:
    """Return the clocks as they stand after what happened to the ticket at ``at``.

    Open ones follow ``terms`` from their start on, with their pauses; without terms, or with terms that do
    not speak of them, they are dropped. What was kept stays as it was.
    """
    going = [_after(clock, terms, matter, at=at) for clock in clocks]
    found = [clock for clock in going if clock is not None]
    if terms is not None:
        open_metrics = {clock.metric for clock in found if clock.met_at is None}
        known = {clock.metric for clock in found}
        for metric, started_at in _starting(matter, at=at).items():
            barred = open_metrics if metric is SlaMetric.NEXT_RESPONSE else known
            if metric in terms.minutes and metric not in barred:
                found.append(_held(_fresh(metric, started_at, terms), terms, matter, at=started_at))
    return _remembered(found)


def looked_at(clocks: Sequence[SlaClock], *, at: datetime) -> list[SlaClock]:
    """Return the clocks with a note on each that has come near or is over at ``at``; twice is as once."""
    return [_noted(clock, at=at) for clock in clocks]


def next_due(clocks: Sequence[SlaClock]) -> datetime | None:
    """Return the nearest due date of what is still to be kept."""
    return min((clock.due_at for clock in clocks if clock.met_at is None and clock.due_at), default=None)


def next_look(clocks: Sequence[SlaClock]) -> datetime | None:
    """Return when to look at the clocks again; None while nothing runs out."""
    return min((clock.next_at for clock in clocks if clock.next_at is not None), default=None)


def _starting(matter: Matter, *, at: datetime) -> dict[SlaMetric, datetime]:
    """Return what may be counted from when on: a next answer never before the first one."""
    found: dict[SlaMetric, datetime] = {}
    if not matter.progress.is_done:
        found[SlaMetric.RESOLUTION] = at
        if matter.is_talk and matter.first_responded_at is None:
            found[SlaMetric.FIRST_RESPONSE] = at
    if matter.is_talk and matter.first_responded_at is not None and matter.waits_since is not None:
        found[SlaMetric.NEXT_RESPONSE] = matter.waits_since
    return found


def _fresh(metric: SlaMetric, started_at: datetime, terms: Terms) -> SlaClock:
    return SlaClock(
        metric=metric,
        policy_id=terms.policy_id,
        policy_version=terms.policy_version,
        minutes=terms.minutes[metric],
        started_at=started_at,
    )


def _after(clock: SlaClock, terms: Terms | None, matter: Matter, *, at: datetime) -> SlaClock | None:
    """Return a clock after what happened; None when nobody promises it any more."""
    met_at = _met_at(clock, matter, at=at)
    if clock.met_at is not None and met_at is not None:
        return clock
    if terms is None or clock.metric not in terms.minutes:
        return None if clock.met_at is None else clock
    if clock.metric is not SlaMetric.RESOLUTION and not matter.is_talk and met_at is None:
        return None  # there is no place left to answer
    reopened = [SlaPause(from_at=clock.met_at, to_at=at)] if clock.met_at is not None else []
    followed = clock.model_copy(
        update={
            "policy_id": terms.policy_id,
            "policy_version": terms.policy_version,
            "minutes": terms.minutes[clock.metric],
            "pauses": [*clock.pauses, *reopened],
            "met_at": met_at,
        }
    )
    return _held(followed, terms, matter, at=met_at or at)


def _met_at(clock: SlaClock, matter: Matter, *, at: datetime) -> datetime | None:
    match clock.metric:
        case SlaMetric.FIRST_RESPONSE:
            return matter.first_responded_at
        case SlaMetric.NEXT_RESPONSE:
            if clock.met_at is not None:
                return clock.met_at
            return at if matter.waits_since is None else None
        case SlaMetric.RESOLUTION:
            return matter.progress.resolved_at


def _held(clock: SlaClock, terms: Terms, matter: Matter, *, at: datetime) -> SlaClock:
    """Return a clock that stands still exactly while it must, with the dates that follow."""
    holds = clock.met_at is None and (matter.progress.is_done or matter.progress.status in terms.paused_in)
    pauses = list(clock.pauses)
    if holds and not clock.is_paused:
        pauses.append(SlaPause(from_at=max(at, clock.started_at)))
    elif not holds and pauses and pauses[-1].to_at is None:
        pauses[-1] = SlaPause(from_at=pauses[-1].from_at, to_at=max(at, pauses[-1].from_at))
    return _dated(clock.model_copy(update={"pauses": pauses}), terms.calendar)


def _dated(clock: SlaClock, calendar: Calendar) -> SlaClock:
    target = timedelta(minutes=clock.minutes)
    near_at = _passes_at(clock, calendar, target * NEAR_IN_FIFTHS / 5)
    due_at = _passes_at(clock, calendar, target)
    late = clock.met_at is not None and due_at is not None and clock.met_at > due_at
    breached = late or (clock.breached_at is not None and clock.breached_at == due_at)
    stands = clock.met_at or (clock.pauses[-1].from_at if clock.is_paused else None)
    elapsed = None if stands is None else int(_elapsed(clock, calendar, stands).total_seconds())
    return clock.model_copy(
        update={
            "near_at": near_at,
            "due_at": due_at,
            "warned_at": clock.warned_at if clock.warned_at == near_at else None,
            "breached_at": due_at if breached else None,
            "elapsed_seconds": elapsed,
        }
    )


def _passes_at(clock: SlaClock, calendar: Calendar, amount: timedelta) -> datetime | None:
    """Return when ``amount`` of working time has passed; None while a pause may still move that."""
    since, left = clock.started_at, amount
    for pause in clock.pauses:
        worked = calendar.between(since, pause.from_at)
        if worked >= left:
            break
        if pause.to_at is None:
            return None
        left -= worked
        since = max(since, pause.to_at)
    return calendar.add(since, left)


def _elapsed(clock: SlaClock, calendar: Calendar, until: datetime) -> timedelta:
    since, elapsed = clock.started_at, ZERO
    for pause in clock.pauses:
        elapsed += calendar.between(since, min(pause.from_at, until))
        since = max(since, pause.to_at or until)
    return elapsed + calendar.between(since, until)


def _noted(clock: SlaClock, *, at: datetime) -> SlaClock:
    if clock.next_at is None or clock.next_at > at:
        return clock
    assert clock.due_at is not None
    if clock.due_at <= at:
        return clock.model_copy(update={"breached_at": clock.due_at})
    return clock.model_copy(update={"warned_at": clock.near_at})


def _remembered(clocks: Sequence[SlaClock]) -> list[SlaClock]:
    """Return the clocks without those of the oldest further answers."""
    rounds = [clock for clock in clocks if clock.metric is SlaMetric.NEXT_RESPONSE]
    return [clock for clock in clocks if clock not in rounds[:-MOST_ROUNDS]]
