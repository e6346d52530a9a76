"""What the service room stores of agreements: working hours, and what is promised within how many of them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from backend.core.conditions import Condition
from backend.core.ids import Reference
from backend.core.records import Part, Record
from backend.service.calendar import Calendar, Span, minutes_of
from backend.service.documents import TicketPriority
from backend.service.rules import TicketStatus
from backend.service.sla_rules import WAITING, SlaMetric

MOST_MINUTES = 100_000  # 208 days of eight hours: with an hour a week it still comes within 32 years
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Weekday(StrEnum):
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Hours(Part):
    """From ``start`` up to ``end`` by the clock on the wall, HH:MM; an end of 24:00 is midnight."""

    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    end: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")

    @property
    def span(self) -> Span:
        return Span(minutes_of(self.start), minutes_of(self.end))


class WeekdayHours(Part):
    """When people work on one day of the week: in one span, or in several."""

    weekday: Weekday
    spans: list[Hours] = Field(min_length=1, max_length=12)


class Holiday(Part):
    """A date on which people work other hours than usual; without ``spans`` none."""

    date: date
    name: str = Field(default="", max_length=100)
    spans: list[Hours] = Field(default_factory=list, max_length=12)


class MakeUpDay(Part):
    """A date that is worked instead of a free one (调休), with the hours of ``works_as``."""

    date: date
    works_as: Weekday
    name: str = Field(default="", max_length=100)


class BusinessCalendar(Record):
    """When people work. The default one holds where a policy names none."""

    kind: ClassVar[str] = "business_calendar"

    name: Name
    time_zone: str
    weekly_hours: list[WeekdayHours] = Field(min_length=1, max_length=7)
    holidays: list[Holiday] = Field(default_factory=list, max_length=1000)
    make_up_days: list[MakeUpDay] = Field(default_factory=list, max_length=1000)
    is_default: bool = False

    @property
    def calendar(self) -> Calendar:
        """Return it as what one can reckon with."""
        week = {one.weekday: _spans(one.spans) for one in self.weekly_hours}
        days = {one.date: _spans(one.spans) for one in self.holidays}
        days |= {one.date: week.get(one.works_as, ()) for one in self.make_up_days}
        return Calendar(
            self.time_zone, tuple(week.get(day, ()) for day in Weekday), tuple(sorted(days.items()))
        )

    class Settings:
        name = "business_calendars"


class SlaTarget(Part):
    """Within how many working minutes something is promised; without ``priority`` for all others."""

    metric: SlaMetric
    priority: TicketPriority | None = None
    minutes: int = Field(ge=1, le=MOST_MINUTES)


class SlaPolicy(Record):
    """What is promised for the tickets that meet a condition; of several the first by ``order`` holds."""

    kind: ClassVar[str] = "sla_policy"

    name: Name
    order: int = Field(ge=0, le=1_000_000)
    condition: Condition | None = None
    targets: list[SlaTarget] = Field(min_length=1, max_length=30)
    calendar_id: Reference | None = None
    paused_statuses: list[TicketStatus] = Field(default_factory=lambda: list(WAITING), max_length=2)
    is_active: bool = True

    def minutes_for(self, priority: TicketPriority) -> dict[SlaMetric, int]:
        """Return what is promised for tickets of ``priority``: its own target beats that of all others."""
        usual = {one.metric: one.minutes for one in self.targets if one.priority is None}
        return usual | {one.metric: one.minutes for one in self.targets if one.priority is priority}

    class Settings:
        name = "sla_policies"


def _spans(hours: list[Hours]) -> tuple[Span, ...]:
    return tuple(sorted(one.span for one in hours))
