"""What the service room announces. Words never travel in an event, which nobody could erase: only ids."""

from datetime import datetime

from backend.core.events import DomainEvent
from backend.service.sla_rules import SlaMetric


class ConversationOpened(DomainEvent):
    conversation_id: str
    contact_id: str | None
    channel: str


class MessageReceived(DomainEvent):
    """The customer wrote."""

    message_id: str
    conversation_id: str
    contact_id: str | None
    assignee_id: str | None
    ticket_id: str | None


class NoteWritten(DomainEvent):
    """A person of ours, or the house, wrote something that customers do not see; never the assistant."""


class MessageSent(DomainEvent):
    """We wrote to the customer: a person of ours, the assistant or the house (``author_kind``)."""

    message_id: str
    conversation_id: str
    contact_id: str | None
    author_kind: str
    author_id: str | None
    ticket_id: str | None


class TicketCreated(DomainEvent):
    ticket_id: str
    number: str
    contact_id: str | None
    conversation_id: str | None
    by: str


class TicketMadeUrgent(DomainEvent):
    """A customer who was handed over is due at once: since now, or still, and nobody has come."""


class TicketAssigned(DomainEvent):
    ticket_id: str
    assignee_id: str
    number: str
    by: str


class TicketStatusChanged(DomainEvent):
    ticket_id: str
    number: str
    before: str
    after: str
    by: str


class AgreementChanged(DomainEvent):
    """A policy of promised times, or a calendar that they run by, was made, changed or deleted."""


class SlaNear(DomainEvent):
    """Most of the time that was promised for a ticket is over."""

    metric: SlaMetric
    due_at: datetime
    noted_at: datetime


class SlaBreached(DomainEvent):
    """What was promised for a ticket was not kept by ``due_at``."""

    metric: SlaMetric
    due_at: datetime
    noted_at: datetime
