"""The knowledge room's GraphQL face."""

import strawberry

from backend.core.connections import Connection, listed
from backend.core.cost import MODEL_RUN
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from knowledge import articles, documents
from knowledge.article_types import (
    Article,
    ArticleCreateInput,
    ArticleDeleteResult,
    ArticleFilter,
    ArticleOrder,
    ArticleResult,
    ArticleUpdateInput,
    KnowledgeHit,
)
from knowledge.search import KnowledgeBase


@strawberry.type
class ArticleQuery:
    @strawberry.field(description="One article; null with a NOT_FOUND error when it is not visible to you.")
    async def article(self, info: Info, id: strawberry.ID) -> Article | None:
        return Article.of(await info.context.uow.access(documents.Article, id))

    @strawberry.field(
        description="The articles that you may read; latest change first unless filtered or ordered."
    )
    async def articles(
        self,
        info: Info,
        filter: ArticleFilter | None = None,
        order_by: list[ArticleOrder] | None = None,
        first: int = 50,
        after: str | None = None,
    ) -> Connection[Article]:
        return await listed(
            info,
            documents.Article,
            Article.of,
            filter=filter,
            order_by=order_by,
            first=first,
            after=after,
        )

    @strawberry.field(
        description="The places in published articles nearest to a question in Chinese or English, one an "
        "article, best first; of what you may read only. `locale` keeps to articles in that language.",
        metadata={"cost": MODEL_RUN},
    )
    async def search_knowledge(
        self, info: Info, query: str, first: int = 5, locale: str | None = None
    ) -> list[KnowledgeHit]:
        knowledge = await info.context.services.aget(KnowledgeBase)
        result = await knowledge.search(info.context.uow, query, locale=locale, first=first)
        return [
            KnowledgeHit(
                article=Article.of(result.articles[hit.article_id]),
                quote=hit.quote,
                score=hit.score,
                degraded=result.degraded,
            )
            for hit in result.hits
        ]


@strawberry.type
class ArticleMutation:
    @strawberry.mutation(
        description="Create an article, published at once with `publish`; a refusal is an error with a code."
    )
    async def article_create(self, info: Info, input: ArticleCreateInput) -> Article:
        return Article.of(await run_create(info, articles.create_article, input))

    @strawberry.mutation(description="Change an article; publish, withdraw or archive it.")
    async def article_update(self, info: Info, input: ArticleUpdateInput) -> ArticleResult:
        return Article.of(await run_update(info, articles.update_article, input))

    @strawberry.mutation(description="Delete an article: it is neither found nor cited any more.")
    async def article_delete(self, info: Info, input: DeleteInput) -> ArticleDeleteResult:
        return await run_delete(info, articles.delete_article, input)
