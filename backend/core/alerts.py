"""How a room declares what people are told about its records. One short declaration each.

The notifications room raises them, and knows the types by name (``notifications/catalogue.py``): their
words, how long they live, whether they pass quiet hours. What a room declares is when, about what, to whom.
Whoever may not read the record is not told; nor is who did it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.core.events import DomainEvent, RecordCreated
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork

HEADINGS = ("subject", "title", "name", "full_name", "number")

Kind = type[Record]
EventSort = type[DomainEvent]
# What a declaration is given: its own event and record. Declared as Any, for a list holds many sorts.
Tells = Callable[[UnitOfWork, Any, Any], Awaitable[Sequence[str | None]]]


def heading_of(record: Record) -> str:
    """Return what a record is called, as whoever it was read for may see it; empty when it has no name."""
    found = (getattr(record, name, "") for name in HEADINGS)
    return next((one for one in found if isinstance(one, str) and one), "")


def holder(name: str) -> Tells:
    """Return a ``tells`` for the one person whose id is in the record's field ``name``."""

    async def tells(uow: UnitOfWork, event: Any, record: Record) -> Sequence[str | None]:
        return [getattr(record, name)]

    return tells


def _always(*_: Any) -> bool:
    return True


def _never(*_: Any) -> bool:
    return False


def _no_words(*_: Any) -> Mapping[str, Any]:
    return {}


def _like_all(_: Any) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Tell people when something has happened: an event about a record of ``about``.

    ``record_id`` finds the record where the event is not its own; ``when`` leaves out events, ``is_moot``
    records about which nobody need be told any more (an import knows of many old assignments). ``tells``
    (read as the house) gives user ids. ``words`` are the template's fields beside subject and by.
    """

    type: str
    event: EventSort
    about: Kind
    tells: Tells
    record_id: Callable[[Any], str] | None = None
    when: Callable[[Any, Any], bool] = _always
    is_moot: Callable[[Any], bool] = _never
    heading: Callable[[Any], str] = heading_of
    words: Callable[[Any, Any], Mapping[str, Any]] = _no_words


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """Tell people when a date of a record comes near, or (``is_after``) lies back.

    ``date`` gives it as the record stands, None when there is nothing to remind of; ``tells`` user ids;
    ``ahead`` how long before or after, unless they have set it otherwise; ``ahead_of`` the record's own such
    time, where it has one. One that ``lapses`` is not told once its date has passed.
    """

    type: str
    about: Kind
    date: Callable[[Any], datetime | None]
    tells: Callable[[Any], Sequence[str | None]]
    ahead: timedelta = timedelta()
    ahead_of: Callable[[Any], timedelta | None] = _like_all
    is_after: bool = False
    lapses: bool = False
    words: Callable[[Any], Mapping[str, Any]] = _no_words

    def usual_ahead(self, record: Record) -> timedelta:
        """Return how long before or after its date a record is told of, where nobody wants it otherwise."""
        own = self.ahead_of(record)
        return self.ahead if own is None else own

    def due_at(self, date: datetime, ahead: timedelta) -> datetime:
        """Return when to tell of ``date``."""
        return date + ahead if self.is_after else date - ahead


@dataclass(frozen=True, kw_only=True)
class Mentioning:
    """People may be mentioned in these text fields of a kind: ``@[name](user:<id>)``.

    ``written`` is announced with a new record that may mention somebody, where not every one may.
    """

    about: Kind
    texts: tuple[str, ...]
    when: Callable[[Any], bool] = _always
    written: EventSort = RecordCreated


@dataclass(frozen=True, kw_only=True)
class Telling:
    """All that a room declares about telling people."""

    alerts: Sequence[Alert] = ()
    reminders: Sequence[Reminder] = ()
    mentioning: Sequence[Mentioning] = ()


NOTHING_TOLD = Telling()
