"""The log of deliveries as GraphQL types."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from backend.core.access import Actor
from backend.core.graphql import Forbidden, InvalidInput
from notifications import delivery_log, documents
from notifications.channel_types import NotificationChannel
from notifications.documents import DeliverySort, DeliveryState

strawberry.enum(
    DeliverySort,
    name="NotificationDeliverySort",
    description="A notification, several in one, a take-back, or a wake-up to pull.",
)
strawberry.enum(
    DeliveryState,
    name="NotificationDeliveryState",
    description="DUE and LEASED are still to leave, GATHERED leaves with a digest.",
)


@strawberry.type(description="One try to hand something to a vendor.")
class NotificationAttempt:
    at: datetime
    outcome: str
    reason: str


@strawberry.type(description="One notification on one way to one person, and why it got there or not.")
class NotificationLogEntry:
    id: strawberry.ID
    sort: DeliverySort
    channel: NotificationChannel
    type: str
    notification_id: strawberry.ID | None
    subject_kind: str
    subject_id: strawberry.ID | None
    user_id: strawberry.ID
    device_id: strawberry.ID | None
    digest_id: strawberry.ID | None
    state: DeliveryState
    reason: str = strawberry.field(description="A code, such as `preference`, `quiet_hours`, `expired`.")
    rule: str = strawberry.field(description="Whose word it was: `user`, `team:<id>`, `workspace`, `usual`.")
    explanation: str = strawberry.field(description="The same in words, in your language.")
    raised_at: datetime
    not_before: datetime
    expires_at: datetime
    attempts: list[NotificationAttempt]

    @classmethod
    def of(cls, row: documents.Delivery, actor: Actor) -> Self:
        def maybe(id: str) -> strawberry.ID | None:
            return strawberry.ID(id) if id else None

        return cls(
            id=strawberry.ID(row.id),
            sort=row.sort,
            channel=row.channel,
            type=row.type,
            notification_id=maybe(row.notification_id),
            subject_kind=row.subject_kind,
            subject_id=maybe(row.subject_id),
            user_id=strawberry.ID(row.user_id),
            device_id=maybe(row.device_id),
            digest_id=maybe(row.digest_id),
            state=row.state,
            reason=row.reason,
            rule=row.rule,
            explanation=delivery_log.explain(row, locale=actor.locale, time_zone=actor.time_zone),
            raised_at=row.raised_at,
            not_before=row.not_before,
            expires_at=row.expires_at,
            attempts=[
                NotificationAttempt(at=one.at, outcome=one.outcome, reason=one.reason) for one in row.attempts
            ],
        )


@strawberry.type(description="A page of the log, the newest first.")
class NotificationLog:
    entries: list[NotificationLogEntry]
    end_cursor: str | None
    has_next_page: bool

    @classmethod
    def of(cls, page: delivery_log.LogPage, actor: Actor) -> Self:
        entries = [NotificationLogEntry.of(row, actor) for row in page.rows]
        return cls(entries=entries, end_cursor=page.end, has_next_page=page.has_more)


NotificationLogResult = Annotated[
    NotificationLog | InvalidInput | Forbidden, strawberry.union("NotificationLogResult")
]
