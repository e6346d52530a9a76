"""Telling one person of one occasion: once, and only of what they may see; whoever is not told is noted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from backend.core.access import HOUSE, system_actor
from backend.core.alerts import Kind
from backend.core.errors import NotFound, Unauthenticated
from backend.core.ids import derived_id
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import User
from notifications.catalogue import CATALOGUE, NotificationType
from notifications.documents import Delivery, DeliveryState, NotificationChannel
from notifications.inbox import notification_id, notify
from notifications.queueing import add_deliveries

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """Something that people are told: about which record, when it happened, and by which lasting key."""

    workspace_id: str
    type: str
    about: Kind
    record_id: str
    key: str
    at: datetime
    by: str = ""

    @property
    def sort(self) -> NotificationType:
        return CATALOGUE[self.type]


class Teller:
    """Tells people of occasions, in this process."""

    def __init__(self, store: Store, actors: Actors) -> None:
        self._store, self._actors = store, actors

    def house(self, workspace_id: str) -> UnitOfWork:
        """Return a unit that reads as the house."""
        return self._store.unit_of_work(system_actor(workspace_id))

    async def name_of(self, workspace_id: str, user_id: str) -> str:
        """Return what a person is called; empty for the house."""
        if user_id in ("", HOUSE):
            return ""
        uow = self.house(workspace_id)
        person = await uow.find_one(User, {"_id": user_id})
        return person.name if person else ""

    async def tell(
        self,
        occasion: Occasion,
        recipient_id: str,
        words: Callable[[Record], Mapping[str, Any]],
        *,
        is_moot: Callable[[Record], bool] = lambda _: False,
    ) -> bool:
        """Tell one person, unless they did it themselves, may not see what it is about, or it is moot.

        ``words`` makes the template's fields from the record as the recipient may see it. Told twice, they
        hear it once.
        """
        if recipient_id == occasion.by:
            return await self._withhold(occasion, recipient_id, "own_doing")
        try:
            recipient = await self._actors.of_user(occasion.workspace_id, recipient_id)
            subject = await self._store.unit_of_work(recipient).access(occasion.about, occasion.record_id)
        except Unauthenticated:
            return await self._withhold(occasion, recipient_id, "not_active")
        except NotFound:
            return await self._withhold(occasion, recipient_id, "no_permission")
        if is_moot(subject):
            return await self._withhold(occasion, recipient_id, "moot")
        filled = words(subject)

        async def write(uow: UnitOfWork) -> Record | None:
            return await notify(
                uow,
                occasion.sort,
                recipient_id=recipient_id,
                key=occasion.key,
                subject_kind=occasion.about.kind,
                subject_id=occasion.record_id,
                words=filled,
            )

        return await self._store.write(system_actor(occasion.workspace_id), write) is not None

    async def _withhold(self, occasion: Occasion, recipient_id: str, reason: str) -> bool:
        """Note why somebody was not told: they, or an admin, may ask."""
        log.info("notification_withheld", type=occasion.type, user_id=recipient_id, reason=reason)
        told = notification_id(occasion.workspace_id, occasion.key, recipient_id)
        row = Delivery(
            id=derived_id("withheld", told),
            workspace_id=occasion.workspace_id,
            channel=NotificationChannel.IN_APP,
            type=occasion.type,
            notification_id=told,
            subject_kind=occasion.about.kind,
            subject_id=occasion.record_id,
            user_id=recipient_id,
            collapse_key=f"{occasion.type}:{occasion.record_id}",
            state=DeliveryState.DROPPED,
            reason=reason,
            raised_at=occasion.at,
            not_before=occasion.at,
            next_at=occasion.at,
            expires_at=occasion.at + occasion.sort.lives,
        )
        await add_deliveries([row])
        return False
