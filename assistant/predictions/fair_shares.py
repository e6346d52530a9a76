"""How much of a result each factor accounts for, in whatever order they are looked at; pure.

Source: Shapley 1953, "A value for n-person games"; exact, over all subsets: few factors only.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

MOST_FACTORS = 10  # 2^10 evaluations


def fair_shares(names: Sequence[str], result: Callable[[frozenset[str]], float]) -> dict[str, float]:
    """Return each factor's share; together they are ``result(all) − result(none)``."""
    if len(names) > MOST_FACTORS:
        raise ValueError(f"{len(names)} factors; exact shares are for {MOST_FACTORS} at most")
    known: dict[frozenset[str], float] = {}

    def worth(some: frozenset[str]) -> float:
        if some not in known:
            known[some] = result(some)
        return known[some]

    n, shares = len(names), dict.fromkeys(names, 0.0)
    for name in names:
        others = [one for one in names if one != name]
        for size in range(n):
            weight = factorial(size) * factorial(n - size - 1) / factorial(n)
            for some in combinations(others, size):
                without = frozenset(some)
                shares[name] += weight * (worth(without | {name}) - worth(without))
    return shares
