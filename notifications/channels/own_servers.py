"""Webhooks to servers that follow us: any of one's own, and a provider of text messages. Pure.

Both are signed by the Standard Webhooks scheme: HMAC-SHA256 over id, time and body.
Source: github.com/standard-webhooks/standard-webhooks, specification 1.0.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from notifications.channels.webhook_messages import (
    Answer,
    SignedRequest,
    WebhookMessage,
    verdict_by_status,
)
from notifications.fitting import fitted
from notifications.gateways import Outcome, Verdict

SECRET_PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """Return the key in a secret: base64 behind ``whsec_``, else the characters themselves."""
    if secret.startswith(SECRET_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signed_headers(secret: str, key: str, body: bytes, *, at: datetime) -> dict[str, str]:
    """Return the headers that prove who sent ``body``, when, and which message it is."""
    seconds = str(int(at.timestamp()))
    covered = b".".join((key.encode(), seconds.encode(), body))
    digest = hmac.new(signing_key(secret), covered, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": key,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Standard:
    """Any server of one's own. A repeat has the same ``webhook-id``; 410 ends it."""

    TEXT_BYTES = 16_000

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return type, time, title, body and ids."""
        written = {
            "type": f"notification.{message.data.get('type', '')}".rstrip("."),
            "timestamp": at.isoformat(),
            "data": {**message.data, "title": message.title, "body": fitted(message.body, self.TEXT_BYTES)},
        }
        return _signed(message.address, message.secret, message.key, written, at=at)

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what the status means."""
        return verdict_by_status(answer, at=at)


class Sms:
    """A provider of text messages that takes ``{to, text, reference}`` and answers by status.

    ``url`` and ``secret`` are the deployment's; the endpoint's own address is the number. A refusal may name
    why in ``code``: ``invalid_number`` and ``unsubscribed`` end the number, ``no_credit`` needs an operator.
    """

    TEXT_BYTES = 600
    GONE = frozenset({"invalid_number", "unsubscribed"})

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret

    def request(self, message: WebhookMessage, *, at: datetime) -> SignedRequest:
        """Return the text for the number."""
        written = {
            "to": message.address,
            "text": fitted(message.text, self.TEXT_BYTES),
            "reference": message.key,
        }
        return _signed(self._url, self._secret, message.key, written, at=at)

    def verdict(self, answer: Answer, *, at: datetime) -> Verdict:
        """Return what the status, or a code beside it, means."""
        code = str(answer.fields.get("code", ""))
        if answer.status >= 400 and code in self.GONE:
            return Verdict(outcome=Outcome.FORGET, reason=code.upper(), detail=answer.text)
        if answer.status == 402 or code == "no_credit":
            mend = "The provider of text messages wants to be paid; look into the account there."
            return Verdict(outcome=Outcome.ALERT, reason="NO_CREDIT", detail=answer.text, mend=mend)
        if answer.status in (
            401,
            403,
            404,
            410,
        ):  # the provider's own address or our key: not the number's fault
            mend = "The provider of text messages refuses us; check RAPPORT_SMS_URL and RAPPORT_SMS_SECRET."
            return Verdict(
                outcome=Outcome.ALERT, reason=f"HTTP_{answer.status}", detail=answer.text, mend=mend
            )
        return verdict_by_status(answer, at=at)


def _signed(url: str, secret: str, key: str, written: Mapping[str, Any], *, at: datetime) -> SignedRequest:
    body = json.dumps(written, ensure_ascii=False).encode()
    return SignedRequest(url=url, body=body, headers=signed_headers(secret, key, body, at=at))
