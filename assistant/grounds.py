"""What an answer was decided on, for those of us who take over from it or review it."""

from dataclasses import dataclass

from assistant.documents import Answer, Evidence
from backend.core.errors import Forbidden
from backend.core.unit_of_work import UnitOfWork
from knowledge.documents import Article


@dataclass(frozen=True)
class Grounds:
    """An answer, and of the passages looked at those whose articles the actor may read now, as looked at."""

    answer: Answer
    evidence: tuple[Evidence, ...]


async def find_grounds(uow: UnitOfWork, id: str) -> Grounds:
    """Return what an answer rests on. Raise NotFound for an unseen answer, Forbidden for customers."""
    answer = await uow.access(Answer, id)
    if uow.actor.is_customer:
        raise Forbidden("see the grounds of", Answer.kind)
    looked_at = sorted({one.article_id for one in answer.evidence})
    readable = (
        {one.id for one in await uow.find(Article, {"_id": {"$in": looked_at}})} if looked_at else set()
    )
    return Grounds(answer, tuple(one for one in answer.evidence if one.article_id in readable))
