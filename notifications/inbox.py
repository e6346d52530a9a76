"""The inbox: what people have been told. Every push begins as a line here."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.core.access import Actor
from backend.core.errors import Forbidden, NotFound
from backend.core.events import RecordDeleted, RecordUpdated
from backend.core.fields import Fields, set_fields
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from notifications.catalogue import TEST, NotificationType
from notifications.choosing import Handling
from notifications.documents import Notification
from notifications.events import NotificationRaised, NotificationRead
from notifications.preferences import recipient_of, zone_of
from notifications.templates import own_template
from notifications.wording import word

MOST_AT_ONCE = 200  # lines in one commit


async def notify(
    uow: UnitOfWork,
    type: NotificationType,
    *,
    recipient_id: str,
    key: str,
    subject_kind: str = "",
    subject_id: str = "",
    words: Mapping[str, Any],
) -> Notification | None:
    """Put a line into somebody's inbox; what leaves the house follows from it.

    ``key`` names the occasion for ever (a ledger entry's key, a record and its date): a repeat returns the
    line of the first time, if it is still there. ``words`` fill the template; moments are texts (RFC 3339).
    Returns None when the recipient is no longer there to be told.
    """
    id = notification_id(uow.actor.workspace_id, key, recipient_id)
    if await uow.is_taken(Notification, id):
        return await uow.find_one(Notification, {"_id": id})
    recipient = await recipient_of(uow, recipient_id)
    if recipient is None:
        return None
    user = recipient.user
    own = await own_template(uow, type.key, user.locale)
    wording = word(type.key, user.locale, words, zone=zone_of(user), own=own)
    notification = Notification(
        id=id,
        owner_id=recipient_id,
        type=type.key,
        subject_kind=subject_kind,
        subject_id=subject_id,
        title=wording.title,
        body=wording.body,
        words=dict(words),
        is_listed=recipient.wishes.ruling(type, "in_app").handling is not Handling.OFF,
    )
    uow.save(notification, NotificationRaised(type=type.key))
    return notification


def notification_id(workspace_id: str, key: str, recipient_id: str) -> str:
    """Return the id of what tells ``recipient_id`` of the occasion ``key``."""
    return derived_id("notification", workspace_id, key, recipient_id)


async def notify_as_a_test(uow: UnitOfWork, key: str) -> Notification:
    """Send the actor a notification that says that notifications arrive."""
    notification = await notify(uow, TEST, recipient_id=uow.actor.user_id, key=key, words={})
    if notification is None:
        raise NotFound("user", uow.actor.user_id)
    return notification


async def mark_notification_read(uow: UnitOfWork, id: str) -> Notification:
    """Mark a line as read; the first time counts."""
    notification = await uow.access(Notification, id, action="update")
    _mark_read(uow, notification)
    return notification


@dataclass(frozen=True)
class ReadAll:
    """How many lines were marked as read, and how many are left."""

    marked: int
    left: int


async def mark_all_read(uow: UnitOfWork) -> ReadAll:
    """Mark the actor's lines as read, the newest first, ``MOST_AT_ONCE`` a time."""
    unread = lines_of(uow.actor.user_id, unread_only=True)
    found = await uow.find(Notification, unread, sort=[("created_at", -1)], limit=MOST_AT_ONCE)
    for one in found:
        _mark_read(uow, await uow.access(Notification, one.id, action="update"))
    return ReadAll(len(found), await uow.count(Notification, unread) - len(found))


def _mark_read(uow: UnitOfWork, notification: Notification) -> None:
    if notification.read_at is None:
        notification.read_at = uow.at
        uow.save(notification, RecordUpdated(fields=("read_at",)), _read_by(uow))


def _read_by(uow: UnitOfWork) -> NotificationRead:
    return NotificationRead(session_id=uow.actor.session_id)


def lines_of(user_id: str, *, unread_only: bool = False) -> dict[str, Any]:
    """Return the filter of somebody's lines."""
    lines: dict[str, Any] = {"owner_id": user_id, "is_listed": {"$ne": False}}
    return lines | {"read_at": None} if unread_only else lines


async def count_unread(uow: UnitOfWork) -> int:
    """Return how many lines the actor has not read."""
    return await uow.count(Notification, lines_of(uow.actor.user_id, unread_only=True))


async def create_notification(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Notification:
    """Refuse: only the house tells people something. (Phones ask this way.)"""
    raise Forbidden("create", Notification.kind)


async def update_notification(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Notification:
    """Change what a recipient may change: whether it is read."""
    notification = await uow.access(Notification, id, action="update", expected_version=expected_version)
    was_read = notification.read_at is not None
    set_fields(notification, fields)
    if notification.read_at is not None and not was_read:
        uow.save(notification, RecordUpdated(fields=("read_at",)), _read_by(uow))
    else:
        uow.save(notification)
    return notification


async def delete_notification(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> Notification:
    """Take a line out of the inbox."""
    notification = await uow.access(Notification, id, action="delete", expected_version=expected_version)
    uow.delete(notification, RecordDeleted(), _read_by(uow))
    return notification


async def watch_inbox(store: Store, actors: Actors, *, actor: Actor) -> AsyncIterator[Notification]:
    """Yield each line that comes into the actor's inbox from now on, until their session ends.

    Raises Unauthenticated when it has ended: looked up afresh before every line.
    """
    seen = await store.reader.newest_version(actor.workspace_id)
    with store.bell.anywhere() as rung:
        while True:
            rung.clear()
            newest = store.bell.newest(actor.workspace_id)
            if newest > seen:
                mine = lines_of(actor.user_id, unread_only=True) | {"version": {"$gt": seen}}
                lines = await store.unit_of_work(actor).find(Notification, mine, sort=[("version", 1)])
                for line in lines:
                    if line.field_versions:
                        continue  # it came before, and was written anew since
                    await actors.of_session(actor.workspace_id, actor.user_id, session_id=actor.session_id)
                    yield line
                seen = max([newest, *(line.version for line in lines)])
            await rung.wait()
