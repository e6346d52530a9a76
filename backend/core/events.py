"""Domain events: what happened, in the past tense.

Operations announce them with ``uow.save(record, Event(…))``; they are written to the ledger in the
same transaction and handed to listeners afterwards, at least once.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class DomainEvent(BaseModel):
    """Something that happened to one record. Fields must be JSON-like: they are stored.

    They are stored for ever and nobody erases them: ids, numbers and choices, never words or personal data.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    registry: ClassVar[dict[str, type["DomainEvent"]]] = {}

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type]  # pydantic's own keywords
        DomainEvent.registry[cls.__name__] = cls


class RecordCreated(DomainEvent):
    """A record of some kind appeared."""


class RecordUpdated(DomainEvent):
    """A record changed; ``fields`` names what."""

    fields: tuple[str, ...] = ()


class AccessChanged(DomainEvent):
    """Others may see the record now; nothing else changed."""


class RecordDeleted(DomainEvent):
    """A record was deleted; a tombstone remains."""
