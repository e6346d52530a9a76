"""The log of deliveries, over GraphQL."""

import strawberry

from backend.core.graphql import Info
from notifications import delivery_log
from notifications.log_types import NotificationLog, NotificationLogResult


@strawberry.type
class LogQuery:
    @strawberry.field(
        metadata={"cost": 20},
        description="Why you were told, and why not; of anybody in the workspace for admins. Rows are kept "
        "for a week after what they were about had outlived its use.",
    )
    async def notification_log(
        self,
        info: Info,
        user_id: strawberry.ID | None = None,
        notification_id: strawberry.ID | None = None,
        subject_id: strawberry.ID | None = None,
        type: str | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> NotificationLogResult:
        page = await delivery_log.read_log(
            info.context.uow,
            user_id=user_id,
            notification_id=notification_id,
            subject_id=subject_id,
            type_key=type,
            first=first,
            after=after,
        )
        return NotificationLog.of(page, info.context.actor)
