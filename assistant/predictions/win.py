"""How likely a deal is to be won, learned from deals that are over: naive Bayes, then isotonic; pure numbers.

Each factor adds its log-likelihood ratio, counted, to the log-odds of the deal's stage; that counts what
hangs together twice, so the sum is put right by an isotonic regression on deals left out when counting.
Source: Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability
estimates"; naive Bayes for lead scoring is Odoo's way.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
import scipy

from assistant.predictions.buyers import Floats
from assistant.predictions.estimates import Estimate, wilson
from assistant.predictions.fair_shares import fair_shares

METHOD = "naive_bayes_isotonic"
LEAST_OF_EACH = 50  # won, and lost: with fewer the isotonic steps are noise
FOLDS = 5
STAGE = "stage"
SUREST = 0.99  # no deal that is open is certain


@dataclass(frozen=True)
class WinCase:
    """A deal that is over, as it stood at some moment in ``stage``: ``levels`` by factor."""

    deal_id: str
    stage: str
    levels: Mapping[str, str]
    won: bool


@dataclass(frozen=True)
class WinFactor:
    """What one factor moves the probability by, and the counts behind it: ``won`` of ``n`` cases."""

    name: str
    level: str
    share: float
    won: int
    n: int


@dataclass(frozen=True)
class _Counts:
    """Cases won and lost: in all, by stage and by (factor, level); how many levels each factor has."""

    all: Counter[bool]
    stages: Counter[tuple[str, bool]]
    levels: Counter[tuple[str, str, bool]]
    sorts: Mapping[str, int]

    @property
    def base(self) -> float:
        return _smoothed(self.all[True], self.all[True] + self.all[False])

    def stage_log_odds(self, stage: str) -> float:
        """Return the log-odds of a stage; of one that nobody stood in, those of all."""
        won, lost = self.stages[stage, True], self.stages[stage, False]
        return _logit(_smoothed(won, won + lost)) if won + lost else _logit(self.base)

    def ratio(self, factor: str, level: str) -> float:
        """Return log P(level | won) / P(level | lost), each with one case added to every level."""
        sorts = self.sorts.get(factor, 0) + 1
        good = (self.levels[factor, level, True] + 1) / (self.all[True] + sorts)
        bad = (self.levels[factor, level, False] + 1) / (self.all[False] + sorts)
        return log(good / bad)

    def log_odds(self, stage: str, levels: Mapping[str, str], some: frozenset[str] | None = None) -> float:
        """Return the log-odds from the factors in ``some`` (None: from all)."""
        stands = some is None or STAGE in some
        found = self.stage_log_odds(stage) if stands else _logit(self.base)
        return found + sum(self.ratio(f, level) for f, level in levels.items() if some is None or f in some)


@dataclass(frozen=True)
class Steps:
    """An isotonic regression: from ``starts`` to ``ends`` of the score, ``rates`` as seen in ``n`` cases."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    rates: tuple[float, ...]
    n: tuple[float, ...]

    def rate(self, score: float) -> float:
        """Return the rate: flat on a step, between two steps in a straight line."""
        place = max(0, bisect_right(self.starts, score) - 1)
        found = self.rates[place]
        if score > self.ends[place] and place + 1 < len(self.rates):
            gap = self.starts[place + 1] - self.ends[place]
            found += (self.rates[place + 1] - found) * (score - self.ends[place]) / gap
        return min(max(found, 1 - SUREST), SUREST)

    def seen(self, score: float) -> float:
        """Return in how many cases the step was seen that the score is on, or last left."""
        return self.n[max(0, bisect_right(self.starts, score) - 1)]


