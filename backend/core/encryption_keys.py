"""Master keys: what a deployment keeps outside of the database, and wraps the workspaces' keys under.

Written ``id:base64``, 32 bytes each, parted by commas or lines; the first is the current one, the others
open what was wrapped before. They come from ``RAPPORT_ENCRYPTION_KEYS``, else from the file that
``RAPPORT_ENCRYPTION_KEY_FILE`` names, else from ``data_dir/encryption.keys``, which the first process makes.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.core.encryption import KEY_BYTES, NONCE_BYTES
from backend.core.errors import CannotOpen, FieldError, InvalidInput
from backend.core.settings import Settings

WRAP = "kek:1:"
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")
GENERATED = "encryption.keys"


class MasterKeys:
    """The master keys of this process, by id; it never shows them."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {id: AESGCM(key) for id, key in keys.items()}
        self.current = next(iter(self._keys))

    def __contains__(self, id: object) -> bool:
        return id in self._keys

    def wrap(self, key: bytes, name: str) -> str:
        """Return ``key`` wrapped under the current master key, bound to its ``name``."""
        nonce = os.urandom(NONCE_BYTES)
        wrapped = nonce + self._keys[self.current].encrypt(nonce, key, name.encode())
        return f"{WRAP}{self.current}:{base64.urlsafe_b64encode(wrapped).decode()}"

    def unwrap(self, wrapped: str, name: str) -> bytes:
        """Return the key that ``wrap`` wrapped, or raise CannotOpen, which names the master key."""
        id, _, text = wrapped.removeprefix(WRAP).partition(":")
        if id not in self._keys:
            raise CannotOpen(
                f"Data key {name} is wrapped under master key {id!r}, which this process was not given. "
                "Add that key to RAPPORT_ENCRYPTION_KEYS, or to the file that keeps the keys."
            )
        raw = base64.urlsafe_b64decode(text)
        try:
            return self._keys[id].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise CannotOpen(
                f"Master key {id!r} does not open data key {name}: it is another key under the same id, or "
                "the data key was changed. Give the key that wrapped it, or restore data_keys from a backup."
            ) from None


def master_of(wrapped: str) -> str:
    """Return the id of the master key under which a data key is wrapped; empty for a destroyed one."""
    return wrapped.removeprefix(WRAP).partition(":")[0]


def parse_master_keys(text: str, source: str) -> MasterKeys:
    """Return the keys written in ``text``; raise InvalidInput, without repeating any, when one is no key."""
    keys: dict[str, bytes] = {}
    for number, one in enumerate(filter(None, map(str.strip, re.split(r"[,\n]", text))), start=1):
        id, colon, encoded = one.partition(":")
        if not colon or not KEY_ID.fullmatch(id) or id in keys:
            raise InvalidInput(
                FieldError(source, f"must hold keys as id:base64, each id once; number {number} is not so")
            )
        try:
            key = base64.b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise InvalidInput(
                FieldError(
                    source,
                    f"must hold {KEY_BYTES} bytes in base64 for each key; key {id!r} is not so: "
                    f"make one with `openssl rand -base64 {KEY_BYTES}`",
                )
            )
        keys[id] = key
    if not keys:
        raise InvalidInput(FieldError(source, "holds no key; write at least one as id:base64"))
    return MasterKeys(keys)


def read_master_keys(settings: Settings) -> MasterKeys | None:
    """Return the master keys that the settings give or the data directory holds; None when there are none."""
    given = settings.encryption_keys.get_secret_value()
    if given:
        return parse_master_keys(given, "RAPPORT_ENCRYPTION_KEYS")
    path = settings.encryption_key_file or settings.data_dir / GENERATED
    if settings.encryption_key_file is not None and not path.exists():
        raise InvalidInput(
            FieldError("RAPPORT_ENCRYPTION_KEY_FILE", f"names {path}, which is not there; correct the path")
        )
    return parse_master_keys(path.read_text(encoding="utf-8"), str(path)) if path.exists() else None


def generate_master_key(data_dir: Path) -> None:
    """Make ``data_dir/encryption.keys`` (mode 0600) unless it is there: the first to come makes it."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = data_dir / f".{GENERATED}.{secrets.token_hex(8)}"
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secrets.token_hex(4)}:{key}\n")
    try:
        os.link(draft, data_dir / GENERATED)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        draft.unlink()
