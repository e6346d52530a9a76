"""What the knowledge room stores."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints
from pymongo import IndexModel

from backend.core.clock import Moment
from backend.core.records import Record

LONGEST_BODY = 200_000  # characters: some hundred pages; longer texts are several articles
LONGEST_NOTE = 500
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,2}$")]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
Body = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_BODY, pattern=r"\S")]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class Visibility(StrEnum):
    """Who reads an article once it is published; each audience includes the ones after it."""

    PUBLIC = "public"
    CUSTOMERS = "customers"
    INTERNAL = "internal"


class ArticleStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Article(Record):
    """A help article in one language. ``version_number`` counts its texts; ``version`` is the commit's.

    Published, its audience reads it; as a draft or archived, its owner and teams, and whoever reads all.
    """

    kind: ClassVar[str] = "article"
    server_owned: ClassVar[frozenset[str]] = frozenset({"version_number", "published_at"})

    title: Title
    body: Body
    locale: Locale = "en"
    locale_group: str = Field(default="", max_length=120)
    visibility: Visibility = Visibility.INTERNAL
    status: ArticleStatus = ArticleStatus.DRAFT
    version_number: int = 1
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    category: str = Field(default="", max_length=120)
    valid_until: Moment | None = None
    published_at: datetime | None = None

    readers_are: ClassVar[tuple[str, ...]] = ("u:", "t:", "p:")

    def principals(self) -> list[str]:
        audience = [f"p:{self.visibility}"] if self.status is ArticleStatus.PUBLISHED else []
        return sorted({*super().principals(), *audience})

    class Settings:
        name = "articles"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("status", 1)])]


class ArticleVersion(Record):
    """One text that an article had; never changed. An answer cites it by article and number."""

    kind: ClassVar[str] = "article_version"
    server_owned: ClassVar[frozenset[str]] = frozenset({"article_id", "number", "content_hash"})

    article_id: str
    number: int
    title: Title
    body: Body
    content_hash: str
    change_note: str = Field(default="", max_length=LONGEST_NOTE)

    class Settings:
        name = "article_versions"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("article_id", 1), ("number", 1)])]


def content_hash(title: str, body: str) -> str:
    """Return the SHA-256 of a text, as 64 hexadecimal digits."""
    return hashlib.sha256(f"{title}\x00{body}".encode()).hexdigest()
