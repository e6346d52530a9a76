"""What a retention rule may say, and which records it means. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from backend.core.errors import FieldError, InvalidInput
from backend.core.records import REGISTRY, Record
from backend.crm.documents import Contact
from backend.crm.privacy.documents import RetentionAction, RetentionRule, RetentionSince

CLOSED = ("closed_at", "resolved_at", "completed_at", "converted_at")  # when a matter ended, by whatever name
STATUS = ("status", "state", "stage_type")
NEVER = frozenset({"user", "device"})  # they end with the person or the session, not with age


def check_rule(rule: RetentionRule) -> None:
    """Raise InvalidInput, naming the field, for a rule that its kind cannot follow."""
    record = REGISTRY.get(rule.object_kind)
    if record is None or record.kind not in retained_kinds():
        raise _wrong("object_kind", f"is none of {', '.join(retained_kinds())}; choose one")
    if rule.since is RetentionSince.CLOSED and _first(record, CLOSED) is None:
        raise _wrong("since", f"cannot be CLOSED: a {record.kind} is never closed; use UPDATED")
    unknown = set(rule.statuses) - _statuses(record)
    if unknown:
        known = ", ".join(sorted(_statuses(record))) or "none"
        raise _wrong("statuses", f"has {', '.join(sorted(unknown))}; a {record.kind} knows {known}")
    if record is Contact and rule.action is not RetentionAction.PSEUDONYMISE:
        raise _wrong("action", "must be PSEUDONYMISE for contacts: the whole person is erased at once")


def retained_kinds() -> list[str]:
    """Return the kinds that rules may be made for: those that hold personal data, sorted."""
    return sorted(name for name, record in REGISTRY.items() if record.personal and name not in NEVER)


def condition_of(rule: RetentionRule, now: datetime) -> dict[str, Any]:
    """Return the MongoDB filter of the records that were kept long enough at ``now``."""
    record = REGISTRY[rule.object_kind]
    closed = _first(record, CLOSED)
    since = closed if rule.since is RetentionSince.CLOSED and closed else "updated_at"
    found: dict[str, Any] = {since: {"$lt": now - timedelta(days=rule.days)}}
    status = _first(record, STATUS)
    return {**found, status: {"$in": list(rule.statuses)}} if rule.statuses and status else found


def _statuses(record: type[Record]) -> set[str]:
    field = _first(record, STATUS)
    annotation = record.model_fields[field].annotation if field else None
    is_choice = isinstance(annotation, type) and issubclass(annotation, Enum)
    return {str(one.value) for one in annotation} if is_choice and annotation is not None else set()


def _first(record: type[Record], names: tuple[str, ...]) -> str | None:
    fields: Mapping[str, Any] = record.model_fields
    return next((name for name in names if name in fields), None)


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(FieldError(field, message))
