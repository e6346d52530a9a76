"""Fit a workspace's own calibration to what people said of its answers, and judge it before it is used; pure.

Two numbers (slope and offset on the logit) are all that is learned: a night of odd feedback cannot do much.
The judge is 5-fold cross-validation: each row is scored by a fit that has not seen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy
from numpy.typing import NDArray

from assistant.confidence import Adjustment
from assistant.figures import brier, expected_calibration_error, log_loss, losses

FEWEST_ROWS = 60
FEWEST_OF_EACH = 10
FOLDS = 5
WORTH_IT = 0.005  # of log loss a row: less is chance
SURE = 2.5  # standard errors of the mean gain: by chance alone once in 160 nights
DRIFTS_FROM = 0.25  # Source: the usual reading of the population stability index
FALSE_ALARMS = 0.01  # of nights
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
    drifted = drift is not None and drifts(drift, len(rows))
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
    standing = _applied(chances, in_force)
    before, after = measure(standing, labels), measure(held, labels)
    slope, offset = fit_platt(chances, labels)
    worth_it = after["log_loss"] <= before["log_loss"] - WORTH_IT and after["ece"] <= before["ece"] + 0.01
    better, rising = worth_it and surely_less(held, standing, labels), slope > 0
    if not rising:
        why = "feedback says the opposite of the evidence"
    elif better:
        why = "better on answers it had not seen"
    elif worth_it:
        why = "better on answers it had not seen, but by no more than chance may make it"
    else:
        why = "no better on answers it had not seen"
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


def surely_less(new: Floats, old: Floats, labels: Floats) -> bool:
    """Tell whether ``new`` chances lose less than ``old`` ones by more than chance: row by row, one-sided.

    A job that looks every night would else keep a worse one sooner or later.
    """
    gains = losses(old, labels) - losses(new, labels)
    spread = float(gains.std(ddof=1))
    return float(gains.mean()) > SURE * spread / float(np.sqrt(len(gains)))


def fit_platt(chances: Floats, labels: Floats) -> tuple[float, float]:
    """Return slope and offset on the logit, drawn towards (1, 0); Newton steps, deterministic.

    A step that overshoots is halved: where every chance is near 1 the curve is flat, and whole steps leave
    for good. Source: Platt 1999; the prior is a ridge around the identity worth ``PRIOR_ROWS`` rows.
    """
    logits = _logit(chances)
    design = np.column_stack([logits, np.ones(len(logits))])
    centre = np.array([1.0, 0.0])
    penalty = PRIOR_ROWS * 0.25 * np.diag([float(np.mean(logits**2)) + 1e-9, 1.0])

    def loss(weights: Floats) -> float:
        odds, away = design @ weights, weights - centre
        return float((np.logaddexp(0, odds) - labels * odds).sum() + away @ penalty @ away / 2)

    weights = centre.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (labels - chance) - penalty @ (weights - centre)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        while loss(weights + step) > loss(weights) and float(np.abs(step).max()) > 1e-9:
            step = step / 2
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


def drifts(index: float, n: int) -> bool:
    """Tell whether a stability index of ``n`` rows is more than chance makes of confidences that stand still.

    Of two halves of one distribution it is about chi-square times 4 / n: of a hundred rows 0.3 is nothing.
    Source: Yurdakul and Naranjo 2020, "Statistical properties of the population stability index".
    """
    by_chance = float(scipy.special.chdtri(BINS - 1, FALSE_ALARMS)) * 4 / n
    return index > max(DRIFTS_FROM, by_chance)


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
