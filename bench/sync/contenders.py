"""Contenders: servers that do the same work of a phone's sync, each in the way its own clients do it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
import orjson

PAGE = 1_000  # rows in one answer of a delta, for everybody


class Contender(Protocol):
    """A server under measure, driven over one HTTP session."""

    name: str
    rows_in_one_push: int

    async def create(self, number: int) -> None:
        """Create record ``number``, in one request."""

    async def push(self, first: int, count: int) -> None:
        """Create ``count`` records in one request, at most ``rows_in_one_push``."""

    async def page(self, number: int, size: int) -> int:
        """Read the page ``number`` of ``size`` records; return how many came."""

    async def delta(self) -> int:
        """Read everything as a phone that holds nothing, by ``PAGE``; return how many records came."""

    async def nothing_new(self) -> int:
        """Ask for what changed since ``delta``, which is nothing; return the bytes of the answer's body."""

    async def make(self, key: str) -> str:
        """Create a record whose value is 0; return its id."""

    async def change(self, id: str, value: int) -> bool:
        """Set a record's value; tell whether it was accepted."""

    async def news(self) -> Mapping[str, int]:
        """Return the values, by id, that changed since the ``news`` before: as one phone sees them."""

    async def everything(self) -> Mapping[str, int]:
        """Return the values of all records that ``make`` made."""


class CannotRun(Exception):
    """A peer cannot run here; the text says why."""


class Http:
    """JSON over one aiohttp session: the same light client for every contender."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the parsed answer; raise RuntimeError for a refusal."""
        return orjson.loads(await self.raw(method, path, body))

    async def raw(self, method: str, path: str, body: Any = None) -> bytes:
        """Return the answer's body."""
        data = None if body is None else orjson.dumps(body)
        async with self.session.request(method, path, data=data) as answer:
            found = await answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {found[:300]!r}")
            return found

    async def is_accepted(self, method: str, path: str, body: Any) -> bool:
        """Tell whether the server took ``body``; a refusal is an answer here."""
        async with self.session.request(method, path, data=orjson.dumps(body)) as answer:
            await answer.read()
            return answer.status < 300


@asynccontextmanager
async def http_to(
    base: str, headers: Mapping[str, str] | None = None, *, connections: int = 32
) -> AsyncIterator[Http]:
    """Give a session to ``base`` over ``connections``, compressed as the server likes."""
    connector = aiohttp.TCPConnector(limit=connections)
    said = {"Content-Type": "application/json", **(headers or {})}
    async with aiohttp.ClientSession(base, headers=said, connector=connector) as session:
        yield Http(session)


def record(number: int) -> dict[str, Any]:
    """Return the same record for every contender."""
    return {
        "name": f"Account number {number} of the bench",
        "stage": ("new", "open", "won", "lost")[number % 4],
        "amount": number * 1.5,
    }
