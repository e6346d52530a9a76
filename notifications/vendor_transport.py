"""Carry the requests of a vendor's httpx client over aiohttp.

The Firebase library insists on httpx, whose own connection pool searches all connections for every request: a
hundred at once cost it several times what the requests cost. Over this transport the same library sends four
to ten times as many messages a second (``bench/notifications.py`` shows both).
"""

import asyncio
from collections.abc import Callable

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


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Send each request whole, over at most ``connections`` sockets; an answer is whole when it returns.

    ``seconds`` is for all of one request: waiting for a socket, connecting, sending, reading. Raises httpx's
    errors. Nothing is opened before the first request; what is opened stays on that event loop.
    """

    def __init__(self, *, connections: int, seconds: float) -> None:
        self._connections, self._seconds = connections, seconds
        self._session: aiohttp.ClientSession | None = None
        self._free = asyncio.Semaphore(connections)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with self._free, asyncio.timeout(self._seconds):
                return await self._answer(request)
        except tuple(_ERRORS) as error:
            kind = next(kind for kind in _ERRORS if isinstance(error, kind))
            raise _ERRORS[kind](str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        async with self._opened().request(
            request.method,
            str(request.url),
            headers=request.headers,
            data=request.content or None,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()  # unpacked already, so its encoding and length are not handed on
            headers = [
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
            ]
            return httpx.Response(answer.status, headers=headers, content=content, request=request)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=aiohttp.ClientTimeout(total=None),
                trust_env=True,
            )
        return self._session
