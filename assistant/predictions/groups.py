"""Customers that are alike, by when, how often and for how much they bought; pure numbers.

k-means on standardised logarithms, k by the mean silhouette. Source: Rousseeuw 1987, "Silhouettes: a
graphical aid to the interpretation and validation of cluster analysis".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from assistant.predictions.buyers import Floats

LEAST_CUSTOMERS = 12
MOST_GROUPS = 6
TRIES = 8  # starts, of which the tightest is kept
MOST_COMPARED = 1_000  # customers for the silhouette, which looks at all pairs


@dataclass(frozen=True)
class Customer:
    """``days`` since the last purchase, how many there were, what they came to."""

    id: str
    days: float
    purchases: float
    money: float


@dataclass(frozen=True)
class Group:
    """``members`` by id, nearest to the middle first; the medians of the three figures."""

    members: tuple[str, ...]
    days: float
    purchases: float
    money: float


@dataclass(frozen=True)
class Grouping:
    """Groups, worth most first; ``silhouette`` −1 to 1: above 0.5 they are clearly apart."""

    groups: tuple[Group, ...]
    silhouette: float
    n: int
    needed: int = LEAST_CUSTOMERS


def group_customers(customers: Sequence[Customer]) -> Grouping:
    """Return the grouping with the best silhouette of 2 to MOST_GROUPS; none with too few customers.

    Deterministic, and independent of the order in which customers come.
    """
    ordered = sorted(customers, key=lambda one: one.id)
    if len(ordered) < LEAST_CUSTOMERS:
        return Grouping((), 0.0, len(ordered))
    rows = _standardised(ordered)
    different = len(np.unique(rows, axis=0))
    if different < 2:
        return Grouping((), 0.0, len(ordered))
    best: tuple[float, Floats, Floats] | None = None
    for k in range(2, min(MOST_GROUPS, len(ordered) // 3, different) + 1):
        centres, labels = _tightest(rows, k)
        score = _silhouette(rows, labels)
        if best is None or score > best[0] + 1e-9:
            best = score, centres, labels
    assert best is not None
    score, centres, labels = best
    groups = [_group(ordered, rows, centres, labels, k) for k in range(len(centres)) if (labels == k).any()]
    return Grouping(
        tuple(sorted(groups, key=lambda one: (-one.money, one.days, one.members))), score, len(ordered)
    )


def _standardised(customers: Sequence[Customer]) -> Floats:
    rows = np.log1p(np.array([[one.days, one.purchases, one.money] for one in customers], float))
    spreads = rows.std(axis=0)
    found: Floats = (rows - rows.mean(axis=0)) / np.where(spreads > 1e-9, spreads, 1.0)
    return found


def _tightest(rows: Floats, k: int) -> tuple[Floats, Floats]:
    """Return centres and labels of the best of several starts."""
    found = [
        scipy.cluster.vq.kmeans2(rows, k, minit="++", rng=np.random.default_rng(start), iter=50)
        for start in range(TRIES)
    ]
    best: tuple[Floats, Floats] = min(found, key=lambda one: float(((rows - one[0][one[1]]) ** 2).sum()))
    return best


def _silhouette(rows: Floats, labels: Floats) -> float:
    if len(rows) > MOST_COMPARED:
        kept = np.random.default_rng(0).choice(len(rows), MOST_COMPARED, replace=False)
        rows, labels = rows[kept], labels[kept]
    names = np.unique(labels)
    if len(names) < 2:
        return -1.0
    far = scipy.spatial.distance.cdist(rows, rows)
    sums = np.stack([far[:, labels == one].sum(axis=1) for one in names], axis=1)
    sizes = np.array([(labels == one).sum() for one in names])
    own = np.searchsorted(names, labels)
    place = np.arange(len(rows))
    within = sums[place, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[place, own] = np.inf
    nearest = means.min(axis=1)
    widest = np.maximum(np.maximum(within, nearest), 1e-12)
    scores = np.where(sizes[own] > 1, (nearest - within) / widest, 0.0)
    return float(scores.mean())


def _group(customers: Sequence[Customer], rows: Floats, centres: Floats, labels: Floats, k: int) -> Group:
    of_it = np.flatnonzero(labels == k)
    near = of_it[np.argsort(((rows[of_it] - centres[k]) ** 2).sum(axis=1), kind="stable")]
    some = [customers[int(place)] for place in near]

    def middle(name: str) -> float:
        return float(np.median([getattr(one, name) for one in some]))

    return Group(tuple(one.id for one in some), middle("days"), middle("purchases"), middle("money"))
