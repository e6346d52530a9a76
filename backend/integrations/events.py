"""What the integrations room announces beside plain created, updated and deleted."""

from backend.core.events import DomainEvent


class ImportQueued(DomainEvent):
    """Somebody asked for a dry run, for the import itself, or to undo it: the work is to begin."""


class ImportFinished(DomainEvent):
    """An import came to its end: how many rows are in, and how many could not be taken."""

    done: int
    failed: int
