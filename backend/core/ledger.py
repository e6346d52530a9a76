"""The append-only ledger and the change feed: what a commit leaves for others to read.

Numbered by one sequence and written in the transaction of the change (docs/adr/0003). The *ledger* keeps
every event in order for listeners, one document a transaction. The *change feed* for phones is the
records themselves: each carries the sequence of its last change and the scopes that see it, deleted ones
stay as tombstones, and a scope that a record has left keeps a row in *departures*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

LEDGER = "ledger"
DEPARTURES = "departures"
MUTATIONS = "mutations"
SEQUENCES = "workspace_seq"


class FeedEnd(NamedTuple):
    """A workspace's feed: ``epoch`` moves when the store is restored from a backup.

    Up to ``oldest`` what was deleted may not be known any more (``feed_keeping``).
    """

    epoch: int
    newest: int
    oldest: int


def ledger_id(workspace_id: str, seq: int) -> str:
    """Return the id of the ledger document whose last commit has number ``seq``."""
    return f"{workspace_id}|{seq:015d}"


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One event of one commit, as listeners read it. ``key`` names it for ever: use it for idempotency.

    ``moved`` says that others see the record since than before.
    """

    key: str
    workspace_id: str
    seq: int
    at: datetime
    actor_id: str
    event: str
    kind: str
    record_id: str
    data: dict[str, Any] = field(default_factory=dict)
    moved: bool = False


def entries_of(commit: Mapping[str, Any], workspace_id: str) -> list[LedgerEntry]:
    """Return the entries of one commit, in the order in which they happened."""
    return [
        LedgerEntry(
            key=f"{workspace_id}|{commit['seq']}|{position}",
            workspace_id=workspace_id,
            seq=commit["seq"],
            at=commit["at"],
            actor_id=commit["actor_id"],
            event=entry["event"],
            kind=entry["kind"],
            record_id=entry["id"],
            data=entry["data"],
            moved=entry.get("moved", False),
        )
        for position, entry in enumerate(commit["entries"])
    ]


def departure_id(workspace_id: str, kind: str, record_id: str, scope: str) -> str:
    """Return the id of the row that says: this record has left this scope."""
    return f"{workspace_id}|{kind}|{record_id}|{scope}"


def departures_of(
    workspace_id: str, kind: str, record_id: str, seq: int, left: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one row for each scope that a record left in commit ``seq``."""
    return [
        {
            "_id": departure_id(workspace_id, kind, record_id, scope),
            "workspace_id": workspace_id,
            "scope": scope,
            "kind": kind,
            "record_id": record_id,
            "seq": seq,
        }
        for scope in left
    ]
