"""What the asker's own records say: read with the asker's rights, never with more.

Tools of a turn are functions from a unit and what was understood to facts. A customer reaches what is theirs
and nothing else, whatever the question names; that somebody else's record exists is not told either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from assistant.documents import RecordFact
from assistant.understand import Understood
from assistant.wording import say
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation, Ticket
from backend.service.rules import TicketStatus
from knowledge.text import Language

MOST_TICKETS = 5
FINISHED = [TicketStatus.RESOLVED, TicketStatus.CLOSED]


@dataclass(frozen=True)
class OwnFacts:
    """``facts`` to show, and numbers asked for that are none of the asker's; ``about`` what they speak of.

    ``to_visitor``: who asks is not signed in, so that nothing shown does not mean that there is nothing.
    """

    facts: tuple[RecordFact, ...]
    missing: tuple[str, ...] = ()
    about: str = "tickets"
    to_visitor: bool = False


async def look_up_tickets(uow: UnitOfWork, conversation: Conversation, understood: Understood) -> OwnFacts:
    """Return the tickets named, or else the open ones: a customer's own; for staff the conversation's."""
    where = _whose(uow, conversation)
    if understood.tickets:
        found = await uow.find(Ticket, where | {"number": {"$in": list(understood.tickets)}})
        known = {ticket.number: ticket for ticket in found}
        chosen = [known[number] for number in understood.tickets if number in known]
        missing = tuple(number for number in understood.tickets if number not in known)
    else:
        chosen = await uow.find(
            Ticket, where | {"status": {"$nin": FINISHED}}, sort=[("opened_at", -1)], limit=MOST_TICKETS
        )
        missing = ()
    zone = ZoneInfo(uow.actor.time_zone)
    facts = tuple(_fact(ticket, understood.language, zone) for ticket in chosen[:MOST_TICKETS])
    return OwnFacts(facts, missing, to_visitor=uow.actor.is_visitor)


def _whose(uow: UnitOfWork, conversation: Conversation) -> dict[str, object]:
    """Say whose tickets are meant; the unit's own predicate holds besides, whatever stands here."""
    if uow.actor.is_customer:
        return {"contact_id": uow.actor.contact_id}
    if conversation.contact_id is not None:
        return {"contact_id": conversation.contact_id}
    return {"assignee_id": uow.actor.user_id}


def _fact(ticket: Ticket, language: Language, zone: ZoneInfo) -> RecordFact:
    opened = ticket.opened_at.astimezone(zone).date().isoformat() if ticket.opened_at else "–"
    quote = say(
        "ticket",
        language,
        number=ticket.number,
        subject=" ".join(ticket.subject.split()),
        status=say(f"status_{ticket.status}", language),
        opened=opened,
    )
    return RecordFact(kind=Ticket.kind, record_id=ticket.id, version=ticket.version, quote=quote)


def write_facts(found: OwnFacts, language: Language) -> str:
    """Return the text that shows the facts, each quote as it stands; what was not found is said."""
    lines: Sequence[str] = [fact.quote for fact in found.facts]
    parts = []
    if lines:
        head = say(f"your_{found.about}", language) if len(lines) > 1 else ""
        parts.append("\n".join([head, *(f"- {line}" for line in lines)] if head else lines))
    if found.missing:
        parts.append(say(f"no_such_{found.about}", language, numbers=", ".join(found.missing)))
    if not parts and found.to_visitor:
        parts.append(say(f"visitors_{found.about}", language))
    if not parts:
        parts.append(say(f"no_open_{found.about}", language))
    return "\n\n".join(parts)
