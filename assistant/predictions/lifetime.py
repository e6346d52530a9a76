"""What a customer will bring in: BG/NBD and Gamma-Gamma together, with the interval of their futures; pure.

Given the parameters, what is not known of one customer (their rate, their chance of leaving, whether they
have left, what their purchases are worth) has a closed form; futures are drawn from it with a fixed seed.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from assistant.predictions.buyers import LEAST_AGAIN, LEAST_BUYERS, BuyerModel, Buying, Floats
from assistant.predictions.estimates import Estimate, not_enough
from assistant.predictions.spending import LEAST_SPENDERS, Spending, SpendingModel

METHOD = "bg_nbd_gamma_gamma"
FUTURES = 4_000  # drawn: the ends of an 80 % interval then move by some 2 % of its width
LOW, HIGH = 10, 90  # percentiles


@dataclass(frozen=True)
class LifetimeModel:
    """Both models; ``spending`` is None while too few customers bought twice in the currency."""

    buyers: BuyerModel
    spending: SpendingModel | None

    def value(self, buying: Buying, spending: Spending, *, weeks: float) -> Estimate:
        """Return what the customer's purchases of the next ``weeks`` are worth, undiscounted."""
        n, needed = self.buyers.n, LEAST_BUYERS
        if n >= needed and not self.buyers.is_learned:
            n, needed = self.buyers.n_again, LEAST_AGAIN
        elif n >= needed and (self.spending is None or not self.spending.is_learned):
            n, needed = (self.spending.n if self.spending else 0), LEAST_SPENDERS
        if n < needed or self.spending is None:
            return not_enough(n=n, needed=needed, method=METHOD)
        expected = self.buyers.expected_purchases(buying, weeks) * self.spending.expected(spending)
        futures = draw_futures(self.buyers, buying, weeks) * _draw_means(self.spending, spending, buying)
        low, high = np.percentile(futures, [LOW, HIGH])
        return Estimate(
            value=expected,
            low=min(float(low), expected),
            high=max(float(high), expected),  # most may bring nothing, and the mean then lies beyond
            n=n,
            needed=needed,
            method=METHOD,
        )


def draw_futures(buyers: BuyerModel, buying: Buying, weeks: float) -> Floats:
    """Draw how many purchases the next ``weeks`` bring, FUTURES times.

    Alive, the rate is Gamma(r + x, α + T) and the chance of leaving after a purchase Beta(a, b + x); who has
    left buys no more. Purchases come as a Poisson process and end at the first after which they leave.
    """
    rng = _seeded(buying)
    alive = rng.random(FUTURES) < buyers.alive(buying)
    rates = rng.gamma(buyers.r + buying.again, 1 / (buyers.alpha + buying.age), FUTURES)
    leaves = np.clip(rng.beta(buyers.a, buyers.b + buying.again, FUTURES), 1e-12, 1 - 1e-12)
    wished = rng.poisson(rates * weeks)
    until_left = np.ceil(np.log1p(-rng.random(FUTURES)) / np.log1p(-leaves))
    found: Floats = np.where(alive, np.minimum(wished, until_left), 0.0)
    return found


def _draw_means(spending: SpendingModel, own: Spending, buying: Buying) -> Floats:
    """Draw the worth of a purchase: p / ν with ν from Gamma(q + p x, γ + x m)."""
    x = float(own.purchases)
    rates = _seeded(buying, salt=1).gamma(
        spending.q + spending.p * x, 1 / (spending.gamma + x * own.mean), FUTURES
    )
    found: Floats = spending.p / np.maximum(rates, 1e-12)
    return found


def _seeded(buying: Buying, *, salt: int = 0) -> np.random.Generator:
    """Return a generator of its own for each history: the same question gets the same answer."""
    text = f"{buying.again}|{buying.recency:.6f}|{buying.age:.6f}|{salt}"
    return np.random.default_rng(zlib.crc32(text.encode()))
