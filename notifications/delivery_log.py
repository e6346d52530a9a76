"""The log of deliveries: why somebody was told, and why not. One's own, and everybody's for admins.

It says which records it was about, by id, and nothing of what is in them.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.core.access import Level
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from notifications.documents import Delivery, DeliveryState, NotificationPolicy
from notifications.preferences import zone_of_name
from notifications.wording import language_of, moment_text, reason_texts

MOST = 100
NOT_FOR_ONESELF = ("no_permission",)  # that there is something one may not see is nothing to be told


@dataclass(frozen=True)
class LogPage:
    """Some rows, the newest first, and where the next page begins."""

    rows: list[Delivery]
    end: str | None
    has_more: bool


def may_see_everybodys(uow: UnitOfWork) -> bool:
    """Tell whether the actor decides for the whole workspace who is told what."""
    return uow.actor.level(NotificationPolicy.kind, "update") is Level.ALL


async def read_log(
    uow: UnitOfWork,
    *,
    user_id: str | None,
    notification_id: str | None,
    subject_id: str | None,
    type_key: str | None,
    first: int,
    after: str | None,
) -> LogPage:
    """Return a page of the log: of ``user_id`` (one's own, when the actor is no admin), all filters joined.

    Raise Forbidden for somebody else's log, InvalidInput for a page out of range.
    """
    if not 1 <= first <= MOST:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST}"))
    is_admin = may_see_everybodys(uow)
    if not is_admin and user_id not in (None, uow.actor.user_id):
        raise Forbidden("read", "notification_log")
    where: dict[str, Any] = {"workspace_id": uow.actor.workspace_id}
    if not is_admin:
        where |= {"user_id": uow.actor.user_id, "reason": {"$nin": list(NOT_FOR_ONESELF)}}
    given = {"user_id": user_id, "notification_id": notification_id, "subject_id": subject_id}
    where |= {name: value for name, value in (given | {"type": type_key}).items() if value}
    if after:
        at, id = _place(after)
        where["$or"] = [{"raised_at": {"$lt": at}}, {"raised_at": at, "_id": {"$gt": id}}]
    rows = await Delivery.find(where).sort("-raised_at", "+_id").limit(first + 1).to_list()
    shown = rows[:first]
    return LogPage(shown, _cursor(shown[-1]) if shown else None, len(rows) > first)


def _cursor(row: Delivery) -> str:
    text = json.dumps([row.raised_at.isoformat(), row.id])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        at, id = json.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(at), str(id)
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError):
        raise InvalidInput(
            FieldError("after", "is not a place of this log; take `endCursor` of its last page")
        ) from None


# ── why ──────────────────────────────────────────────────────────────────────────────────────────


def explain(row: Delivery, *, locale: str, time_zone: str) -> str:
    """Return in the reader's language what became of a row, and by whose word."""
    language = language_of(locale)
    texts = reason_texts(language)
    if row.state is DeliveryState.SENT:
        key = "recorded" if row.reason else "sent"
    elif row.state is DeliveryState.DUE and not row.reason:
        key = "due"
    else:
        key = row.reason if row.reason in texts else ("consent" if "consent" in row.reason else "vendor")
    return texts[key].format(
        until=moment_text(row.not_before, language, zone_of_name(time_zone)),
        by=_rule(row.rule, texts),
        code=row.reason,
        tries=len(row.attempts),
    )


def _rule(rule: str, texts: Mapping[str, str]) -> str:
    return texts[f"by_{rule.partition(':')[0] or 'usual'}"]