@dataclass(frozen=True)
class WinModel:
    """``n_won`` and ``n_lost`` deals, of which ``counts`` and ``steps`` were learned."""

    counts: _Counts
    steps: Steps
    n_won: int
    n_lost: int

    def estimate(self, stage: str, levels: Mapping[str, str]) -> Estimate:
        """Return the probability that a deal is won which stands so."""
        score = self.counts.log_odds(stage, levels)
        rate = self.steps.rate(score)
        seen = self.steps.seen(score)
        low, high = wilson(rate * seen, seen)
        n = self.n_won + self.n_lost
        return Estimate(value=rate, low=low, high=high, n=n, needed=2 * LEAST_OF_EACH, method=METHOD)

    @property
    def base(self) -> float:
        """Return the probability of a deal of which nothing is known."""
        return self.steps.rate(_logit(self.counts.base))

    def factors(self, stage: str, levels: Mapping[str, str]) -> list[WinFactor]:
        """Return what each factor moves the probability by: with ``base`` they sum to the estimate."""
        names = [STAGE, *levels]
        shares = fair_shares(
            names, lambda some: self.steps.rate(self.counts.log_odds(stage, levels, frozenset(some)))
        )
        found = []
        for name in names:
            level = stage if name == STAGE else levels[name]
            won, lost = (self._seen(name, level, good) for good in (True, False))
            found.append(WinFactor(name, level, shares[name], won, won + lost))
        return found

    def _seen(self, name: str, level: str, good: bool) -> int:
        if name == STAGE:
            return self.counts.stages[level, good]
        return self.counts.levels[name, level, good]


def fit_win_model(cases: Sequence[WinCase]) -> WinModel | None:
    """Learn from cases; None with fewer than LEAST_OF_EACH deals won or lost. Deterministic."""
    deals = {one.deal_id: one.won for one in cases}
    n_won = sum(deals.values())
    n_lost = len(deals) - n_won
    if min(n_won, n_lost) < LEAST_OF_EACH:
        return None
    fold = {id: place % FOLDS for place, id in enumerate(sorted(deals))}
    often = Counter(one.deal_id for one in cases)
    scores = np.zeros(len(cases))
    for left_out in range(FOLDS):
        counts = _count([one for one in cases if fold[one.deal_id] != left_out])
        for place, one in enumerate(cases):
            if fold[one.deal_id] == left_out:
                scores[place] = counts.log_odds(one.stage, one.levels)
    won = np.array([one.won for one in cases], float)
    weights = np.array([1 / often[one.deal_id] for one in cases])  # a deal counts once, however long
    return WinModel(_count(cases), fit_steps(scores, won, weights), n_won, n_lost)


def fit_steps(scores: Floats, good: Floats, weights: Floats) -> Steps:
    """Return the isotonic regression of ``good`` on ``scores``; equal scores are one case of more weight."""
    points, place = np.unique(scores, return_inverse=True)
    weight = np.bincount(place, weights)
    rate = np.bincount(place, weights * good) / weight
    fitted = scipy.optimize.isotonic_regression(rate, weights=weight)
    firsts, lasts = fitted.blocks[:-1], fitted.blocks[1:]
    return Steps(
        starts=tuple(float(points[first]) for first in firsts),
        ends=tuple(float(points[last - 1]) for last in lasts),
        rates=tuple(float(fitted.x[first]) for first in firsts),
        n=tuple(float(weight[first:last].sum()) for first, last in zip(firsts, lasts, strict=True)),
    )


def _count(cases: Sequence[WinCase]) -> _Counts:
    levels = Counter((f, level, one.won) for one in cases for f, level in one.levels.items())
    sorts = Counter(factor for factor, _ in {(f, level) for f, level, _ in levels})
    return _Counts(
        all=Counter(one.won for one in cases),
        stages=Counter((one.stage, one.won) for one in cases),
        levels=levels,
        sorts=sorts,
    )


def _smoothed(good: int, n: int) -> float:
    return (good + 1) / (n + 2)


def _logit(chance: float) -> float:
    return log(chance / (1 - chance))


def sigmoid(log_odds: float) -> float:
    """Return the probability of log-odds, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + exp(-log_odds))
    return exp(log_odds) / (1 + exp(log_odds))
