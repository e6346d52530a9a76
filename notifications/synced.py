"""The inbox on phones: a phone may mark lines as read and take them out, even offline."""

from backend.core.sync import SyncedCollection, shown, synced, with_phone_id
from backend.core.sync_policy import Policy
from notifications.covering import cover_rows
from notifications.documents import Notification
from notifications.inbox import create_notification, delete_notification, update_notification

NOTIFICATIONS = SyncedCollection(
    name="notification",
    record=Notification,
    fields=(
        shown("type"),
        shown("subject_kind"),
        shown("subject_id"),
        shown("title"),
        shown("body"),
        synced("read_at", "datetime", policy=Policy.SERVER_WINS),
        shown("created_at", "datetime"),
    ),
    create=with_phone_id(create_notification),
    update=update_notification,
    delete=delete_notification,
    priority=2,
    as_seen=cover_rows,
)
