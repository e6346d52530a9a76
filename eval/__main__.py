"""Evaluate the assistant: ``python -m eval [part of a section's name or claim …]``.

Prints our figures beside targets and references, writes ``eval/results.json``, keeps them per version, draws
the coverage–risk curves. Sections whose data is not at hand are skipped and named.
"""

import argparse
import asyncio
import importlib
import pkgutil
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from backend.core.settings import Settings
from eval import sections
from eval.frame import SEED, Evaluation, Missing, Outcome, Section, find_places
from eval.pictures import draw_coverage_risk
from eval.report import PICTURES, Results, read_previous, read_results, show_table, take_in, write_results
from knowledge.embedding import Embedder


def find_sections(wanted: Sequence[str] = ()) -> list[Section]:
    """Return the sections whose claim or name holds one of ``wanted`` (all without), in order of claims."""
    modules = sorted(found.name for found in pkgutil.iter_modules(sections.__path__))
    found: list[Section] = []
    for name in modules:
        found += importlib.import_module(f"{sections.__name__}.{name}").SECTIONS
    names = [section.name for section in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two sections are named {', '.join(sorted(twice))}")
    chosen = [
        s
        for s in found
        if not wanted or any(w.casefold() in f"{s.claim} {s.name}".casefold() for w in wanted)
    ]
    return sorted(chosen, key=lambda section: (section.claim, section.name))


async def run_section(console: Console, evaluation: Evaluation, section: Section) -> Outcome | None:
    """Run one section; None when its data is absent, which is said."""
    start = time.perf_counter()
    try:
        for name in section.needs:
            evaluation.find(name)
        with console.status(f"{section.claim} {section.name} …"):
            outcome = await section.run(evaluation)
    except Missing as missing:
        console.print(
            f"[yellow]{section.claim} {section.name}: skipped[/], {missing}. docs/evaluation.md says where "
            "each set comes from; put it somewhere and name the folder with RAPPORT_EVAL_DATA."
        )
        return None
    console.print(f"{section.claim} {section.name}: {time.perf_counter() - start:.0f} s")
    for heading, lines in outcome.examples.items():
        console.print(f"  {heading}", *lines, sep="\n    ", markup=False, highlight=False)
    return outcome


async def run(wanted: Sequence[str], *, seed: int, quick: bool, write: bool) -> list[str]:
    """Run the sections, show and keep their rows; return those that fell below their floor."""
    console, settings, results = Console(), Settings(), read_results()
    embedder = Embedder(models_folder=settings.data_dir / "models", model=settings.embedding_model)
    cache = settings.data_dir / "eval"
    evaluation = Evaluation(embedder, places=find_places(), seed=seed, quick=quick, cache=cache)
    fallen: list[str] = []
    shown: Results = {"sections": {}}
    try:
        for section in find_sections(wanted):
            outcome = await run_section(console, evaluation, section)
            if outcome is None:
                continue
            model = embedder.name if embedder.ready else ""
            for kept in (results, shown):
                take_in(kept, section, outcome, model=model, quick=quick)
            fallen += [
                f"{section.name}, {row.claim}: {row.figure:.3f}" for row in outcome.rows if not row.stands
            ]
            if outcome.curves and write:
                file = PICTURES / f"{section.name.replace(' ', '-')}.svg"
                await asyncio.to_thread(draw_coverage_risk, section.name, outcome.curves, file)
            if write:  # after each section: a long run that is broken off keeps what it had
                await asyncio.to_thread(write_results, results)
    finally:
        await evaluation.close()
        await asyncio.to_thread(embedder.close)
    show_table(console, shown, read_previous())
    return fallen


def main() -> None:
    """Evaluate from the command line; with ``--floors`` exit 1 when a figure fell below its floor."""
    parser = argparse.ArgumentParser(prog="python -m eval", description="Evaluate the assistant.")
    parser.add_argument(
        "sections", nargs="*", help="parts of claims or names, such as A1 or stackfaq; none: all"
    )
    parser.add_argument(
        "--quick", action="store_true", help="samples instead of whole sets; nothing is written"
    )
    parser.add_argument("--floors", action="store_true", help="fail when a figure is below its floor")
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    fallen = asyncio.run(
        run(
            chosen.sections,
            seed=chosen.seed,
            quick=chosen.quick,
            write=not chosen.quick and chosen.seed == SEED,
        )
    )
    if fallen and chosen.floors:
        sys.stderr.write("Below the floor:\n" + "".join(f"  {line}\n" for line in fallen))
        sys.exit(1)


if __name__ == "__main__":
    main()
