"""Root fields of the audit trail."""

import strawberry

from backend.core.graphql import Info
from backend.identity.audit_trail import AuditSearch, find_audit_events
from backend.identity.audit_types import AuditEventConnection, AuditFilter


@strawberry.type
class AuditQuery:
    @strawberry.field(
        description="Who did what, newest first; for who may read all of kind `audit`: admins, at first."
    )
    async def audit_events(
        self, info: Info, filter: AuditFilter | None = None, first: int = 50, after: str | None = None
    ) -> AuditEventConnection:
        search, context = filter.search() if filter else AuditSearch(), info.context
        found = await find_audit_events(context.store, context.actor, search, first=first, after=after)
        return AuditEventConnection.of(found)
