"""What the notifications room announces."""

from backend.core.events import DomainEvent


class NotificationRaised(DomainEvent):
    """Somebody has a new line in their inbox."""

    type: str
