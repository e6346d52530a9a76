"""The knowledge room's GraphQL face."""

from collections.abc import Collection

import strawberry

from backend.core.connections import Connection, listed
from backend.core.cost import MODEL_RUN
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity.actors import Actors
from knowledge import articles, documents, insight
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
from knowledge.insight_types import (
    KnowledgeIndexProgress,
    KnowledgePair,
    KnowledgeReview,
    TextLanguage,
    WhyFound,
    reason_of,
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
class KnowledgeInsightQuery:
    @strawberry.field(description="How far the index is; for who reads every article.")
    async def knowledge_index(self, info: Info) -> KnowledgeIndexProgress:
        knowledge = await info.context.services.aget(KnowledgeBase)
        return KnowledgeIndexProgress.of(await insight.index_progress(info.context.uow, knowledge))

    @strawberry.field(
        description="Why a search finds what it finds, for yourself or for somebody else; for who reads "
        "every article. What the filter keeps from them comes last, and marked.",
        metadata={"cost": 2 * MODEL_RUN},
    )
    async def why_found(
        self, info: Info, query: str, first: int = 10, user_id: strawberry.ID | None = None
    ) -> WhyFound:
        knowledge, actors = await info.context.services.aget(KnowledgeBase, Actors)
        uow = info.context.uow
        why = await insight.why_found(uow, knowledge, actors, query, first=first, user_id=user_id or "")
        articles = await _articles(info, {found.article_id for found in why.found})
        return WhyFound(
            language=TextLanguage(why.language),
            words=why.words,
            degraded=why.degraded,
            texts=why.texts,
            readable=why.readable,
            reasons=[
                reason_of(one, articles[one.article_id]) for one in why.found if one.article_id in articles
            ],
        )

    @strawberry.field(
        description="Articles that contradict or repeat one another; for who reads every article.",
        metadata={"cost": 2 * MODEL_RUN},
    )
    async def knowledge_review(self, info: Info, first: int = 50) -> KnowledgeReview:
        knowledge = await info.context.services.aget(KnowledgeBase)
        found = await insight.review_knowledge(info.context.uow, knowledge, first=first)
        articles = await _articles(info, {id for _, *ids in found.pairs for id in ids})
        return KnowledgeReview(
            passages=found.passages,
            pairs=[
                KnowledgePair(
                    finding=pair.finding,
                    left=articles[left],
                    right=articles[right],
                    left_quote=pair.left_quote,
                    right_quote=pair.right_quote,
                    similarity=pair.similarity,
                )
                for pair, left, right in found.pairs
                if left in articles and right in articles
            ],
        )


async def _articles(info: Info, ids: Collection[str]) -> dict[str, Article]:
    """Read articles as the one who asks may see them at this moment, by id."""
    found = await info.context.uow.find(documents.Article, {"_id": {"$in": list(ids)}}) if ids else []
    return {record.id: Article.of(record) for record in found}


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
