"""Probabilities written as steps that can be priced: what each piece of knowledge moves; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from assistant.advice.experience import Experience, levels_now
from assistant.advice.history import (
    ENOUGH,
    PLACES,
    Chance,
    overall_chance,
    patience_chance,
    stage_chance,
)
from assistant.predictions.estimates import wilson
from assistant.predictions.win import WinModel
from backend.sales.documents import Opportunity

LEAST_TO_LEARN_FROM = 8  # decisions weigh as much as this many imagined ones that took the advice


@dataclass(frozen=True)
class Step:
    """What one piece of knowledge adds to a probability, and what it was counted from."""

    name: str
    share: Decimal
    evidence: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reckoning:
    """A probability, the exact sum of its steps, with its 80 % interval, from ``n`` cases."""

    steps: tuple[Step, ...]
    low: Decimal
    high: Decimal
    n: int
    enough: bool
    method: str

    @property
    def probability(self) -> Decimal:
        return sum((step.share for step in self.steps), Decimal(0))

    def times(self, name: str, factor: Decimal, evidence: str, values: Mapping[str, str]) -> "Reckoning":
        """Return the reckoning with a further condition that holds with probability ``factor``."""
        share = (self.probability * (factor - 1)).quantize(PLACES)
        return Reckoning(
            steps=(*self.steps, Step(name, share, evidence, values)),
            low=(self.low * factor).quantize(PLACES),
            high=(self.high * factor).quantize(PLACES),
            n=self.n,
            enough=self.enough,
            method=self.method,
        )


def winning(experience: Experience, one: Opportunity, *, now: datetime) -> Reckoning:
    """Return how likely an open deal is to be won: learned where enough is over, else by its stage."""
    if experience.model is not None:
        return _learned(experience.model, experience, one, now)
    chances = [
        ("win_rate", overall_chance(experience.closed)),
        ("stage", stage_chance(experience.closed, one)),
    ]
    slow = patience_chance(experience.closed, one, now=now)
    if slow is not None:
        chances.append(("time_in_stage", slow))
    return counted(chances, method="stage_counts")


def counted(chances: Sequence[tuple[str, Chance]], *, method: str) -> Reckoning:
    """Return the last chance as the sum of what each one changed about the one before."""
    steps, before = [], Decimal(0)
    for name, chance in chances:
        key = "prior" if chance.is_prior else "counted"
        values = {"good": str(chance.good), "n": str(chance.n), "value": str(chance.value)}
        steps.append(Step(name, chance.value - before, key, values))
        before = chance.value
    last = chances[-1][1]
    low, high = wilson(float(before) * last.n, last.n) if not last.is_prior else (0.0, 1.0)
    return Reckoning(
        steps=tuple(steps),
        low=min(_decimal(low), before),
        high=max(_decimal(high), before),
        n=last.n,
        enough=last.n >= ENOUGH,
        method="stage_prior" if last.is_prior else method,
    )


def _learned(model: WinModel, experience: Experience, one: Opportunity, now: datetime) -> Reckoning:
    levels = levels_now(experience, one, now)
    estimate = model.estimate(one.stage, levels)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    base, total = _decimal(model.base), _decimal(estimate.value)
    all = {"good": str(model.n_won), "n": str(model.n_won + model.n_lost), "value": str(base)}
    steps = [Step("win_rate", base, "counted", all)]
    for factor in model.factors(one.stage, levels):
        values = {"level": factor.level, "good": str(factor.won), "n": str(factor.n)}
        steps.append(Step(factor.name, _decimal(factor.share), "counted_level", values))
    # What rounding to four places leaves over goes to the largest share, so that the sum is exact.
    left = total - sum((step.share for step in steps), Decimal(0))
    place = max(range(1, len(steps)), key=lambda i: abs(steps[i].share))
    largest = steps[place]
    steps[place] = Step(largest.name, largest.share + left, largest.evidence, largest.values)
    return Reckoning(
        steps=tuple(steps),
        low=_decimal(estimate.low),
        high=_decimal(estimate.high),
        n=estimate.n,
        enough=estimate.enough,
        method=estimate.method,
    )


def taken_up(reckoning: Reckoning, action: str, experience: Experience) -> Reckoning:
    """Return the reckoning less what people here made of such advice: much skipped as wrong, worth less.

    The share that was right is shrunk towards 1 as if LEAST_TO_LEARN_FROM decisions had been so.
    """
    right, wrong = experience.taken_up.get(action, (0, 0))
    if not wrong:
        return reckoning
    share = Decimal(right + LEAST_TO_LEARN_FROM) / Decimal(right + wrong + LEAST_TO_LEARN_FROM)
    values = {"wrong": str(wrong), "n": str(right + wrong)}
    return reckoning.times("skipped_before", share, "skipped_before", values)


def _decimal(value: float) -> Decimal:
    return Decimal(value).quantize(PLACES)
