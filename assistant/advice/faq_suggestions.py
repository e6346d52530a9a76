"""Drafts of articles from what customers ask: shown to who may read the words, decided on by people."""

from assistant.advice.documents import FaqState, FaqSuggestion
from backend.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Message
from knowledge.articles import create_article
from knowledge.documents import Visibility

MOST_LISTED = 100


async def find_faq_suggestions(
    uow: UnitOfWork, *, state: FaqState = FaqState.OPEN, first: int = 20
) -> list[FaqSuggestion]:
    """Return drafts in ``state``, most asked first: those whose question and answer the actor reads."""
    if not 1 <= first <= MOST_LISTED:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_LISTED}"))
    if uow.actor.is_customer:
        raise Forbidden("read", FaqSuggestion.kind)
    found = await uow.find(
        FaqSuggestion, {"state": state.value}, sort=[("asked", -1), ("_id", 1)], limit=MOST_LISTED
    )
    ids = sorted({id for one in found for id in _words_in(one)})
    readable = {one.id for one in await uow.find(Message, {"_id": {"$in": ids}})} if ids else set()
    return [one for one in found if readable.issuperset(_words_in(one))][:first]


def _words_in(one: FaqSuggestion) -> list[str]:
    """Return the messages whose words a draft holds."""
    return [id for id in (one.question_message_id, one.answer_message_id) if id is not None]


async def approve_faq_suggestion(
    uow: UnitOfWork,
    id: str,
    *,
    title: str = "",
    body: str = "",
    locale: str = "",
    visibility: Visibility = Visibility.CUSTOMERS,
) -> FaqSuggestion:
    """Make an article draft of it, with the words given or else its own; publishing is a step of its own.

    Raise InvalidInput when it has no answer and none is given, and once it is decided; Forbidden for who may
    not write articles.
    """
    one = await _open(uow, id)
    text = body.strip() or one.answer.strip()
    if not text:
        raise InvalidInput(FieldError("body", "is missing: nobody has answered this yet; write the answer"))
    heading = (title.strip() or one.question.strip())[:300]
    fields = {"title": heading, "body": text, "locale": locale or one.locale, "visibility": visibility}
    article = await create_article(uow, {**fields, "publish": False})
    one.state, one.article_id = FaqState.APPROVED, article.id
    one.decided_by, one.decided_at = uow.actor.user_id, uow.at
    uow.save(one)
    return one


async def dismiss_faq_suggestion(uow: UnitOfWork, id: str, *, because: str = "") -> FaqSuggestion:
    """Put a draft aside for good: it is not drafted again."""
    if len(because) > 500:
        raise InvalidInput(FieldError("because", f"has {len(because)} characters and may have 500"))
    one = await _open(uow, id)
    one.state, one.dismissed_because = FaqState.DISMISSED, because.strip()
    one.decided_by, one.decided_at = uow.actor.user_id, uow.at
    uow.save(one)
    return one


async def _open(uow: UnitOfWork, id: str) -> FaqSuggestion:
    """Return a draft to decide on; NotFound, too, when its words are not the actor's to read."""
    one = await uow.access(FaqSuggestion, id, action="update")
    readable = {message.id for message in await uow.find(Message, {"_id": {"$in": _words_in(one)}})}
    if not readable.issuperset(_words_in(one)):
        raise NotFound(FaqSuggestion.kind, id)
    if one.state is not FaqState.OPEN:
        raise InvalidInput(FieldError("id", f"is {one.state} already"))
    return one
