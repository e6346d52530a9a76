"""What the fuzzer asks of a phone, whatever its protocol; and what it knows of an edit that was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from tests.crew import Person

Key = tuple[str, str]  # collection and id
Row = dict[str, Any]

# The columns that histories touch, by the names that phones use, with the values of a record that sets none.
COLUMNS: Mapping[str, Row] = {
    "account": {"name": "", "tier": "", "industry": "", "phone": "", "employees": None},
    "contact": {"fullName": "", "title": "", "email": ""},
}


class Fault(StrEnum):
    """What befalls a push on its way."""

    NONE = "none"
    LOST = "lost"  # it arrives, its answer does not
    TWICE = "twice"  # every request arrives two times, at the same moment
    REVERSED = "reversed"  # every row in a request of its own, the last one first
    KEPT = "kept"  # the network keeps a copy, which ``replay`` delivers


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit as it was sent: ``was`` is what the phone had from the server, ``becomes`` what it sends.

    A request that is sent again holds edits of the same ``serial``; a new edit has a new one, also when it
    says the same. ``repeats``: whether the server is told which of both it is, can tell it by what both say,
    or takes each for new.
    """

    serial: str
    user_id: str
    key: Key
    deed: Literal["create", "change", "delete"]
    was: Row = field(default_factory=dict)
    becomes: Row = field(default_factory=dict)
    repeats: Literal["told", "alike", "new"] = "alike"
    by_version: bool = False  # the phone says which version it had, and not what was in it

    @property
    def delta(self) -> Row:
        """Return the columns that the phone changed."""
        return {name: value for name, value in self.becomes.items() if self.was.get(name) != value}


class Phone(Protocol):
    """One phone of one person. Everything it stores outlives ``relaunch``; its clock is ``ahead`` of ours."""

    name: str
    person: Person

    def held(self) -> dict[Key, Row]:
        """Return the rows on the phone, the person's own edits in them; only ``COLUMNS``."""
        ...

    def waiting(self) -> set[Key]:
        """Return what holds edits that the server has not answered."""
        ...

    def create(self, key: Key, values: Row) -> None: ...

    def change(self, key: Key, values: Row) -> None: ...

    def delete(self, key: Key) -> None: ...

    async def pull(
        self, *, size: int = 100, pages: int | None = None, dies_after: int | None = None
    ) -> list[tuple[Key, Row | None]]:
        """Pull to the end, or ``pages`` pages; return the rows that came (None: to be forgotten).

        ``dies_after`` rows of the last page the phone dies: they are stored, the rest and the place are not.
        """
        ...

    async def push(self, fault: Fault) -> list[Edit]:
        """Send what waits; return each edit as often as it arrived."""
        ...

    async def replay(self) -> list[Edit]:
        """Let the network deliver what it has kept, if anything; nobody hears the answer."""
        ...

    def relaunch(self) -> None:
        """Be killed and started: what was under way is forgotten, what is stored is not."""
        ...


def columns(collection: str, row: Mapping[str, Any]) -> Row:
    """Return the columns of ``row`` that histories touch, null as the kind's default."""
    defaults = COLUMNS[collection]
    return {name: default if row.get(name) is None else row[name] for name, default in defaults.items()}
