"""Requests to a vendor over a bounded number of sockets, kept open between them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx

Errors = dict[type[BaseException], Callable[[str], httpx.TransportError]]

# In this order: a time-out in aiohttp is a connection error, too.
_ERRORS: Errors = {
    aiohttp.ConnectionTimeoutError: httpx.ConnectTimeout,
    TimeoutError: httpx.ReadTimeout,
    aiohttp.ClientConnectorError: httpx.ConnectError,
    aiohttp.ClientError: httpx.ReadError,  # closed, reset, cut short: nobody knows what was taken
    OSError: httpx.ReadError,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, its body unpacked."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Sockets:
    """Send each request whole, over at most ``most`` sockets.

    ``seconds`` is for all of one request: waiting for a socket, connecting, sending, reading. Nothing is
    opened before the first request; what is opened stays on that event loop. A proxy of the environment is
    used, as it was named at the first request to a host.
    """

    def __init__(self, *, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._session: aiohttp.ClientSession | None = None
        self._free = asyncio.Semaphore(most)
        self._proxies: dict[str, str | None] = {}

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer, whatever its status.

        Raises httpx.TransportError, whose kinds vendors' libraries tell apart.
        """
        try:
            async with (
                self._free,
                asyncio.timeout(self._seconds),
                self._opened().post(
                    url, data=content, headers=headers, allow_redirects=False, proxy=self._proxy_to(url)
                ) as answer,
            ):
                body = await answer.read()
        except tuple(_ERRORS) as error:
            kind = next(kind for kind in _ERRORS if isinstance(error, kind))
            raise _ERRORS[kind](str(error) or type(error).__name__) from error
        told = {
            name: value
            for name, value in answer.headers.items()
            if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
        }
        return Answer(answer.status, told, body)

    async def close(self) -> None:
        """Close the sockets; nothing is sent afterwards."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._most),
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    def _proxy_to(self, url: str) -> str | None:
        """Look once for each host. aiohttp's ``trust_env`` looks twice for each request, in threads, and a
        hundred requests at once make threads that keep the interpreter from everybody's event loop.
        """
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._proxies:
            bypassed = proxy_bypass(parts.hostname or "")
            self._proxies[origin] = None if bypassed else getproxies().get(parts.scheme)
        return self._proxies[origin]
