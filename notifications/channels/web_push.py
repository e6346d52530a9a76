"""Web Push: to browsers, through the push service that each browser chose. No vendor's account is needed.

Sources: RFC 8030 (the protocol), RFC 8291 (encryption), RFC 8292 (who sends).
"""

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta

import http_ece
import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from backend.core.clock import Clock
from backend.core.errors import CRMError
from backend.core.outbound import AddressRefused, OutboundRules, outbound_client
from notifications.channels.subscriptions import PushSubscription
from notifications.channels.vapid import VapidKey
from notifications.fitting import fitted_push
from notifications.gateways import Outcome, PushMessage, Verdict
from notifications.verdicts import QUOTA_PAUSE, read_retry_after

log = structlog.get_logger(__name__)

SECONDS = 10.0
MOST_BYTES = 64_000  # an answer is empty, or a few words
MOST_AT_ONCE = 32
LONGEST_DETAIL = 300
RECORD_BYTES = 4_096  # Source: RFC 8030, 7.2: what every push service must take
OVERHEAD_BYTES = 86 + 16 + 1  # Source: RFC 8291, 4: header with the sender's key, tag, delimiter
PADDED_TO = 256  # bytes: the length of what is sent says little about what it says

_MENDS = {
    400: "A push service does not understand our requests; update Rapport, or tell its makers.",
    401: "A push service does not accept this server's signature; look at the clock, and at "
    "RAPPORT_WEB_PUSH_KEY or data_dir/web_push.key: with another key all browsers must subscribe anew.",
}
_MENDS[403] = _MENDS[401]


class WebPushGateway:
    """Encrypt for each browser and hand over to its push service; only addresses that ``rules`` admit."""

    def __init__(
        self, key: VapidKey, rules: OutboundRules, clock: Clock, *, seconds: float = SECONDS
    ) -> None:
        self._key, self._rules, self._clock, self._seconds = key, rules, clock, seconds
        self._client: httpx.AsyncClient | None = None
        self._free = asyncio.Semaphore(MOST_AT_ONCE)

    async def send(self, messages: Sequence[PushMessage]) -> Sequence[Verdict]:
        """Try each message once; see ``Gateway.send``. Registrations are of the kind ``web_push``."""
        return await asyncio.gather(*map(self._send, messages))

    async def close(self) -> None:
        """Close the client."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(self, message: PushMessage) -> Verdict:
        try:
            subscription = PushSubscription.read(message.registration.value)
        except ValueError as error:
            return Verdict(outcome=Outcome.FORGET, reason="INVALID_SUBSCRIPTION", detail=str(error))
        try:
            async with self._free:
                answer = await self._opened().post(
                    subscription.endpoint,
                    content=encrypted(written(message), subscription),
                    headers=self._headers(message, subscription),
                )
        except AddressRefused as error:  # it led elsewhere when the browser subscribed
            return Verdict(outcome=Outcome.FORGET, reason=error.code, detail=str(error))
        except CRMError as error:
            return Verdict(outcome=Outcome.RETRY, reason=error.code, detail=str(error))
        except (httpx.TimeoutException, TimeoutError) as error:
            return Verdict(outcome=Outcome.RETRY, reason="DEADLINE_EXCEEDED", detail=type(error).__name__)
        except (httpx.HTTPError, OSError) as error:
            return Verdict(outcome=Outcome.RETRY, reason="UNKNOWN", detail=type(error).__name__)
        retry_after = read_retry_after(answer.headers.get("Retry-After"), now=self._clock.now())
        return judge_status(
            answer.status_code,
            detail=answer.text[:LONGEST_DETAIL],
            retry_after=retry_after,
            location=answer.headers.get("Location"),
        )

    def _headers(self, message: PushMessage, subscription: PushSubscription) -> dict[str, str]:
        return {
            "Authorization": self._key.authorization(subscription.origin, now=self._clock.now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(message.ttl.total_seconds())),
            "Urgency": message.priority,
            "Topic": topic(message.collapse_key),
        }

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = outbound_client(self._rules, most_bytes=MOST_BYTES, seconds=self._seconds)
        return self._client


def written(message: PushMessage) -> bytes:
    """Return what the service worker gets, in JSON: ``title``, ``body``, ``tag`` and ``data``."""
    most = RECORD_BYTES - OVERHEAD_BYTES
    fits = fitted_push(message, most)
    text = json.dumps(
        {"title": fits.title, "body": fits.body, "tag": fits.collapse_key, "data": dict(fits.data)},
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    padded = -(-len(text) // PADDED_TO) * PADDED_TO
    return text.ljust(min(padded, most))


def encrypted(plain: bytes, subscription: PushSubscription) -> bytes:
    """Return ``plain`` as only this browser can read it: one record of aes128gcm. Source: RFC 8291."""
    body: bytes = http_ece.encrypt(
        plain,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=subscription.p256dh,
        auth_secret=subscription.auth,
        rs=RECORD_BYTES,
        version="aes128gcm",
    )
    return body


def topic(collapse_key: str) -> str:
    """Return the name under which a later message takes the place of an earlier. Source: RFC 8030, 5.4."""
    return urlsafe_b64encode(hashlib.sha256(collapse_key.encode()).digest())[:32].decode()


def judge_status(
    status: int, *, detail: str, retry_after: timedelta | None, location: str | None = None
) -> Verdict:
    """Return what a push service's answer means. Source: RFC 8030, 5 and 8.4; RFC 8292, 4.2."""
    reason = f"HTTP_{status}"
    if 200 <= status < 300:
        return Verdict(outcome=Outcome.SENT, reason="SENT", provider_message_id=location)
    if status in (404, 410):
        return Verdict(outcome=Outcome.FORGET, reason=reason, detail=detail)
    if status == 429:
        return Verdict(
            outcome=Outcome.RETRY, reason=reason, detail=detail, retry_after=retry_after or QUOTA_PAUSE
        )
    if status in (408, 425) or status >= 500:
        return Verdict(outcome=Outcome.RETRY, reason=reason, detail=detail, retry_after=retry_after)
    if status in (401, 403):
        return Verdict(outcome=Outcome.ALERT, reason=reason, detail=detail, mend=_MENDS[status])
    return Verdict(outcome=Outcome.FAILED, reason=reason, detail=detail, mend=_MENDS.get(status, ""))
