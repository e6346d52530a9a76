"""Firebase Cloud Messaging. The one place that knows the vendor's library.

The library (firebase-admin 7.7) is used for what it is good at: credentials, the shape of messages and the
meaning of errors. Its sending does not fit a server with one event loop and a durable queue, so the request
itself is ours:

- it fetches OAuth tokens with blocking calls on the event loop, and twice more per message after a 401;
- it retries 500 and 503 up to four times by itself, heedless of Retry-After, while the delivery's lease ends;
- one answer that is not JSON, or one message that it cannot write, fails all that were sent with it;
- its HTTP client spends more time on looking for a free connection, and on objects around a request, than
  the request takes;
- it has no setting for another address, which a test or an egress proxy needs.

``_HEADERS``, ``_written`` and ``_refused`` are the only code that touches its private names.
"""

import asyncio
import functools
import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import firebase_admin
import google.auth.exceptions
import google.auth.transport.requests
import httpx
import orjson
import structlog
from firebase_admin import _http_client, _utils, credentials, exceptions, messaging
from google.auth.credentials import TokenState

from backend.core.clock import Clock, SystemClock
from notifications.gateways import Outcome, PushMessage, Verdict
from notifications.vendor_loop import VendorLoop
from notifications.vendor_sockets import Answer, Sockets
from notifications.verdicts import Refusal, judge, read_retry_after

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 100
"""Messages in flight at once, and so the most sockets."""

HTTP_TIMEOUT = timedelta(seconds=10)
"""For one whole request; the library's default is 120 s."""

FIREBASE = "https://fcm.googleapis.com"

_HEADERS = {
    **_http_client.METRICS_HEADERS,
    "X-GOOG-API-FORMAT-VERSION": "2",
    "X-FIREBASE-CLIENT": f"fire-admin-python/{firebase_admin.__version__}",
    "Content-Type": "application/json",
}

_APNS_COLLAPSE_ID_BYTES = 64  # Source: Apple, "Sending notification requests to APNs"
_WEB_PUSH_TOPIC_CHARS = 32  # Source: RFC 8030, 5.4

_FCM_CODES = {
    messaging.UnregisteredError: "UNREGISTERED",
    messaging.SenderIdMismatchError: "SENDER_ID_MISMATCH",
    messaging.QuotaExceededError: "QUOTA_EXCEEDED",
    messaging.ThirdPartyAuthError: "THIRD_PARTY_AUTH_ERROR",
}


