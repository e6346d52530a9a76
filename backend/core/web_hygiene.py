"""What every answer of the house carries, and what every request must keep to, whatever it asks.

Plain ASGI around the whole application: security headers, the size of bodies and messages and the time
that they may take. Sources: RFC 9110 (statuses), RFC 6797 (HSTS), RFC 9111 (caching), Fetch (CORP),
HTML (COOP), CSP Level 3.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core.errors import CRMError
from backend.core.settings import Settings

log = structlog.get_logger()

SLOWEST_BYTES_PER_SECOND = 25_000
"""What keeps coming at this pace may go on: 3G in the countryside does it."""

GRAPHQL = "/graphql"

HSTS_LIFE = timedelta(days=365)
MESSAGE_TOO_BIG = 1009
"""Source: RFC 6455, section 7.4.1."""

ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
)
"""Given unless the answer sets its own: what is served is data, and a page says itself what it needs."""

PLAIN_HEADERS = tuple((name.decode(), value.decode()) for name, value in ALWAYS)

PRIVATE = (b"cache-control", b"no-store")
STRICT_TRANSPORT = (b"strict-transport-security", f"max-age={int(HSTS_LIFE.total_seconds())}".encode())


class BodyTooLarge(CRMError):
    """The request's body, or a message on its socket, is larger than the house takes."""

    code = "BODY_TOO_LARGE"
    http_status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            f"The request is larger than the {most:,} bytes that are taken here; send it in parts."
        )
        self.most = most

    def extensions(self) -> dict[str, object]:
        return {"code": self.code, "mostBytes": self.most}


class BodyTooSlow(CRMError):
    """The request's body did not arrive in time."""

    code = "BODY_TOO_SLOW"
    http_status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request did not arrive within {seconds:g} seconds; send it again, or in parts."
        )


class WebHygiene:
    """Keep requests to their size and time, and give each answer its security headers.

    ``larger`` maps a path, with all below it, to the bytes its bodies may have; elsewhere it is the
    setting ``body_bytes``. A body is counted while it streams, because a Content-Length may be absent.
    """

    def __init__(self, app: ASGIApp, settings: Settings, larger: Mapping[str, int]) -> None:
        self._app, self._settings = app, settings
        self._larger = sorted(larger.items(), key=lambda pair: -len(pair[0]))  # the closest path counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, _measured_messages(receive, send, self._settings.body_bytes), send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        added = self._headers(scope, headers)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message.setdefault("headers", [])
                set_already = {name.lower() for name, _ in own}
                own += [pair for pair in added if pair[0] not in set_already]
            await send(message)

        most = self._most(scope["path"], is_signed_in=b"authorization" in headers)
        body = _Body(receive, answer, most=most, seconds=self._settings.body_seconds)
        if _is_longer(headers.get(b"content-length"), body.most):
            await body.refuse(BodyTooLarge(body.most))
            return
        scope.setdefault("state", {})["body"] = body
        try:
            await self._app(scope, body.receive, body.send)
        except Exception:
            # The application lost its request when we refused it, and may say so; anything else is a bug.
            if not body.refused:
                raise

    def _most(self, path: str, *, is_signed_in: bool) -> int:
        if path == GRAPHQL:  # where phones push; the GraphQL edge refuses what is large and no push
            return self._settings.push_bytes if is_signed_in else self._settings.body_bytes
        for prefix, most in self._larger:
            if path == prefix or path.startswith(prefix + "/"):
                return most
        return self._settings.body_bytes

    def _headers(self, scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
        found = ALWAYS
        if b"authorization" in headers or scope["path"].startswith("/auth/"):
            found = (*found, PRIVATE)
        hsts = self._settings.hsts
        if hsts == "always" or (hsts == "auto" and scope.get("scheme") == "https"):
            found = (*found, STRICT_TRANSPORT)
        return found


class _Body:
    """The body of one request, measured while it arrives; refuses in the application's place."""

    def __init__(self, receive: Receive, send: Send, *, most: int, seconds: float) -> None:
        self._receive, self._send = receive, send
        self.most, self._seconds = most, seconds
        self.bytes, self._is_whole, self._has_answered = 0, False, False
        self._until = 0.0
        self.refused = False

    async def receive(self) -> Message:
        if self.refused:
            return {"type": "http.disconnect"}
        if self._is_whole:  # what comes now says when the client goes away
            return await self._receive()
        self._until = self._until or asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until + self.bytes / SLOWEST_BYTES_PER_SECOND):
                message = await self._receive()
        except TimeoutError:
            return await self.refuse(BodyTooSlow(self._seconds))
        self.bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        return await self.refuse(BodyTooLarge(self.most)) if self.bytes > self.most else message

    async def send(self, message: Message) -> None:
        if not self.refused:
            self._has_answered = True
            await self._send(message)

    async def refuse(self, error: CRMError) -> Message:
        """Answer with ``error``, close the connection, and tell the application that the client is gone."""
        self.refused = True
        if not self._has_answered:
            body = orjson.dumps({"message": str(error), **error.extensions()})
            headers = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),  # what is still on its way is not read
            ]
            await self._send({"type": "http.response.start", "status": error.http_status, "headers": headers})
            await self._send({"type": "http.response.body", "body": body})
        log.info("http.body_refused", code=error.code, bytes=self.bytes)
        return {"type": "http.disconnect"}


def _is_longer(content_length: bytes | None, most: int) -> bool:
    """Say whether the announced length is too much; the server has refused what is no number."""
    return content_length is not None and content_length.isdigit() and int(content_length) > most


def _measured_messages(receive: Receive, send: Send, most: int) -> Callable[[], Awaitable[Message]]:
    """Return ``receive`` of a socket that is closed at a message of more than ``most`` bytes."""

    async def measured() -> Message:
        message = await receive()
        data = message.get("bytes") or (message.get("text") or "").encode()
        if len(data) <= most:
            return message
        await send({"type": "websocket.close", "code": MESSAGE_TOO_BIG, "reason": "message too big"})
        return {"type": "websocket.disconnect", "code": MESSAGE_TOO_BIG}

    return measured
