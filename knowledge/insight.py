"""What an admin asks about the base: how far the index is, why a search finds what it finds, what to mend."""

from dataclasses import dataclass

from backend.core.access import Actor, Level
from backend.core.errors import FieldError, Forbidden, InvalidInput, Unauthenticated, Unavailable
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import User
from knowledge import ranking
from knowledge.documents import Article
from knowledge.library import Progress
from knowledge.review import Pair, review
from knowledge.search import KnowledgeBase, checked_question
from knowledge.text import Language, guess_language, language_of_locale

MOST_PAIRS = 200


@dataclass(frozen=True)
class Found:
    """A passage of the search, and whether the one for whom it is explained is shown it.

    ``translated``: it stands back for its translation into the question's language.
    """

    hit: ranking.Hit
    article_id: str
    text: str
    language: Language
    readable: bool
    translated: bool


@dataclass(frozen=True)
class WhyFound:
    """A search explained: what the question was taken for, how many texts the filter left, the passages."""

    language: Language
    words: list[str]
    degraded: bool
    texts: int
    readable: int
    found: list[Found]


@dataclass(frozen=True)
class Reviewed:
    """Pairs of passages to look at; each is named by its article's id."""

    pairs: list[tuple[Pair, str, str]]
    passages: int


async def index_progress(uow: UnitOfWork, knowledge: KnowledgeBase) -> Progress:
    """Return how far the index of the workspace is; for who reads every article."""
    _check_may_ask(uow.actor)
    return await knowledge.library.progress(uow.actor.workspace_id)


async def why_found(
    uow: UnitOfWork,
    knowledge: KnowledgeBase,
    actors: Actors,
    query: str,
    *,
    first: int = 10,
    user_id: str = "",
) -> WhyFound:
    """Explain a search as it is for somebody (``user_id``, else for the one who asks), passage by passage.

    What the filter keeps from them is shown too, and marked: it takes no part in their search. Raise
    Forbidden unless the one who asks reads every article, NotFound or InvalidInput for a person who is not
    there.
    """
    _check_may_ask(uow.actor)
    text = checked_question(query, first)
    subject = await _subject(uow, actors, user_id)
    edition = await knowledge.library.edition(uow.actor.workspace_id)
    language = guess_language(text, default=language_of_locale(subject.locale))
    allowed = edition.readable_by(subject)
    passed_over = edition.translated(allowed, language)
    text = await knowledge.mend(edition, text, language, allowed)
    asked = await knowledge.ask(edition, text, language, allowed)
    theirs = await knowledge.find(
        edition, asked, limit=first, allowed=allowed, passed_over=passed_over, at=uow.at
    )
    kept_back = (frozenset(edition.articles) - allowed) | passed_over
    others = await knowledge.find(
        edition, asked, limit=first, allowed=kept_back, passed_over=frozenset(), at=uow.at
    )
    hits = [*theirs.hits, *others.hits][: 2 * first]
    found = [
        Found(
            hit=hit,
            article_id=edition.articles[hit.article_id].article_id,
            text=edition.passages[hit.passage_id].passage.text,
            language=edition.articles[hit.article_id].language,
            readable=hit.article_id in allowed,
            translated=hit.article_id in passed_over,
        )
        for hit in hits
        if hit.passage_id in edition.passages
    ]
    return WhyFound(
        language=language,
        words=list(asked.tokens),
        degraded=not len(asked.row) or not edition.waiting.isdisjoint(allowed),
        texts=len(edition.articles),
        readable=len(allowed),
        found=found,
    )


async def review_knowledge(uow: UnitOfWork, knowledge: KnowledgeBase, *, first: int = 50) -> Reviewed:
    """Return which articles repeat or contradict one another; for who reads every article.

    Raise Unavailable while the index is not whole: half an answer would look like a clean base.
    """
    _check_may_ask(uow.actor)
    if not 1 <= first <= MOST_PAIRS:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_PAIRS}"))
    edition = await knowledge.library.edition(uow.actor.workspace_id)
    if edition.articles and not edition.is_whole:
        raise Unavailable("The knowledge index is still being made; ask again when knowledgeIndex is whole.")
    pairs = await knowledge.library.run(review, edition, edition.readable_by(uow.actor))
    named = [(pair, _article_of(pair.left), _article_of(pair.right)) for pair in pairs[:first]]
    return Reviewed(named, len(edition.passages))


def _article_of(passage_id: str) -> str:
    return passage_id.split("@", 1)[0]


async def _subject(uow: UnitOfWork, actors: Actors, user_id: str) -> Actor:
    if not user_id or user_id == uow.actor.user_id:
        return uow.actor
    await uow.access(User, user_id)
    try:
        return await actors.of_user(uow.actor.workspace_id, user_id)
    except Unauthenticated:
        raise InvalidInput(FieldError("user_id", "is suspended: they find nothing at all")) from None


def _check_may_ask(actor: Actor) -> None:
    if actor.is_customer or actor.level(Article.kind, "read") is not Level.ALL:
        raise Forbidden("look into the index of", Article.kind)
