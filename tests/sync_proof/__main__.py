"""Prove at length that sync loses nothing: ``python -m tests.sync_proof [histories] [first seed]``.

Runs the missed-writes test for a minute with one API process and with two, then the histories. Ends with one
line of counts; with status 1 when something was lost, after the seed and the shortest form of what failed.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import main
from backend.cli import configure_logs
from backend.core.settings import Settings
from backend.house import open_house
from tests.sync_proof.fuzz import Tally, fuzz, ground
from tests.sync_proof.missed import Result, missed_writes

HISTORIES = 1_000
SECONDS_OF_A_PART = 20.0


async def _missed(apis: int) -> Result:
    with tempfile.TemporaryDirectory() as directory:
        return await missed_writes(Path(directory), apis=apis, writes=200, seconds=SECONDS_OF_A_PART)


async def _histories(first: int, count: int) -> Tally:
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory), database_sync=False, demo=False)
        async with open_house(main.MODULES, settings, working=False) as house, ground(house) as base:
            return await fuzz(base, range(first, first + count), stop_after=3)


def run(count: int = HISTORIES, first: int = 0) -> int:
    """Run everything; return the exit status."""
    configure_logs(Settings(log_level="error", demo=False))
    results = [asyncio.run(_missed(apis)) for apis in (1, 2)]
    for result in results:
        print(result, flush=True)
    tally = asyncio.run(_histories(first, count))
    for failure in tally.failures:
        print(failure)
    lacking = sum(result.lost + result.never_seen + result.stale for result in results)
    print(
        f"sync-fuzz: {sum(r.writes for r in results)} writes, {lacking} missed; seeds from {first}: {tally}"
    )
    return 1 if lacking or tally.failures else 0


if __name__ == "__main__":
    sys.exit(run(*(int(word) for word in sys.argv[1:3])))
