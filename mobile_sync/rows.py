"""Rows: records as phones hold them, and a phone's values as operations take them."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any

import orjson
from pydantic_core import PydanticUndefined

from backend.core.access import Actor, follows_any
from backend.core.errors import FieldError, InvalidInput
from backend.core.records import REGISTRY, Record
from backend.core.sync import (
    JSON_TEXTS,
    SyncedCollection,
    SyncedField,
    phone_row,
    phone_value,
)
from backend.core.sync_policy import Policy

ROW = ("id", "version", "deleted")  # what every row has beside its collection's columns
NIL_ID = "00000000-0000-0000-0000-000000000000"
BLANKS: Mapping[str, Any] = {
    **dict.fromkeys(("text", "date", "datetime"), ""),
    **dict.fromkeys(("integer", "number"), 0),
    "boolean": False,
    "decimal": "0",
    "list": "[]",
    "object": "{}",
    "rows": "[]",
}
LONGEST_TEXT = 100_000  # characters in a column; files are attachments
MOST_KEYS = 200  # of an object
MOST_INNER_ROWS = 500  # objects in one column
LARGEST_STORED = 2**53  # beyond, JavaScript rounds
LARGEST_INTEGER = 2**31 - 1  # GraphQL's Int: a larger one could never be pulled again

Row = dict[str, Any]


def columns(collection: SyncedCollection) -> list[SyncedField]:
    """Return the collection's columns without those that every row has anyway."""
    return [field for field in collection.fields if field.name not in ROW]


def field_set(collection: SyncedCollection, actor: Actor) -> str:
    """Return what changes when a collection's columns do, or how much of them ``actor`` sees.

    Rows that say something of other records are others, too, when its rights on those change.
    """
    seen = actor.mask(collection.record.kind).signature
    return _field_set(collection, seen if collection.as_seen is None else f"{seen}|{_sight(actor)}")


def _sight(actor: Actor) -> str:
    """Return what changes when ``actor`` reads other records, or other fields of them.

    What follows records of any kind is read as they are, and costs as much to tell as all of them.
    """
    kinds = sorted(
        kind
        for kind, record in REGISTRY.items()
        if (record.shareable or record.follows) and not follows_any(kind)
    )
    said = orjson.dumps([(kind, actor.scopes(kind), actor.mask(kind).signature) for kind in kinds])
    return hashlib.sha256(said).hexdigest()


@lru_cache(maxsize=10_000)
def _field_set(collection: SyncedCollection, seen: str) -> str:
    said = orjson.dumps([*([one.name, one.type] for one in columns(collection)), seen])
    return hashlib.sha256(said).hexdigest()[:12]


def writable(collection: SyncedCollection) -> list[str]:
    """Return the names of the columns that phones may write."""
    return [field.name for field in columns(collection) if not field.server_owned]


def policies(collection: SyncedCollection) -> dict[str, Policy]:
    """Return what becomes of each column that two have changed at once."""
    return {field.name: field.policy for field in columns(collection)}


def row_of(collection: SyncedCollection, record: Record) -> Row:
    """Return ``record`` as a row: its id and version, its columns, and whether it is deleted.

    What is hidden from whoever it was read for is null, like what was never set.
    """
    values = {name: _plain(value) for name, value in phone_row(collection, record).items()}
    return (
        values
        | dict.fromkeys(record.veil.blank & values.keys())
        | {
            "id": record.id,
            "version": record.version,
            "deleted": record.deleted_at is not None,
        }
    )


def tombstone(collection: SyncedCollection, id: str) -> Row:
    """Return the row that makes a phone forget ``id``. It tells nothing: required columns are blank."""
    blank = {f.name: BLANKS[f.type] if f.required else None for f in columns(collection)}
    return {**blank, "id": id, "version": None, "deleted": True}


def filled(collection: SyncedCollection, values: Mapping[str, Any]) -> Row:
    """Return the writable values of a phone's row, null and missing ones as the kind's default.

    A phone that never set a column, and one that cleared it, mean the same; so do times in two zones, and
    lists with and without blanks.
    """
    defaults = _defaults(collection)
    row: Row = {}
    for field in (one for one in columns(collection) if not one.server_owned):
        value = _usual(field, values.get(field.name))
        row[field.name] = defaults.get(field.name) if value is None else value
    return row


