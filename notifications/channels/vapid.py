"""The key by which browsers' push services know this server (VAPID).

Source: RFC 8292. A browser subscribes with the public key; what is sent there is signed with the private
one. So the key is made once and kept: with another one every subscription would have to be made anew.
"""

import base64
import binascii
import os
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from backend.core.errors import FieldError, InvalidInput
from backend.core.settings import Settings

KEY_BYTES = 32
SIGNED_FOR = timedelta(hours=12)  # Source: RFC 8292, 2: at most 24 hours
RENEWED_BEFORE = timedelta(hours=1)
MOST_ORIGINS = 1_000  # remembered signatures; there are a handful of push services in the world
FILE = "web_push.key"


class VapidKey:
    """Sign for push services; ``contact`` is whom they may write to."""

    def __init__(self, private: str, contact: str) -> None:
        self._signer = Vapid02.from_raw(private.encode())
        self._signer.conf = {"no-strict": True}  # its idea of an https: contact allows no port and no path
        self._contact = contact
        self._signed: OrderedDict[str, tuple[datetime, str]] = OrderedDict()

    @property
    def public(self) -> str:
        """Return what a browser subscribes with (``applicationServerKey``), in base64url."""
        point = self._signer.public_key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return base64.urlsafe_b64encode(point).decode().rstrip("=")

    def authorization(self, origin: str, *, now: datetime) -> str:
        """Return the Authorization header for a push service; each is signed for twelve hours and kept."""
        until, header = self._signed.get(origin, (now, ""))
        # A clock that was set back would make the kept one live longer than a service accepts.
        if not now + RENEWED_BEFORE < until <= now + SIGNED_FOR:
            until = now + SIGNED_FOR
            claims = {"aud": origin, "exp": int(until.timestamp()), "sub": self._contact}
            header = self._signer.sign(claims)["Authorization"]
            self._signed[origin] = (until, header)
            self._signed.move_to_end(origin)
            while len(self._signed) > MOST_ORIGINS:
                self._signed.popitem(last=False)
        return header


def read_vapid_key(settings: Settings) -> VapidKey:
    """Return the key of the settings, else the one kept under ``data_dir``; the first process makes it."""
    given = settings.web_push_key.get_secret_value()
    return VapidKey(_checked(given) if given else _kept(settings), _contact(settings))


def generate_private_key() -> str:
    """Return a new private key: 32 bytes in base64url."""
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(KEY_BYTES, "big")).decode().rstrip("=")


def _kept(settings: Settings) -> str:
    path = settings.data_dir / FILE
    if not path.exists():
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = settings.data_dir / f".{FILE}.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(generate_private_key())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key counts
        finally:
            draft.unlink()
    return _checked(path.read_text().strip(), source=str(path))


def _checked(text: str, *, source: str = "RAPPORT_WEB_PUSH_KEY") -> str:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidInput(
            FieldError(source, f"must hold a P-256 private key of {KEY_BYTES} bytes in base64url")
        )
    return text


def _contact(settings: Settings) -> str:
    if settings.web_push_contact:
        return settings.web_push_contact
    address = settings.mail_from.rpartition("<")[2].rstrip("> ")
    return f"mailto:{address}" if address else settings.links_begin_with
