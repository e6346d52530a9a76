"""Show what was measured and keep it: ``eval/results.json``, and one file a version of the project."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from eval.frame import Outcome, Section

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
VERSIONS = FOLDER / "versions"  # the last results of each version of the project
PICTURES = FOLDER / "pictures"

Results = dict[str, Any]


def read_results(file: Path = RESULTS) -> Results:
    """Return what was kept, or nothing yet."""
    found: Results = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found if "sections" in found else {"sections": {}}


def take_in(results: Results, section: Section, outcome: Outcome, *, model: str, quick: bool) -> None:
    """Put a section's rows in the place of its earlier ones; other sections stay."""
    results["sections"][section.name] = {
        "claim": section.claim,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": model,
        "quick": quick,
        "rows": [_rounded(asdict(row)) for row in outcome.rows],
        "examples": {heading: list(lines) for heading, lines in outcome.examples.items()},
    }


def write_results(results: Results, *, folder: Path = FOLDER) -> None:
    """Write the results beside the code and under the project's version."""
    name = version("rapport")
    results |= {"version": name, "python": platform.python_version(), "processors": os.cpu_count()}
    results["sections"] = dict(sorted(results["sections"].items(), key=lambda at: (at[1]["claim"], at[0])))
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    kept = folder / VERSIONS.name
    kept.mkdir(parents=True, exist_ok=True)
    for file in (folder / RESULTS.name, kept / f"{name}.json"):
        file.write_text(text, encoding="utf-8")


def read_previous(folder: Path = FOLDER) -> dict[tuple[str, str], float]:
    """Return the figures of the newest other version by section and claim."""
    others = sorted(
        (file for file in (folder / VERSIONS.name).glob("*.json") if file.stem != version("rapport")),
        key=lambda file: [int(part) if part.isdigit() else 0 for part in file.stem.split(".")],
    )
    if not others:
        return {}
    sections = read_results(others[-1])["sections"]
    return {(name, row["claim"]): row["figure"] for name, kept in sections.items() for row in kept["rows"]}


def show_table(console: Console, results: Results, previous: Mapping[tuple[str, str], float]) -> None:
    """Print every figure beside its target and reference, in the order of the claims."""
    table = Table(title="What the assistant can claim", title_justify="left")
    for heading in ("", "section", "figure of", "n", "ours", "wanted", "before", "reference"):
        table.add_column(heading, justify="right" if heading in ("n", "ours", "before") else "left")
    claim = ""
    for name, kept in sorted(results["sections"].items(), key=lambda at: (at[1]["claim"], at[0])):
        if claim and kept["claim"] != claim:
            table.add_section()
        claim = kept["claim"]
        for row in kept["rows"]:
            before = previous.get((name, row["claim"]))
            table.add_row(
                claim,
                name + (" (quick)" if kept["quick"] else ""),
                row["claim"],
                "" if row["n"] is None else str(row["n"]),
                _coloured(row),
                _wanted(row),
                "" if before is None else f"{before:g}",
                row["reference"],
            )
    console.print(table)


def _coloured(row: Mapping[str, Any]) -> str:
    target, figure = row["target"], row["figure"]
    if target is None:
        return f"{figure:g}"
    met = figure <= target if row["at_most"] else figure >= target
    return f"[{'green' if met else 'yellow'}]{figure:g}[/]"


def _wanted(row: Mapping[str, Any]) -> str:
    return "" if row["target"] is None else f"{'≤' if row['at_most'] else '≥'} {row['target']:g}"


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"figure": round(row["figure"], 3)}
