"""Conditions over a record's fields: written by admins, stored as data, decided in memory; pure.

The same language serves sharing rules, territories and (later) segments, assignment and workflows. A
condition is a comparison of one field, or a group: ``all``, ``any`` or ``none`` of several.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from backend.core.errors import FieldError, InvalidInput
from backend.core.records import ENVELOPE, Part, Record

DEEPEST = 5
MOST_PARTS = 50
ALSO = frozenset({"owner_id", "team_ids", "created_at", "created_by", "updated_at"})

Test = Callable[[Record], bool]


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    IS_NULL = "is_null"


class Condition(Part):
    """One comparison (``field``, ``operator``, ``values`` as text) or one group of conditions."""

    field: str = ""
    operator: Operator = Operator.EQ
    values: list[str] = Field(default_factory=list, max_length=100)
    all: list["Condition"] = Field(default_factory=list)
    any: list["Condition"] = Field(default_factory=list)
    none: list["Condition"] = Field(default_factory=list)


def compile_condition(record: type[Record], condition: Condition | None) -> Test:
    """Return the test that ``condition`` is for records of a kind; None holds for every record.

    Raise InvalidInput for an unknown field, a value that the field cannot have, too deep or too long a
    condition.
    """
    if condition is None:
        return lambda _: True
    if _size(condition) > MOST_PARTS or _depth(condition) > DEEPEST:
        raise _wrong(f"is too large; use at most {MOST_PARTS} comparisons, {DEEPEST} deep")
    return _compiled(record, condition)


def _compiled(record: type[Record], condition: Condition) -> Test:
    tests: list[Test] = []
    if condition.field:
        tests.append(_comparison(record, condition))
    if condition.all:
        parts = [_compiled(record, one) for one in condition.all]
        tests.append(lambda item: all(test(item) for test in parts))
    if condition.any:
        choices = [_compiled(record, one) for one in condition.any]
        tests.append(lambda item: any(test(item) for test in choices))
    if condition.none:
        barred = [_compiled(record, one) for one in condition.none]
        tests.append(lambda item: not any(test(item) for test in barred))
    if not tests:
        raise _wrong("is empty; name a field and values, or a group of conditions")
    return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)


def _comparison(record: type[Record], condition: Condition) -> Test:
    info, path = _field(record, condition.field)
    compare = _OPERATIONS[condition.operator]
    values = _values(info, condition)

    def test(item: Record) -> bool:
        found: Any = item
        for name in path:
            found = getattr(found, name, None)
        many = found if isinstance(found, list | tuple | set) else [found]
        return compare([_plain(one) for one in many], values)

    return test


def _field(record: type[Record], name: str) -> tuple[FieldInfo, list[str]]:
    """Return a field by its dotted name."""
    path = name.split(".")
    fields: Mapping[str, FieldInfo] = record.model_fields
    barred = ENVELOPE - ALSO
    info: FieldInfo | None = None
    for part in path:
        info = None if part in barred else fields.get(part)
        if info is None:
            raise _wrong(f"names {name!r}, which no {record.kind} has; see the kind's filter for its fields")
        inner = info.annotation
        fields = inner.model_fields if isinstance(inner, type) and issubclass(inner, BaseModel) else {}
    assert info is not None
    return info, path


def _values(info: FieldInfo, condition: Condition) -> list[Any]:
    """Return the values as the field has them."""
    single = condition.operator not in (Operator.IN, Operator.NOT_IN)
    if condition.operator is Operator.IS_NULL:
        if condition.values not in (["true"], ["false"], []):
            raise _wrong(f"compares {condition.field} with is_null, whose value is `true` or `false`")
        return [condition.values != ["false"]]
    if not condition.values or (single and len(condition.values) > 1):
        raise _wrong(f"needs {'one value' if single else 'values'} for {condition.field}")
    if condition.operator in (Operator.CONTAINS, Operator.STARTS_WITH):
        return [condition.values[0].casefold()]
    annotation: Any = info.annotation
    if getattr(annotation, "__origin__", None) in (list, tuple, set):
        annotation = annotation.__args__[0]
    try:
        return [_plain(TypeAdapter(annotation).validate_strings(one)) for one in condition.values]
    except (ValidationError, ValueError):
        raise _wrong(f"compares {condition.field} with a value that it cannot have") from None


def _plain(value: Any) -> Any:
    """Return a value that compares with its like: choices by their text, times aware."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[list[Any], list[Any]], bool]:
    def test(found: list[Any], values: list[Any]) -> bool:
        return any(
            one is not None and _comparable(one, values[0]) and compare(one, values[0]) for one in found
        )

    return test


def _comparable(one: Any, other: Any) -> bool:
    return isinstance(one, type(other)) or (isinstance(one, int | float) and isinstance(other, int | float))


def _text(test: Callable[[str, str], bool]) -> Callable[[list[Any], list[Any]], bool]:
    return lambda found, values: any(
        isinstance(one, str) and test(one.casefold(), values[0]) for one in found
    )


_OPERATIONS: Mapping[Operator, Callable[[list[Any], list[Any]], bool]] = {
    Operator.EQ: lambda found, values: any(one in values for one in found),
    Operator.NE: lambda found, values: not any(one in values for one in found),
    Operator.IN: lambda found, values: any(one in values for one in found),
    Operator.NOT_IN: lambda found, values: not any(one in values for one in found),
    Operator.LT: _ordered(operator.lt),
    Operator.LTE: _ordered(operator.le),
    Operator.GT: _ordered(operator.gt),
    Operator.GTE: _ordered(operator.ge),
    Operator.CONTAINS: _text(operator.contains),
    Operator.STARTS_WITH: _text(str.startswith),
    Operator.IS_NULL: lambda found, values: all(one is None for one in found) is values[0],
}


def _size(condition: Condition) -> int:
    return 1 + sum(_size(one) for one in (*condition.all, *condition.any, *condition.none))


def _depth(condition: Condition) -> int:
    return 1 + max((_depth(one) for one in (*condition.all, *condition.any, *condition.none)), default=0)


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(FieldError("condition", what))
