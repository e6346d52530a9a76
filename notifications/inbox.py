"""The inbox: what people have been told. Every push begins as a line here."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from backend.core.access import Actor
from backend.core.errors import Forbidden, NotFound
from backend.core.fields import Fields, set_fields
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import User
from notifications.catalogue import TEST, NotificationType
from notifications.documents import Notification
from notifications.events import NotificationRaised
from notifications.wording import word


async def notify(
    uow: UnitOfWork,
    type: NotificationType,
    *,
    recipient_id: str,
    key: str,
    subject_kind: str = "",
    subject_id: str = "",
    words: Mapping[str, str],
) -> Notification | None:
    """Put a line into somebody's inbox; pushes to their devices follow from it.

    ``key`` names the occasion for ever (a ledger entry's key): a repeat returns the line of the first time.
    ``words`` fill the template. Returns None when the recipient is no longer there to be told.
    """
    id = derived_id("notification", uow.actor.workspace_id, key, recipient_id)
    if await uow.is_taken(Notification, id):
        return await uow.access(Notification, id)
    recipient = await uow.find_one(User, {"_id": recipient_id})
    if recipient is None or not recipient.is_active:
        return None
    wording = word(type.key, recipient.locale, words)
    notification = Notification(
        id=id,
        owner_id=recipient_id,
        type=type.key,
        subject_kind=subject_kind,
        subject_id=subject_id,
        title=wording.title,
        body=wording.body,
    )
    uow.save(notification, NotificationRaised(type=type.key))
    return notification


async def notify_as_a_test(uow: UnitOfWork, key: str) -> Notification:
    """Send the actor a notification that says that notifications arrive."""
    notification = await notify(uow, TEST, recipient_id=uow.actor.user_id, key=key, words={})
    if notification is None:
        raise NotFound("user", uow.actor.user_id)
    return notification


async def mark_notification_read(uow: UnitOfWork, id: str) -> Notification:
    """Mark a line as read; the first time counts."""
    notification = await uow.access(Notification, id, action="update")
    notification.read_at = notification.read_at or uow.at
    uow.save(notification)
    return notification


def lines_of(user_id: str, *, unread_only: bool = False) -> dict[str, Any]:
    """Return the filter of somebody's lines."""
    return {"owner_id": user_id, "read_at": None} if unread_only else {"owner_id": user_id}


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
    set_fields(notification, fields)
    uow.save(notification)
    return notification


async def delete_notification(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> Notification:
    """Take a line out of the inbox."""
    notification = await uow.access(Notification, id, action="delete", expected_version=expected_version)
    uow.delete(notification)
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
                    await actors.of_session(actor.workspace_id, actor.user_id, session_id=actor.session_id)
                    yield line
                seen = max([newest, *(line.version for line in lines)])
            await rung.wait()
