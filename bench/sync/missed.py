"""The missed test: does a phone that pulls while many write end up with what is there?

A cursor on a clock loses what commits late. Writers create and change records; one phone pulls all the
while and keeps its place; at the end it pulls once more, and is compared with what is there.
"""

import asyncio
import random
import time
from dataclasses import dataclass

from bench.sync.contenders import Contender

WRITERS = 32
RECORDS_EACH = 13
ENDS_WITHIN_S = 60


@dataclass(frozen=True, kw_only=True)
class Missed:
    """``stale`` records have another value on the phone, or are not there at all, of ``records``."""

    stale: int
    records: int
    writes: int


async def count_missed(contender: Contender, seconds: float) -> Missed:
    """Write and pull for ``seconds``, then compare; raise TimeoutError when it does not come to an end."""
    chosen, until, writes, writing = random.Random(4), time.perf_counter() + seconds, 0, True
    phone: dict[str, int] = {}

    async def write(writer: int) -> None:
        nonlocal writes
        mine: list[str] = []
        while time.perf_counter() < until:
            if len(mine) < RECORDS_EACH:
                mine.append(await contender.make(f"w{writer}-{len(mine)}"))
                continue
            writes += 1
            await contender.change(chosen.choice(mine), writes)

    async def pull() -> None:
        while writing:
            _take(phone, await contender.news())
            await asyncio.sleep(0.005)

    async with asyncio.timeout(seconds + ENDS_WITHIN_S):
        pulling = asyncio.create_task(pull())
        await asyncio.gather(*map(write, range(WRITERS)))
        writing = False
        await pulling
        _take(phone, await contender.news())
        there = await contender.everything()
    stale = sum(phone.get(id) != value for id, value in there.items())
    return Missed(stale=stale, records=len(there), writes=writes)


def _take(phone: dict[str, int], news: object) -> None:
    assert isinstance(news, dict)
    for id, value in news.items():
        if value >= phone.get(id, -1):
            phone[id] = value
