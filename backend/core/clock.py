"""The clock of the house: one seam, so that tests can hold time still."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field


class Clock(Protocol):
    """Tell the time."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC, cut to milliseconds (what MongoDB stores)."""
        ...


def _milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


# A time that clients send: it must name its zone, and is kept as MongoDB keeps it, so that what a
# mutation returns equals what the next query returns.
Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: _milliseconds(moment.astimezone(UTC)))]

# A day that clients send: of an age in which days can be counted on from, in every zone.
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment, in UTC, when ``day`` is over on the clocks of ``zone``: it belongs to the next."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return _milliseconds(datetime.now(UTC))


class HeldClock:
    """A clock that moves only when told to."""

    def __init__(self, moment: datetime) -> None:
        self._moment = _milliseconds(moment)

    def now(self) -> datetime:
        return self._moment

    def advance(self, by: timedelta) -> None:
        """Move forward by ``by``."""
        self._moment += by
