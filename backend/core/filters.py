"""Typed filters: GraphQL inputs that compile to a MongoDB filter.

An input class of a room lists its filterable fields, named as the document's; an unknown field never
gets past GraphQL's own validation. ``and``, ``or``, ``not`` nest.
"""

import dataclasses
import re
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Generic, TypeVar

import strawberry
from bson import Decimal128

from backend.core.errors import FieldError, InvalidInput, UnknownField

T = TypeVar("T")
UNSET: Any = strawberry.UNSET
MOST_VALUES = 100


@strawberry.input(description="Compare an id.")
class IdFilter:
    eq: strawberry.ID | None = UNSET
    ne: strawberry.ID | None = UNSET
    in_: list[strawberry.ID] | None = strawberry.field(name="in", default=UNSET)
    not_in: list[strawberry.ID] | None = UNSET
    is_null: bool | None = UNSET


@strawberry.input(description="Compare text; `contains` and `startsWith` ignore case.")
class StringFilter:
    eq: str | None = UNSET
    ne: str | None = UNSET
    in_: list[str] | None = strawberry.field(name="in", default=UNSET)
    not_in: list[str] | None = UNSET
    contains: str | None = UNSET
    starts_with: str | None = UNSET
    is_null: bool | None = UNSET


@strawberry.input(description="Compare one of a fixed set of values.")
class ChoiceFilter(Generic[T]):
    eq: T | None = UNSET
    ne: T | None = UNSET
    in_: list[T] | None = strawberry.field(name="in", default=UNSET)
    not_in: list[T] | None = UNSET


@strawberry.input(description="Compare true and false.")
class BooleanFilter:
    eq: bool | None = UNSET


@strawberry.input(description="Compare a number or a time; `between` includes both ends.")
class RangeFilter(Generic[T]):
    eq: T | None = UNSET
    ne: T | None = UNSET
    lt: T | None = UNSET
    lte: T | None = UNSET
    gt: T | None = UNSET
    gte: T | None = UNSET
    between: list[T] | None = UNSET
    is_null: bool | None = UNSET


def compile_filter(data: Any) -> dict[str, Any]:
    """Return the MongoDB filter of a room's filter input (None: no condition)."""
    if data is None or data is UNSET:
        return {}
    parts: list[dict[str, Any]] = []
    for field in dataclasses.fields(data):
        value = getattr(data, field.name)
        if value is UNSET or value is None:
            continue
        if field.name == "and_":
            parts += [compile_filter(inner) for inner in value]
        elif field.name == "or_":
            parts.append({"$or": [compile_filter(inner) for inner in value]} if value else {})
        elif field.name == "not_":
            parts.append({"$nor": [compile_filter(value)]})
        else:
            name = "_id" if field.name == "id" else field.metadata.get("path", field.name)
            condition = _condition(field.name, value)
            parts += [{name: condition}] if condition else []
    parts = [part for part in parts if part]
    return parts[0] if len(parts) == 1 else {"$and": parts} if parts else {}


def fields_named(data: Any) -> set[str]:
    """Return the document fields that a filter compares, however deep."""
    if data is None or data is UNSET:
        return set()
    named: set[str] = set()
    for field in dataclasses.fields(data):
        value = getattr(data, field.name)
        if value is UNSET or value is None:
            continue
        if field.name in ("and_", "or_"):
            named |= {name for inner in value for name in fields_named(inner)}
        elif field.name == "not_":
            named |= fields_named(value)
        else:
            named.add(str(field.metadata.get("path", field.name)).partition(".")[0])
    return named


def refuse_unseen(unseen: Collection[str], data: Any, named: Collection[str]) -> None:
    """Raise UnknownField when ``named`` holds a field that the caller does not see, or sees masked.

    The words are those of the schema's own refusal: it must not tell that there is such a field.
    """
    for name in sorted(set(named) & set(unseen)):
        head, *tail = name.split("_")
        camel = head + "".join(part.capitalize() for part in tail)
        raise UnknownField(type_name=type(data).__name__, field=camel)


def _condition(name: str, comparison: Any) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    for field in dataclasses.fields(comparison):
        value = getattr(comparison, field.name)
        if value is UNSET or (value is None and field.name not in ("eq", "ne")):
            continue
        condition |= _operation(name, field.name, value)
    return condition


def _operation(name: str, operator: str, value: Any) -> dict[str, Any]:
    match operator:
        case "in_" | "not_in":
            if len(value) > MOST_VALUES:
                raise InvalidInput(
                    FieldError(name, f"takes at most {MOST_VALUES} values; ask in several queries")
                )
            return {"$in" if operator == "in_" else "$nin": [_stored(name, one) for one in value]}
        case "contains":
            return {"$regex": re.escape(value), "$options": "i"}
        case "starts_with":
            return {"$regex": "^" + re.escape(value), "$options": "i"}
        case "between":
            if len(value) != 2:
                raise InvalidInput(FieldError(name, "needs two values in `between`: its lower and upper end"))
            return {"$gte": _stored(name, value[0]), "$lte": _stored(name, value[1])}
        case "is_null":
            return {"$eq" if value else "$ne": None}
        case _:
            return {f"${operator}": _stored(name, value)}


def _stored(name: str, value: Any) -> Any:
    if isinstance(value, Decimal):
        try:
            return Decimal128(value)
        except ArithmeticError:
            raise InvalidInput(
                FieldError(name, "is compared to a number of more than 34 digits; round it")
            ) from None
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  (Beanie stores dates so)
    return value
