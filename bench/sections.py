"""The sections of the benchmark, in the order in which they run.

To add one: a module or package here with ``SECTION = Section(name=…, about=…, minutes=…, run=…)``, of the
section's name, and that name below. ``run`` takes the stage and returns figures.
"""

from importlib import import_module

from bench.figures import Section

SECTIONS = (
    "start",
    "records",
    "assistant",
    "knowledge",
    "answering",
    "permissions",
    "sync",
    "curve",
    "notifications",
)


def sections(only: list[str]) -> list[Section]:
    """Return the sections named ``only``, all when none is; raise ValueError for a name that there is not."""
    unknown = sorted(set(only) - set(SECTIONS))
    if unknown:
        raise ValueError(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    wanted = [name for name in SECTIONS if not only or name in only]
    # Here and not above: a section may load what another one has no need of.
    return [import_module(f"bench.{name}").SECTION for name in wanted]
