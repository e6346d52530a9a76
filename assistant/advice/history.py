"""What the workspace's own past says about chances; pure counting over records the asker may read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from backend.sales.documents import Opportunity
from backend.sales.rules import StageType
from backend.service.documents import Ticket

ENOUGH = 5  # cases; with fewer the stage's own probability is used, and n is said
PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Chance:
    """A probability and what it was counted from: ``good`` of ``n``; ``is_prior`` when n is too few."""

    value: Decimal
    good: int
    n: int
    is_prior: bool = False


def smoothed(good: int, n: int) -> Decimal:
    """Return (good + 1) / (n + 2). Source: Laplace's rule of succession."""
    return (Decimal(good + 1) / Decimal(n + 2)).quantize(PLACES)


def overall_chance(closed: Sequence[Opportunity]) -> Chance:
    """Return how often deals that are over were won."""
    won = sum(one.stage_type is StageType.WON for one in closed)
    return Chance(smoothed(won, len(closed)), won, len(closed))


def stage_chance(closed: Sequence[Opportunity], opportunity: Opportunity) -> Chance:
    """Return how often deals that stood in this stage were won; too few: the stage's own probability."""
    passed = passed_through(closed, opportunity.stage)
    won = sum(one.stage_type is StageType.WON for one in passed)
    if len(passed) < ENOUGH:
        prior = (Decimal(opportunity.probability) / 100).quantize(PLACES)
        return Chance(prior, won, len(passed), is_prior=True)
    return Chance(smoothed(won, len(passed)), won, len(passed))


def patience_chance(
    closed: Sequence[Opportunity], opportunity: Opportunity, *, now: datetime
) -> Chance | None:
    """Return how often deals that stayed in this stage as long as this one were won; None with too few."""
    waited = time_in_stage(opportunity, opportunity.stage, until=now)
    if waited is None:
        return None
    slow = [
        one
        for one in passed_through(closed, opportunity.stage)
        if (stayed := time_in_stage(one, opportunity.stage)) is not None and stayed >= waited
    ]
    if len(slow) < ENOUGH:
        return None
    won = sum(one.stage_type is StageType.WON for one in slow)
    return Chance(smoothed(won, len(slow)), won, len(slow))


def usual_time_in_stage(closed: Sequence[Opportunity], stage: str) -> timedelta | None:
    """Return the median time that won deals spent in a stage; None when fewer than three tell."""
    times = sorted(
        stayed
        for one in closed
        if one.stage_type is StageType.WON and (stayed := time_in_stage(one, stage)) is not None
    )
    return times[len(times) // 2] if len(times) >= 3 else None


def passed_through(closed: Sequence[Opportunity], stage: str) -> list[Opportunity]:
    """Return the deals that ever stood in ``stage``."""
    return [one for one in closed if any(change.to_stage == stage for change in one.stage_history)]


def time_in_stage(opportunity: Opportunity, stage: str, *, until: datetime | None = None) -> timedelta | None:
    """Return how long the last stay in ``stage`` took, up to ``until`` when not over; None if unknown."""
    entered: datetime | None = None
    left: datetime | None = None
    for change in opportunity.stage_history:
        if change.to_stage == stage:
            entered, left = change.at, None
        elif entered is not None and left is None:
            left = change.at
    end = left or until
    return end - entered if entered is not None and end is not None else None


def resolution_chance(tickets: Sequence[Ticket]) -> Chance:
    """Return how often answered tickets were resolved and never reopened, of those that came to either.

    What is still worked on has no outcome yet: counted as a failure, a busy desk would look bad.
    """
    answered = [one for one in tickets if one.first_responded_at is not None]
    known = [one for one in answered if one.resolved_at is not None or one.reopen_count > 0]
    good = sum(one.reopen_count == 0 for one in known)
    return Chance(smoothed(good, len(known)), good, len(known))


def repeat_chance(closed: Sequence[Opportunity]) -> Chance:
    """Return how many of the accounts that bought once bought again."""
    wins: dict[str, int] = {}
    for one in closed:
        if one.stage_type is StageType.WON and one.account_id:
            wins[one.account_id] = wins.get(one.account_id, 0) + 1
    again = sum(count > 1 for count in wins.values())
    return Chance(smoothed(again, len(wins)), again, len(wins))


def nearest_won(
    closed: Sequence[Opportunity], *, amount: Decimal, currency: str, most: int = 3
) -> list[Opportunity]:
    """Return the won deals in this currency whose amounts are nearest to ``amount`` by ratio."""
    won = [one for one in closed if one.stage_type is StageType.WON and one.currency == currency]

    def distance(one: Opportunity) -> Decimal:
        low, high = sorted([one.amount or Decimal(0), amount])
        return high / max(low, Decimal(1))

    return sorted(won, key=lambda one: (distance(one), one.id))[:most]
