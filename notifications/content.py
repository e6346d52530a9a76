"""What a delivery says, put together when it leaves: the queue itself holds nobody's words.

A digest is put together from what has been gathered for it and may still be told; the caller checks each
notification before it is handed in here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from notifications.catalogue import DIGEST
from notifications.documents import Delivery, DeliverySort, Notification, NotificationChannel
from notifications.preferences import wishes_of, zone_of
from notifications.queueing import gathered_for
from notifications.templates import own_template
from notifications.wording import MOST_LINES, Letter, Wording, letter, private_wording, word

MOST_IN_A_DIGEST = 200  # looked at; of more, the oldest stay in the inbox alone


@dataclass(frozen=True, kw_only=True)
class Content:
    """What leaves: ``title`` and ``body`` are empty for what nobody is to see. ``letter`` goes by mail."""

    title: str = ""
    body: str = field(default="", repr=False)
    data: Mapping[str, str] = field(default_factory=dict)
    letter: Letter | None = None


async def told_by(uow: UnitOfWork, delivery: Delivery) -> list[Notification]:
    """Return the notifications that a delivery is to tell, the newest first; ``uow`` is the house's.

    What was read or taken out of the inbox meanwhile is not among them.
    """
    if delivery.sort is not DeliverySort.DIGEST:
        one = await uow.look_up(Notification, delivery.notification_id)
        return [one] if one is not None and one.read_at is None else []
    rows = await gathered_for(delivery.id, most=MOST_IN_A_DIGEST)
    ids = [row.notification_id for row in rows]
    found = {one.id: one for one in await uow.find(Notification, {"_id": {"$in": ids}})} if ids else {}
    return [found[id] for id in ids if id in found and found[id].read_at is None]


def silent_content(delivery: Delivery) -> Content:
    """Return what wakes an app (SYNC) or takes something off a screen (RETRACT): ids and nothing else."""
    data = {"type": delivery.sort.value}
    if delivery.sort is DeliverySort.RETRACT:
        data |= {"notificationId": delivery.notification_id, "tag": delivery.collapse_key}
    return Content(data=data)


async def content_of(
    uow: UnitOfWork, delivery: Delivery, told: Sequence[Notification], recipient: User, *, link: str
) -> Content:
    """Return what ``delivery`` says of ``told`` (not empty) to ``recipient``, in their language.

    In private mode it says that there is something, and what the app needs to fetch it. ``link`` opens the
    app.
    """
    is_digest = delivery.sort is DeliverySort.DIGEST and len(told) > 1
    type_key = DIGEST.key if is_digest else told[0].type
    own, zone = await own_template(uow, type_key, recipient.locale), zone_of(recipient)
    if is_digest:
        lines = list(dict.fromkeys(one.title for one in told))  # a matter that moved twice is said once
        words: Mapping[str, Any] = {"count": len(told), "lines": lines[:MOST_LINES]}
        wording = word(type_key, recipient.locale, words, zone=zone, own=own)
        data = {"type": DIGEST.key, "count": str(len(told))}
    else:
        words, wording = told[0].words, Wording(told[0].title, told[0].body)
        data = {
            "type": told[0].type,
            "notificationId": told[0].id,
            "subjectKind": told[0].subject_kind,
            "subjectId": told[0].subject_id,
        }
    if (await wishes_of(uow, recipient)).is_private():
        own, words, wording = {}, {}, private_wording(recipient.locale)
        type_key = ""
    is_mail = delivery.channel is NotificationChannel.EMAIL
    written = (
        letter(type_key, recipient.locale, words, wording, link=link, zone=zone, own=own) if is_mail else None
    )
    return Content(title=wording.title, body=wording.body, data=data, letter=written)
