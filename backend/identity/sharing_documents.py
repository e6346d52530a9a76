"""What a workspace decides about sharing: rules, territories, and how open each kind is."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.conditions import Condition
from backend.core.ids import Reference
from backend.core.records import Part, Record, ShareAccess


class Openness(StrEnum):
    """How open a kind is to every role of ours that has it at all."""

    PRIVATE = "private"
    READ = "read"
    EDIT = "edit"


class SharingRule(Record):
    """Records of one kind, opened to others: those of certain owners, those that meet a condition, or both.

    ``owned_by`` and ``share_with`` hold ``u:<user>``, ``t:<team>`` and ``r:<role>``; an empty ``owned_by``
    means whoever owns them. ``revision`` counts what changes which records it holds for.
    """

    kind: ClassVar[str] = "sharing_rule"
    shapes_access: ClassVar[bool] = True
    server_owned: ClassVar[frozenset[str]] = frozenset({"revision"})

    name: str = Field(min_length=1, max_length=300)
    object_kind: str
    owned_by: list[str] = Field(default_factory=list, max_length=100)
    condition: Condition | None = None
    share_with: list[str] = Field(min_length=1, max_length=100)
    access: ShareAccess = ShareAccess.READ
    is_active: bool = True
    revision: int = 1

    class Settings:
        name = "sharing_rules"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("object_kind", 1)])]


class TerritoryRule(Part):
    """Which records of one kind belong to a territory."""

    object_kind: str
    condition: Condition | None = None


class Territory(Record):
    """A part of the market: whoever works in it, or in one above it, reaches the records in it."""

    kind: ClassVar[str] = "territory"
    shapes_access: ClassVar[bool] = True
    server_owned: ClassVar[frozenset[str]] = frozenset({"revision"})

    name: str = Field(min_length=1, max_length=300)
    parent_id: Reference | None = None
    rules: list[TerritoryRule] = Field(default_factory=list, max_length=50)
    member_ids: list[Reference] = Field(default_factory=list, max_length=1_000)
    access: ShareAccess = ShareAccess.READ
    revision: int = 1

    class Settings:
        name = "territories"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("parent_id", 1)])]


class SharingDefaults(Record):
    """How open each kind is; what is not named is private. One for each workspace."""

    kind: ClassVar[str] = "sharing_defaults"
    shapes_access: ClassVar[bool] = True

    openness: dict[str, Openness] = Field(default_factory=dict)

    class Settings:
        name = "sharing_defaults"


class ShareTarget(Record):
    """Somebody with whom single records are shared: of which kinds. Who is not here need not look for any."""

    kind: ClassVar[str] = "share_target"
    shapes_access: ClassVar[bool] = True

    grantee: str
    kinds: list[str] = Field(default_factory=list)

    class Settings:
        name = "share_targets"


class RevealCount(Record):
    """When one person had personal data revealed, of late: nobody may empty the shop under masks."""

    kind: ClassVar[str] = "reveal_count"

    at: list[Moment] = Field(default_factory=list)

    class Settings:
        name = "reveal_counts"


class ShareExpiry(Record):
    """When the next share of a record ends (None: none does): then the record is written anew."""

    kind: ClassVar[str] = "share_expiry"

    record_kind: str
    record_id: str
    due_at: Moment | None = None

    class Settings:
        name = "share_expiries"
        indexes: ClassVar = [IndexModel([("due_at", 1)])]
