"""Many random worlds, one after the other: ``python -m tests.leaks [worlds] [first seed]``."""

import asyncio
import random
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import httpx

import main
from backend.app import create_app
from backend.cli import configure_logs
from backend.core.settings import Settings
from backend.house import House, open_house
from tests.leaks import more_paths, walk, writes
from tests.leaks.conftest import SPENDING
from tests.leaks.probe import Found, askers
from tests.leaks.world import KINDS, make_world

WORLDS = 20
SINGLES = 120


async def probe_world(house: House, http: httpx.AsyncClient, seed: int) -> Found:
    """Make the world of a seed, go all paths in it, and return what was found."""
    world, found, rng = await make_world(house, http, seed), Found(), random.Random(seed)
    await more_paths.fill_files(world)
    contacts = [item for item in world.items.values() if item.kind == "contact"]
    for asker in askers(world, found):
        await more_paths.lines(asker)
        await more_paths.tables(asker)
        if not asker.person.actor.is_customer:
            await more_paths.exports(asker, contacts)
        for kind in KINDS:
            await asker.lists(kind)
            await asker.pulls(kind)
            await writes.comparisons(asker, kind)
        sample = rng.sample(list(world.items.values()), SINGLES)
        await asker.singles(sample)
        await writes.changes(asker, sample)
        await walk.ask_everything(asker, rng)
    return found


async def probe_worlds(worlds: int, first: int) -> Found:
    everything = Found()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            database_sync=False,
            demo=False,
            access_token_minutes=1_440,  # a world is walked for longer than a phone's token counts
        )
        async with open_house(main.MODULES, settings, working=True) as house:
            app = create_app(replace(house, settings=settings.model_copy(update=SPENDING)))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as http:
                for seed in range(first, first + worlds):
                    found = await probe_world(house, http, seed)
                    print(
                        f"seed {seed}: {found.probes:,} probes",
                        *found.leaks[:5],
                        *found.hidden[:5],
                        sep="\n  ",
                        flush=True,
                    )
                    everything += found
    return everything


if __name__ == "__main__":
    configure_logs(Settings(log_format="json", demo=False, log_level="error"))
    worlds, first = ([int(one) for one in sys.argv[1:]] + [WORLDS, 1][len(sys.argv) - 1 :])[:2]
    found = asyncio.run(probe_worlds(worlds, first))
    wrong = f"{len(found.leaks)} leaks, {len(found.hidden)} wrongly hidden"
    print(f"{worlds} worlds, {found.probes:,} probes, {wrong}")
    sys.exit(bool(found.leaks or found.hidden))
