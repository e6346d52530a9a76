"""Calendars of working hours as GraphQL types and inputs."""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import BooleanFilter, IdFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from backend.service import sla_documents
from backend.service.sla_documents import Weekday

strawberry.enum(Weekday)


@strawberry.type(description="From `start` up to `end` by the clock on the wall, HH:MM.")
class Hours:
    start: str
    end: str

    @classmethod
    def of(cls, hours: sla_documents.Hours) -> Self:
        return cls(start=hours.start, end=hours.end)


@strawberry.type(description="When people work on one day of the week; a day that is not there is free.")
class WeekdayHours:
    weekday: Weekday
    spans: list[Hours]


@strawberry.type(description="A date with other hours than usual; without `spans` it is free.")
class Holiday:
    date: date
    name: str
    spans: list[Hours]


@strawberry.type(description="A date that is worked instead of a free one (调休).")
class MakeUpDay:
    date: date
    name: str
    works_as: Weekday


@strawberry.type(description="When people work. The default one holds where a policy names none.")
class BusinessCalendar:
    id: strawberry.ID
    version: int
    created_at: datetime
    updated_at: datetime
    name: str
    time_zone: str
    weekly_hours: list[WeekdayHours]
    holidays: list[Holiday]
    make_up_days: list[MakeUpDay]
    is_default: bool

    @classmethod
    def of(cls, record: sla_documents.BusinessCalendar) -> Self:
        days = sorted(record.weekly_hours, key=lambda day: list(Weekday).index(day.weekday))
        free = sorted(record.holidays, key=lambda day: day.date)
        worked = sorted(record.make_up_days, key=lambda day: day.date)
        return cls(
            **shared_fields(
                record,
                cls,
                weekly_hours=[WeekdayHours(weekday=one.weekday, spans=_spans(one.spans)) for one in days],
                holidays=[Holiday(date=one.date, name=one.name, spans=_spans(one.spans)) for one in free],
                make_up_days=[
                    MakeUpDay(date=one.date, name=one.name, works_as=one.works_as) for one in worked
                ],
            )
        )


def _spans(hours: list[sla_documents.Hours]) -> list[Hours]:
    return [Hours.of(one) for one in sorted(hours, key=lambda one: one.start)]


@strawberry.input(
    description="From `start` up to `end` by the clock on the wall, HH:MM; an `end` of 24:00 is midnight."
)
class HoursInput:
    start: str
    end: str


@strawberry.input(description="When people work on one day of the week, in one span or in several.")
class WeekdayHoursInput:
    weekday: Weekday
    spans: list[HoursInput]


@strawberry.input(description="A date with other hours than usual; without `spans` it is free.")
class HolidayInput:
    date: date
    name: str = ""
    spans: list[HoursInput] = strawberry.field(default_factory=list)


@strawberry.input(description="A date that is worked instead of a free one, with the hours of `worksAs`.")
class MakeUpDayInput:
    date: date
    works_as: Weekday
    name: str = ""


@strawberry.input
class BusinessCalendarFields:
    holidays: list[HolidayInput] | None = UNSET
    make_up_days: list[MakeUpDayInput] | None = UNSET
    is_default: bool | None = UNSET


@strawberry.input(description="A new calendar; a day of the week that it does not name is free.")
class BusinessCalendarCreateInput(BusinessCalendarFields, CreateInput):
    name: str
    time_zone: str
    weekly_hours: list[WeekdayHoursInput]


@strawberry.input(description="What to change about a calendar; each list is all of it anew.")
class BusinessCalendarUpdateInput(BusinessCalendarFields, UpdateInput):
    name: str | None = UNSET
    time_zone: str | None = UNSET
    weekly_hours: list[WeekdayHoursInput] | None = UNSET


@strawberry.input
class BusinessCalendarFilter:
    id: IdFilter | None = UNSET
    is_default: BooleanFilter | None = UNSET


@strawberry.enum
class BusinessCalendarOrderField(Enum):
    NAME = "name"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.input
class BusinessCalendarOrder:
    field: BusinessCalendarOrderField
    direction: Direction = Direction.ASC


BusinessCalendarResult = Annotated[
    BusinessCalendar | InvalidInput | NotFound | Forbidden | Conflict,
    strawberry.union("BusinessCalendarResult"),
]
BusinessCalendarDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("BusinessCalendarDeleteResult")
]
