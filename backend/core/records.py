"""The envelope that every stored record carries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from beanie import Document
from beanie.odm.utils.encoder import Encoder
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pymongo import IndexModel

from backend.core.ids import new_id
from backend.core.personal import PersonalClass

ENVELOPE = frozenset(
    {"id", "_id", "workspace_id", "version", "created_at", "created_by", "updated_at", "updated_by"}
    | {"deleted_at", "acl", "field_versions", "shares"}
)
_ENCODER = Encoder(to_db=True)


class Part(BaseModel):
    """A piece inside a record (an address, a line), never stored by itself."""

    model_config = ConfigDict(extra="ignore")


class ShareAccess(StrEnum):
    """What a share gives."""

    READ = "read"
    EDIT = "edit"


class Share(Part):
    """One record opened to somebody else: ``to`` is ``u:<user>``, ``t:<team>`` or ``r:<role>``."""

    to: str
    access: ShareAccess = ShareAccess.READ
    until: datetime | None = None
    reason: str = ""
    by: str = ""
    at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and self.until <= now

    def principals(self) -> list[str]:
        """Return what the share adds to the record's acl."""
        return [f"s:{self.to}"] + ([f"e:{self.to}"] if self.access is ShareAccess.EDIT else [])


@dataclass(frozen=True)
class Veil:
    """What of a record its reader does not see: then the values in those fields are not the record's.

    ``blank`` are those of which nothing at all is shown: the hidden ones, and masked ones that have no mask.
    """

    hidden: frozenset[str] = frozenset()
    masked: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()


OPEN = Veil()


class Record(Document):
    """A stored thing of one workspace.

    ``version`` is the commit sequence of its last change; ``acl`` the sync scopes that see it: the principals
    that may read it and ``w``, the workspace; ``field_versions`` the version that last changed each field
    since the record was made.
    Only the unit of work sets these.
    """

    model_config = ConfigDict(extra="ignore", validate_assignment=True)
    kind: ClassVar[str] = ""
    server_owned: ClassVar[frozenset[str]] = frozenset()
    shared_with_team: ClassVar[bool] = False  # a new record belongs to the teams of who makes it
    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:")  # what ``principals`` may hold: see there
    shareable: ClassVar[bool] = False  # by shares, sharing rules, territories and the workspace's defaults
    follows: ClassVar[tuple[str, str] | None] = (
        None  # (kind, field with its id) of the parent whose readers it has
    )
    retells: ClassVar[bool] = (
        False  # holds words of other records, which its reader may not see there any more
    )
    always_shown: ClassVar[frozenset[str]] = frozenset()  # fields that no rule may hide
    shapes_access: ClassVar[bool] = False  # its changes move what others may see: roles, teams, sharing rules
    personal: ClassVar[Mapping[str, PersonalClass]] = {}  # the fields that hold personal data
    encrypted: ClassVar[frozenset[str]] = frozenset()  # those of them that are stored sealed
    about_person: ClassVar[str | None] = None  # the field that names the contact this is about
    # Further ties, each (kind or @field with the kind, field with the id): this is about the same person.
    about_records: ClassVar[tuple[tuple[str, str], ...]] = ()

    id: str = Field(default_factory=new_id)  # type: ignore[assignment]  # Beanie's default is ObjectId
    workspace_id: str = ""
    version: int = 0
    created_at: datetime | None = None
    created_by: str = ""
    updated_at: datetime | None = None
    updated_by: str = ""
    deleted_at: datetime | None = None
    owner_id: str | None = None
    team_ids: list[str] = Field(default_factory=list)
    acl: list[str] = Field(default_factory=list)
    field_versions: dict[str, int] = Field(default_factory=dict)
    ext: dict[str, Any] = Field(default_factory=dict)
    external_ids: dict[str, str] = Field(default_factory=dict)
    shares: list[Share] = Field(default_factory=list)
    _veil: Veil | None = PrivateAttr(default=None)
    _locked: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def veil(self) -> Veil:
        """Return what is kept back from whoever this was read for."""
        return self._veil or OPEN

    @veil.setter
    def veil(self, veil: Veil) -> None:
        self._veil = veil

    @property
    def locked(self) -> frozenset[str]:
        """Return the fields that whoever fetched this to change it may not set."""
        return self._locked

    @locked.setter
    def locked(self, names: frozenset[str]) -> None:
        self._locked = names

    def fields_of_last_change(self) -> set[str]:
        """Return the fields that the last change set: all, when there was none since the record was made."""
        if not self.field_versions:
            return set(type(self).model_fields)
        return {name for name, version in self.field_versions.items() if version == self.version}

    @classmethod
    def editable_fields(cls) -> frozenset[str]:
        """Return the fields that input may set: neither the envelope nor what operations alone decide."""
        return frozenset(cls.model_fields) - ENVELOPE - cls.server_owned - {"revision_id"}

    def principals(self) -> list[str]:
        """Return who may read this record below level ``all``: its owner and its teams.

        A kind whose readers follow another rule (a message its conversation) overrides this, and names
        in ``readers_are`` the sorts of principals it gives, so that feeds do not ask in vain for others.
        """
        owner = [f"u:{self.owner_id}"] if self.owner_id else []
        return sorted({*owner, *(f"t:{team}" for team in self.team_ids)})

    def inherited(self, acl: Sequence[str]) -> list[str]:
        """Return which readers of its parent read this, too, for a kind that ``follows``; usually all."""
        return list(acl)

    def stored(self) -> dict[str, Any]:
        """Return this record as MongoDB stores it."""
        state = self.__dict__  # Beanie's own attribute access looks for lazily parsed fields each time
        return {
            "_id" if name == "id" else name: _ENCODER.encode(value)
            for name, value in state.items()
            if name != "revision_id"
        }

    @classmethod
    def read(cls, body: dict[str, Any]) -> Self:
        """Return the record that ``stored`` wrote."""
        found: Self = cls.model_validate(body)
        return found


# The order of changes within a scope: the sync feed and every list in its default order walk it.
FEED_INDEX = IndexModel([("workspace_id", 1), ("acl", 1), ("version", 1)], name="feed")

REGISTRY: dict[str, type[Record]] = {}


def register(*records: type[Record]) -> None:
    """Make kinds known by name. Called once for each room's documents, when the house is built."""
    for record in records:
        known = REGISTRY.setdefault(record.kind, record)
        if not record.kind or known is not record:
            raise ValueError(
                f"kind {record.kind!r} of {record.__name__} is empty or taken by {known.__name__}"
            )
