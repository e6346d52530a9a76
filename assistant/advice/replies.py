"""Replies that an agent may send: from settled tickets, approved macros, and what customers may read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.advice.case_words import without_case
from assistant.advice.courtesies import without_signature
from assistant.advice.documents import LONGEST_REPLY, Macro, MacroStatus, ReplySource
from assistant.advice.readdressing import family_name_zh, readdress
from assistant.advice.reply_learning import Tally, learned, tally_of
from assistant.advice.similar_tickets import (
    LEAST_LIKELY,
    asked_in,
    best_answer,
    is_erased,
    messages_of,
    rank_tickets,
)
from assistant.advice.text_rows import TextRows
from assistant.citations import Quotation, is_exact, quote_best, share_of
from assistant.compose import headed
from assistant.confidence import load_calibration
from assistant.decide import judge
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Contact
from backend.crm.privacy.pseudonyms import eraser_for
from backend.service.documents import Message, MessageDirection, Ticket
from knowledge.documents import Visibility
from knowledge.search import LONGEST_QUESTION, KnowledgeBase
from knowledge.text import guess_language, language_of_locale, tokens

MOST_REPLIES = 10
ARTICLES_LOOKED_AT = 3
MACROS_LOOKED_AT = 300  # the latest changed
MACROS_COMPARED = 12  # those that share most words are compared by meaning


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A reply with what it rests on: a settled ticket, an approved macro or an article, never nothing.

    ``confidence`` is calibrated, then moved by what agents here made of the same source before.
    """

    text: str
    confidence: float
    quote: str
    source: ReplySource
    source_id: str
    ticket: Ticket | None = None
    macro: Macro | None = None
    quotation: Quotation | None = None


async def suggest_replies(
    uow: UnitOfWork, knowledge: KnowledgeBase, rows: TextRows, ticket_id: str, *, first: int = 3
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
    if not matter:
        return []
    found = [
        *await _from_tickets(uow, rows, ticket, matter, most=2 * first),
        *await _from_macros(uow, rows, matter),
        *await _from_articles(uow, knowledge, matter),
    ]
    tally = await tally_of(uow, [one.source_id for one in found])
    return _best(found, tally)[:first]


def _best(found: Sequence[Suggestion], tally: Tally) -> list[Suggestion]:
    """Return the likely ones as they were learned to be, likeliest first, each text once."""
    moved = [
        replace(one, confidence=learned(one.confidence, one.source, one.source_id, tally)) for one in found
    ]
    best: dict[str, Suggestion] = {}
    for one in sorted(moved, key=lambda one: (-one.confidence, one.source, one.source_id)):
        if one.confidence >= LEAST_LIKELY:
            best.setdefault(one.text, one)
    return list(best.values())


async def _matter(uow: UnitOfWork, ticket: Ticket) -> str:
    """Return what the customer wants: the heading and their last words."""
    said = [m for m in await messages_of(uow, ticket) if m.direction is MessageDirection.INBOUND]
    parts = (ticket.subject, said[-1].body if said else asked_in(ticket))
    return "\n".join(dict.fromkeys(p for p in parts if not is_erased(p))).strip()[:LONGEST_QUESTION]


async def _from_tickets(
    uow: UnitOfWork, rows: TextRows, ticket: Ticket, matter: str, *, most: int
) -> list[Suggestion]:
    """Return the answers that settled tickets like this one, without what was of those cases alone; those in
    the customer's language, as with macros: `similar_tickets` shows the others to whom they help."""
    found, language = [], guess_language(matter)
    ranked = await rank_tickets(uow, rows, matter, but=ticket.id, settled=True)
    for one in ranked[:most]:
        talk = await messages_of(uow, one.ticket)
        answer = best_answer(talk)
        if answer is None or guess_language(answer.body, default=language) != language:
            continue
        quote = answer.body[:LONGEST_REPLY]
        is_theirs = ticket.contact_id is not None and one.ticket.contact_id == ticket.contact_id
        text, kept = await _fit_to_send(uow, answer, one.ticket, talk, matter, is_theirs=is_theirs)
        if text:
            found.append(
                Suggestion(
                    text=text,
                    confidence=one.chance * kept,
                    quote=quote,
                    source=ReplySource.TICKET,
                    source_id=one.ticket.id,
                    ticket=one.ticket,
                )
            )
    return found


async def _fit_to_send(
    uow: UnitOfWork,
    answer: Message,
    old: Ticket,
    talk: Sequence[Message],
    matter: str,
    *,
    is_theirs: bool,
) -> tuple[str, float]:
    """Return an answer without its greeting, signature, whom it was written to and what was done for them,
    and the share that is left; read as the house, for nothing of them is shown."""
    text = without_signature(answer.body[:LONGEST_REPLY], answer.author_name)
    known: list[Contact] = []
    if old.contact_id and not is_theirs:
        known = await uow.as_house().find(Contact, {"_id": old.contact_id})
        families = {family_name_zh(one.full_name, one.family_name) for one in known} - {""}
        text = readdress(text, eraser_for(old.contact_id, known), frozenset(families))
    elif not is_theirs:
        text = readdress(text, eraser_for("", ()), frozenset())
    return without_case(
        text,
        said="\n".join(one.body for one in talk if one.direction is MessageDirection.INBOUND),
        matter=matter,
        domains={one.email.rpartition("@")[2].casefold() for one in known if one.email},
    )


async def _from_macros(uow: UnitOfWork, rows: TextRows, matter: str) -> list[Suggestion]:
    """Return approved macros in the customer's language that fit what they want."""
    language = guess_language(matter)
    latest = await uow.latest(Macro, most=MACROS_LOOKED_AT)
    approved = [
        one
        for one in latest
        if one.status is MacroStatus.APPROVED and language_of_locale(one.locale) == language
    ]
    words = tokens(matter)
    if not approved or not words:
        return []
    shares = {one.id: share_of(words, f"{one.title}\n{one.body}") for one in approved}
    near = sorted(approved, key=lambda one: (-shares[one.id], one.id))[:MACROS_COMPARED]
    # A macro's title is the matter that it is for, as a ticket's heading is.
    cosines = await rows.compare(matter, [f"{one.title}\n{one.category}".strip() for one in near])
    calibration, mean = load_calibration(), float(cosines.mean())
    return [
        Suggestion(
            text=one.body,
            confidence=calibration.judge_ticket(
                cosine=float(c), rise=float(c) - mean, coverage=shares[one.id]
            ),
            quote=one.body,
            source=ReplySource.MACRO,
            source_id=one.id,
            macro=one,
        )
        for one, c in zip(near, cosines, strict=True)
    ]


async def _from_articles(uow: UnitOfWork, knowledge: KnowledgeBase, matter: str) -> list[Suggestion]:
    """Quote what customers may read: a reply leaves the house, so internal articles take no part."""
    found = await knowledge.search(uow, matter, first=ARTICLES_LOOKED_AT)
    if not found.hits:
        return []
    confidence = judge(found.read_as, found, load_calibration())
    chances = (confidence.first, max(0.0, confidence.pair - confidence.first))
    suggestions = []
    for hit, chance in zip(found.hits, chances, strict=False):
        quotation = quote_best(hit)
        if hit.visibility != Visibility.INTERNAL and is_exact(quotation, found):
            suggestions.append(
                Suggestion(
                    text=headed(quotation),
                    confidence=chance,
                    quote=quotation.text,
                    source=ReplySource.ARTICLE,
                    source_id=hit.article_id,
                    quotation=quotation,
                )
            )
    return suggestions
