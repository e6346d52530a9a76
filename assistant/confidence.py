"""Turn what retrieval measured into the probability that the best answer is the right one; pure numbers.

The coefficients live in `calibration.json`, which `assistant.calibrate` writes: learned, never typed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.text import Language

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
GROUPS = ("same_zh", "same_en", "across_zh", "across_en")  # question and article in one language, or in two
TICKETS = "tickets"  # two tickets that are the same matter


@dataclass(frozen=True)
class Logistic:
    """One logistic regression: standardised features, weights, intercept."""

    names: tuple[str, ...]
    means: NDArray[np.float64]
    spreads: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float

    def probability(self, values: Mapping[str, float]) -> float:
        """Return the probability, 0 to 1, for named feature values; a missing name is a KeyError."""
        row = np.array([values[name] for name in self.names])
        logit = float(((row - self.means) / self.spreads) @ self.weights) + self.intercept
        return float(1 / (1 + np.exp(-logit)))


@dataclass(frozen=True)
class Confidence:
    """``first`` that the first article answers, ``pair`` that one of the first two does; with thresholds."""

    first: float
    pair: float
    threshold: float
    pair_threshold: float


@dataclass(frozen=True)
class Adjustment:
    """What a workspace's own feedback adds to the calibration: p' = sigmoid(slope · logit(p) + offset).

    Source: Platt 1999, on the logit of a probability. The default changes nothing.
    """

    name: str = ""
    slope: float = 1.0
    offset: float = 0.0

    def apply(self, chance: float) -> float:
        """Return the probability as the workspace's feedback has it; 0 and 1 stay."""
        if not 0 < chance < 1 or (self.slope, self.offset) == (1.0, 0.0):
            return chance
        return float(1 / (1 + np.exp(-(self.slope * np.log(chance / (1 - chance)) + self.offset))))

    def on(self, confidence: Confidence) -> Confidence:
        """Return the confidence adjusted; the thresholds say which precision is wanted, and stay."""
        return replace(confidence, first=self.apply(confidence.first), pair=self.apply(confidence.pair))


AS_LEARNED = Adjustment()


class Calibration:
    """What was learned, by the languages of question and article."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.name = str(content["provenance"]["name"])
        self._learned = {group: _learned(content[group]) for group in GROUPS}
        self._tickets = _logistic(content[TICKETS]["match"])

    def judge_ticket(self, *, cosine: float, rise: float, coverage: float) -> float:
        """Return the probability that a settled ticket is the same matter; ``rise`` over others' mean."""
        return self._tickets.probability({"cosine": cosine, "rise": rise, "coverage": coverage})

    def judge(
        self, values: Mapping[str, float], language: Language, *, same_language: bool, strict: bool = False
    ) -> Confidence:
        """Return the calibrated probabilities and the thresholds they must reach.

        ``language`` is the question's, ``values`` as `assistant.measuring` names them; ``strict`` asks more.
        """
        learned = self._learned[group_of(language, same_language=same_language)]
        return Confidence(
            first=learned.first.probability(values),
            pair=learned.pair.probability(values),
            threshold=learned.strict_threshold if strict else learned.threshold,
            pair_threshold=learned.pair_threshold,
        )


@dataclass(frozen=True)
class _Learned:
    first: Logistic
    pair: Logistic
    threshold: float
    strict_threshold: float
    pair_threshold: float


def group_of(language: Language, *, same_language: bool) -> str:
    """Name the cases that share a calibration: ``same_zh``, ``across_en`` …"""
    return f"{'same' if same_language else 'across'}_{language}"


def _learned(content: Mapping[str, Any]) -> _Learned:
    first, pair = content["first"], content["pair"]
    return _Learned(
        first=_logistic(first),
        pair=_logistic(pair),
        threshold=float(first["threshold"]),
        strict_threshold=float(first["strict_threshold"]),
        pair_threshold=float(pair["threshold"]),
    )


@cache
def load_calibration(path: Path = CALIBRATION_FILE) -> Calibration:
    """Read the learned coefficients."""
    return Calibration(json.loads(path.read_text(encoding="utf-8")))


def fit_logistic(
    names: Sequence[str],
    rows: NDArray[np.float64],
    labels: NDArray[np.float64],
    *,
    ridge: float = 1.0,
    counts: NDArray[np.float64] | None = None,
) -> Logistic:
    """Fit by Newton steps with an L2 penalty on standardised features; deterministic.

    ``rows`` (n, len(names)), ``labels`` 0 or 1 (n,); ``counts`` how often each row counts (once).
    """
    times = np.ones(len(rows)) if counts is None else counts
    means, spreads = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    design = np.column_stack([(rows - means) / spreads, np.ones(len(rows))])
    penalty = np.diag([ridge] * len(names) + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (times * (labels - chance)) - penalty @ weights
        curvature = (design * (times * chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return Logistic(tuple(names), means, spreads, weights[:-1], float(weights[-1]))


def _logistic(content: Mapping[str, Any]) -> Logistic:
    def numbers(name: str) -> NDArray[np.float64]:
        return np.array(content[name], np.float64)

    return Logistic(
        tuple(content["names"]),
        numbers("means"),
        numbers("spreads"),
        numbers("weights"),
        float(numbers("intercept")),
    )
