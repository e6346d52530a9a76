"""Load: a light client over several connections, and what its answers took."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson

CONNECTIONS = 16

Ask = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


@asynccontextmanager
async def load(
    base: str, headers: Mapping[str, str], *, connections: int = CONNECTIONS
) -> AsyncIterator[Ask]:
    """Give ``ask(query, variables)``, which returns GraphQL's data.

    A light client: on two cores the one that loads takes its share from the one that is measured.
    """
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(base, headers=headers, connector=connector) as session:

        async def ask(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
            body = orjson.dumps({"query": query, "variables": variables})
            kind = {"Content-Type": "application/json"}
            async with session.post("/graphql", data=body, headers=kind) as answer:
                found = orjson.loads(await answer.read())
            if found.get("errors"):
                raise RuntimeError(found["errors"])
            data: dict[str, Any] = found["data"]
            return data

        yield ask


async def timed(
    count: int, lanes: int, do: Callable[[int], Awaitable[object]], *, pause: float = 0.0
) -> tuple[float, list[float]]:
    """Do it ``count`` times over ``lanes`` lanes; return the seconds in all and each one's, sorted.

    Each lane rests for ``pause`` seconds before it does it again; they begin evenly spread over that time.
    """
    numbers = iter(range(count))
    seconds: list[float] = []

    async def lane(place: int) -> None:
        await asyncio.sleep(pause * place / lanes)
        for number in numbers:
            start = time.perf_counter()
            await do(number)
            seconds.append(time.perf_counter() - start)
            await asyncio.sleep(pause)

    start = time.perf_counter()
    await asyncio.gather(*map(lane, range(lanes)))
    return time.perf_counter() - start, sorted(seconds)


def at(sorted_seconds: list[float], share: float) -> float:
    """Return the given quantile in milliseconds."""
    return sorted_seconds[min(len(sorted_seconds) - 1, int(len(sorted_seconds) * share))] * 1_000
