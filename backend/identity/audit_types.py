"""The audit trail as GraphQL types and inputs."""

from datetime import datetime
from typing import Any, Self

import orjson
import strawberry
from strawberry import UNSET

from backend.core.connections import PageInfo
from backend.identity import audit_trail
from backend.identity.audit_trail import AuditSearch


@strawberry.type(description="One field that a change set; values are JSON text.")
class AuditChange:
    field: str = strawberry.field(description="The field's name in the store.")
    before: str = strawberry.field(description="What it held; `null` in a new record.")
    after: str = strawberry.field(
        description="What it holds now. A personal value is `{mask, digest}`, a long one `{length, digest}`."
    )


@strawberry.type(description="One audited action.")
class AuditEvent:
    id: strawberry.ID = strawberry.field(description="Names the event for ever; also its cursor.")
    seq: int = strawberry.field(description="The number of the commit; all actions of one commit share it.")
    at: datetime = strawberry.field(description="When it was done.")
    actor_id: strawberry.ID = strawberry.field(description="Who did it; `system` is the house itself.")
    on_behalf_of: strawberry.ID | None = strawberry.field(
        description="For whom the actor did it, when for somebody else."
    )
    session_id: strawberry.ID | None = strawberry.field(description="The actor's session.")
    device: str | None = strawberry.field(description="The User-Agent of the request.")
    ip: str | None = strawberry.field(description="The network address of the request.")
    request_id: str | None = strawberry.field(description="The request, as in the logs.")
    action: str = strawberry.field(
        description="`create`, `update`, `delete`, or what else was done, as in `sign_in.failed`."
    )
    kind: str | None = strawberry.field(description="The kind of the record.")
    record_id: strawberry.ID | None = strawberry.field(description="The record.")
    changes: list[AuditChange] = strawberry.field(
        description="What changed, without the fields that are hidden from you."
    )
    details: str | None = strawberry.field(
        description="More about an action that is no change, as JSON text."
    )
    hash: str = strawberry.field(description="The commit's hash in the chain of its workspace.")

    @classmethod
    def of(cls, event: audit_trail.AuditEvent) -> Self:
        entry, action = event.entry, event.action
        return cls(
            id=strawberry.ID(event.cursor),
            seq=event.seq,
            at=entry["at"],
            actor_id=strawberry.ID(entry["actor_id"]),
            on_behalf_of=entry.get("on_behalf_of"),
            session_id=entry.get("session_id"),
            device=entry.get("device"),
            ip=entry.get("ip"),
            request_id=entry.get("request_id"),
            action=action["action"],
            kind=action.get("kind"),
            record_id=action.get("id"),
            changes=[
                AuditChange(field=name, before=_json(before), after=_json(after))
                for name, (before, after) in event.changes.items()
            ],
            details=_json(action["details"]) if "details" in action else None,
            hash=entry["hash"],
        )


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@strawberry.type(description="An event and its place in the list.")
class AuditEventEdge:
    node: AuditEvent
    cursor: str


@strawberry.type(description="A page of the audit trail, newest first.")
class AuditEventConnection:
    nodes: list[AuditEvent]
    edges: list[AuditEventEdge]
    page_info: PageInfo

    @classmethod
    def of(cls, found: tuple[list[audit_trail.AuditEvent], bool]) -> Self:
        events, more = found
        edges = [AuditEventEdge(node=AuditEvent.of(event), cursor=event.cursor) for event in events]
        end = edges[-1].cursor if edges else None
        return cls(
            nodes=[edge.node for edge in edges],
            edges=edges,
            page_info=PageInfo(has_next_page=more, end_cursor=end),
        )


@strawberry.input(description="What to look for in the audit trail: everything given must hold.")
class AuditFilter:
    actor_id: strawberry.ID | None = strawberry.field(default=UNSET, description="Who did it.")
    kind: str | None = strawberry.field(default=UNSET, description="A kind of record, as in `contact`.")
    record_id: strawberry.ID | None = strawberry.field(default=UNSET, description="One record's history.")
    action: str | None = strawberry.field(default=UNSET, description="As in `update` or `sign_in.failed`.")
    since: datetime | None = strawberry.field(default=UNSET, description="From then on.")
    until: datetime | None = strawberry.field(default=UNSET, description="Up to then.")

    def search(self) -> AuditSearch:
        given = {
            name: value for name, value in vars(self).items() if value is not UNSET and value is not None
        }
        return AuditSearch(**given)
