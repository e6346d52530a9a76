"""What the identity room announces beside plain created, updated and deleted."""

from backend.core.events import DomainEvent


class WorkspaceCreated(DomainEvent):
    """A workspace opened; rooms furnish it with what every workspace has."""
