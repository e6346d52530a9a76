"""Replies that an agent may send: from tickets settled before, and from what customers may read."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.citations import Quotation, is_exact, quote_best, share_of
from assistant.confidence import load_calibration
from assistant.decide import judge
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import AuthorKind, Message, MessageDirection, Ticket
from knowledge.documents import Visibility
from knowledge.search import KnowledgeBase
from knowledge.sentence_rows import SentenceRows
from knowledge.text import tokens

MOST_REPLIES = 10
TICKETS_LOOKED_AT = 300  # the latest changed ones that the agent may read
TICKETS_COMPARED = 24  # those that share most words are compared by meaning
ARTICLES_LOOKED_AT = 3


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A reply with what it rests on: a settled ticket or an article, never nothing."""

    text: str
    confidence: float
    quote: str
    ticket: Ticket | None = None
    quotation: Quotation | None = None


async def suggest_replies(
    uow: UnitOfWork, knowledge: KnowledgeBase, rows: SentenceRows, ticket_id: str, *, first: int = 3
) -> list[Suggestion]:
    """Return up to ``first`` (1–10) replies to a ticket's customer, likeliest first. For staff.

    Raise NotFound for a ticket that the actor may not see, Forbidden for customers.
    """
    if not 1 <= first <= MOST_REPLIES:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_REPLIES}"))
    ticket = await uow.access(Ticket, ticket_id)
    if uow.actor.is_customer:
        raise Forbidden("suggest", "reply")
    matter = await _matter(uow, ticket)
    found = [
        *await _from_tickets(uow, knowledge, rows, ticket, matter, most=first),
        *await _from_articles(uow, knowledge, matter),
    ]
    best: dict[str, Suggestion] = {}
    for one in sorted(found, key=lambda one: -one.confidence):
        best.setdefault(one.text, one)
    return list(best.values())[:first]


async def _matter(uow: UnitOfWork, ticket: Ticket) -> str:
    """Return what the customer wants: the heading and their last words."""
    said = [m for m in await _messages(uow, ticket) if m.direction is MessageDirection.INBOUND]
    return f"{ticket.subject}\n{said[-1].body if said else ticket.description}".strip()


async def _messages(uow: UnitOfWork, ticket: Ticket) -> list[Message]:
    if ticket.conversation_id is None:
        return []
    found = await uow.find(Message, {"conversation_id": ticket.conversation_id})
    return sorted(found, key=lambda message: message.at)


async def _from_tickets(
    uow: UnitOfWork,
    knowledge: KnowledgeBase,
    rows: SentenceRows,
    ticket: Ticket,
    matter: str,
    *,
    most: int,
) -> list[Suggestion]:
    latest = await uow.latest(Ticket, most=TICKETS_LOOKED_AT)
    settled = [one for one in latest if one.progress.is_done and one.id != ticket.id and one.conversation_id]
    if not settled:
        return []
    words = tokens(matter)
    shares = {one.id: share_of(words, _words_of(one)) for one in settled}
    near = sorted(settled, key=lambda one: (-shares[one.id], one.id))[:TICKETS_COMPARED]
    row = (await knowledge.embedder.embed_queries([matter]))[0]
    cosines = await rows.compare(row, [_words_of(one) for one in near])
    calibration, mean = load_calibration(), float(cosines.mean())
    judged = [
        (calibration.judge_ticket(cosine=float(c), rise=float(c) - mean, coverage=shares[one.id]), one)
        for one, c in zip(near, cosines, strict=True)
    ]
    found = []
    for confidence, one in sorted(judged, key=lambda pair: (-pair[0], pair[1].id))[:most]:
        answer = _best_answer(await _messages(uow, one))
        if answer:
            found.append(Suggestion(text=answer, confidence=confidence, quote=answer, ticket=one))
    return found


async def _from_articles(uow: UnitOfWork, knowledge: KnowledgeBase, matter: str) -> list[Suggestion]:
    """Quote what customers may read: a reply leaves the house, so internal articles take no part."""
    found = await knowledge.search(uow, matter, first=ARTICLES_LOOKED_AT)
    if not found.hits:
        return []
    confidence = judge(matter, found, load_calibration())
    chances = (confidence.first, max(0.0, confidence.pair - confidence.first))
    suggestions = []
    for hit, chance in zip(found.hits, chances, strict=False):
        quotation = quote_best(hit)
        if hit.visibility != Visibility.INTERNAL and is_exact(quotation, found):
            suggestions.append(
                Suggestion(text=quotation.text, confidence=chance, quote=quotation.text, quotation=quotation)
            )
    return suggestions


def _words_of(ticket: Ticket) -> str:
    return f"{ticket.subject}\n{ticket.description}".strip()


def _best_answer(said: Sequence[Message]) -> str:
    """Return the fullest public answer of a person of ours: short ones are thanks and receipts."""
    answers = [
        message.body
        for message in said
        if message.direction is MessageDirection.OUTBOUND and message.author_kind is AuthorKind.AGENT
    ]
    return max(answers, key=len, default="")
