"""Tickets that are about the same matter, among those that the asker may read."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from assistant.advice.subjects import judges
from assistant.advice.text_rows import Rows, TextRows
from assistant.citations import share_of
from assistant.confidence import load_calibration
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.crm.privacy.pseudonyms import ERASED_TEXT
from backend.service.documents import AuthorKind, Message, MessageDirection, Ticket
from knowledge.text import Language, guess_language, tokens

MOST_SIMILAR = 20
TICKETS_LOOKED_AT = 500  # the latest changed ones that the asker may read
LEAST_LIKELY = 0.15  # of seven such ones one fits: below that they are noise to who reads them
TICKETS_COMPARED = 24  # those that share most words are compared by meaning


@dataclass(frozen=True)
class Similar:
    """``chance`` that the ticket is about the same matter; ``answer`` is how it was settled, if it was."""

    ticket: Ticket
    chance: float
    answer: Message | None = None


async def similar_tickets(
    uow: UnitOfWork, rows: TextRows, ticket_id: str, *, first: int = 5
) -> list[Similar]:
    """Return up to ``first`` (1–20) tickets that are probably the same matter, likest first, with the answers
    that settled them; none that is surely another matter.

    Raise NotFound for a ticket that is not visible, Forbidden for customers.
    """
    if not 1 <= first <= MOST_SIMILAR:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_SIMILAR}"))
    ticket = await uow.access(Ticket, ticket_id)
    if uow.actor.is_customer:
        raise Forbidden("read", "similar_tickets")
    ranked = await rank_tickets(uow, rows, words_of(ticket), but=ticket.id)
    found = []
    for one in [one for one in ranked if one.chance >= LEAST_LIKELY][:first]:
        done = one.ticket.progress.is_done
        found.append(Similar(one.ticket, one.chance, await answer_of(uow, one.ticket) if done else None))
    return found


async def rank_tickets(
    uow: UnitOfWork, rows: TextRows, matter: str, *, but: str, settled: bool = False
) -> list[Similar]:
    """Return readable (and ``settled``) tickets by how likely they are about ``matter``, likest first."""
    if not judges(uow, Ticket):
        return []
    latest = await uow.latest(Ticket, most=TICKETS_LOOKED_AT)
    others = [
        one
        for one in latest
        if one.id != but
        and words_of(one)
        and (not settled or (one.progress.is_done and one.conversation_id is not None))
    ]
    words = tokens(matter)
    if not others or not words:
        return []
    shares = {one.id: share_of(words, words_of(one)) for one in others}
    near = sorted(others, key=lambda one: (-shares[one.id], one.id))[:TICKETS_COMPARED]
    texts = [words_of(one) for one in near]
    cosines = await rows.compare(matter, texts)
    calibration = load_calibration()
    judged = [
        Similar(one, calibration.judge_ticket(cosine=float(c), rise=rise, coverage=shares[one.id]))
        for one, c, rise in zip(near, cosines, rises(cosines, texts), strict=True)
    ]
    return sorted(judged, key=lambda one: (-one.chance, one.ticket.id))


def rises(cosines: Rows, texts: Sequence[str]) -> list[float]:
    """Return how far each text is above the mean of those in its own language.

    The encoder puts any text of the question's language above all of the other: against a mean over both,
    whatever is in the language of fewer tickets would look like the same matter.
    """
    languages = [guess_language(text) for text in texts]
    own: dict[Language, list[float]] = {}
    for language, cosine in zip(languages, cosines, strict=True):
        own.setdefault(language, []).append(float(cosine))
    means = {language: fmean(some) for language, some in own.items()}
    return [float(cosine) - means[language] for language, cosine in zip(languages, cosines, strict=True)]


async def messages_of(uow: UnitOfWork, ticket: Ticket) -> list[Message]:
    """Return what the asker may read of a ticket's conversation, oldest first."""
    if ticket.conversation_id is None:
        return []
    found = await uow.find(Message, {"conversation_id": ticket.conversation_id})
    return sorted(found, key=lambda message: (message.at, message.id))


async def answer_of(uow: UnitOfWork, ticket: Ticket) -> Message | None:
    return best_answer(await messages_of(uow, ticket))


def best_answer(said: Sequence[Message]) -> Message | None:
    """Return the fullest public answer of a person of ours: short ones are thanks and receipts."""
    answers = [
        message
        for message in said
        if message.direction is MessageDirection.OUTBOUND
        and message.author_kind is AuthorKind.AGENT
        and not is_erased(message.body)
    ]
    return max(answers, key=lambda message: len(message.body), default=None)


def words_of(ticket: Ticket) -> str:
    """Return what a ticket says; nothing where its words were erased with a person."""
    parts = (part for part in (ticket.subject, asked_in(ticket)) if not is_erased(part))
    return "\n".join(dict.fromkeys(parts)).strip()


def asked_in(ticket: Ticket) -> str:
    """Return the customer's part of a description: of all tickets that the assistant filed its part is alike.

    It stands below the question, in a paragraph of its own: see `assistant.turn_record`.
    """
    if not ticket.handoff_reason:
        return ticket.description
    return ticket.description.rpartition("\n\n")[0] or ticket.description


def is_erased(text: str) -> bool:
    """Tell whether a text is only the note that it was erased."""
    return text.strip() == ERASED_TEXT
