"""The same work for every contender, and what it took."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

from bench.load import CONNECTIONS, at, timed
from bench.sync.contenders import Contender

CREATES = 1_000
WARM_UP = 50
ROWS = 10_000  # in all, when the delta is read
PUSHERS = 4
PAGES, PAGE_SIZE = 10, 100
DELTAS = 5
LOOKS = 100
YARDS = 300_000


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one contender took. Times in milliseconds."""

    creates_per_s: float
    create_p50: float
    create_p99: float
    pushed_per_s: float
    pages_of_100: float
    delta: float
    nothing_p50: float
    nothing_bytes: int
    yardstick: float


async def do_work(contender: Contender) -> Work:
    """Create, push, read pages, read everything, ask for nothing new."""
    before = yardstick()
    await timed(WARM_UP, CONNECTIONS, lambda number: contender.create(900_000 + number))
    creating, each = await timed(CREATES, CONNECTIONS, contender.create)
    pushed_per_s = await push_rest(contender)
    pages = await milliseconds(lambda: _read_pages(contender))
    deltas = [await milliseconds(lambda: _read_everything(contender)) for _ in range(DELTAS)]
    _, looks = await timed(LOOKS, 1, lambda _: contender.nothing_new())
    return Work(
        creates_per_s=CREATES / creating,
        create_p50=at(each, 0.5),
        create_p99=at(each, 0.99),
        pushed_per_s=pushed_per_s,
        pages_of_100=pages,
        delta=median(deltas),
        nothing_p50=at(looks, 0.5),
        nothing_bytes=await contender.nothing_new(),
        yardstick=(before + yardstick()) / 2,
    )


def yardstick() -> float:
    """Return what a fixed computation takes now: whether the machine was as free for one as for another."""
    start = time.perf_counter()
    for number in range(YARDS):
        hashlib.sha256(b"%d" % number).digest()
    return (time.perf_counter() - start) * 1_000


async def push_rest(contender: Contender) -> float:
    """Push until there are ``ROWS``; return rows a second."""
    size = contender.rows_in_one_push
    pushes = (ROWS - CREATES) // size
    taken, _ = await timed(pushes, PUSHERS, lambda n: contender.push(CREATES + n * size, size))
    return pushes * size / taken


async def milliseconds(do: Callable[[], Awaitable[object]]) -> float:
    """Return what one run takes."""
    start = time.perf_counter()
    await do()
    return (time.perf_counter() - start) * 1_000


async def _read_pages(contender: Contender) -> None:
    for number in range(PAGES):
        assert await contender.page(number, PAGE_SIZE) == PAGE_SIZE


async def _read_everything(contender: Contender) -> None:
    rows = await contender.delta()
    if rows < ROWS:
        raise RuntimeError(f"{contender.name} gave {rows:,} of {ROWS:,} rows")
