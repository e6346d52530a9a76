"""Firebase Cloud Messaging and Google's sign-in, played on loopback for real HTTP clients.

Speaks FCM HTTP v1 (``POST /v1/projects/{project}/messages:send``) and the OAuth 2.0 JWT bearer grant
(``POST /token``, RFC 7523). Google offers no emulator of either. What FCM answers is decided by the text of
the registration:

=====================  ==========================================================
``ok…``                200 with a message name
``unregistered…``      404 UNREGISTERED
``mismatch…``          403 SENDER_ID_MISMATCH
``invalid-token…``     400 INVALID_ARGUMENT that blames the registration
``invalid-message…``   400 INVALID_ARGUMENT that blames a field of the message
``quota…``             429 QUOTA_EXCEEDED with ``Retry-After: 7``
``quota-bare…``        429 QUOTA_EXCEEDED without it
``unavailable…``       503 UNAVAILABLE with ``Retry-After: 3``
``internal…``          500 INTERNAL
``apns-auth…``         401 THIRD_PARTY_AUTH_ERROR
``forbidden…``         403 PERMISSION_DENIED, no FCM code
``no-project…``        404 NOT_FOUND, no FCM code
``proxy…``             502 with a page of HTML
``portal…``            200 with a page of HTML
``drop…``              the socket is closed without an answer
``hang…``              no answer
``drip…``              an answer of one byte now and then, without an end
=====================  ==========================================================

Source: https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
"""

import asyncio
import contextlib
import functools
import itertools
import json
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROJECT_ID = "demo-crm"
CLIENT_EMAIL = "push@demo-crm.iam.gserviceaccount.com"
KEY_ID = "throw-away-key"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"  # google-auth keeps it, whatever the token_uri
SCOPES = {
    "https://www.googleapis.com/auth/firebase.messaging",
    "https://www.googleapis.com/auth/cloud-platform",
}
MAX_PAYLOAD_BYTES = 4096
NO_ANSWER = 0

_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_HTML = "<html><body>Please sign in to the hotel's network.</body></html>"


@functools.cache
def _throw_away_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class ReceivedMessage:
    """One request to send. ``status`` is the answer's, NO_ANSWER (0) when none was given."""

    kind: str
    registration: str
    message: dict[str, Any]
    status: int


@dataclass(frozen=True)
class _Refusal:
    status: int
    code: str
    text: str
    fcm_code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    bad_field: str = ""

    def answer(self) -> web.Response:
        details: list[dict[str, Any]] = []
        if self.fcm_code:
            details.append({"@type": _FCM_ERROR, "errorCode": self.fcm_code})
        if self.bad_field:
            violation = {"field": self.bad_field, "description": self.text}
            details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
        error = {"code": self.status, "message": self.text, "status": self.code, "details": details}
        return web.json_response({"error": error}, status=self.status, headers=self.headers)


