"""What every prediction says of itself: a value, how sure it is, and from how much it was learned; pure."""

from dataclasses import dataclass
from math import sqrt

Z_80 = 1.2816  # two-sided 80 %: wide enough to be honest, narrow enough to act upon


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its 80 % interval, learned from ``n`` cases.

    ``enough`` is False while ``n`` is below what the method needs (``needed``): then the value is a prior
    or, where there is none, None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    needed: int
    method: str

    @property
    def enough(self) -> bool:
        return self.value is not None and self.n >= self.needed


def not_enough(*, n: int, needed: int, method: str) -> Estimate:
    """Return the answer that there is no answer yet."""
    return Estimate(value=None, n=n, needed=needed, method=method)


def wilson(good: float, n: float, *, z: float = Z_80) -> tuple[float, float]:
    """Return the interval of a rate, 0 to 1; of nothing seen, all of it.

    Source: Wilson 1927, Journal of the American Statistical Association 22, 209-212.
    """
    if n <= 0:
        return 0.0, 1.0
    rate, zz = good / n, z * z
    middle = (rate + zz / (2 * n)) / (1 + zz / n)
    half = z / (1 + zz / n) * sqrt(rate * (1 - rate) / n + zz / (4 * n * n))
    # The rate lies within, also where rounding would leave a certain one just outside.
    return max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half))
