"""The audit trail: who did what, chained so that nothing in it can be changed, removed or moved unseen.

One document a transaction, written in it, and one entry a commit. Each entry's hash covers the hash before
it and the entry in canonical JSON (sorted keys, UTF-8, times in milliseconds); the document's hash covers its
last entry's and which numbers the transaction took. So the chain runs through all entries and the newest
document tells how far the workspace's counter must stand. Source: S. Haber, W. S. Stornetta, "How to
Time-Stamp a Digital Document", 1991; docs/security.md.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from backend.core.commits import Commit, Write
from backend.core.redaction import Redactor

AUDIT = "audit"
AUDIT_KIND = "audit"  # what roles grant `read` on, to let somebody read the trail

LONGEST_ID = 64


def audit_id(workspace_id: str, seq: int) -> str:
    """Return the id of the document of the transaction whose highest number is ``seq``."""
    return f"{workspace_id}|{seq:015d}"


def chain_start(workspace_id: str) -> str:
    """Return the hash before a workspace's first entry: no chain can pass for another workspace's."""
    return hashlib.sha256(f"rapport audit|{workspace_id}".encode()).hexdigest()


# ── what is said ─────────────────────────────────────────────────────────────────────────────────


def audit_entry(commit: Commit, redactor: Redactor) -> dict[str, Any]:
    """Return what the trail says of ``commit``, before it has its number and its hash.

    Call it while the writes hold clear values: the trail masks what is personal.
    """
    entry: dict[str, Any] = {
        "at": _to_milliseconds(commit.at),
        "actor_id": commit.actor_id,
        "on_behalf_of": commit.origin.on_behalf_of,
        "session_id": commit.session_id,
        "device": commit.origin.device,
        "ip": commit.origin.ip,
        "request_id": commit.origin.request_id,
    }
    entry = {name: value for name, value in entry.items() if value}
    entry["actions"] = [_change(commit.workspace_id, write, redactor) for write in commit.writes]
    entry["actions"] += [_note(commit.workspace_id, note, redactor) for note in commit.notes]
    return entry


def _to_milliseconds(at: datetime) -> datetime:
    """Cut ``at`` to what MongoDB keeps of a time."""
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)


def _change(workspace_id: str, write: Write, redactor: Redactor) -> dict[str, Any]:
    verb = "delete" if write.deleted else "update" if write.base_version else "create"
    action: dict[str, Any] = {"action": verb, "kind": write.kind, "id": write.id}
    diff = redactor.diff(workspace_id, write)
    return {**action, "diff": diff} if diff else action


def _note(workspace_id: str, note: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    details = redactor.clear(workspace_id, note["details"])
    # The id may be what a phone sent for one: anything of any length.
    found = {
        "action": note["action"],
        "kind": note["kind"],
        "id": note["id"][:LONGEST_ID],
        "details": details,
    }
    return {name: value for name, value in found.items() if value}


# ── the chain ────────────────────────────────────────────────────────────────────────────────────


def audit_document(
    workspace_id: str, first: int, seq: int, prev: str, entries: Sequence[tuple[Mapping[str, Any], int]]
) -> dict[str, Any]:
    """Return the document of a transaction that took the numbers ``first`` to ``seq`` for ``entries``.

    Some numbers at the end may have no entry: their commits were refused.
    """
    chained: list[dict[str, Any]] = []
    head = prev
    for entry, number in entries:
        numbered = {**entry, "seq": number}
        head = entry_hash(head, numbered)
        chained.append({**numbered, "hash": head})
    document = {
        "_id": audit_id(workspace_id, seq),
        "workspace_id": workspace_id,
        "first": first,
        "seq": seq,
        "count": len(chained),
        "prev": prev,
        "entries": chained,
        "subjects": subjects(chained),
    }
    return {**document, "hash": document_hash(head, document)}


def entry_hash(prev: str, entry: Mapping[str, Any]) -> str:
    """Return the hash of ``entry`` after ``prev``; its own ``hash`` does not count."""
    counted = {name: value for name, value in entry.items() if name != "hash"}
    counted["at"] = round(counted["at"].timestamp() * 1000)
    return _hash(prev, counted)


def document_hash(last_entry: str, document: Mapping[str, Any]) -> str:
    """Return the hash that closes a document: of its last entry's and of the numbers it took."""
    return _hash(last_entry, [document[name] for name in ("_id", "workspace_id", "first", "seq", "count")])


def _hash(prev: str, value: Any) -> str:
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(prev.encode() + b"\n" + canonical).hexdigest()


def subjects(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return by what the trail is searched, as one list under one index: ``a:<actor>``, ``n:<action>`` …"""
    found: set[str] = set()
    for entry in entries:
        found.add(f"a:{entry['actor_id']}")
        for action in entry["actions"]:
            found.update(
                (f"n:{action['action']}", f"k:{action.get('kind', '')}", f"r:{action.get('id', '')}")
            )
    return sorted(found - {"k:", "r:"})
