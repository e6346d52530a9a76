"""A browser's push subscription, as it is kept in a device's ``value``. Pure."""

import base64
import binascii
import json
from dataclasses import dataclass, field

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from backend.core.errors import FieldError, InvalidInput

AUTH_BYTES = 16  # Source: RFC 8291, 3.2
LONGEST_ENDPOINT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """Where a browser is reached and the keys that only it can read with. All of it is a secret."""

    endpoint: str = field(repr=False)
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)

    @classmethod
    def checked(cls, endpoint: str, p256dh: str, auth: str) -> "PushSubscription":
        """Return a subscription as ``PushSubscription.toJSON()`` of a browser tells it.

        Raise InvalidInput for what is none. Whether the endpoint may be called is another question.
        """
        point, secret = _decoded(p256dh), _decoded(auth)
        wrong = []
        if not endpoint.startswith(("https://", "http://")) or len(endpoint) > LONGEST_ENDPOINT:
            wrong.append(FieldError("endpoint", "is no address; send the subscription's endpoint"))
        if not _is_point(point):
            wrong.append(FieldError("p256dh", "is no public key; send keys.p256dh of the subscription"))
        if len(secret) != AUTH_BYTES:
            wrong.append(FieldError("auth", "is no secret of 16 bytes; send keys.auth of the subscription"))
        if wrong:
            raise InvalidInput(*wrong)
        return cls(endpoint=endpoint, p256dh=point, auth=secret)

    @classmethod
    def read(cls, value: str) -> "PushSubscription":
        """Return the subscription that ``value`` wrote. Raise ValueError for anything else."""
        try:
            stored = json.loads(value)
            return cls.checked(stored["endpoint"], stored["p256dh"], stored["auth"])
        except (KeyError, TypeError, InvalidInput) as error:
            raise ValueError("This device's value is no push subscription.") from error

    @property
    def value(self) -> str:
        """Return it as one text, the same for the same subscription."""
        keys = {"p256dh": _encoded(self.p256dh), "auth": _encoded(self.auth)}
        return json.dumps({"endpoint": self.endpoint, **keys}, sort_keys=True)

    @property
    def origin(self) -> str:
        """Return scheme, host and port of the push service."""
        url = httpx.URL(self.endpoint)
        port = f":{url.port}" if url.port else ""
        host = f"[{url.host}]" if ":" in url.host else url.host
        return f"{url.scheme}://{host}{port}"


def _is_point(point: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return len(point) == 65


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return b""


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
