"""Sealing small secrets that the server must read again: TOTP keys, client secrets of providers.

AES-256-GCM with a key derived from the house's secret key. Pure: no database, no web.
Source: RFC 5869 (HKDF), NIST SP 800-38D (GCM).
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.core.errors import Unavailable

NONCE_BYTES = 12


def seal(secret: str, key: str, *, purpose: str, owner: str) -> str:
    """Return ``secret`` sealed for one ``purpose`` and one ``owner``; for another it does not open."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_derived(key, purpose)).encrypt(nonce, secret.encode(), owner.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode()


def unseal(sealed: str, key: str, *, purpose: str, owner: str) -> str:
    """Return what was sealed. Raise Unavailable when it was sealed with another key or for another owner."""
    try:
        raw = base64.urlsafe_b64decode(sealed)
        nonce, text = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
        opened = AESGCM(_derived(key, purpose)).decrypt(nonce, text, owner.encode())
    except (InvalidTag, binascii.Error, ValueError):
        raise Unavailable(
            f"A stored secret ({purpose}) was sealed with another key: give the server the "
            "RAPPORT_SECRET_KEY that it had, or have the secret set anew."
        ) from None
    return opened.decode()


def _derived(key: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())
