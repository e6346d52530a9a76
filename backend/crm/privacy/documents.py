"""What is stored about the exercise of privacy rights."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.records import Record


class ErasureState(StrEnum):
    RUNNING = "running"
    DONE = "done"


class Erasure(Record):
    """The erasure of one person: one a contact, whose id it is derived from. ``counts`` are by kind.

    It says that and why it was done, never who it was.
    """

    kind: ClassVar[str] = "erasure"
    about_person: ClassVar[str | None] = "contact_id"
    server_owned: ClassVar[frozenset[str]] = frozenset({"contact_id", "state", "counts", "finished_at"})

    contact_id: str
    reason: str = Field(min_length=1, max_length=500)
    state: ErasureState = ErasureState.RUNNING
    counts: dict[str, int] = Field(default_factory=dict)
    finished_at: datetime | None = None

    class Settings:
        name = "erasures"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("state", 1)])]


class RetentionAction(StrEnum):
    """What becomes of a record that was kept long enough."""

    ERASE_TEXT = "erase_text"
    PSEUDONYMISE = "pseudonymise"
    DELETE = "delete"


class RetentionSince(StrEnum):
    """From when its age counts."""

    UPDATED = "updated"
    CLOSED = "closed"


class RetentionRule(Record):
    """How long records of one kind are kept, and what happens then. No statuses: whatever theirs is."""

    kind: ClassVar[str] = "retention_rule"
    server_owned: ClassVar[frozenset[str]] = frozenset({"last_run_at", "last_count"})

    name: str = Field(min_length=1, max_length=200)
    object_kind: str
    since: RetentionSince = RetentionSince.UPDATED
    statuses: list[str] = Field(default_factory=list, max_length=30)
    days: int = Field(ge=1, le=36_500)
    action: RetentionAction
    active: bool = False
    last_run_at: datetime | None = None
    last_count: int = 0

    class Settings:
        name = "retention_rules"


HOLD = "legal_hold_reason"  # the field of the kinds that can be exempt from erasure
