"""A browser and its push service, played on loopback: decrypts what arrives, and verifies who sent it.

Written from the RFCs with primitives alone, not with the libraries of the sender: RFC 8030 (the protocol),
RFC 8188 and 8291 (``aes128gcm`` for a browser's key), RFC 8292 (VAPID). The push service answers by the first
word of the endpoint's last part:

=====================  ==========================================================
``ok…``                201 with a Location, once the body reads and the signature holds
``not-found…``         404
``gone…``              410
``large…``             413
``busy…``              429 with ``Retry-After: 7``
``busy-bare…``         429 without it
``unavailable…``       503 with ``Retry-After: 3``
``broken…``            500
``moved…``             307 to another endpoint
``drop…``              the socket is closed without an answer
``hang…``              no answer
=====================  ==========================================================

A body of more than 4,096 bytes is 413, a signature that does not hold 403, as services do.
"""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_STATUS = {"not-found": 404, "gone": 410, "large": 413, "broken": 500}
_HEADERS = {"busy-bare": (429, None), "busy": (429, "7"), "unavailable": (503, "3")}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A browser with one subscription: it alone can read what is sent there."""

    def __init__(self, private: ec.EllipticCurvePrivateKey | None = None, auth: bytes = b"0123456789abcdef"):
        self._private = private or ec.generate_private_key(ec.SECP256R1())
        self._auth = auth

    @property
    def point(self) -> bytes:
        return self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def keys(self) -> dict[str, str]:
        return {"p256dh": b64(self.point), "auth": b64(self._auth)}

    def read(self, body: bytes) -> bytes:
        """Return the plain text of one record. Raises InvalidTag or ValueError for anything else."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        if length != 65 or len(record) > size:
            raise ValueError("not one record of aes128gcm for a P-256 key")
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self._private.exchange(ec.ECDH(), point)
        info = b"WebPush: info\x00" + self.point + sender
        secret = HKDF(hashes.SHA256(), 32, self._auth, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\x00").derive(secret)
        padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\x00")
        if padded[-1:] != b"\x02":
            raise ValueError("the last record does not say that it is the last")
        return padded[:-1]


@dataclass(frozen=True)
class ReceivedPush:
    """One request. ``plain`` is what the browser read."""

    name: str
    status: int
    headers: dict[str, str]
    claims: dict[str, Any]
    plain: dict[str, Any]
    size: int


@dataclass
class FakePushService:
    """Verify, let the browser read, answer. ``application_key`` is what the browser subscribed with."""

    browser: Browser = field(default_factory=Browser)
    application_key: str = ""
    received: list[ReceivedPush] = field(default_factory=list)
    base_url: str = ""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def subscription(self, name: str) -> dict[str, str]:
        return {"endpoint": f"{self.base_url}/push/{name}", **self.browser.keys()}

    async def push(self, request: web.Request) -> web.StreamResponse:
        name, body = request.match_info["name"], await request.read()
        try:
            claims = self._verified(request.headers.get("Authorization", ""))
        except (jwt.PyJWTError, ValueError, KeyError) as error:
            return web.Response(status=403, text=str(error))
        if len(body) > 4_096:
            return web.Response(status=413)
        if (
            request.headers.get("Content-Encoding") != "aes128gcm"
            or not request.headers.get("TTL", "").isdecimal()
        ):
            return web.Response(status=400, text="no aes128gcm, or no TTL")
        try:
            plain = json.loads(self.browser.read(body))
        except (InvalidTag, ValueError) as error:
            return web.Response(status=400, text=repr(error))
        answer = await self._answer(name, request)
        headers = {header: request.headers.get(header, "") for header in ("TTL", "Urgency", "Topic")}
        self.received.append(ReceivedPush(name, answer.status, headers, claims, plain, len(body)))
        return answer

    async def _answer(self, name: str, request: web.Request) -> web.StreamResponse:
        for start, status in _STATUS.items():
            if name.startswith(start):
                return web.Response(status=status, text="as asked")
        for start, (status, after) in _HEADERS.items():
            if name.startswith(start):
                return web.Response(status=status, headers={"Retry-After": after} if after else {})
        if name.startswith("moved"):
            return web.Response(status=307, headers={"Location": f"{self.base_url}/push/ok-moved"})
        if name.startswith("drop"):
            assert request.transport is not None
            request.transport.abort()
        if name.startswith("hang"):
            await self._stopping.wait()
        return web.Response(status=201, headers={"Location": f"{self.base_url}/m/{len(self.received)}"})

    def _verified(self, header: str) -> dict[str, Any]:
        """Return the claims of an Authorization header, or raise where RFC 8292 tells to refuse it."""
        scheme, _, rest = header.partition(" ")
        if scheme.lower() != "vapid":
            raise ValueError("no vapid")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        if self.application_key and parts["k"] != self.application_key:
            raise ValueError("the subscription belongs to another key")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
        claims: dict[str, Any] = jwt.decode(
            parts["t"],
            key,
            algorithms=["ES256"],
            audience=self.base_url,
            options={"require": ["aud", "exp", "sub"]},
        )
        if claims["exp"] > time.time() + 24 * 3_600:
            raise ValueError("signed for more than a day")
        return claims


@asynccontextmanager
async def push_service() -> AsyncIterator[FakePushService]:
    """Listen on a free port while the block lasts."""
    fake = FakePushService()
    app = web.Application(client_max_size=1 << 20)
    app.add_routes([web.post("/push/{name}", fake.push)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.base_url = "http://{}:{}".format(*runner.addresses[0])
    try:
        yield fake
    finally:
        fake._stopping.set()
        await runner.cleanup()
