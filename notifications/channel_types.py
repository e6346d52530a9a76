"""The channels as a GraphQL enum, for all types that name one: decorated once, before any of them."""

import strawberry

from notifications.documents import NotificationChannel

__all__ = ["NotificationChannel"]

strawberry.enum(
    NotificationChannel,
    description="A way to reach somebody. IN_APP is the inbox; the others leave the house.",
)
