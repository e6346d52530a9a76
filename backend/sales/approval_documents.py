"""What the sales room stores about approvals."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field
from pymongo import IndexModel

from backend.core.access import Actor
from backend.core.ids import Reference
from backend.core.personal import PersonalClass
from backend.core.records import REGISTRY, Record
from backend.sales.approval_rules import ApprovalStatus

HASH = r"^([0-9a-f]{64})?$"


class Approvable(Record):
    """What the kinds share that somebody may have to approve.

    ``approved_fields`` are what is approved: a request freezes them, and nothing else.
    """

    approved_fields: ClassVar[frozenset[str]] = frozenset()
    always_shown: ClassVar[frozenset[str]] = frozenset({"number"})  # requests name it to every reader

    number: str = ""

    def approved_content(self) -> dict[str, Any]:
        """Return what is approved, as it stands."""
        content: dict[str, Any] = self.model_dump(include=set(type(self).approved_fields))
        return content


def sees_snapshot(actor: Actor, kind: str) -> bool:
    """Tell whether an actor sees all that is approved of a kind: who does not is shown no snapshot of it."""
    record = REGISTRY[kind]
    fields = record.approved_fields if issubclass(record, Approvable) else frozenset()
    return actor.mask(kind).unseen.isdisjoint(fields)


class Approval(Record):
    """One request to approve a record: who reads that record reads it.

    ``number`` is its subject's. ``snapshot`` is the subject's approved content as canonical JSON when it was
    asked for, ``decided_hash`` the hash of what the decider saw. ``approver_ids`` are all who could
    decide when it was asked: any one of them does.
    """

    kind: ClassVar[str] = "approval"
    follows: ClassVar[tuple[str, str] | None] = ("@subject_kind", "subject_id")
    readers_are: ClassVar[tuple[str, ...]] = ("",)  # whatever its subject's are
    always_shown: ClassVar[frozenset[str]] = frozenset({"subject_kind", "subject_id", "status"})
    server_owned: ClassVar[frozenset[str]] = frozenset(
        {"owner_id", "team_ids", "subject_kind", "subject_id", "number", "requested_by", "requested_at"}
        | {"note", "approver_ids", "snapshot", "snapshot_hash", "decided_by", "decided_at"}
    )
    personal: ClassVar[Mapping[str, PersonalClass]] = {
        "note": PersonalClass.TEXT,
        "comment": PersonalClass.TEXT,
        "snapshot": PersonalClass.TEXT,
    }

    subject_kind: str
    subject_id: Reference
    number: str
    requested_by: str
    requested_at: datetime
    note: str = Field(default="", max_length=2_000)
    approver_ids: list[str] = Field(default_factory=list)
    # Not for whoever reads the request (``sees_snapshot``), so in nothing that shows whole records either: a
    # person's export has the subject itself, veiled.
    snapshot: str = Field(repr=False)
    snapshot_hash: str = Field(pattern=HASH, repr=False)
    status: ApprovalStatus = ApprovalStatus.PENDING
    decided_by: str | None = None
    decided_at: datetime | None = None
    decided_hash: str = Field(default="", pattern=HASH, repr=False)
    comment: str = Field(default="", max_length=2_000)

    def principals(self) -> list[str]:
        return []

    class Settings:
        name = "approvals"
        indexes: ClassVar = [
            IndexModel([("workspace_id", 1), ("subject_id", 1), ("status", 1)]),
            IndexModel([("workspace_id", 1), ("approver_ids", 1), ("status", 1)]),
        ]
