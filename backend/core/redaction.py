"""What the audit trail shows of a change: enough to follow it, nothing that an erasure would have to reach.

Personal values appear as a mask and a keyed digest, long texts as length and digest. The digest tells
whether a field got an old value again, in one field of one record only; without the key it tells nothing.
Source: RFC 5869 (HKDF), RFC 2104 (HMAC).
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

import orjson
from beanie.odm.utils.encoder import Encoder
from bson import Decimal128
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.core.commits import Write
from backend.core.personal import PersonalClass, mask
from backend.core.records import ENVELOPE, REGISTRY

LONGEST_CLEAR = 200  # characters of a text that are kept as they are
LARGEST_CLEAR = 1_000  # bytes of a list or an object, as JSON
DIGEST_BYTES = 16
SHARES = "shares"  # of the envelope, the one field worth a line: who may see what
NOISE = ENVELOPE - {SHARES}
# What administrators and other systems put here may be personal, whatever the kind says.
ALWAYS_MASKED: Mapping[str, PersonalClass] = {
    "ext": PersonalClass.TEXT,
    "external_ids": PersonalClass.ID_NUMBER,
}
# A person's own domain would name the person for ever.
STRICTER: Mapping[PersonalClass, PersonalClass] = {PersonalClass.EMAIL: PersonalClass.NAME}
_ENCODER = Encoder(to_db=True)


def plain(value: Any) -> Any:
    """Return a stored value as JSON has it: times as UTC text in milliseconds, decimals as text.

    What it returns is the same after a round trip through the database.
    """
    match value:
        case Enum():
            return plain(value.value)
        case str() | bool() | int() | float() | None:
            return value
        case datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC).isoformat(timespec="milliseconds")
        case Decimal() | Decimal128():
            return str(value)
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(inner) for inner in value]
        case bytes():
            return value.hex()
    return str(value)


class Redactor:
    """Make the diffs of one store. Without a secret its digests compare within this process only."""

    def __init__(self, secret: str | None = None) -> None:
        self._secret = secret.encode() if secret else secrets.token_bytes(32)
        self._keys: dict[str, bytes] = {}

    def diff(self, workspace_id: str, write: Write) -> dict[str, list[Any]]:
        """Return ``{field: [before, after]}`` of what ``write`` sets; nothing for a deletion."""
        if write.deleted:
            return {}
        record = REGISTRY[write.kind]
        made = write.before is None
        before: Mapping[str, Any] = _defaults(write.kind) if write.before is None else write.before
        found: dict[str, list[Any]] = {}
        for name in write.body if made else (*write.changed, SHARES):
            old, new = before.get(name), write.body.get(name)
            if old == new or name in NOISE:
                continue
            place = (workspace_id, write.kind, write.id, name)
            personal = record.personal.get(name) or ALWAYS_MASKED.get(name)
            found[name] = [
                None if made else self._shown(old, personal, place),
                self._shown(new, personal, place),
            ]
        return found

    def clear(self, workspace_id: str, details: Mapping[str, Any]) -> dict[str, Any]:
        """Return the details of a note: as given, but for texts and lists that are too long."""
        return {
            name: self._shown(value, None, (workspace_id, "", "", name)) for name, value in details.items()
        }

    def _shown(self, value: Any, personal: PersonalClass | None, place: tuple[str, ...]) -> Any:
        json = value if type(value) is str else plain(value)
        if json is None or json == "" or json == [] or json == {}:
            return json
        if personal is not None:
            return {"mask": mask(json, STRICTER.get(personal, personal)), "digest": self._digest(json, place)}
        if isinstance(json, str):
            too_long = len(json) > LONGEST_CLEAR
            return {"length": len(json), "digest": self._digest(json, place)} if too_long else json
        size = len(orjson.dumps(json)) if isinstance(json, list | dict) else 0
        return {"length": size, "digest": self._digest(json, place)} if size > LARGEST_CLEAR else json

    def _digest(self, json: Any, place: tuple[str, ...]) -> str:
        """Return a digest that belongs to one field of one record: equal values elsewhere look different."""
        workspace_id = place[0]
        key = self._keys.get(workspace_id)
        if key is None:
            info = b"rapport audit digest|" + workspace_id.encode()
            key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)
            self._keys[workspace_id] = key
        message = "|".join(place).encode() + b"\n" + orjson.dumps(json, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(key, message, "sha256")[:DIGEST_BYTES].hex()


@lru_cache(maxsize=256)
def _defaults(kind: str) -> dict[str, Any]:
    """Return what the fields of a new record hold when nobody sets them, as stored."""
    fields = REGISTRY[kind].model_fields.items()
    return {
        name: _ENCODER.encode(field.get_default(call_default_factory=True, validated_data={}))
        for name, field in fields
        if not field.is_required()
    }
