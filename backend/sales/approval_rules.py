"""The rules of approving: what is frozen when somebody asks, and who may decide on it. Pure."""

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any

from backend.core.errors import FieldError, InvalidInput


class ApprovalStatus(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


DECISIONS = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


def canonical_json(content: Mapping[str, Any]) -> str:
    """Return ``content`` as JSON, always the same text for the same content.

    Keys in order, no blanks, numbers of money as texts without an exponent, times in RFC 3339.
    """
    return json.dumps(content, default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def fingerprint(text: str) -> str:
    """Return the SHA-256 of ``text`` in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def differing_fields(before: str, after: str) -> tuple[str, ...]:
    """Return the names at the top of two canonical texts whose values differ, sorted."""
    one, other = json.loads(before), json.loads(after)
    return tuple(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))


def decision_of(said: str | None) -> ApprovalStatus:
    """Return what a decider says; raise InvalidInput for anything but approved and rejected."""
    if said is None or said not in DECISIONS:
        raise InvalidInput(FieldError("decision", "must be approved or rejected"))
    return ApprovalStatus(said)


def check_pending(status: ApprovalStatus) -> None:
    """Raise InvalidInput for a request that has ended."""
    if status is not ApprovalStatus.PENDING:
        raise InvalidInput(FieldError("id", f"is {status.value} already; ask for another approval"))


def check_decider(decider: str, requested_by: str, approver_ids: Collection[str]) -> None:
    """Raise InvalidInput when somebody would decide on what they asked for themselves.

    Unless nobody else could when it was asked: a house of one must be able to go on.
    """
    others = set(approver_ids) - {requested_by}
    if decider == requested_by and others:
        raise InvalidInput(
            FieldError("id", "is a request of your own; somebody else who may approve it must decide")
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # 1E+2, 100 and 100.00 are one amount.
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in ("", "-0") else text
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in what is approved")
