"""Draw the coverage–risk curve: how often it is wrong, when it answers so large a share of the questions."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def coverage_and_risk(cases: Sequence[tuple[float, bool]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverage and risk for every threshold, most confident first; equal confidences fall together.

    Risk is the share of wrong answers among those given. Source: El-Yaniv and Wiener 2010.
    """
    confidences = np.array([confidence for confidence, _ in cases], np.float64)
    wrong = np.array([not right for _, right in cases], np.float64)
    order = np.argsort(-confidences, kind="stable")
    ends = np.flatnonzero(np.diff(confidences[order], append=-np.inf))  # the last of each confidence
    answered = ends + 1
    return answered / len(cases), np.cumsum(wrong[order])[ends] / answered


def draw_coverage_risk(
    title: str,
    curves: Mapping[str, Sequence[tuple[float, bool]]],
    file: Path,
    *,
    wanted_precision: float = 0.95,
) -> None:
    """Write the curves as an SVG; the dashed line is the risk that the wanted precision allows."""
    # Here and not above: drawing is for developers, the section that only measures needs no matplotlib.
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "rapport", "svg.fonttype": "none"}):  # the same curve, the same file
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots()
        for name, cases in sorted(curves.items()):
            coverage, risk = coverage_and_risk(cases)
            axes.plot(coverage, risk, label=f"{name} (n={len(cases)})", drawstyle="steps-pre")
        axes.axhline(1 - wanted_precision, color="grey", linestyle="--", linewidth=1)
        axes.set(xlabel="coverage: share of questions answered", ylabel="risk: share of answers wrong")
        axes.set(title=title, xlim=(0, 1), ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend()
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
