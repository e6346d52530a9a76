"""What a purchase of a customer is worth on average: the Gamma-Gamma model; pure numbers.

Source: Fader and Hardie 2013, "The Gamma-Gamma model of monetary value" (brucehardie.com, note 025).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from assistant.predictions.buyers import Floats

LEAST_SPENDERS = 10  # customers who bought more than once
FARTHEST_LOG = 20.0


@dataclass(frozen=True)
class Spending:
    """One customer's ``purchases``, worth ``mean`` each on average."""

    purchases: int
    mean: float


@dataclass(frozen=True)
class SpendingModel:
    """Gamma-Gamma with its three parameters, in the currency it was fitted in, for ``n`` customers."""

    p: float
    q: float
    gamma: float
    n: int

    @property
    def is_learned(self) -> bool:
        return self.n >= LEAST_SPENDERS

    def expected(self, spending: Spending) -> float:
        """Return the mean purchase to expect: between the customer's own and everybody's."""
        x = float(spending.purchases)
        return float(
            self.p * (self.gamma + x * spending.mean) / (self.p * x + self.q - 1)
            if self.p * x + self.q > 1
            else spending.mean
        )


def fit_spending(spendings: Sequence[Spending]) -> SpendingModel:
    """Fit by maximum likelihood; deterministic. Means must be positive and ``spendings`` not empty."""
    x = np.array([one.purchases for one in spendings], float)
    means = np.array([one.mean for one in spendings], float)
    scale = float(means.mean())  # money may come in any unit: fitted at 1, scaled back
    z = means / scale
    gammaln = scipy.special.gammaln

    def loss(logs: Floats) -> float:
        p, q, gamma = np.exp(logs)
        each = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        each += (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(gamma + x * z)
        return -float(each.mean())

    found: Any = scipy.optimize.minimize(
        loss,
        np.zeros(3),
        method="L-BFGS-B",
        bounds=[(-FARTHEST_LOG, FARTHEST_LOG)] * 3,
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    p, q, gamma = (float(one) for one in np.exp(found.x))
    return SpendingModel(p, q, gamma * scale, len(spendings))
