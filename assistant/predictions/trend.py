"""Where a monthly count is heading, and what the next months may bring; pure.

Whether it moves at all is told by ranks (Mann 1945, Kendall 1975), how fast by the median of all slopes (Sen
1968): one odd month moves neither. What comes next is told by whichever of three simple ways was nearest on
the months that it had not seen, and by how far it was off there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import erf, sqrt
from statistics import fmean, median

from assistant.predictions.estimates import Estimate

NEEDED = 12  # months that are over
LEAST_TO_FIT = 6  # months before the first one that is foretold for judging
A_YEAR = 12
SURE = 0.1  # chance that a trend is none, below which it is called one
INSIDE = 0.8  # of the months judged were no further off than the interval is wide
MOST_AHEAD = 6


@dataclass(frozen=True)
class Trend:
    """``slope`` a month; ``by_chance`` that months in no order look like this; ``ahead``: the next months."""

    months: int
    slope: float
    by_chance: float
    way: str
    ahead: tuple[Estimate, ...]

    @property
    def enough(self) -> bool:
        return self.months >= NEEDED

    @property
    def direction(self) -> str:
        """Return ``rising``, ``falling`` or ``none``; ``unknown`` with too few months."""
        if not self.enough:
            return "unknown"
        if self.by_chance >= SURE or self.slope == 0:
            return "none"
        return "rising" if self.slope > 0 else "falling"


def read_trend(counts: Sequence[float], *, ahead: int = 3) -> Trend:
    """Return what ``counts`` of whole months, oldest first, say; with fewer than NEEDED no number at all."""
    n = len(counts)
    if n < NEEDED:
        nothing = Estimate(value=None, n=n, needed=NEEDED, method="none")
        return Trend(n, 0.0, 1.0, "none", (nothing,) * ahead)
    name, way = min(WAYS.items(), key=lambda named: fmean(_misses(counts, named[1], 1)))
    found = []
    for steps in range(1, ahead + 1):
        value = max(0.0, way(counts, steps))
        missed = sorted(_misses(counts, way, steps))
        width = missed[min(len(missed) - 1, round(INSIDE * len(missed)))]
        low, high = max(0.0, value - width), value + width
        found.append(Estimate(value=value, low=low, high=high, n=n, needed=NEEDED, method=name))
    return Trend(n, _slope(counts), _by_chance(counts), name, tuple(found))


def _misses(counts: Sequence[float], way: Callable[[Sequence[float], int], float], steps: int) -> list[float]:
    """Return how far off a way was on each month, told from the months before alone."""
    return [
        abs(counts[at] - max(0.0, way(counts[: at - steps + 1], steps)))
        for at in range(LEAST_TO_FIT + steps - 1, len(counts))
    ]


def _level(counts: Sequence[float], steps: int) -> float:
    return fmean(counts[-LEAST_TO_FIT:])


def _line(counts: Sequence[float], steps: int) -> float:
    """Return the median line of the last year, carried on."""
    part = counts[-A_YEAR:]
    slope = _slope(part)
    return median(value - slope * place for place, value in enumerate(part)) + slope * (len(part) - 1 + steps)


def _same_month(counts: Sequence[float], steps: int) -> float:
    """Return the same month a year ago; where there is none, the level."""
    place = len(counts) - 1 + steps - A_YEAR
    return counts[place] if 0 <= place < len(counts) else _level(counts, steps)


WAYS: dict[str, Callable[[Sequence[float], int], float]] = {
    "level": _level,
    "line": _line,
    "same_month_last_year": _same_month,
}


def _slope(counts: Sequence[float]) -> float:
    return median((b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(counts), 2))


def _by_chance(counts: Sequence[float]) -> float:
    """Return the two-sided p of the Mann-Kendall test, ties counted, with its correction for continuity."""
    n = len(counts)
    score = sum((b > a) - (b < a) for a, b in combinations(counts, 2))
    ties = [counts.count(value) for value in set(counts)]
    spread = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if spread <= 0:
        return 1.0
    z = (abs(score) - 1) / sqrt(spread) if score else 0.0
    return 1 - erf(max(z, 0.0) / sqrt(2))
