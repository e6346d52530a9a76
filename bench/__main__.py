"""Run the benchmark: ``python -m bench [--only SECTION]…`` (``make bench``).

Starts real processes on throw-away data directories, measures what the house promises, prints a table for
each section and keeps it in ``bench/results.json``. Figures depend on the machine; ratios to what ran beside
them do not. docs/benchmarks.md tells how to read it.
"""

import asyncio
import sys
import time
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.figures import Figure, Section
from bench.results import as_markdown, keep, show
from bench.sections import sections
from bench.stage import Stage

WIDE = 190  # columns, where nobody says how many there are


async def run(wanted: list[Section], console: Console) -> list[Figure]:
    """Run ``wanted`` one after the other; return all their figures."""
    found: list[Figure] = []
    async with Stage(console) as stage:
        for section in wanted:
            console.print(f"[bold]{section.name}[/bold] (about {section.minutes:g} min)")
            start = time.perf_counter()
            figures = list(await section.run(stage))
            keep(section, time.perf_counter() - start, figures)
            show(console, section, figures)
            found += figures
    return found


def main(
    only: Annotated[list[str] | None, typer.Option(help="a section; may be given several times")] = None,
    list_: Annotated[bool, typer.Option("--list", help="say which sections there are")] = False,
    markdown: Annotated[
        bool, typer.Option(help="print what was kept as tables, and measure nothing")
    ] = False,
) -> None:
    """Measure, print a table for each section, write bench/results.json."""
    console = Console() if sys.stdout.isatty() else Console(width=WIDE)
    if markdown:
        sys.stdout.write(as_markdown() + "\n")
        return
    try:
        wanted = sections(only or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if list_:
        for section in wanted:
            console.print(f"{section.name:12} {section.about} (about {section.minutes:g} min)")
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the house serves
        figures = runner.run(run(wanted, console))
    missed = [
        f"{figure.name} ({figure.claim})" if figure.claim else figure.name
        for figure in figures
        if figure.holds is False
    ]
    if missed:
        console.print(f"Not kept on this machine now: {', '.join(missed)}")


if __name__ == "__main__":
    typer.run(main)
