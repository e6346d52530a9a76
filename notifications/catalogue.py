"""Which notifications there are. Pure.

The words of each are in ``templates/<locale>.toml`` under its key, filled with its ``fields``. What raises
one is declared elsewhere: by a room (``backend/core/alerts.py``), or in ``occasions.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class FieldSort(StrEnum):
    """What a field of a template holds, and so how it is written and what may be done with it."""

    TEXT = "text"
    MOMENT = "moment"
    """A point in time; written by the clock on the recipient's wall."""
    NUMBER = "number"
    LINES = "lines"
    """Several short texts, to be walked through with ``for``."""
    CHOICE = "choice"
    """One of a fixed set, by its code; written as the word for it in the recipient's language."""


@dataclass(frozen=True)
class Pace:
    """How many of one type one person is interrupted by within a time; more are gathered into one."""

    most: int
    within: timedelta


USUAL_PACE = Pace(20, HOUR)


@dataclass(frozen=True, kw_only=True)
class NotificationType:
    """One sort of notification.

    ``lives`` is how long after its first permitted moment it is worth showing on a lock screen; then it is
    given up everywhere but in the inbox. ``holder`` names the field of the subject that must still hold the
    recipient when it leaves (who is assigned no more is not told; with ``or_unheld`` what nobody holds tells
    all who may take it). A ``critical`` one waits for nothing:
    neither for quiet hours to end, nor for a digest, nor for its turn. ``by_mail``: an e-mail is sent, too,
    unless somebody decides otherwise.
    """

    key: str
    fields: Mapping[str, FieldSort] = field(default_factory=dict)
    lives: timedelta = DAY
    critical: bool = False
    holder: str = ""
    or_unheld: bool = False
    pace: Pace = USUAL_PACE
    by_mail: bool = False


_SUBJECT = {"subject": FieldSort.TEXT}
_BY = {**_SUBJECT, "by": FieldSort.TEXT}
_DUE = {**_SUBJECT, "at": FieldSort.MOMENT}

TICKET_ASSIGNED = NotificationType(key="ticket_assigned", fields=_BY, holder="assignee_id")
TASK_ASSIGNED = NotificationType(key="task_assigned", fields=_BY, holder="assignee_id")
RECORD_ASSIGNED = NotificationType(key="record_assigned", fields=_BY, holder="owner_id")
MESSAGE_RECEIVED = NotificationType(
    key="message_received", fields=_SUBJECT, pace=Pace(10, timedelta(minutes=10))
)
HANDED_OFF = NotificationType(key="handed_off", fields=_SUBJECT, lives=timedelta(hours=4))
HANDED_OFF_URGENTLY = NotificationType(
    key="handed_off_urgently", fields=_SUBJECT, critical=True, by_mail=True
)
MENTIONED = NotificationType(key="mentioned", fields=_BY)
TASK_DUE = NotificationType(key="task_due", fields=_DUE, holder="assignee_id")
MEETING_SOON = NotificationType(key="meeting_soon", fields=_DUE, lives=HOUR)
LEAD_UNANSWERED = NotificationType(key="lead_unanswered", fields=_DUE, holder="owner_id")
STAGE_ROTTING = NotificationType(
    key="stage_rotting", fields={**_DUE, "stage": FieldSort.TEXT}, lives=3 * DAY, holder="owner_id"
)
QUOTE_EXPIRING = NotificationType(key="quote_expiring", fields=_DUE, lives=3 * DAY, holder="owner_id")
CONTRACT_EXPIRING = NotificationType(
    key="contract_expiring", fields=_DUE, lives=7 * DAY, holder="owner_id", by_mail=True
)
PAYMENT_OVERDUE = NotificationType(key="payment_overdue", fields=_DUE, lives=3 * DAY, by_mail=True)
APPROVAL_REQUESTED = NotificationType(key="approval_requested", fields=_BY, lives=3 * DAY, by_mail=True)
APPROVAL_DECIDED = NotificationType(
    key="approval_decided", fields={**_BY, "decision": FieldSort.CHOICE}, lives=3 * DAY
)
SLA_NEAR = NotificationType(
    key="sla_near", fields=_DUE, lives=timedelta(hours=4), holder="assignee_id", or_unheld=True
)
SLA_BREACHED = NotificationType(key="sla_breached", fields=_DUE, critical=True)
IMPORT_FINISHED = NotificationType(
    key="import_finished",
    fields={**_SUBJECT, "done": FieldSort.NUMBER, "failed": FieldSort.NUMBER},
)
DEVICE_TAKEN = NotificationType(
    key="device_taken", fields={"platform": FieldSort.TEXT}, critical=True, by_mail=True
)
TEST = NotificationType(key="test", lives=HOUR, critical=True)

CATALOGUE: Mapping[str, NotificationType] = {
    one.key: one
    for one in (
        *(TICKET_ASSIGNED, TASK_ASSIGNED, RECORD_ASSIGNED, MESSAGE_RECEIVED, MENTIONED),
        *(HANDED_OFF, HANDED_OFF_URGENTLY),
        *(TASK_DUE, MEETING_SOON, LEAD_UNANSWERED, STAGE_ROTTING),
        *(QUOTE_EXPIRING, CONTRACT_EXPIRING, PAYMENT_OVERDUE, APPROVAL_REQUESTED, APPROVAL_DECIDED),
        *(SLA_NEAR, SLA_BREACHED, IMPORT_FINISHED, DEVICE_TAKEN, TEST),
    )
}

DIGEST = NotificationType(
    key="digest", fields={"count": FieldSort.NUMBER, "lines": FieldSort.LINES}, lives=DAY
)
"""Several notifications in one: no type that anybody is told by itself, but one with words."""

WORDED: Mapping[str, NotificationType] = {**CATALOGUE, DIGEST.key: DIGEST}
