"""Sealed fields: personal values encrypted one by one, and blind indexes to find them by. Pure.

A kind names its sealed fields (``Record.encrypted``). A sealed value is the text
``enc:1:<data key>:<base64url(nonce | ciphertext | tag)>``: AES-256-GCM over the value as BSON, bound to its
workspace, kind, record and field, so that it opens nowhere else. What is empty stays clear: it says nothing
about anybody. Beside it, ``blind.<field>`` holds a keyed hash of the value in its normal form, for what
people are looked up by: equal values of one field have equal hashes, and nothing else can be told from them.
Source: NIST SP 800-38D (GCM, random 96-bit nonces); RFC 5869 (HKDF); RFC 2104 (HMAC).
"""

import base64
import hmac
import os
from collections.abc import Mapping
from typing import Any, TypeGuard

import bson
from bson.codec_options import CodecOptions
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.core.errors import CannotOpen
from backend.core.personal import PersonalClass
from backend.core.records import Record

SEAL = "enc:1:"
BLIND = "blind"  # the name under which a stored body holds its blind indexes
KEY_BYTES = 32
NONCE_BYTES = 12
BLIND_BYTES = 16  # no two of a workspace's values meet by chance; a reader of the store learns less of each
LOOKED_UP_BY = frozenset({PersonalClass.EMAIL, PersonalClass.PHONE, PersonalClass.ID_NUMBER})
PHONE_PUNCTUATION = str.maketrans("", "", " -().\t")


def normal_form(value: str, personal: PersonalClass) -> str:
    """Return the form in which a value is looked up: however it was typed, it finds the same records."""
    if personal is PersonalClass.EMAIL:
        return value.strip().casefold()
    return value.translate(PHONE_PUNCTUATION) if personal is PersonalClass.PHONE else value.strip()


def blind_fields(record: type[Record]) -> frozenset[str]:
    """Return the sealed fields of a kind that can be searched by their exact value."""
    return frozenset(name for name in record.encrypted if record.personal[name] in LOOKED_UP_BY)


def is_sealed(value: object) -> TypeGuard[str]:
    """Tell whether a stored value is sealed."""
    return isinstance(value, str) and value.startswith(SEAL)


def data_key_of(value: str) -> int:
    """Return the number of the data key under which a value is sealed."""
    number = value[len(SEAL) : value.find(":", len(SEAL))]
    return int(number) if number.isdecimal() else 0


class Cipher:
    """Seal and open the stored bodies of one workspace; all its keys are in memory.

    ``data_keys`` are by number, the highest seals; ``index_key`` is for blind indexes and outlives them.
    ``generation`` is the policy version under which the keys were read. While ``holds_clear``, records
    stored before the workspace had keys may still be clear.
    """

    def __init__(
        self,
        workspace_id: str,
        data_keys: Mapping[int, bytes],
        index_key: bytes,
        codecs: CodecOptions[dict[str, Any]],
        *,
        generation: int = 0,
        holds_clear: bool = False,
    ) -> None:
        self.workspace_id, self.current = workspace_id, max(data_keys)
        self.generation, self.holds_clear = generation, holds_clear
        self._data_keys = {number: AESGCM(key) for number, key in data_keys.items()}
        self._index_key, self._codecs = index_key, codecs
        self._blind_keys: dict[tuple[str, str], bytes] = {}

    def seal(self, record: type[Record], body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a clear stored body with its personal fields sealed and their blind indexes beside them."""
        sealed = {name: self._sealed(record, body, name) for name in record.encrypted if name in body}
        blind = {name: self.blind(record, name, body.get(name)) for name in sorted(blind_fields(record))}
        return {**body, **sealed, BLIND: blind} if blind else {**body, **sealed}

    def open(self, record: type[Record], body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a stored body in the clear; raise CannotOpen when any of its values does not open."""
        clear = {
            name: self._opened(record, body, name) for name in record.encrypted if is_sealed(body.get(name))
        }
        opened = {**body, **clear}
        opened.pop(BLIND, None)
        return opened

    def is_current(self, record: type[Record], body: Mapping[str, Any]) -> bool:
        """Tell whether nothing is clear and everything is sealed under the key that seals now."""
        values = [body[name] for name in record.encrypted if name in body]
        return (BLIND in body or not blind_fields(record)) and all(
            data_key_of(value) == self.current if is_sealed(value) else is_empty(value) for value in values
        )

    def blind(self, record: type[Record], field: str, value: Any) -> Any:
        """Return the blind index of a value: of each, for a list; what is empty stays so."""
        if isinstance(value, list):
            return [self.blind(record, field, one) for one in value]
        text = normal_form(value, record.personal[field]) if value else value
        if not text:
            return text
        digest = hmac.digest(self._blind_key(record.kind, field), text.encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:BLIND_BYTES]).rstrip(b"=").decode()

    def _blind_key(self, kind: str, field: str) -> bytes:
        key = self._blind_keys.get((kind, field))
        if key is None:
            info = f"{BLIND}|{self.workspace_id}|{kind}|{field}".encode()
            key = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self._index_key)
            self._blind_keys[kind, field] = key
        return key

    def _sealed(self, record: type[Record], body: Mapping[str, Any], name: str) -> Any:
        value = body[name]
        if is_empty(value):
            return value
        nonce = os.urandom(NONCE_BYTES)
        place = self._place(record, body, name)
        sealed = self._data_keys[self.current].encrypt(nonce, bson.encode({"": value}), place)
        return f"{SEAL}{self.current}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def _opened(self, record: type[Record], body: Mapping[str, Any], name: str) -> Any:
        number = data_key_of(body[name])
        key = self._data_keys.get(number)
        if key is None:
            raise self._cannot_open(
                record,
                body,
                name,
                ", which does not exist or was destroyed. Restore the collection data_keys from the same "
                "backup as the records.",
            )
        try:
            raw = base64.urlsafe_b64decode(body[name][len(f"{SEAL}{number}:") :])
            clear = key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], self._place(record, body, name))
        except (InvalidTag, ValueError):
            raise self._cannot_open(
                record,
                body,
                name,
                " and does not open: it was changed, or moved here from elsewhere. Restore this record from "
                "a backup.",
            ) from None
        return bson.decode(clear, self._codecs)[""]

    def _cannot_open(self, record: type[Record], body: Mapping[str, Any], name: str, why: str) -> CannotOpen:
        return CannotOpen(
            f"{name} of {record.kind} {body['_id']} is sealed under data key {data_key_of(body[name])} of "
            f"workspace {self.workspace_id}{why}"
        )

    def _place(self, record: type[Record], body: Mapping[str, Any], name: str) -> bytes:
        return f"{self.workspace_id}|{record.kind}|{body['_id']}|{name}".encode()


def is_empty(value: Any) -> bool:
    """Tell whether a value says nothing: no text, or parts that all say nothing."""
    if isinstance(value, Mapping):
        return all(is_empty(inner) for inner in value.values())
    return value is None or value == "" or value == []
