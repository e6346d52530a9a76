"""When people of a workspace are there: the assistant's own hours, else the workspace's working calendar."""

from dataclasses import dataclass
from datetime import date, datetime

from assistant.policy import AssistantPolicy
from backend.core.unit_of_work import UnitOfWork
from backend.service.business_calendars import find_default
from backend.service.calendar import ALWAYS, Calendar
from backend.service.sla_documents import BusinessCalendar


@dataclass(frozen=True, kw_only=True)
class OpeningHours:
    """The hours that hold, the record that says so, and the names of days on which they are others."""

    calendar: Calendar
    kind: str
    record_id: str
    version: int
    names: tuple[tuple[date, str], ...] = ()


async def find_opening_hours(uow: UnitOfWork, policy: AssistantPolicy) -> OpeningHours | None:
    """Return the hours of a workspace, whoever asks; None when nobody has set any.

    The policy's ``closed_on`` holds on top of either.
    """
    default = None if policy.hours else await find_default(uow.as_house())
    if default is not None:
        days = dict(default.calendar.days) | dict.fromkeys(policy.closed_on, ())
        calendar = Calendar(default.time_zone, default.calendar.week, tuple(sorted(days.items())))
        named = [(one.date, one.name) for one in default.holidays if one.name]
        named += [(one.date, one.name) for one in default.make_up_days if one.name]
        return _hours(calendar, default, *sorted(named))
    if policy.hours or policy.closed_on:
        days = dict.fromkeys(policy.closed_on, ())
        week = policy.week if policy.hours else ALWAYS.week
        calendar = Calendar(policy.time_zone, week, tuple(sorted(days.items())))
        return _hours(calendar, policy)
    return None


def _hours(
    calendar: Calendar, source: AssistantPolicy | BusinessCalendar, *names: tuple[date, str]
) -> OpeningHours:
    return OpeningHours(
        calendar=calendar, kind=source.kind, record_id=source.id, version=source.version, names=names
    )


def is_there(hours: OpeningHours | None, at: datetime) -> bool:
    """Tell whether people are there; where nobody has set hours, somebody always is."""
    return hours is None or hours.calendar.is_open(at)


def there_next(hours: OpeningHours | None, at: datetime) -> datetime | None:
    """Return when people are there next, in their time zone; None when that cannot be told."""
    return at if hours is None else hours.calendar.opens_next(at)
