"""What the notifications room announces."""

from backend.core.events import DomainEvent


class NotificationRaised(DomainEvent):
    """Somebody has a new line in their inbox."""

    type: str


class NotificationRead(DomainEvent):
    """A line was read, or taken out: by ``session_id`` there is no need to take it off the screen."""

    session_id: str = ""


class DeviceTaken(DomainEvent):
    """Somebody signed in on a device that another person's pushes went to."""

    former_owner_id: str
    platform: str