@lru_cache(maxsize=1_000)
def _defaults(collection: SyncedCollection) -> Mapping[str, Any]:
    """Return what a phone is shown of a new record's fields; made once: pydantic takes its time."""
    found = {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in collection.record.model_fields.items()
    }
    return {name: _plain(phone_value(it)) for name, it in found.items() if it is not PydanticUndefined}


def fields_of(collection: SyncedCollection, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a phone's values as an operation's fields; raise InvalidInput for those of a wrong type.

    The kind's own rules (lengths, choices, ranges) are the operation's.
    """
    wrong: list[FieldError] = []
    fields: dict[str, Any] = {}
    for field in columns(collection):
        if field.name in values:
            try:
                fields[field.name] = _read(field, values[field.name])
            except ValueError as error:
                wrong.append(FieldError(field.name, str(error)))
    if wrong:
        raise InvalidInput(*wrong)
    return fields


def _usual(field: SyncedField, value: Any) -> Any:
    """Return a value in the one form that it has here; one of a wrong type stays what it is."""
    if not isinstance(value, str) or field.type not in (*JSON_TEXTS, "datetime"):
        return value
    try:
        return phone_value(_read(field, value))
    except ValueError:
        return value


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _read(field: SyncedField, value: Any) -> Any:
    """Return one column's value as the record takes it; raise ValueError with a sentence otherwise."""
    if value is None:
        return None
    expected: Any = _TYPES[field.type]
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        raise ValueError(f"must be {_NAMES[field.type]}")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ValueError(f"must be at most {LONGEST_TEXT:,} characters long")
    if isinstance(value, str) and not _is_whole(value):
        raise ValueError("holds half a character (a lone surrogate); leave that out")
    if field.type == "number" and not (isinstance(value, int | float) and math.isfinite(value)):
        raise ValueError(f"must be {_NAMES[field.type]}")
    if field.type == "integer":
        return _integer(value)
    if field.type == "datetime":
        return _moment(value)
    if field.type in JSON_TEXTS:
        return _json(field.type, value)
    return value


def _json(type: str, value: str) -> Any:
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        found = None
    if type == "list" and isinstance(found, list) and all(isinstance(one, str) for one in found):
        return found
    if type == "object" and (plain := _plain_object(found)) is not None:
        return plain
    if type == "rows" and isinstance(found, list) and len(found) <= MOST_INNER_ROWS:
        rows = [_plain_object(one) for one in found]
        if None not in rows:
            return rows
    raise ValueError(f"must be {_NAMES[type]}")


def _plain_object(found: Any) -> dict[str, Any] | None:
    """Return an object of texts, numbers and booleans without its nulls; None when it is something else."""
    if not isinstance(found, dict) or len(found) > MOST_KEYS:
        return None
    plain = {key: one for key, one in found.items() if one is not None}
    return plain if all("\0" not in key and _is_plain(one) for key, one in plain.items()) else None


def _integer(value: float) -> int:
    if not math.isfinite(value) or value != int(value) or abs(value) > LARGEST_INTEGER:
        raise ValueError(f"must be a whole number between -{LARGEST_INTEGER} and {LARGEST_INTEGER}")
    return int(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) <= LARGEST_STORED
    return isinstance(value, str | float | bool)


def _is_whole(text: str) -> bool:
    """Tell whether a text can be stored: JSON may name halves of characters, and UTF-8 has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def stable_text(value: Any) -> str:
    """Return what a phone said as JSON, always the same for the same: to name it by."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:  # halves of characters, and numbers of more than 64 bits
        return json.dumps(value, sort_keys=True)


def _moment(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901  (naive, and so refused below)
    if moment.tzinfo is None:
        raise ValueError("must be a time with its zone, such as 2026-03-01T08:00:00.000Z")
    return moment.astimezone(UTC)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "decimal": (str, int, float),
    **dict.fromkeys(("date", "datetime", "list", "object", "rows"), (str,)),
}
_NAMES = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "decimal": "a decimal number as text, such as 1250.50",
    "date": "a date such as 2026-03-01",
    "datetime": "a time with its zone, such as 2026-03-01T08:00:00.000Z",
    "list": 'the JSON text of a list of texts, such as ["new","food"]',
    "object": f"the JSON text of an object of at most {MOST_KEYS} texts, numbers and booleans",
    "rows": f"the JSON text of a list of at most {MOST_INNER_ROWS} objects of texts, numbers and booleans",
}