class FirebaseGateway:
    """Send through FCM with a service account.

    Nothing is read or opened before the first ``send``; when the credentials cannot be loaded then, the next
    ``send`` tries anew. All of it runs on a loop of its own, since writing and reading a hundred
    requests keeps a loop busy for hundredths of a second. ``base_url`` replaces ``https://fcm.googleapis.com``.
    """

    def __init__(
        self,
        credentials_path: Path,
        base_url: str = "",
        *,
        http_timeout: timedelta = HTTP_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        self._credentials_path = credentials_path
        self._base_url = base_url
        self._http_timeout = http_timeout
        self._clock = clock or SystemClock()
        self._loop = VendorLoop("firebase")
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None

    async def send(self, messages: Sequence[PushMessage]) -> list[Verdict]:
        """Try each message once, at most 100 at a time; return one verdict per message, in the same order."""
        return await self._loop.run(self._send(messages)) if messages else []

    async def close(self) -> None:
        """Close the sockets; the gateway is not used afterwards."""
        if self._connection is not None:
            await self._loop.run(self._close(self._connection))
        await self._loop.stop()

    async def _close(self, connection: "_Connection") -> None:
        if self._renewing is not None:
            await self._renewing
        await connection.close()

    async def _send(self, messages: Sequence[PushMessage]) -> list[Verdict]:
        try:
            connection = await self._signed_in()
        except (OSError, ValueError) as error:
            return [self._unreadable_credentials(error)] * len(messages)
        except google.auth.exceptions.GoogleAuthError as error:
            log.error("push_sign_in_failed", error=str(error))
            return [Verdict(outcome=Outcome.RETRY, reason="SIGN_IN_FAILED", detail=str(error))] * len(
                messages
            )
        verdicts = await asyncio.gather(*(self._send_one(connection, message) for message in messages))
        if any(verdict.reason == "UNAUTHENTICATED" for verdict in verdicts):
            connection.credential.token = None  # revoked before its time: sign in anew at the next send
        return verdicts

    async def _signed_in(self) -> "_Connection":
        """Return the connection with an access token that counts.

        One that nears its end is renewed beside the sending, which goes on with the old one.
        """
        async with self._connecting:
            if self._connection is None:
                self._connection = await asyncio.to_thread(
                    _connect, self._credentials_path, self._base_url, self._http_timeout
                )
            connection = self._connection
            match connection.credential.token_state:
                case TokenState.INVALID:
                    await asyncio.to_thread(connection.refresh, self._http_timeout)
                case TokenState.STALE if self._renewing is None or self._renewing.done():
                    self._renewing = asyncio.create_task(self._renew(connection), name="firebase token")
            return connection

    async def _renew(self, connection: "_Connection") -> None:
        try:
            await asyncio.to_thread(connection.refresh, self._http_timeout)
        except google.auth.exceptions.GoogleAuthError as error:
            log.warning("push_sign_in_failed", error=str(error), mend="the token in use counts for minutes")

    async def _send_one(self, connection: "_Connection", message: PushMessage) -> Verdict:
        """Send one message by itself: what is wrong with it, or with its answer, is nobody else's."""
        try:
            body = _written(_draft(message, now_seconds=int(self._clock.now().timestamp())))
        except ValueError as error:  # the library will not write it: our bug, and no reason to try again
            return Verdict(outcome=Outcome.FAILED, reason="UNWRITABLE", detail=str(error))
        try:
            message_id = await connection.post(body)
        except exceptions.FirebaseError as error:
            return self._verdict_on(error)
        return Verdict(outcome=Outcome.SENT, reason="SENT", provider_message_id=message_id)

    def _verdict_on(self, error: Any) -> Verdict:
        headers = error.http_response.headers if error.http_response is not None else {}
        return judge(
            Refusal(
                code=_FCM_CODES.get(type(error), error.code),
                message=str(error),
                retry_after=read_retry_after(headers.get("Retry-After"), now=self._clock.now()),
            )
        )

    def _unreadable_credentials(self, error: Exception) -> Verdict:
        log.error("push_credentials_unreadable", path=str(self._credentials_path), error=str(error))
        return Verdict(
            outcome=Outcome.ALERT,
            reason="CREDENTIALS_UNREADABLE",
            detail=str(error),
            mend=(
                f"No push can be sent: {self._credentials_path} is not a readable service account file; let"
                " GOOGLE_APPLICATION_CREDENTIALS name the JSON key that the Firebase console gives under"
                " Project settings, Service accounts."
            ),
        )


# ------------------------------------------------------------------------------------------ the connection


@dataclass(frozen=True, slots=True)
class _Connection:
    """``url`` is where the project's messages are sent to; ``credential`` holds the access token."""

    url: str
    credential: Any
    sockets: Sockets

    async def post(self, body: bytes) -> str:
        """Send one message; return the id that Firebase gave it. Raises FirebaseError."""
        headers = dict(_HEADERS)
        self.credential.apply(headers)
        try:
            answer = await self.sockets.post(self.url, body, headers)
        except httpx.TransportError as error:
            raise _refused(error) from error
        if answer.status != 200:
            raise _refused(_status_error(self.url, answer))
        try:
            return str(orjson.loads(answer.content)["name"])
        except (ValueError, TypeError, LookupError) as error:  # not FCM's: nobody knows what was taken
            problem = f"Firebase did not answer with a message's name: {answer.content[:200]!r}"
            raise exceptions.UnknownError(problem, cause=error) from error

    def refresh(self, timeout: timedelta) -> None:
        """Fetch an access token. Blocks: call it in a thread. Raises GoogleAuthError."""
        request = google.auth.transport.requests.Request()
        try:
            self.credential.refresh(functools.partial(request, timeout=timeout.total_seconds()))
        except (
            TypeError
        ) as error:  # google-auth reads a 200 that is not JSON, a captive portal's, as a mapping
            problem = "The token endpoint did not answer in JSON."
            raise google.auth.exceptions.RefreshError(problem) from error  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        await self.sockets.close()


def _connect(credentials_path: Path, base_url: str, http_timeout: timedelta) -> _Connection:
    """Load the credentials. Blocks: call it in a thread.

    Raises OSError or ValueError when the file is not a service account.
    """
    certificate = credentials.Certificate(str(credentials_path))
    if not certificate.project_id:
        raise ValueError("the service account names no project")
    return _Connection(
        url=f"{base_url or FIREBASE}/v1/projects/{certificate.project_id}/messages:send",
        credential=certificate.get_credential(),
        sockets=Sockets(most=MOST_AT_ONCE, seconds=http_timeout.total_seconds()),
    )


def _status_error(url: str, answer: Answer) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", url)
    text = answer.content.decode(errors="replace")  # the library reads UTF-8 and nothing else
    response = httpx.Response(answer.status, headers=answer.headers, content=text.encode(), request=request)
    return httpx.HTTPStatusError(f"Firebase answered {answer.status}", request=request, response=response)


def _refused(error: httpx.HTTPError) -> Any:
    """Return what the library makes of a refusal, or of a request that came to no answer."""
    return _utils.handle_platform_error_from_httpx(error, messaging._MessagingService._build_fcm_error_httpx)


# -------------------------------------------------------------------------------------------- the message


def _written(draft: Any) -> bytes:
    """Return a message as the library writes it. Raises ValueError for one that it will not write."""
    return orjson.dumps({"message": messaging._MessagingService.encode_message(draft)})


def _draft(message: PushMessage, *, now_seconds: int) -> Any:
    """Write a message in Firebase's terms for Android, iOS and the web at once."""
    draft = messaging.Message(
        data=dict(message.data),
        notification=None
        if message.is_silent
        else messaging.Notification(title=message.title, body=message.body),
        android=_for_android(message),
        apns=_for_ios(message, now_seconds=now_seconds),
        webpush=_for_web(message),
    )
    # Set after construction: the constructor warns on every message that ``token`` is the older kind.
    setattr(draft, message.registration.kind, message.registration.value)
    return draft


def _for_android(message: PushMessage) -> Any:
    """A visible message collapses on the device by its tag; FCM ignores the collapse key of such."""
    return messaging.AndroidConfig(
        collapse_key=message.collapse_key if message.is_silent else None,
        priority=message.priority,
        ttl=message.ttl,
        notification=None if message.is_silent else messaging.AndroidNotification(tag=message.collapse_key),
    )


def _for_ios(message: PushMessage, *, now_seconds: int) -> Any:
    """Silent pushes must be of background type and low priority, or APNs drops them."""
    collapse_id = message.collapse_key
    if len(collapse_id.encode()) > _APNS_COLLAPSE_ID_BYTES:
        collapse_id = _digest(collapse_id)
    aps = messaging.Aps(content_available=True) if message.is_silent else messaging.Aps(sound="default")
    return messaging.APNSConfig(
        headers={
            "apns-push-type": "background" if message.is_silent else "alert",
            "apns-priority": "10" if message.priority == "high" and not message.is_silent else "5",
            "apns-collapse-id": collapse_id,
            "apns-expiration": str(now_seconds + int(message.ttl.total_seconds())),
        },
        payload=messaging.APNSPayload(aps=aps),
    )


def _for_web(message: PushMessage) -> Any:
    return messaging.WebpushConfig(
        headers={
            "TTL": str(int(message.ttl.total_seconds())),
            "Urgency": message.priority,
            "Topic": _digest(message.collapse_key),
        },
        notification=None if message.is_silent else messaging.WebpushNotification(tag=message.collapse_key),
    )


def _digest(text: str) -> str:
    """Return 32 URL-safe characters that stand for the text."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest())[:_WEB_PUSH_TOPIC_CHARS].decode()