_REFUSALS = {
    "unregistered": _Refusal(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
    "mismatch": _Refusal(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
    "invalid-token": _Refusal(
        400,
        "INVALID_ARGUMENT",
        "The registration token is not a valid FCM registration token",
        "INVALID_ARGUMENT",
    ),
    "invalid-message": _Refusal(
        400,
        "INVALID_ARGUMENT",
        "Invalid value at 'message.data[0].value' (TYPE_STRING), 12",
        bad_field="message.data[0].value",
    ),
    "quota-bare": _Refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED"),
    "quota": _Refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED", {"Retry-After": "7"}),
    "unavailable": _Refusal(
        503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE", {"Retry-After": "3"}
    ),
    "internal": _Refusal(500, "INTERNAL", "Internal error encountered.", "INTERNAL"),
    "apns-auth": _Refusal(
        401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", "THIRD_PARTY_AUTH_ERROR"
    ),
    "forbidden": _Refusal(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied."),
    "no-project": _Refusal(404, "NOT_FOUND", "Project demo-crm was not found."),
}
_TOO_BIG = _Refusal(400, "INVALID_ARGUMENT", "Message is too big", "INVALID_ARGUMENT")
_NOT_SIGNED_IN = _Refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")


class FakeFcm:
    """The server, in a thread of its own, for the length of an ``async with`` block.

    ``received`` lists every authorised request to send, in the order of the answers; ``sign_ins`` counts the
    access tokens given out; ``most_at_once`` is the greatest number of sends that were open together,
    ``most_connections`` that of sockets.
    """

    def __init__(self) -> None:
        self.received: list[ReceivedMessage] = []
        self.sign_ins = 0
        self.most_at_once = 0
        self.most_connections = 0
        self.access_token_seconds = 3600
        self.hold_sign_ins = threading.Event()
        """Cleared, sign-ins wait until it is set."""
        self.hold_sign_ins.set()
        self.base_url = ""
        self.latency_seconds = 0.0
        self.sign_in_answer: tuple[int, str] | None = None
        """Set to (status, body) to answer every sign-in so."""
        self._open_sends = 0
        self._access_tokens: set[str] = set()
        self._message_numbers = itertools.count(1)
        self._started: Future[str] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._server: web.Server | None = None
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="fake-fcm", daemon=True
        )

    async def __aenter__(self) -> Self:
        self._thread.start()
        self.base_url = await asyncio.wrap_future(self._started)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        await asyncio.to_thread(self._thread.join)

    def service_account_file(self, folder: Path) -> Path:
        """Write the JSON key of a service account that signs in here; return its path."""
        pem = _throw_away_key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        account = {
            "type": "service_account",
            "project_id": PROJECT_ID,
            "private_key_id": KEY_ID,
            "private_key": pem.decode(),
            "client_email": CLIENT_EMAIL,
            "client_id": "1",
            "token_uri": f"{self.base_url}/token",
        }
        path = folder / "service-account.json"
        path.write_text(json.dumps(account))
        return path

    def forget_access_tokens(self) -> None:
        """Revoke every access token given out so far."""
        self._access_tokens = set()

    # ------------------------------------------------------------------------------------------ serving

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.add_routes(
            [web.post("/token", self._sign_in), web.post("/v1/projects/{project}/messages:send", self._send)]
        )
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._server = runner.server
        self._started.set_result("http://{}:{}".format(*runner.addresses[0]))
        await self._stopping.wait()
        await runner.cleanup()

    async def _sign_in(self, request: web.Request) -> web.Response:
        if self.sign_in_answer is not None:
            status, body = self.sign_in_answer
            return web.Response(status=status, text=body, content_type="application/json")
        form = await request.post()
        await asyncio.to_thread(self.hold_sign_ins.wait)
        try:
            claims = _verified_claims(str(form.get("grant_type")), str(form.get("assertion")))
        except (jwt.PyJWTError, ValueError) as error:
            return web.json_response({"error": "invalid_grant", "error_description": str(error)}, status=400)
        self.sign_ins += 1
        access_token = f"access-{self.sign_ins}-for-{claims['iss']}"
        self._access_tokens.add(access_token)
        return web.json_response(
            {
                "access_token": access_token,
                "expires_in": self.access_token_seconds,
                "token_type": "Bearer",
            }
        )

    async def _send(self, request: web.Request) -> web.StreamResponse:
        self._open_sends += 1
        self.most_at_once = max(self.most_at_once, self._open_sends)
        assert self._server is not None
        self.most_connections = max(self.most_connections, len(self._server.connections))
        try:
            access_token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if access_token not in self._access_tokens or request.match_info["project"] != PROJECT_ID:
                return _NOT_SIGNED_IN.answer()
            message = (await request.json())["message"]
            kind = "fid" if "fid" in message else "token"
            answer = await self._answer(request, message, message[kind])
            status = answer.status if answer is not None else NO_ANSWER
            self.received.append(ReceivedMessage(kind, message[kind], message, status))
            return answer if answer is not None else web.Response()
        finally:
            self._open_sends -= 1

    async def _answer(
        self, request: web.Request, message: dict[str, Any], registration: str
    ) -> web.Response | None:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if len(json.dumps(message.get("data", {}), ensure_ascii=False).encode()) > MAX_PAYLOAD_BYTES:
            return _TOO_BIG.answer()
        for start, refusal in _REFUSALS.items():
            if registration.startswith(start):
                return refusal.answer()
        if registration.startswith("proxy"):
            return web.Response(status=502, text=_HTML, content_type="text/html")
        if registration.startswith("portal"):
            return web.Response(status=200, text=_HTML, content_type="text/html")
        if registration.startswith("hang"):
            assert self._stopping is not None
            await self._stopping.wait()
            return None
        if registration.startswith("drip"):
            await self._drip(request)
            return None
        if registration.startswith("drop"):
            assert request.transport is not None
            request.transport.abort()
            return None
        return web.json_response({"name": f"projects/{PROJECT_ID}/messages/{next(self._message_numbers)}"})

    async def _drip(self, request: web.Request) -> None:
        assert self._stopping is not None
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the client gives up, as it should
            while not self._stopping.is_set():
                await response.write(b" ")
                await asyncio.sleep(0.05)


def _verified_claims(grant_type: str, assertion: str) -> dict[str, Any]:
    """Return the claims of a sign-in, or raise when Google would refuse it."""
    if grant_type != GRANT_TYPE:
        raise ValueError(f"unsupported grant type {grant_type}")
    if jwt.get_unverified_header(assertion).get("kid") != KEY_ID:
        raise ValueError("unknown key")
    claims: dict[str, Any] = jwt.decode(
        assertion,
        _throw_away_key().public_key(),
        algorithms=["RS256"],
        audience=AUDIENCE,
        issuer=CLIENT_EMAIL,
        options={"require": ["iat", "exp", "iss", "aud"]},
    )
    if not SCOPES & set(str(claims.get("scope", "")).split()):
        raise ValueError("the scope allows no sending")
    return claims


async def _alone(folder: Path) -> None:
    """Serve as a process of its own: print address and key file, and at the end of input what was seen."""
    async with FakeFcm() as fcm:
        print(fcm.base_url, fcm.service_account_file(folder), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        seen = {"received": len(fcm.received), "most_connections": fcm.most_connections}
        print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(_alone(Path(sys.argv[1])))
