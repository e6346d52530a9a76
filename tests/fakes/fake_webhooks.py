"""Receivers of webhooks, played on loopback: each verifies the signature as its vendor documents it.

A path's first part names the vendor, the last what it answers: ``ok`` the vendor's yes once all holds,
``code-<n>`` the vendor's error code n, ``status-<n>`` a bare status, ``word-<status>-<word>`` Slack's
refusals, ``drop`` and ``hang`` no answer at all. What is wrong is answered in the vendor's own way.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

AN_HOUR = 3_600
FIVE_MINUTES = 300


@dataclass(frozen=True)
class ReceivedWebhook:
    vendor: str
    name: str
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class FakeWebhooks:
    """``secret`` is what senders must sign by. ``clock_ahead`` moves the receivers' clocks, in seconds."""

    secret: str = "SEC000111222"
    base_url: str = ""
    clock_ahead: float = 0.0
    received: list[ReceivedWebhook] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, vendor: str, name: str) -> str:
        return f"{self.base_url}/{vendor}/{name}"

    async def receive(self, request: web.Request) -> web.StreamResponse:
        vendor, name = request.match_info["vendor"], request.match_info["name"]
        raw = await request.read()
        body = json.loads(raw)
        refusal = await getattr(self, f"_{vendor}")(request, raw, body)
        if refusal is not None:
            return web.json_response(refusal[1], status=refusal[0])
        if name == "drop":
            assert request.transport is not None
            request.transport.abort()
        if name == "hang":
            await self._stopping.wait()
        headers = {header.lower(): value for header, value in request.headers.items()}
        self.received.append(ReceivedWebhook(vendor, name, body, headers))
        return self._answer(vendor, name)

    def _answer(self, vendor: str, name: str) -> web.Response:
        sort, _, rest = name.partition("-")
        if sort == "status":
            return web.Response(status=int(rest), text="as asked", headers={"Retry-After": "7"})
        if sort == "word":
            status, _, word = rest.partition("-")
            return web.Response(status=int(status), text=word)
        if sort == "page":
            return web.Response(text="<html>Please sign in to the hotel's network.</html>")
        if sort == "reason":
            status, _, word = rest.partition("-")
            return web.json_response({"code": word}, status=int(status))
        digits, _, said = rest.partition("=") if sort == "code" else ("0", "", "")
        code, said = int(digits), said or "as asked"
        match vendor:
            case "slack":
                return web.Response(text="ok")
            case "feishu":
                return web.json_response({"code": code, "msg": "success" if not code else said, "data": {}})
            case "wecom" | "dingtalk":
                return web.json_response({"errcode": code, "errmsg": "ok" if not code else said})
        return web.json_response({"accepted": True}, status=202)

    # ── what each vendor documents ───────────────────────────────────────────────────────────────

    async def _wecom(self, request: web.Request, raw: bytes, body: dict[str, Any]) -> Any:
        if request.query.get("key") != "the-key":
            return 200, {"errcode": 93000, "errmsg": "invalid webhook url"}
        if body.get("msgtype") != "text" or len(body["text"]["content"].encode()) > 2_048:
            return 200, {"errcode": 40058, "errmsg": "text.content exceed max length 2048"}
        return None

    async def _dingtalk(self, request: web.Request, raw: bytes, body: dict[str, Any]) -> Any:
        if request.query.get("access_token") != "the-token":
            return 200, {"errcode": 300001, "errmsg": "token is not exist"}
        timestamp = request.query.get("timestamp", "0")
        covered = f"{timestamp}\n{self.secret}".encode()
        expected = base64.b64encode(hmac.new(self.secret.encode(), covered, hashlib.sha256).digest()).decode()
        if abs(self._now() - int(timestamp) / 1_000) > AN_HOUR:
            return 200, {"errcode": 310000, "errmsg": "invalid timestamp"}
        if not hmac.compare_digest(request.query.get("sign", ""), expected):
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        if body.get("msgtype") != "text" or not body["text"]["content"]:
            return 200, {"errcode": 40035, "errmsg": "缺少参数 json"}
        return None

    async def _feishu(self, request: web.Request, raw: bytes, body: dict[str, Any]) -> Any:
        timestamp = str(body.get("timestamp", "0"))
        key = f"{timestamp}\n{self.secret}".encode()
        expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
        late = abs(self._now() - int(timestamp)) > AN_HOUR
        if late or not hmac.compare_digest(str(body.get("sign", "")), expected):
            return 400, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}
        if body.get("msg_type") != "text" or "text" not in body.get("content", {}) or len(raw) > 20_480:
            return 400, {"code": 9499, "msg": "Bad Request"}
        return None

    async def _slack(self, request: web.Request, raw: bytes, body: dict[str, Any]) -> Any:
        return None if body.get("text") else (400, "no_text")

    async def _standard(self, request: web.Request, raw: bytes, body: dict[str, Any]) -> Any:
        id, timestamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "0")
        covered = f"{id}.{timestamp}.".encode() + raw
        key = (
            base64.b64decode(self.secret.removeprefix("whsec_"))
            if self.secret.startswith("whsec_")
            else self.secret.encode()
        )
        expected = "v1," + base64.b64encode(hmac.new(key, covered, hashlib.sha256).digest()).decode()
        given = request.headers.get("webhook-signature", "").split(" ")
        late = abs(self._now() - int(timestamp)) > FIVE_MINUTES
        if late or not any(hmac.compare_digest(one, expected) for one in given):
            return 401, {"error": "the signature does not hold"}
        return None

    async def _sms(self, request: web.Request, raw: bytes, body: dict[str, Any]) -> Any:
        refusal = await self._standard(request, raw, body)
        if refusal is None and not str(body.get("to", "")).startswith("+"):
            return 422, {"code": "invalid_number"}
        return refusal

    def _now(self) -> float:
        return time.time() + self.clock_ahead


@asynccontextmanager
async def webhook_receivers() -> AsyncIterator[FakeWebhooks]:
    """Listen on a free port while the block lasts."""
    fake = FakeWebhooks()
    app = web.Application(client_max_size=1 << 20)
    app.add_routes([web.post("/{vendor}/{name}", fake.receive)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.base_url = "http://{}:{}".format(*runner.addresses[0])
    try:
        yield fake
    finally:
        fake._stopping.set()
        await runner.cleanup()
