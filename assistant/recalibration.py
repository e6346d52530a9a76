"""Fit a workspace's own calibration to what people said of its answers, and judge it before it is used; pure.

Two numbers (slope and offset on the logit) are all that is learned: a night of odd feedback cannot do much.
The judge is 5-fold cross-validation: each row is scored by a fit that has not seen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assistant.confidence import Adjustment
from assistant.figures import brier, expected_calibration_error, log_loss

FEWEST_ROWS = 60
FEWEST_OF_EACH = 10
FOLDS = 5
WORTH_IT = 0.005  # of log loss a row: less is chance
DRIFTS_FROM = 0.25  # Source: the usual reading of the population stability index
BINS = 10
PRIOR_ROWS = 20.0  # how many rows the learned calibration counts for

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Labelled:
    """The learned confidence of an answer, and whether it was right."""

    chance: float
    right: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a night; ``before`` and ``after`` on rows not learned from."""

    kept: bool
    why: str
    slope: float = 1.0
    offset: float = 0.0
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    drift: float | None = None
    drifted: bool = False


def recalibrate(rows: Sequence[Labelled], in_force: Adjustment) -> Outcome:
    """Return whether a calibration fitted to ``rows`` (oldest first) is better than what is in force."""
    chances = np.array([row.chance for row in rows])
    labels = np.array([float(row.right) for row in rows])
    drift = stability_index(chances)
    drifted = drift is not None and drift > DRIFTS_FROM
    few = min(len(rows) - int(labels.sum()), int(labels.sum()))
    if len(rows) < FEWEST_ROWS or few < FEWEST_OF_EACH:
        needed = f"{FEWEST_ROWS} and {FEWEST_OF_EACH} are needed"
        why = f"too little was said: {len(rows)} answers, {few} of the rarer kind; {needed}"
        return Outcome(False, why, drift=drift, drifted=drifted)
    held = np.zeros(len(rows))
    for fold in range(FOLDS):
        out = np.arange(len(rows)) % FOLDS == fold
        slope, offset = fit_platt(chances[~out], labels[~out])
        held[out] = _applied(chances[out], Adjustment("", slope, offset))
    before = measure(_applied(chances, in_force), labels)
    after = measure(held, labels)
    slope, offset = fit_platt(chances, labels)
    better = after["log_loss"] <= before["log_loss"] - WORTH_IT and after["ece"] <= before["ece"] + 0.01
    rising = slope > 0
    if better and rising:
        why = "better on answers it had not seen"
    else:
        why = (
            "no better on answers it had not seen" if rising else "feedback says the opposite of the evidence"
        )
    return Outcome(
        better and rising,
        why,
        slope=round(slope, 6),
        offset=round(offset, 6),
        before=before,
        after=after,
        drift=drift,
        drifted=drifted,
    )


def fit_platt(chances: Floats, labels: Floats) -> tuple[float, float]:
    """Return slope and offset on the logit, drawn towards (1, 0); Newton steps, deterministic.

    Source: Platt 1999; the prior is a ridge around the identity worth ``PRIOR_ROWS`` rows.
    """
    logits = _logit(chances)
    design = np.column_stack([logits, np.ones(len(logits))])
    centre = np.array([1.0, 0.0])
    penalty = PRIOR_ROWS * 0.25 * np.diag([float(np.mean(logits**2)) + 1e-9, 1.0])
    weights = centre.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (labels - chance) - penalty @ (weights - centre)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return float(weights[0]), float(weights[1])


def stability_index(chances: Floats) -> float | None:
    """Return how far the newer half of the confidences has moved from the older; None with too few.

    Source: population stability index, over the older half's deciles.
    """
    half = len(chances) // 2
    if half < FEWEST_ROWS // 2:
        return None
    older, newer = chances[:half], chances[half:]
    edges = np.quantile(older, np.linspace(0, 1, BINS + 1)[1:-1])
    shares = [
        (np.bincount(np.searchsorted(edges, part), minlength=BINS) + 0.5) / (len(part) + 0.5 * BINS)
        for part in (older, newer)
    ]
    return round(float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()), 4)


def measure(chances: Floats, labels: Floats) -> dict[str, float]:
    """Return log loss, Brier score and ECE, rounded for people."""
    return {
        "log_loss": round(log_loss(chances, labels), 4),
        "brier": round(brier(chances, labels), 4),
        "ece": round(expected_calibration_error(chances, labels), 4),
    }


def _applied(chances: Floats, adjustment: Adjustment) -> Floats:
    return np.array([adjustment.apply(float(chance)) for chance in chances])


def _logit(chances: Floats) -> Floats:
    clipped = np.clip(chances, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))
