"""Records whose every value tells where it belongs: a token in an answer names its record and field."""

import random
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from backend.core.records import ENVELOPE, Record

FIRST_MOMENT = datetime(2031, 1, 1, tzinfo=UTC)
_TEXT = re.compile(r"q([0-9a-f]{5})([0-9a-f]{2})z")
# With a half behind it, it is a limit that a rule of the world compares by.
_DIGITS = re.compile(r"(?<![0-9a-zA-Z])(?:\+8613|18)(\d{6})(\d{2})(?![0-9a-zA-Z]|\.5)")
SPOKEN = {"currency": "EUR", "locale": "en", "language": "en", "stage": "new", "country": "DE"}
# What the store or a rule of the house fills, or what would make the record another thing.
LEFT = ENVELOPE | {"ext", "external_ids", "revision_id", "erased_at", "shares", "stage_history", "consents"}
LEFT |= {"sla", "sha256", "follows_id", "probability", "legal_hold_reason", "converted_at"}


def token(number: int, place: int) -> str:
    """Return the token of a field: the record's number and the field's place in its kind."""
    return f"q{number:05x}{place:02x}z"


def tokens_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield (number of the record, place of the field) for every token in an answer's text."""
    for number, place in _TEXT.findall(text):
        yield int(number, 16), int(place, 16)
    for number, place in _DIGITS.findall(text):
        yield int(number), int(place)


def places(record: type[Record]) -> list[str]:
    """Return the fields of a kind; each one's index is its place."""
    return sorted(record.model_fields)


def canary_fields(
    record: type[Record], number: int, rng: random.Random, given: dict[str, Any]
) -> dict[str, Any]:
    """Return values for every field of a kind: tokens, unlike numbers and moments; ``given`` as it is."""
    found: dict[str, Any] = {}
    for place, name in enumerate(places(record)):
        if name in given:
            found[name] = given[name]
        elif name not in LEFT and not name.endswith(("_id", "_ids", "_by")):
            found[name] = _value(record.model_fields[name].annotation, name, number, place, rng)
    return {name: value for name, value in found.items() if value is not ...}


def _value(annotation: Any, name: str, number: int, place: int, rng: random.Random) -> Any:
    kind = _plain_type(annotation)
    if get_origin(kind) is list:
        inner = _value(get_args(kind)[0], name.rstrip("s"), number, place, rng)
        return [] if inner is ... else [inner]
    if not isinstance(kind, type):
        return ...
    if issubclass(kind, Enum):
        return rng.choice(list(kind))
    if kind is bool:
        return ... if name.startswith(("is_", "for_")) else rng.random() < 0.5
    if issubclass(kind, BaseModel):
        names = kind.model_fields
        return kind(**{one: _value(names[one].annotation, one, number, place, rng) for one in names})
    return _scalar(kind, name, number, place, rng)


def _scalar(kind: type, name: str, number: int, place: int, rng: random.Random) -> Any:
    if kind is str:
        return _text(name, number, place)
    if kind in (int, Decimal):
        small = {"score": 100, "csat": 5, "reopen_count": 9, "number": 9, "order": 9}
        small |= {"quantity": 99, "discount_percent": 100, "tax_percent": 100}
        if name in small:
            return kind(rng.randint(1, small[name]))
        return kind(f"18{number:06d}{place:02d}")
    moment = FIRST_MOMENT + timedelta(hours=number, seconds=place)
    if kind in (datetime, AwareDatetime):
        return moment
    return moment.date() if kind is date else ...


def _text(name: str, number: int, place: int) -> str:
    if name in SPOKEN:
        return SPOKEN[name]
    if "email" in name:
        return f"{token(number, place)}@mail.example"
    if "phone" in name:
        return f"+8613{number:06d}{place:02d}"
    return f"{name} {token(number, place)}"


def _plain_type(annotation: Any) -> Any:
    """Return a field's type without None and without what only constrains it."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        annotation = parts[0]
    return annotation
