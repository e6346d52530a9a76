"""The clock of the house: one seam, so that tests can hold time still."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol

from pydantic import AfterValidator, AwareDatetime


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
