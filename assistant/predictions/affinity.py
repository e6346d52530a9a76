"""What goes with what: association rules over the things that customers were interested in; pure.

Source: Agrawal, Imielinski and Swami 1993, "Mining association rules between sets of items in large
databases"; rules of one thing to one thing, which people can check.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import permutations

from assistant.predictions.estimates import wilson

LEAST_BASKETS = 30  # customers with two things or more
LEAST_TOGETHER = 3  # customers who have both
MOST_THINGS = 50  # of one customer: more is a catalogue and no interest


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who has ``given`` has ``thing``, too, with ``confidence`` (80 % interval ``low`` to ``high``).

    ``together`` of ``with_given`` customers; ``lift`` is how many times as often as all ``n`` have it.
    """

    given: str
    thing: str
    together: int
    with_given: int
    n: int
    confidence: float
    low: float
    high: float
    lift: float


@dataclass(frozen=True)
class Affinities:
    """Rules, surest first; ``n`` customers with two things or more, of ``needed``."""

    rules: tuple[Rule, ...]
    n: int
    needed: int = LEAST_BASKETS

    @property
    def enough(self) -> bool:
        return self.n >= self.needed

    def for_customer(self, has: Collection[str], *, most: int = 5) -> list[Rule]:
        """Return the best rule for each thing that a customer does not have yet, surest first."""
        best: dict[str, Rule] = {}
        for rule in self.rules:
            if rule.given in has and rule.thing not in has:
                best.setdefault(rule.thing, rule)
        return list(best.values())[:most]


def find_affinities(baskets: Sequence[Collection[str]]) -> Affinities:
    """Return the rules that lift: of pairs that LEAST_TOGETHER customers have; none with too few."""
    sets = [frozenset(one) for one in baskets if 2 <= len(set(one)) <= MOST_THINGS]
    n = len(sets)
    if n < LEAST_BASKETS:
        return Affinities((), n)
    single = Counter(thing for one in sets for thing in one)
    pairs = Counter(pair for one in sets for pair in permutations(sorted(one), 2))
    rules = []
    for (given, thing), together in pairs.items():
        confidence = together / single[given]
        lift = confidence / (single[thing] / n)
        low, high = wilson(together, single[given])
        if together >= LEAST_TOGETHER and low > single[thing] / n:  # surely more often than by chance
            rules.append(
                Rule(
                    given=given,
                    thing=thing,
                    together=together,
                    with_given=single[given],
                    n=n,
                    confidence=confidence,
                    low=low,
                    high=high,
                    lift=lift,
                )
            )
    return Affinities(tuple(sorted(rules, key=lambda one: (-one.low, -one.lift, one.given, one.thing))), n)
