"""What may be done with a calendar of working hours."""

from collections import Counter
from collections.abc import Sequence
from zoneinfo import available_timezones

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.service.calendar import ALWAYS, Calendar, Span
from backend.service.events import AgreementChanged
from backend.service.sla_documents import BusinessCalendar, SlaPolicy

LEAST_WEEK = 60  # minutes


async def create_business_calendar(
    uow: UnitOfWork, fields: Fields, *, id: str | None = None
) -> BusinessCalendar:
    """Create a calendar; with ``is_default`` it takes that place from another."""
    calendar = await new_record(uow, BusinessCalendar, fields, id=id)
    _check(calendar)
    uow.save(calendar)
    uow.save(calendar, AgreementChanged())
    await _be_the_only_default(uow, calendar)
    return calendar


async def update_business_calendar(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> BusinessCalendar:
    """Change a calendar. Tickets whose time runs by it are dated anew by the house."""
    calendar = await uow.access(BusinessCalendar, id, action="update", expected_version=expected_version)
    was_default = calendar.is_default
    set_fields(calendar, fields)
    _check(calendar)
    if was_default and not calendar.is_default:
        await _refuse_while_used(uow, "is_default", None)
    uow.save(calendar)
    uow.save(calendar, AgreementChanged())
    await _be_the_only_default(uow, calendar)
    return calendar


async def delete_business_calendar(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> BusinessCalendar:
    """Delete a calendar by which no policy goes. Raise InvalidInput otherwise."""
    calendar = await uow.access(BusinessCalendar, id, action="delete", expected_version=expected_version)
    await _refuse_while_used(uow, "id", calendar.id)
    if calendar.is_default:
        await _refuse_while_used(uow, "id", None)
    uow.delete(calendar)
    uow.save(calendar, AgreementChanged())
    return calendar


async def calendar_of(uow: UnitOfWork, id: str | None) -> Calendar:
    """Return the hours that a policy goes by: its calendar's, else the default one's, else all there are."""
    found = await find_default(uow) if id is None else await uow.find_one(BusinessCalendar, {"_id": id})
    return found.calendar if found is not None else ALWAYS


async def find_default(uow: UnitOfWork) -> BusinessCalendar | None:
    """Return the calendar that holds where nothing names another."""
    newest = [("created_at", -1)]  # of two made default at once
    return await uow.find_one(BusinessCalendar, {"is_default": True}, sort=newest)


async def _be_the_only_default(uow: UnitOfWork, calendar: BusinessCalendar) -> None:
    if not calendar.is_default:
        return
    for other in await uow.entailed(BusinessCalendar, {"is_default": True, "_id": {"$ne": calendar.id}}):
        other.is_default = False
        uow.entail(other)


async def _refuse_while_used(uow: UnitOfWork, field: str, calendar_id: str | None) -> None:
    """Raise InvalidInput when a policy goes by this calendar; None: by the default one."""
    policy = await uow.as_house().find_one(SlaPolicy, {"calendar_id": calendar_id})
    if policy is not None:
        mend = "give that another" if calendar_id else "make another calendar the default first"
        raise InvalidInput(FieldError(field, f"is what the policy {policy.name!r} goes by; {mend}"))


def _check(calendar: BusinessCalendar) -> None:
    """Raise InvalidInput unless one can tell for every day when people work."""
    if calendar.time_zone not in available_timezones():
        raise InvalidInput(
            FieldError("time_zone", "is no time zone of the IANA list; write it as Asia/Shanghai")
        )
    _refuse_twice("weekly_hours", [one.weekday for one in calendar.weekly_hours])
    dates = [one.date for one in calendar.holidays] + [one.date for one in calendar.make_up_days]
    _refuse_twice("holidays" if calendar.holidays else "make_up_days", [day.isoformat() for day in dates])
    for place, day in enumerate(calendar.weekly_hours):
        _check_spans(f"weekly_hours.{place}.spans", [hours.span for hours in day.spans])
    for place, holiday in enumerate(calendar.holidays):
        _check_spans(f"holidays.{place}.spans", [hours.span for hours in holiday.spans])
    worked = {one.weekday for one in calendar.weekly_hours}
    for place, made_up in enumerate(calendar.make_up_days):
        if made_up.works_as not in worked:
            raise InvalidInput(
                FieldError(
                    f"make_up_days.{place}.works_as",
                    f"is {made_up.works_as}, which has no hours; name a day of `weeklyHours`",
                )
            )
    if sum(span.end - span.start for day in calendar.calendar.week for span in day) < LEAST_WEEK:
        raise InvalidInput(
            FieldError("weekly_hours", "are less than an hour a week; nothing could be promised by them")
        )


def _check_spans(field: str, spans: Sequence[Span]) -> None:
    until = 0
    for span in sorted(spans):
        if span.end <= span.start:
            raise InvalidInput(
                FieldError(field, "hold one that ends before it starts; split it at midnight, written 24:00")
            )
        if span.start < until:
            raise InvalidInput(FieldError(field, "overlap; let one end when, or before, the next starts"))
        until = span.end


def _refuse_twice(field: str, values: Sequence[str]) -> None:
    twice = sorted(value for value, times in Counter(values).items() if times > 1)
    if twice:
        raise InvalidInput(
            FieldError(field, f"name {', '.join(twice)} more than once; say it once, with all its hours")
        )
