"""Filters on sealed fields, put in terms of their blind indexes: the only place that does so. Pure.

Equal, unequal, in, not in and null can be answered; what needs the text itself (a part of it, an order)
cannot, and is refused. While a workspace still holds clear values, conditions ask for both forms.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.core.encryption import BLIND, Cipher, blind_fields, normal_form
from backend.core.errors import FieldError, InvalidInput
from backend.core.records import Record

GROUPS = frozenset({"$and", "$or", "$nor"})
FOUND_WITH = frozenset({"$eq", "$in"})
LEFT_OUT_WITH = frozenset({"$ne", "$nin"})

Where = Mapping[str, Any]


def names_sealed_fields(record: type[Record], where: Where) -> bool:
    """Tell whether a filter compares a sealed field of ``record`` anywhere."""
    return bool(record.encrypted) and any(
        any(names_sealed_fields(record, one) for one in value) if name in GROUPS else _field(record, name)
        for name, value in where.items()
    )


def blind_filter(cipher: Cipher, record: type[Record], where: Where) -> dict[str, Any]:
    """Return ``where`` with its conditions on sealed fields put in terms of the blind indexes.

    Raise InvalidInput for a comparison that needs the value itself.
    """
    done: dict[str, Any] = {}
    rest: list[dict[str, Any]] = []
    for name, value in where.items():
        field = _field(record, name)
        if name in GROUPS:
            done[name] = [blind_filter(cipher, record, one) for one in value]
        elif field is None:
            done[name] = value
        else:
            rest += _conditions(cipher, record, name, value)
    for one in rest:
        if done.keys() & one.keys():
            done["$and"] = [*done.get("$and", []), one]
        else:
            done |= one
    return done


def refuse_sealed_order(record: type[Record], sort: Sequence[tuple[str, int]]) -> None:
    """Raise InvalidInput when records are to be put in the order of a sealed field."""
    for name, _ in sort:
        if field := _field(record, name):
            raise InvalidInput(
                FieldError(field, "is stored encrypted and has no order; sort by a name or a time instead")
            )


def _field(record: type[Record], name: str) -> str | None:
    field = name.partition(".")[0]
    return field if field in record.encrypted else None


def _conditions(cipher: Cipher, record: type[Record], name: str, value: Any) -> list[dict[str, Any]]:
    comparisons = value if isinstance(value, Mapping) else {"$eq": value}
    return [_condition(cipher, record, name, operator, one) for operator, one in comparisons.items()]


def _condition(cipher: Cipher, record: type[Record], name: str, operator: str, value: Any) -> dict[str, Any]:
    if value is None and operator in ("$eq", "$ne"):
        return {name: {operator: None}}  # null is never sealed
    wanted = value if operator in ("$in", "$nin") else [value]
    if (
        name not in blind_fields(record)
        or operator not in FOUND_WITH | LEFT_OUT_WITH
        or not all(isinstance(one, str) for one in wanted)
    ):
        raise _cannot(record, name)
    hashes = [cipher.blind(record, name, one) for one in wanted]
    single = operator in ("$eq", "$ne")
    blind = {f"{BLIND}.{name}": {operator: hashes[0] if single else hashes}}
    if not cipher.holds_clear:
        return blind
    texts = [normal_form(one, record.personal[name]) for one in wanted]
    clear = {name: {operator: texts[0] if single else texts}}
    return {"$or": [blind, clear]} if operator in FOUND_WITH else {**blind, **clear}


def _cannot(record: type[Record], name: str) -> InvalidInput:
    field = name.partition(".")[0]
    if field not in blind_fields(record):
        return InvalidInput(FieldError(field, "is stored encrypted and cannot be searched; leave it out"))
    return InvalidInput(
        FieldError(
            field,
            "is stored encrypted and can only be compared as a whole (eq, ne, in, notIn, isNull); search "
            "for the exact value, or on a phone, which holds its records in the clear",
        )
    )
