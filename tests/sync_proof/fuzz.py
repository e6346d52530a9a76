"""Run histories, several at a time, and say of one that fails which seed it was and its shortest form."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from backend.core.settings import read_secret_key
from backend.core.store import Store
from backend.house import House, _furnish
from tests.core.test_web_hygiene import client_of
from tests.sync_proof.history import Step, make_history, shortest
from tests.sync_proof.oracle import Broken
from tests.sync_proof.world import (
    MakePhone,
    World,
    native_wire_phone,
    rxdb_wire_phone,
    watermelon_wire_phone,
)

AT_ONCE = 3  # the house computes for one while the database works for another
KINDS: tuple[MakePhone, ...] = (rxdb_wire_phone, native_wire_phone, watermelon_wire_phone)


@dataclass
class Ground:
    """Where histories happen: a house, and ways into it that are as good as a fresh process each."""

    houses: Sequence[House]
    doors: Sequence[httpx.AsyncClient]
    kinds: Sequence[MakePhone] = KINDS


@dataclass
class Tally:
    """What was run."""

    histories: int = 0
    steps: int = 0
    edits: int = 0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.histories} histories, {self.steps} steps, {self.edits} edits arrived, "
            f"{len(self.failures)} failed"
        )


class _Reopened(Store):
    """A store on a database that another one has opened: nothing is made anew."""

    async def open(self, documents: Sequence[object], others: Sequence[type] = ()) -> None:
        self.others = tuple(others)


@asynccontextmanager
async def ground(house: House) -> AsyncIterator[Ground]:
    """Give ``house`` and one that was restarted on its database, both without a budget for each caller."""
    key = read_secret_key(house.settings)
    store = _Reopened(house.store.client, house.settings.database_name, house.store.clock, secret=key)
    restarted = await _furnish(house.modules, house.settings, store, key)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(restarted.registry)
        houses = [replace(one, settings=house.settings) for one in (house, restarted)]
        doors = [await stack.enter_async_context(client_of(one, cost_bucket=10**9)) for one in houses]
        yield Ground(houses, doors)
        await store.close()


async def fuzz(ground: Ground, seeds: Iterable[int], *, stop_after: int = 1) -> Tally:
    """Run the histories of ``seeds``; stop when ``stop_after`` have failed."""
    waiting, tally = iter(seeds), Tally()

    async def work() -> None:
        for seed in waiting:
            if len(tally.failures) >= stop_after:
                return
            steps = make_history(seed)
            failure, edits = await happen(ground, seed, steps)
            tally.histories, tally.steps, tally.edits = (
                tally.histories + 1,
                tally.steps + len(steps),
                tally.edits + edits,
            )
            if failure is not None:
                tally.failures.append(await explain(ground, seed, steps))

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return tally


async def happen(ground: Ground, seed: int, steps: Sequence[Step]) -> tuple[Broken | None, int]:
    """Let a history happen in a workspace of its own; return which promise broke, and how many edits came."""
    world = await World.open(seed, ground.houses, ground.doors, ground.kinds)
    try:
        await world.run(steps)
    except Broken as broken:
        return broken, world.edits
    return None, world.edits


async def explain(ground: Ground, seed: int, steps: Sequence[Step]) -> str:
    """Return what to read of a failed history: its seed, its shortest form, and what breaks there."""

    async def fails(rest: Sequence[Step]) -> bool:
        return (await happen(ground, seed, rest))[0] is not None

    least = await shortest(steps, fails)
    broken, _ = await happen(ground, seed, least)
    said = "\n".join(f"  {number:2} {step}" for number, step in enumerate(least))
    return f"seed {seed}: {broken or 'not again: it depends on timing'}\n{said}"
