"""Help articles on phones: to read where there is no network. They are written elsewhere."""

from backend.core.sync import shown, shown_only
from knowledge.documents import Article

ARTICLES = shown_only(
    "article",
    Article,
    shown("title"),
    shown("body"),
    shown("locale"),
    shown("locale_group"),
    shown("visibility"),
    shown("status"),
    shown("version_number", "integer"),
    shown("category"),
    shown("tags", "list"),
    shown("valid_until", "datetime"),
    shown("published_at", "datetime"),
    shown("updated_at", "datetime"),
    priority=9,
)
