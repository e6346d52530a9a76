"""Which advice comes first, and whether its matter still calls for it; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

from backend.core.records import Record
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contract_rules import ContractStatus
from backend.sales.documents import Opportunity
from backend.sales.payment_rules import PaymentStatus
from backend.sales.rules import StageType
from backend.service.documents import Ticket, TicketPriority
from backend.service.rules import TicketStatus

ANSWER_TICKET, ESCALATE = "answer_ticket", "escalate"
OWED = (ANSWER_TICKET, ESCALATE)  # to a customer who waits, whatever the relation is worth
RATES: Mapping[str, Decimal] = MappingProxyType(
    {"CNY": Decimal(180), "EUR": Decimal(45), "USD": Decimal(50), "GBP": Decimal(40)}
)  # an hour of work
OTHER_RATE = Decimal(50)
PRESSING = (TicketPriority.URGENT, TicketPriority.HIGH, TicketPriority.NORMAL, TicketPriority.LOW)

Urgency = tuple[int, datetime]
NOT_PRESSING: Urgency = (len(PRESSING), datetime.max.replace(tzinfo=UTC))


def rate_of(currency: str) -> Decimal:
    """Return what an hour of work is taken to cost."""
    return RATES.get(currency, OTHER_RATE)


class Scored(Protocol):
    """Advice with what it is worth."""

    @property
    def action(self) -> str: ...
    @property
    def value(self) -> Decimal: ...
    @property
    def score(self) -> Decimal: ...
    @property
    def currency(self) -> str: ...


def precedence(one: Scored, urgency: Urgency) -> tuple[bool, Decimal, Urgency]:
    """Return a sort key: what is worth most hours of work first, which compares across currencies.

    An answer that is owed and of unknown worth (an agent may not read deals) comes before all: that nothing
    is known of its worth does not make it the least. Among equals the most pressing comes first.
    """
    is_of_known_worth = one.action not in OWED or bool(one.value)
    return is_of_known_worth, -one.score / rate_of(one.currency), urgency


def urgency_of(about: Record | None) -> Urgency:
    """Return a sort key: tickets by priority, then by how long their customer has waited; all else after."""
    if not isinstance(about, Ticket):
        return NOT_PRESSING
    since = about.waits_since or about.opened_at or NOT_PRESSING[1]
    return PRESSING.index(about.priority), since


def waits_for_us(ticket: Ticket) -> bool:
    """Tell whether a customer waits for a word of a person of ours: an open ticket alone does not say so."""
    is_unanswered = ticket.first_responded_at is None or ticket.waits_since is not None
    return is_unanswered and ticket.status in (TicketStatus.NEW, TicketStatus.OPEN)


def is_still_called_for(action: str, about: Record) -> bool:
    """Tell whether what was advised may still be done: not of a deal that is over, or an answered ticket."""
    match about:
        case Ticket():
            is_open = about.status in (TicketStatus.NEW, TicketStatus.OPEN)
            return is_open and (action != ANSWER_TICKET or waits_for_us(about))
        case Opportunity():
            return about.stage_type is StageType.OPEN
        case Payment():
            return about.status is PaymentStatus.OVERDUE
        case Contract():
            ends = (ContractStatus.EXPIRING, ContractStatus.EXPIRED)
            return about.status in ends and about.renewed_by_id is None
    return True
