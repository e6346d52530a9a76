"""Turn what retrieval measured into the probability that the best answer is the right one; pure numbers.

The coefficients live in `calibration.json`, which `assistant.calibrate` writes: learned, never typed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from knowledge.ranking import Features

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
SAME, ACROSS = "same", "across"  # question and article in one language, or in two
TICKETS = "tickets"  # two tickets that are the same matter


@dataclass(frozen=True)
class SpanFeatures:
    """How the span to be quoted fits the question: ``coverage`` is the share of the question's words that
    span, headings and title hold.
    """

    coverage: float = 0.0


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
    """What was learned, for questions within a language and across."""

    def __init__(self, content: Mapping[str, Mapping[str, object]]) -> None:
        self.name = str(content["provenance"]["name"])
        self._models = {
            (group, target): _logistic(content[group][target])  # type: ignore[arg-type]
            for group in (SAME, ACROSS)
            for target in ("first", "pair")
        }
        self._thresholds = {
            (group, target): float(content[group][target]["threshold"])  # type: ignore[index]
            for group in (SAME, ACROSS)
            for target in ("first", "pair")
        }
        self._strict = {
            group: float(content[group]["first"]["strict_threshold"])  # type: ignore[index]
            for group in (SAME, ACROSS)
        }
        self._tickets = _logistic(content[TICKETS]["match"])  # type: ignore[arg-type]

    def judge_ticket(self, *, cosine: float, rise: float, coverage: float) -> float:
        """Return the probability that a settled ticket is the same matter; ``rise`` over others' mean."""
        return self._tickets.probability({"cosine": cosine, "rise": rise, "coverage": coverage})

    def judge(self, features: Features, span: SpanFeatures, *, strict: bool = False) -> Confidence:
        """Return the calibrated probabilities and the thresholds they must reach."""
        group = SAME if features.same_language else ACROSS
        values = values_of(features, span)
        return Confidence(
            first=self._models[group, "first"].probability(values),
            pair=self._models[group, "pair"].probability(values),
            threshold=self._strict[group] if strict else self._thresholds[group, "first"],
            pair_threshold=self._thresholds[group, "pair"],
        )


def values_of(features: Features, span: SpanFeatures) -> dict[str, float]:
    """Name every number that a confidence may be learned from."""
    return {
        "best_cosine": features.best_cosine,
        "margin": features.margin,
        "top_z": features.top_z,
        "lexical_per_term": features.lexical_per_term,
        "lexical_of_dense_top": features.lexical_of_dense_top,
        "coverage": features.coverage,
        "agreement": features.agreement,
        "span_coverage": span.coverage,
    }


@cache
def load_calibration(path: Path = CALIBRATION_FILE) -> Calibration:
    """Read the learned coefficients."""
    return Calibration(json.loads(path.read_text(encoding="utf-8")))


def fit_logistic(
    names: Sequence[str], rows: NDArray[np.float64], labels: NDArray[np.float64], *, ridge: float = 1.0
) -> Logistic:
    """Fit by Newton steps with an L2 penalty on standardised features; deterministic.

    ``rows`` (n, len(names)), ``labels`` 0 or 1 (n,).
    """
    means, spreads = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    design = np.column_stack([(rows - means) / spreads, np.ones(len(rows))])
    penalty = np.diag([ridge] * len(names) + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (labels - chance) - penalty @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if float(np.abs(step).max()) < 1e-9:
            break
    return Logistic(tuple(names), means, spreads, weights[:-1], float(weights[-1]))


def _logistic(content: Mapping[str, object]) -> Logistic:
    def numbers(name: str) -> NDArray[np.float64]:
        return np.array(content[name], np.float64)

    names = content["names"]
    assert isinstance(names, list)
    return Logistic(
        tuple(names), numbers("means"), numbers("spreads"), numbers("weights"), float(numbers("intercept"))
    )
