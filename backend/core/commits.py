"""Commits and what becomes of them: plain data, and the judgement over a group; no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.core.errors import Conflict
from backend.core.origin import NOWHERE, Origin
from backend.core.records import Record


@dataclass(frozen=True, kw_only=True)
class Write:
    """One record as a commit wants it. ``base_version`` 0 means that it must not exist yet."""

    collection: str
    kind: str
    id: str
    base_version: int
    body: dict[str, Any]
    changed: tuple[str, ...]
    old_scopes: Sequence[str]
    new_scopes: Sequence[str]
    deleted: bool = False
    before: Mapping[str, Any] | None = None  # the stored form that the change was made on

    @property
    def moves(self) -> bool:
        """Tell whether others see the record after it than before, of one that was there before."""
        return bool(self.base_version) and set(self.old_scopes) != set(self.new_scopes)


@dataclass(kw_only=True)
class Commit:
    """Everything one business operation wants to write, all or nothing."""

    workspace_id: str
    at: datetime
    actor_id: str
    mutation_key: str | None
    result: dict[str, Any]
    policy: int = 0  # the version of the sharing policy under which its records got their readers
    shapes_access: bool = False
    writes: list[Write] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)  # audited actions that are no record's change
    session_id: str = ""
    origin: Origin = NOWHERE
    audit: dict[str, Any] = field(default_factory=dict)  # its audit entry, before it has number and hash


@dataclass(frozen=True)
class Committed:
    """The commit is durable under this sequence number."""

    seq: int


@dataclass(frozen=True)
class Stale:
    """Another commit changed this record, or the sharing policy, first: run the operation again."""

    kind: str
    id: str


@dataclass(frozen=True)
class Repeated:
    """This mutation was applied before; ``row`` says with which result."""

    row: dict[str, Any]


@dataclass(frozen=True)
class Refused:
    """The store cannot hold it, whatever is tried."""

    error: Conflict


POLICY = "policy"  # the kind of a Stale outcome when not a record but the sharing policy has moved

Outcome = Committed | Stale | Repeated | Refused


def judge(
    batch: list[Commit],
    first_seq: int,
    policy: int,
    repeated: dict[str | None, dict[str, Any]],
    versions: dict[tuple[str, str], int],
) -> list[Outcome]:
    """Decide each commit in order: repeated, stale, or committed under the next number."""
    outcomes: list[Outcome] = []
    seq = first_seq
    for commit in batch:
        if commit.mutation_key in repeated:
            outcomes.append(Repeated(repeated[commit.mutation_key]))
            continue
        if commit.policy != policy:
            outcomes.append(Stale(POLICY, commit.workspace_id))
            continue
        stale = next(
            (w for w in commit.writes if versions.get((w.collection, w.id), 0) != w.base_version), None
        )
        if stale is not None:
            outcomes.append(Stale(stale.kind, stale.id))
            continue
        versions.update({(w.collection, w.id): seq for w in commit.writes})
        if commit.mutation_key is not None:
            repeated[commit.mutation_key] = mutation_row(commit, seq)
        outcomes.append(Committed(seq))
        seq += 1
    return outcomes


def hoped_for(batch: list[Commit]) -> dict[tuple[str, str], int]:
    """Return the versions as the first commit of each record believes them to be."""
    versions: dict[tuple[str, str], int] = {}
    for write in (write for commit in batch for write in commit.writes):
        versions.setdefault((write.collection, write.id), write.base_version)
    return versions


def mutation_row(commit: Commit, seq: int) -> dict[str, Any]:
    """Return what is kept of a mutation, so that its repeat gets the same answer."""
    return {"_id": commit.mutation_key, "seq": seq, "at": commit.at, "result": commit.result}


def stale_version(record: Record, expected_version: int) -> Conflict:
    """Return the refusal of a write that was based on an older version, naming what changed since."""
    fields = tuple(sorted(name for name, at in record.field_versions.items() if at > expected_version))
    return Conflict(
        f"This {record.kind} is at version {record.version}, not {expected_version}: somebody changed it. "
        "Read it again, apply your change to what is there now, and send its version.",
        current_version=record.version,
        fields=fields,
        current=record,
    )
