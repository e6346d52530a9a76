"""Figures of how well chances were told: discrimination, calibration, coverage; pure numbers."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auroc(chances: Floats, labels: Floats) -> float:
    """Return how often a right one is scored above a wrong one; ties count half."""
    _, inverse, counts = np.unique(chances, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    right = labels.sum()
    return float((ranks[labels == 1].sum() - right * (right + 1) / 2) / (right * (len(labels) - right)))


def expected_calibration_error(chances: Floats, labels: Floats, *, bins: int = 10) -> float:
    """Return the mean gap between promised and kept, over bins of equal width. Source: Naeini et al. 2015."""
    places = np.minimum((chances * bins).astype(int), bins - 1)
    gaps = [
        abs(chances[places == b].mean() - labels[places == b].mean()) * (places == b).mean()
        for b in range(bins)
        if (places == b).any()
    ]
    return float(sum(gaps))


def losses(chances: Floats, labels: Floats) -> Floats:
    """Return the negative log likelihood of each label, natural logarithm."""
    clipped = np.clip(chances, 1e-6, 1 - 1e-6)
    found: Floats = -(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped))
    return found


def log_loss(chances: Floats, labels: Floats) -> float:
    """Return the mean negative log likelihood."""
    return float(losses(chances, labels).mean())


def brier(chances: Floats, labels: Floats) -> float:
    """Return the mean squared error of the chances. Source: Brier 1950."""
    return float(((chances - labels) ** 2).mean())


def coverage_and_risk(chances: Floats, labels: Floats) -> list[tuple[float, float]]:
    """Return (share answered, share of those wrong) for every threshold, the surest alone first."""
    order = np.argsort(-chances, kind="stable")
    counted = np.arange(1, len(order) + 1)
    risks = 1 - np.cumsum(labels[order]) / counted
    return [(float(n / len(order)), float(risk)) for n, risk in zip(counted, risks, strict=True)]
