"""Which notifications there are. Pure.

The words of each are in ``templates/<locale>.toml`` under its key.
"""

from dataclasses import dataclass
from datetime import timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class NotificationType:
    """One sort of notification.

    ``lives`` is how long after its first permitted moment it is worth showing on a lock screen; then its
    push is given up, the inbox keeps it. ``holder`` names the field of the subject that must still hold the
    recipient when the push leaves (who is assigned no more is not told). A ``critical`` one ignores quiet
    hours.
    """

    key: str
    lives: timedelta = DAY
    critical: bool = False
    holder: str = ""


TICKET_ASSIGNED = NotificationType(key="ticket_assigned", holder="assignee_id")
TASK_ASSIGNED = NotificationType(key="task_assigned", holder="assignee_id")
MESSAGE_RECEIVED = NotificationType(key="message_received")
HANDED_OFF = NotificationType(key="handed_off", lives=timedelta(hours=4))
TEST = NotificationType(key="test", lives=timedelta(hours=1), critical=True)

CATALOGUE = {one.key: one for one in (TICKET_ASSIGNED, TASK_ASSIGNED, MESSAGE_RECEIVED, HANDED_OFF, TEST)}
