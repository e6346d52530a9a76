"""When customers without a contract will buy again: the BG/NBD model; pure numbers.

A customer buys at a rate of their own (Gamma over customers) until, after some purchase, they leave (a
chance of their own, Beta over customers). Source: Fader, Hardie and Lee 2005, "Counting your customers the
easy way: an alternative to the Pareto/NBD model", Marketing Science 24(2), 275-284.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = Floats | Sequence[float] | float

LEAST_BUYERS = 30  # with fewer, four parameters are a story and no estimate
LEAST_AGAIN = 10  # who bought more than once: only they tell of rates and of leaving
DAYS_A_WEEK = 7.0
FARTHEST_LOG = 12.0  # parameters are sought within e^-12 and e^12


@dataclass(frozen=True)
class Buying:
    """One customer's purchases: ``again`` after the first, the last of them ``recency`` weeks after it,
    watched for ``age`` weeks."""

    again: int
    recency: float
    age: float


def buying_of(moments: Sequence[datetime], *, until: datetime) -> Buying:
    """Return the summary of one customer's purchases; those of one day are one. ``moments`` not empty."""
    days = sorted({moment.date() for moment in moments})
    span = (days[-1] - days[0]).days / DAYS_A_WEEK
    return Buying(len(days) - 1, span, max(span, (until.date() - days[0]).days / DAYS_A_WEEK))


@dataclass(frozen=True)
class BuyerModel:
    """BG/NBD with its four parameters; ``log_likelihood`` of the ``n`` customers it was fitted to."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    n: int
    n_again: int

    @property
    def is_learned(self) -> bool:
        """Tell whether enough customers, and enough of them again and again, stand behind it."""
        return self.n >= LEAST_BUYERS and self.n_again >= LEAST_AGAIN

    def alive(self, buying: Buying) -> float:
        """Return the probability that a customer has not left. Source: ibid., and Fader's note of 2008.

        Who bought once only cannot have left in this model: they leave after a repeated purchase.
        """
        if buying.again == 0:
            return 1.0
        odds = (
            self.a
            / (self.b + buying.again - 1)
            * ((self.alpha + buying.age) / (self.alpha + buying.recency)) ** (self.r + buying.again)
        )
        return float(1 / (1 + odds))

    def expected_purchases(self, buying: Buying, weeks: float) -> float:
        """Return how many purchases are to be expected in the next ``weeks``. Source: ibid., equation 10."""
        x, tx, age = float(buying.again), buying.recency, buying.age
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        if a == 1.0:
            a = 1.0 + 1e-9  # a removable singularity
        grown = scipy.special.hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + age + weeks))
        first = (a + b + x - 1) / (a - 1)
        second = 1 - ((alpha + age) / (alpha + age + weeks)) ** (r + x) * grown
        left = (a / (b + x - 1)) * ((alpha + age) / (alpha + tx)) ** (r + x) if x > 0 else 0.0
        return float(first * second / (1 + left))


def fit_buyers(buyings: Sequence[Buying]) -> BuyerModel:
    """Fit by maximum likelihood; deterministic. ``buyings`` not empty.

    A fit to few customers is returned, too: whoever uses it asks ``is_learned`` first.
    """
    again = np.array([one.again for one in buyings], float)
    recency = np.array([one.recency for one in buyings], float)
    age = np.array([one.age for one in buyings], float)

    def loss(logs: Floats) -> float:
        r, alpha, a, b = np.exp(logs)
        return -float(_log_likelihoods(r, alpha, a, b, again, recency, age).mean())

    found: Any = scipy.optimize.minimize(
        loss,
        np.zeros(4),
        method="L-BFGS-B",
        bounds=[(-FARTHEST_LOG, FARTHEST_LOG)] * 4,
        options={"ftol": 1e-14},
    )
    r, alpha, a, b = (float(one) for one in np.exp(found.x))
    n = len(buyings)
    return BuyerModel(r, alpha, a, b, -float(found.fun) * n, n, int((again > 0).sum()))


def _log_likelihoods(
    r: float, alpha: float, a: float, b: float, again: Floats, recency: Floats, age: Floats
) -> Floats:
    """Return each customer's log-likelihood. Source: ibid., equation 6, as A1 to A4 of its appendix."""
    gammaln = scipy.special.gammaln
    both = gammaln(r + again) - gammaln(r) + r * np.log(alpha)
    both += gammaln(a + b) + gammaln(b + again) - gammaln(b) - gammaln(a + b + again)
    alive = -(r + again) * np.log(alpha + age)
    gone = np.log(a) - np.log(b + np.maximum(again, 1) - 1) - (r + again) * np.log(alpha + recency)
    found: Floats = both + np.logaddexp(alive, np.where(again > 0, gone, -np.inf))
    return found
