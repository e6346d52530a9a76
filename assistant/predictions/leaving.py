"""How likely a customer is to leave, learned from customers who did and did not; pure numbers.

A logistic regression that stays readable: every figure as a line with bends, every choice as it is, all
shrunk by a ridge. What each thing moves is the sum of its own terms.
Source: Hastie and Tibshirani 1986, "Generalized additive models"; for the ridge, le Cessie and van
Houwelingen 1992.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.confidence import Logistic, fit_logistic
from assistant.predictions.buyers import Floats
from assistant.predictions.estimates import Estimate, not_enough, wilson
from assistant.predictions.win import Steps, fit_steps, sigmoid

METHOD = "additive_logistic"
LEAST_OF_EACH = 50  # who left, and who stayed
BENDS = tuple(place / 9 for place in range(1, 9))  # quantiles at which a figure's line may bend
RIDGE = 10.0  # chosen, with the bends, by cross-validation in one half of a public set: docs/advice.md
LEAST_OF_CHOICE = 10  # customers with it: rarer ones are one "other"
OTHER = "other"

Row = Mapping[str, float | str]


@dataclass(frozen=True)
class Design:
    """How a row becomes numbers: ``bends`` and ``ends`` of each figure, ``choices`` of each name.

    A figure beyond what was learned from counts as the end: lines are not drawn into the unknown.
    """

    ends: Mapping[str, tuple[float, float]]
    bends: Mapping[str, tuple[float, ...]]
    choices: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Design":
        ends, bends, choices = {}, {}, {}
        for name in rows[0]:
            values = [row[name] for row in rows]
            if all(isinstance(value, int | float) for value in values):
                figures = np.array(values, float)
                cuts, ends[name] = np.quantile(figures, BENDS), (float(figures.min()), float(figures.max()))
                bends[name] = tuple(sorted({float(cut) for cut in cuts}))
            else:
                texts = [str(value) for value in values]
                choices[name] = tuple(
                    sorted(one for one in set(texts) if texts.count(one) >= LEAST_OF_CHOICE)
                )
        return cls(ends, bends, choices)

    @property
    def names(self) -> list[str]:
        """Return for each column the thing that it is made of."""
        figures = [name for name, cuts in self.bends.items() for _ in range(2 + len(cuts))]
        return [*figures, *(name for name, sorts in self.choices.items() for _ in sorts)]

    def rows(self, rows: Sequence[Row]) -> Floats:
        """Return (len(rows), len(names)) numbers."""
        columns: list[Floats] = []
        for name, cuts in self.bends.items():
            values = np.clip([float(row[name]) for row in rows], *self.ends[name])
            logs = np.sign(values) * np.log1p(np.abs(values))
            columns += [values, logs, *(np.maximum(values - cut, 0.0) for cut in cuts)]
        chosen = [
            np.array([self._sort(name, row) == sort for row in rows], float)
            for name, sorts in self.choices.items()
            for sort in sorts
        ]
        return np.column_stack([*columns, *chosen])

    def _sort(self, name: str, row: Row) -> str:
        text = str(row[name])
        return text if text in self.choices[name] else OTHER


@dataclass(frozen=True)
class LeavingModel:
    """``n_left`` and ``n_stayed`` customers, of which it was learned."""

    design: Design
    logistic: Logistic
    steps: Steps | None
    n_left: int
    n_stayed: int

    def chances(self, rows: Sequence[Row]) -> Floats:
        """Return the probability of leaving for each row."""
        found: Floats = np.array([sigmoid(float(one)) for one in self._terms(rows).sum(axis=1)])
        return found

    def estimate(self, row: Row) -> Estimate:
        """Return the probability for one customer; its interval is that of customers with as high a one."""
        chance = float(self.chances([row])[0])
        n = self.n_left + self.n_stayed
        near = self.steps.seen(chance) if self.steps else n
        low, high = wilson(chance * near, near)
        return Estimate(value=chance, low=low, high=high, n=n, needed=2 * LEAST_OF_EACH, method=METHOD)

    def factors(self, row: Row) -> dict[str, float]:
        """Return what each thing adds to the log-odds, beside a customer who is average in everything."""
        terms = self._terms([row])[0][:-1]
        found: dict[str, float] = {}
        for name, term in zip(self.design.names, terms, strict=True):
            found[name] = found.get(name, 0.0) + float(term)
        return found

    def _terms(self, rows: Sequence[Row]) -> Floats:
        model = self.logistic
        terms = (self.design.rows(rows) - model.means) / model.spreads * model.weights
        return np.column_stack([terms, np.full(len(rows), model.intercept)])


def fit_leaving(rows: Sequence[Row], left: Sequence[bool]) -> LeavingModel | None:
    """Learn from customers; None with fewer than LEAST_OF_EACH who left or who stayed. Deterministic."""
    labels = np.array(left, float)
    n_left = int(labels.sum())
    if min(n_left, len(labels) - n_left) < LEAST_OF_EACH:
        return None
    design = Design.of(rows)
    logistic = fit_logistic(design.names, design.rows(rows), labels, ridge=RIDGE)
    model = LeavingModel(design, logistic, None, n_left, len(labels) - n_left)
    steps = fit_steps(model.chances(rows), labels, np.ones(len(labels)))
    return LeavingModel(design, logistic, steps, n_left, len(labels) - n_left)


def too_few(left: Sequence[bool]) -> Estimate:
    """Return the answer for a workspace in which too few have left, or too few have stayed."""
    rarer = min(sum(left), len(left) - sum(left))
    return not_enough(n=rarer, needed=LEAST_OF_EACH, method=METHOD)
