"""What the knowledge room announces beside plain created, updated and deleted."""

from backend.core.events import DomainEvent


class ArticlePublished(DomainEvent):
    """An article's audience can read it from now on."""

    number: int
    title: str
    locale: str
    visibility: str


class ArticleChanged(DomainEvent):
    """A published article reads otherwise, or is read by others; ``number`` is its text now."""

    number: int


class ArticleRemoved(DomainEvent):
    """A published article is withdrawn, archived or deleted: nobody may be answered from it any more."""
