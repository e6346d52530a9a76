"""What people are told about tickets and conversations."""

from collections.abc import Sequence

from backend.core.alerts import Alert, Mentioning, Telling, heading_of
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from backend.service.documents import AiOutcome, Conversation, Message, MessageDirection, Ticket
from backend.service.events import MessageReceived, TicketAssigned, TicketCreated


async def _assignee(
    uow: UnitOfWork, event: TicketAssigned | MessageReceived, _: object
) -> Sequence[str | None]:
    return [event.assignee_id]


async def _everybody_who_may_take_it(uow: UnitOfWork, event: TicketCreated, ticket: Ticket) -> Sequence[str]:
    """Return the ticket's team, or without one all agents."""
    people = await uow.find(User)
    if ticket.team_id:
        return [person.id for person in people if ticket.team_id in person.team_ids]
    return [person.id for person in people if "agent" in person.role_keys]


def _is_done(ticket: Ticket) -> bool:
    return ticket.progress.is_done


def _is_for_people(event: TicketCreated, ticket: Ticket) -> bool:
    return ticket.ai_outcome is AiOutcome.HANDED_OFF and not ticket.assignee_id


def _matter(conversation: Conversation) -> str:
    return heading_of(conversation) or conversation.channel.value


TELLING = Telling(
    alerts=(
        Alert(
            type="ticket_assigned",
            event=TicketAssigned,
            about=Ticket,
            record_id=lambda event: event.ticket_id,
            tells=_assignee,
            is_moot=_is_done,
        ),
        Alert(
            type="message_received",
            event=MessageReceived,
            about=Conversation,
            record_id=lambda event: event.conversation_id,
            tells=_assignee,
            heading=_matter,
        ),
        Alert(
            type="handed_off",
            event=TicketCreated,
            about=Ticket,
            record_id=lambda event: event.ticket_id,
            tells=_everybody_who_may_take_it,
            when=_is_for_people,
            is_moot=_is_done,
        ),
    ),
    mentioning=(
        Mentioning(
            about=Message,
            texts=("body",),
            when=lambda message: message.direction is MessageDirection.INTERNAL,
        ),
        Mentioning(about=Ticket, texts=("description",)),
    ),
)
