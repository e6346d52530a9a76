"""Reminders: the dates of records, kept beside them in the store and told when they come.

Whenever a record changes, its due dates are made anew; a tick looks which have come, reads each record
again, and tells whoever is still to be told. A due date is told once for each date that the record ever
had: the notification's key names it. The scheduler only ticks.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.alerts import Reminder, heading_of
from backend.core.events import RecordDeleted
from backend.core.ledger import LedgerEntry
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import User
from notifications.catalogue import CATALOGUE
from notifications.choosing import Wishes
from notifications.documents import DueDate, NotificationPolicy, NotificationPreference
from notifications.due_dates import (
    dates_of_record,
    drop_dates,
    due_by,
    due_date_id,
    keep_date,
    mark_told,
    try_again,
    waiting_dates,
)
from notifications.preferences import wishes_of
from notifications.telling import Occasion, Teller

log = structlog.get_logger(__name__)

SETTINGS = (NotificationPreference.kind, NotificationPolicy.kind)


class Reminders:
    """What the rooms remind of, by kind of record."""

    def __init__(self, reminders: Sequence[Reminder]) -> None:
        unknown = sorted({one.type for one in reminders} - CATALOGUE.keys())
        if unknown:
            raise ValueError(f"no type of notification is called {', '.join(unknown)}; see catalogue.py")
        self._by_type = {(one.about.kind, one.type): one for one in reminders}
        self._types = {one.type: one for one in reminders}
        if len(self._types) < len(reminders):
            raise ValueError("two reminders have one type; give each a type of its own")

    async def on_changed(self, handed: relay.Delivery, services: svcs.Container) -> None:
        """Make the due dates of a record anew; of settings, when they are told. Twice is as good as once."""
        entry = handed.entry
        store = await services.aget(Store)
        uow = store.unit_of_work(system_actor(entry.workspace_id))
        if entry.kind in SETTINGS:
            await self._move_dates(uow, entry)
            return
        mine = [one for (kind, _), one in self._by_type.items() if kind == entry.kind]
        if not mine:
            return
        is_gone = isinstance(handed.event, RecordDeleted)
        record = None if is_gone else await uow.find_one(mine[0].about, {"_id": entry.record_id})
        await self._arm(uow, mine, entry.record_id, record, now=store.clock.now())

    async def tell_what_is_due(self, services: svcs.Container, *, now: datetime | None = None) -> int:
        """Tell what has come due; return how much was looked at."""
        store, actors = await services.aget(Store, Actors)
        teller, looked = Teller(store, actors), 0
        moment = now or store.clock.now()
        while found := await due_by(moment):
            for date in found:
                try:
                    await self._tell(teller, date, now=moment)
                except Exception:  # one record that cannot be read must not hold up the others
                    log.exception("reminder_failed", type=date.type, record_id=date.record_id)
                    if not await try_again(date, now=moment):
                        log.error("reminder_given_up", type=date.type, record_id=date.record_id)
            looked += len(found)
        return looked

    # ── keeping dates ────────────────────────────────────────────────────────────────────────────

    async def _arm(
        self,
        uow: UnitOfWork,
        reminders: Sequence[Reminder],
        record_id: str,
        record: Record | None,
        *,
        now: datetime,
    ) -> None:
        known = await dates_of_record(uow.actor.workspace_id, record_id)
        wanted: dict[str, DueDate] = {}
        wishes: dict[str, Wishes | None] = {}
        for reminder in reminders if record is not None else ():
            assert record is not None
            date = reminder.date(record)
            for user_id in dict.fromkeys(reminder.tells(record)) if date else ():
                assert date is not None
                if not user_id:
                    continue
                due = await self._due_date(uow, reminder, record, user_id, date, wishes, now)
                if due is not None:
                    wanted[due.id] = due
        for id, due in wanted.items():
            before = known.get(id)
            if before is not None and before.date == due.date and before.due_at is None:
                continue  # told already
            await keep_date(due)
        await drop_dates([id for id in known if id not in wanted])

    async def _due_date(
        self,
        uow: UnitOfWork,
        reminder: Reminder,
        record: Record,
        user_id: str,
        date: datetime,
        wishes: dict[str, Wishes | None],
        now: datetime,
    ) -> DueDate | None:
        usual = reminder.usual_ahead(record)
        due_at = await self._due_at(uow, reminder, user_id, date, wishes, usual)
        if due_at is None:
            return None
        is_over = due_at + CATALOGUE[reminder.type].lives <= now or (reminder.lapses and date <= now)
        return DueDate(
            id=due_date_id(reminder.type, record.id, user_id),
            workspace_id=uow.actor.workspace_id,
            type=reminder.type,
            record_id=record.id,
            user_id=user_id,
            date=date,
            due_at=None if is_over else due_at,
            usual_seconds=usual.total_seconds(),
        )

    async def _due_at(
        self,
        uow: UnitOfWork,
        reminder: Reminder,
        user_id: str,
        date: datetime,
        wishes: dict[str, Wishes | None],
        usual: timedelta,
    ) -> datetime | None:
        """Return when a person wants to be told of a date; None for nobody active."""
        if user_id not in wishes:
            user = await uow.find_one(User, {"_id": user_id})
            wishes[user_id] = await wishes_of(uow, user) if user is not None and user.is_active else None
        wanted = wishes[user_id]
        if wanted is None:
            return None
        return reminder.due_at(date, wanted.ahead(reminder.type, usual))

    async def _move_dates(self, uow: UnitOfWork, entry: LedgerEntry) -> None:
        """Follow settings: those of a person, of a team or of all (then everybody's dates are looked at)."""
        person = None
        if entry.kind == NotificationPreference.kind:
            preference = await uow.find_one(NotificationPreference, {"_id": entry.record_id})
            person = preference.owner_id if preference else None
            if person is None:
                return
        wishes: dict[str, Wishes | None] = {}
        after = ""
        while found := await waiting_dates(uow.actor.workspace_id, person, after=after):
            for one in found:
                reminder = self._types.get(one.type)
                if reminder is None:
                    continue
                own = one.usual_seconds
                usual = reminder.ahead if own is None else timedelta(seconds=own)
                due_at = await self._due_at(uow, reminder, one.user_id, one.date, wishes, usual)
                if due_at != one.due_at:
                    one.due_at = due_at
                    await keep_date(one)
            after = found[-1].id

    # ── telling ──────────────────────────────────────────────────────────────────────────────────

    async def _tell(self, teller: Teller, due: DueDate, *, now: datetime) -> None:
        reminder = self._types.get(due.type)
        uow = teller.house(due.workspace_id)
        record = await uow.find_one(reminder.about, {"_id": due.record_id}) if reminder else None
        if reminder is None or record is None:
            await drop_dates([due.id])
            return
        if reminder.date(record) != due.date or due.user_id not in reminder.tells(record):
            # It changed, and the listener has not come to it yet: what is told now would be wrong.
            mine = [one for (kind, _), one in self._by_type.items() if kind == record.kind]
            await self._arm(uow, mine, due.record_id, record, now=now)
            return
        if not (reminder.lapses and due.date <= now):
            occasion = Occasion(
                workspace_id=due.workspace_id,
                type=due.type,
                about=reminder.about,
                record_id=due.record_id,
                key=f"{due.type}|{due.record_id}|{due.date.isoformat()}",
                at=due.due_at or now,
            )
            await teller.tell(occasion, due.user_id, _words(reminder, due))
        await mark_told(due)


def _words(reminder: Reminder, due: DueDate) -> Callable[[Record], Mapping[str, Any]]:
    def words(seen: Record) -> Mapping[str, Any]:
        return {"subject": heading_of(seen), "at": due.date.isoformat(), **reminder.words(seen)}

    return words
