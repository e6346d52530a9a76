"""What sharing rules, territories and defaults have in common: which kinds, and which conditions."""

from collections.abc import Mapping
from typing import Any

from backend.core.condition_types import with_stored_names
from backend.core.conditions import Condition, compile_condition
from backend.core.errors import FieldError, InvalidInput
from backend.core.records import REGISTRY, Record


def shareable_kind(kind: str, *, field: str) -> type[Record]:
    """Return the records of a kind that can be shared; raise InvalidInput for every other kind."""
    record = REGISTRY.get(kind)
    if record is None or not record.shareable:
        known = ", ".join(sorted(kind for kind, one in REGISTRY.items() if one.shareable))
        raise InvalidInput(
            FieldError(field, f"is {kind!r}, which is not shared by itself; use one of {known}")
        )
    return record


def check_condition(kind: str, condition: Condition | None, *, place: str = "") -> None:
    """Raise InvalidInput, at ``place``, unless records of ``kind`` can meet ``condition``."""
    record = shareable_kind(kind, field=f"{place}object_kind")
    try:
        compile_condition(record, condition)
    except InvalidInput as error:
        raise InvalidInput(
            *(FieldError(f"{place}{one.field}", one.message) for one in error.errors)
        ) from None


def with_conditions_named(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return input with the fields in its condition, or in its rules' conditions, named as stored."""
    found = dict(fields)
    if "condition" in found:
        found["condition"] = with_stored_names(found["condition"])
    if "rules" in found:
        found["rules"] = [with_conditions_named(rule) for rule in found["rules"] or ()]
    return found
