"""Searching the audit trail, for who may read all of it."""

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from backend.core.access import Actor, Level
from backend.core.audit import AUDIT_KIND
from backend.core.audit_reading import CLOCKS_APART, AuditReader
from backend.core.connections import MOST
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.personal import DOTS
from backend.core.store import Store


@dataclass(frozen=True, kw_only=True)
class AuditSearch:
    """What to look for: everything given must hold; ``since`` and ``until`` belong to it."""

    actor_id: str = ""
    kind: str = ""
    record_id: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def subject(self) -> str:
        """Return the one condition that the index answers: the rarest of those given."""
        choices = (("r:", self.record_id), ("a:", self.actor_id), ("n:", self.action), ("k:", self.kind))
        return next((prefix + value for prefix, value in choices if value), "")

    def takes_entry(self, entry: Mapping[str, Any]) -> bool:
        return (
            self.actor_id in ("", entry["actor_id"])
            and (self.since is None or entry["at"] >= self.since)
            and (self.until is None or entry["at"] <= self.until)
        )

    def takes_action(self, action: Mapping[str, Any]) -> bool:
        return (
            self.action in ("", action["action"])
            and self.kind in ("", action.get("kind", ""))
            and self.record_id in ("", action.get("id", ""))
        )


@dataclass(frozen=True, kw_only=True)
class AuditEvent:
    """One action of one entry, with what its reader may see of the change."""

    seq: int
    position: int
    entry: Mapping[str, Any]
    action: Mapping[str, Any]
    changes: Mapping[str, list[Any]] = field(default_factory=dict)

    @property
    def cursor(self) -> str:
        return base64.urlsafe_b64encode(f"{self.seq}.{self.position}".encode()).decode().rstrip("=")


async def find_audit_events(
    store: Store, actor: Actor, search: AuditSearch, *, first: int, after: str | None
) -> tuple[list[AuditEvent], bool]:
    """Return up to ``first`` (1–100) events, newest first, and whether there are more.

    Raise Forbidden for who may not read all of the trail, InvalidInput for a wrong page or cursor.
    """
    if actor.level(AUDIT_KIND, "read") is not Level.ALL:
        raise Forbidden("read", AUDIT_KIND)
    if not 1 <= first <= MOST:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST}; ask for further pages with `after`"))
    below = _place(after) if after else None
    found: list[AuditEvent] = []
    async for event in _events(AuditReader(store.database), actor, search, below):
        if len(found) == first:
            return found, True
        found.append(event)
    return found, False


async def _events(
    reader: AuditReader, actor: Actor, search: AuditSearch, below: tuple[int, int] | None
) -> AsyncIterator[AuditEvent]:
    workspace_id = actor.workspace_id
    top = below[0] + 1 if below else await reader.counter(workspace_id) + 1
    if search.until is not None:
        top = min(top, await reader.number_at(workspace_id, search.until))
    async for document in reader.backwards(workspace_id, subject=search.subject, below=top):
        for entry in reversed(document["entries"]):
            if search.since is not None and entry["at"] < search.since - CLOCKS_APART:
                return
            if search.takes_entry(entry):
                for event in _of_entry(entry, actor, search):
                    if below is None or (event.seq, event.position) < below:
                        yield event


def _of_entry(entry: Mapping[str, Any], actor: Actor, search: AuditSearch) -> list[AuditEvent]:
    """Return the actions of an entry that are looked for, last first."""
    return [
        AuditEvent(
            seq=entry["seq"], position=position, entry=entry, action=action, changes=_visible(action, actor)
        )
        for position, action in reversed(list(enumerate(entry["actions"])))
        if search.takes_action(action)
    ]


def _visible(action: Mapping[str, Any], actor: Actor) -> dict[str, list[Any]]:
    """Return the diff as ``actor`` may see it: of a masked field only that it changed."""
    mask = actor.mask(action.get("kind", ""))
    return {
        name: [DOTS, DOTS] if name in mask.masked else pair
        for name, pair in action.get("diff", {}).items()
        if name not in mask.hidden
    }


def _place(cursor: str) -> tuple[int, int]:
    try:
        seq, position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(".")
        return int(seq), int(position)
    except (ValueError, binascii.Error):
        raise InvalidInput(
            FieldError("after", "is not a cursor of this list; take `pageInfo.endCursor` of its last page")
        ) from None
