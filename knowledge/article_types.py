"""Articles and what a search finds, as GraphQL types and inputs."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Protocol, Self

import strawberry
from strawberry import UNSET

from backend.core.connections import Direction
from backend.core.filters import ChoiceFilter, IdFilter, RangeFilter, StringFilter
from backend.core.graphql import Conflict, Deleted, Forbidden, Info, InvalidInput, NotFound, shared_fields
from backend.core.mutations import CreateInput, UpdateInput
from knowledge import articles, documents
from knowledge.documents import ArticleStatus, Visibility

strawberry.enum(
    Visibility, description="Who reads a published article; staff read all three, customers the first two."
)
strawberry.enum(ArticleStatus, description="Only a published article is found by search and cited.")


@strawberry.type(description="A text that an article had; never changed.")
class ArticleVersion:
    id: strawberry.ID
    number: int
    title: str
    body: str
    content_hash: str = strawberry.field(description="SHA-256 of title and body.")
    change_note: str
    created_at: datetime
    created_by: strawberry.ID

    @classmethod
    def of(cls, record: documents.ArticleVersion) -> Self:
        return cls(**shared_fields(record, cls))


class HasId(Protocol):
    id: strawberry.ID


async def versions_of(root: strawberry.Parent[HasId], info: Info) -> list[ArticleVersion]:
    """Resolve an article's ``versions``."""
    found = await articles.find_versions(info.context.uow, root.id)
    return [ArticleVersion.of(version) for version in found]


@strawberry.type(
    description="A help article. `version` counts its texts, 1, 2, 3 …: what a citation names. "
    "`revision` is the version of the record: send it as `expectedVersion`."
)
class Article:
    id: strawberry.ID
    version: int = strawberry.field(
        description="Number of the text: another title or body makes the next one."
    )
    revision: int = strawberry.field(
        description="Moves with every change of the record; send it as `expectedVersion`."
    )
    created_at: datetime
    updated_at: datetime
    owner_id: strawberry.ID | None
    team_ids: list[strawberry.ID]
    title: str
    body: str = strawberry.field(description="Markdown.")
    locale: str
    locale_group: str = strawberry.field(description="The same for translations of one article.")
    visibility: Visibility
    status: ArticleStatus
    tags: list[str] = strawberry.field(
        description="Words that people ask with and the text may lack: search finds by them, and quotes none."
    )
    category: str
    valid_until: datetime | None
    published_at: datetime | None
    versions: list[ArticleVersion] = strawberry.field(
        resolver=versions_of, description="The texts it had, newest first, as far as you may read them."
    )

    @classmethod
    def of(cls, record: documents.Article) -> Self:
        named = {"version": record.version_number, "revision": record.version}
        return cls(**shared_fields(record, cls, **named))


@strawberry.input(description="A new article; with `publish` its audience reads it at once.")
class ArticleCreateInput(CreateInput):
    title: str
    body: str
    locale: str | None = UNSET
    visibility: Visibility | None = UNSET
    publish: bool | None = UNSET
    locale_group: str | None = UNSET
    tags: list[str] | None = UNSET
    category: str | None = UNSET
    valid_until: datetime | None = UNSET
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    change_note: str | None = UNSET


@strawberry.input(
    description="What to change; another title or body makes the article's next version. "
    "`publish` true lets its audience read it, false makes it a draft again; `status` archives it."
)
class ArticleUpdateInput(UpdateInput):
    title: str | None = UNSET
    body: str | None = UNSET
    locale: str | None = UNSET
    visibility: Visibility | None = UNSET
    publish: bool | None = UNSET
    status: ArticleStatus | None = UNSET
    locale_group: str | None = UNSET
    tags: list[str] | None = UNSET
    category: str | None = UNSET
    valid_until: datetime | None = UNSET
    owner_id: strawberry.ID | None = UNSET
    team_ids: list[strawberry.ID] | None = UNSET
    change_note: str | None = UNSET


@strawberry.input
class ArticleFilter:
    id: IdFilter | None = UNSET
    title: StringFilter | None = UNSET
    locale: StringFilter | None = UNSET
    locale_group: StringFilter | None = UNSET
    visibility: ChoiceFilter[Visibility] | None = UNSET
    status: ChoiceFilter[ArticleStatus] | None = UNSET
    category: StringFilter | None = UNSET
    tags: StringFilter | None = UNSET
    owner_id: IdFilter | None = UNSET
    valid_until: RangeFilter[datetime] | None = UNSET
    created_at: RangeFilter[datetime] | None = UNSET
    updated_at: RangeFilter[datetime] | None = UNSET
    and_: list["ArticleFilter"] | None = strawberry.field(name="and", default=UNSET)
    or_: list["ArticleFilter"] | None = strawberry.field(name="or", default=UNSET)
    not_: "ArticleFilter | None" = strawberry.field(name="not", default=UNSET)


@strawberry.enum
class ArticleOrderField(Enum):
    TITLE = "title"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    PUBLISHED_AT = "published_at"


@strawberry.input
class ArticleOrder:
    field: ArticleOrderField
    direction: Direction = Direction.ASC


@strawberry.type(description="A place in an article that may answer the question.")
class KnowledgeHit:
    article: Article
    quote: str = strawberry.field(description="The exact words in this version of the article.")
    score: float = strawberry.field(description="Orders the hits of one search; compares nothing else.")
    degraded: bool = strawberry.field(
        description="True while meaning has no say (the model is loading): found by words alone."
    )


ArticleResult = Annotated[
    Article | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("ArticleResult")
]
ArticleDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("ArticleDeleteResult")
]
