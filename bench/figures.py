"""What a section measures: figures, what was promised of each, and what others reach in the same run."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.stage import Stage


class Target(Protocol):
    """A promise about a figure."""

    limit: float

    def holds(self, value: float) -> bool:
        """Tell whether ``value`` keeps the promise."""

    def better(self, value: float, other: float) -> float:
        """Return how many times as good ``value`` is as ``other``."""


@dataclass(frozen=True)
class AtMost:
    """Small is good: times, bytes."""

    limit: float

    def holds(self, value: float) -> bool:
        return value <= self.limit

    def better(self, value: float, other: float) -> float:
        return other / value if value else math.inf

    def __str__(self) -> str:
        return f"≤ {self.limit:,g}"


@dataclass(frozen=True)
class AtLeast:
    """Large is good: rates."""

    limit: float

    def holds(self, value: float) -> bool:
        return value >= self.limit

    def better(self, value: float, other: float) -> float:
        return value / other if other else math.inf

    def __str__(self) -> str:
        return f"≥ {self.limit:,g}"


LESS_IS_BETTER = AtMost(math.inf)
MORE_IS_BETTER = AtLeast(0)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table.

    ``target`` is the promise; where there is none but ``peers`` are given (others' figures for the same work
    in the same run, by name) it says which way is better: ``LESS_IS_BETTER``. ``claim`` is the promise's
    number in the design (``S7``), ``note`` what a reader must know to read the figure.
    """

    name: str
    ours: float
    unit: str = ""
    target: AtMost | AtLeast | None = None
    peers: Mapping[str, float] = field(default_factory=dict)
    claim: str = ""
    note: str = ""

    @property
    def is_promised(self) -> bool:
        return self.target is not None and self.target not in (LESS_IS_BETTER, MORE_IS_BETTER)

    @property
    def holds(self) -> bool | None:
        """Tell whether the promise is kept; None when there is none."""
        return self.target.holds(self.ours) if self.target and self.is_promised else None

    @property
    def ratios(self) -> dict[str, float]:
        """Return how many times as good we are as each peer: above 1 is better. Beside 0 there is none."""
        if self.target is None:
            return {}
        ratios = {name: self.target.better(self.ours, value) for name, value in self.peers.items()}
        return {name: ratio for name, ratio in ratios.items() if math.isfinite(ratio)}

    def as_json(self) -> dict[str, Any]:
        """Return what results.json keeps."""
        said: dict[str, Any] = {"name": self.name, "ours": _rounded(self.ours), "unit": self.unit}
        if self.is_promised:
            said |= {"target": str(self.target), "holds": self.holds}
        if self.claim:
            said["claim"] = self.claim
        if self.peers:
            said["peers"] = {name: _rounded(value) for name, value in self.peers.items()}
            said["ratios"] = {name: _rounded(value) for name, value in self.ratios.items()}
        return said | ({"note": self.note} if self.note else {})


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the benchmark that runs by itself. A module of ``bench`` declares one as ``SECTION``.

    ``minutes`` says about how long it takes: all sections together stay below 20.
    """

    name: str
    about: str
    minutes: float
    run: Callable[[Stage], Awaitable[Sequence[Figure]]]


def _rounded(value: float) -> float:
    return round(value, 3) if abs(value) < 100 else round(value, 1)
