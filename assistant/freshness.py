"""Which old answers no longer stand on what the articles say now."""

from collections.abc import Sequence

from assistant.documents import Answer
from backend.core.unit_of_work import UnitOfWork
from knowledge.documents import Article, ArticleStatus


async def find_outdated(uow: UnitOfWork, answers: Sequence[Answer]) -> frozenset[str]:
    """Return the ids of the answers that cite an article which has another text now, ran out, or is gone.

    What the actor may no longer read is gone for them.
    """
    cited = {one.article_id for answer in answers for one in answer.evidence if one.cited}
    if not cited:
        return frozenset()
    known = {article.id: article for article in await uow.find(Article, {"_id": {"$in": sorted(cited)}})}

    def stands(article_id: str, version: int) -> bool:
        article = known.get(article_id)
        if article is None or article.status is not ArticleStatus.PUBLISHED:
            return False
        in_time = article.valid_until is None or article.valid_until > uow.at
        return in_time and article.version_number == version

    return frozenset(
        answer.id
        for answer in answers
        if not all(stands(one.article_id, one.article_version) for one in answer.evidence if one.cited)
    )
