"""Results: the table for people, ``bench/results.json`` for machines."""

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, Section

RESULTS = Path(__file__).parent / "results.json"
KEPT = {True: "yes", False: "NO", None: ""}


def keep(section: Section, seconds: float, figures: Sequence[Figure]) -> None:
    """Write a section's figures; those of other sections stay as they were."""
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known[section.name] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "seconds": round(seconds),
        "figures": [figure.as_json() for figure in figures],
    }
    RESULTS.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(console: Console, section: Section, figures: Sequence[Figure]) -> None:
    """Print a table of ``figures``; a peer has a column: its figure, and how many times as good ours is."""
    peers = list(dict.fromkeys(name for figure in figures for name in figure.peers))
    table = Table(title=f"{section.name}: {section.about}", title_justify="left")
    table.add_column("figure")
    for name in ("ours", "unit"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("promised", no_wrap=True)
    table.add_column("kept")
    for name in peers:
        table.add_column(name, justify="right")
    for figure in figures:
        promised = f"{figure.target} {figure.claim}".strip() if figure.is_promised else figure.claim
        others = [_beside(figure, name) for name in peers]
        table.add_row(figure.name, _number(figure.ours), figure.unit, promised, KEPT[figure.holds], *others)
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"  {figure.name}: {figure.note}", highlight=False)


def _beside(figure: Figure, peer: str) -> str:
    if peer not in figure.peers:
        return ""
    ratio = figure.ratios.get(peer)
    return _number(figure.peers[peer]) + (f" (×{ratio:,.2f})" if ratio is not None else "")


def _number(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def as_markdown() -> str:
    """Return all that is kept, as tables for docs/benchmarks.md."""
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return "\n\n".join(_section_as_markdown(name, said) for name, said in known.items())


def _section_as_markdown(name: str, said: dict[str, Any]) -> str:
    figures = said["figures"]
    peers = list(dict.fromkeys(peer for figure in figures for peer in figure.get("peers", {})))
    heads = ["", "ours", "promised", *peers]
    lines = [f"**{name}**, {said['at'][:10]}, Python {said['python']}", "", _cells(heads)]
    lines.append(_cells(["---", *["--:"] * (len(heads) - 1)]))
    for figure in figures:
        promised = " ".join([figure.get("target", ""), figure.get("claim", "")]).strip()
        mark = {True: " ✓", False: " ✗"}.get(figure.get("holds"), "")
        ours = f"{_number(figure['ours'])} {figure['unit']}".strip()
        others = [_peer_cell(figure, peer) for peer in peers]
        lines.append(_cells([figure["name"], ours, promised + mark, *others]))
    return "\n".join(lines)


def _peer_cell(figure: dict[str, Any], peer: str) -> str:
    if peer not in figure.get("peers", {}):
        return ""
    ratio = figure["ratios"].get(peer)
    return _number(figure["peers"][peer]) + (f" ×{ratio:,.2f}" if ratio is not None else "")


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
