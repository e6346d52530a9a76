"""What people are told about tickets and conversations."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from backend.core.alerts import Alert, Mentioning, Telling, heading_of
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from backend.service.documents import AiOutcome, Conversation, Message, MessageDirection, Ticket
from backend.service.events import MessageReceived, SlaBreached, SlaNear, TicketAssigned, TicketCreated

NEWS = timedelta(days=1)


async def _assignee(
    uow: UnitOfWork, event: TicketAssigned | MessageReceived, _: object
) -> Sequence[str | None]:
    return [event.assignee_id]


async def _everybody_who_may_take_it(uow: UnitOfWork, _: object, ticket: Ticket) -> Sequence[str]:
    """Return the ticket's team, or without one all agents."""
    people = await uow.find(User)
    if ticket.team_id:
        return [person.id for person in people if ticket.team_id in person.team_ids]
    return [person.id for person in people if "agent" in person.role_keys]


async def _whose_it_is(uow: UnitOfWork, event: SlaNear | SlaBreached, ticket: Ticket) -> Sequence[str]:
    """Return the ticket's assignee; of one that nobody has, all who may take it."""
    return (
        [ticket.assignee_id] if ticket.assignee_id else await _everybody_who_may_take_it(uow, event, ticket)
    )


async def _whose_it_is_and_those_above(
    uow: UnitOfWork, event: SlaBreached, ticket: Ticket
) -> Sequence[str | None]:
    told = await _whose_it_is(uow, event, ticket)
    people = await uow.find(User, {"_id": {"$in": list(told)}})
    return [*told, *(person.manager_id for person in people)]


def _is_still_owed(event: SlaNear | SlaBreached, ticket: Ticket) -> bool:
    """Tell whether nobody has kept the promise, or moved its date, since; long over, it is nobody's news."""
    return event.noted_at - event.due_at <= NEWS and any(
        (clock.metric, clock.due_at, clock.met_at) == (event.metric, event.due_at, None)
        for clock in ticket.sla
    )


def _agreed(event: SlaNear | SlaBreached, ticket: Ticket) -> Mapping[str, str]:
    return {"at": event.due_at.isoformat()}


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
        Alert(
            type="sla_near",
            event=SlaNear,
            about=Ticket,
            tells=_whose_it_is,
            when=_is_still_owed,
            is_moot=_is_done,
            words=_agreed,
        ),
        Alert(
            type="sla_breached",
            event=SlaBreached,
            about=Ticket,
            tells=_whose_it_is_and_those_above,
            when=_is_still_owed,
            is_moot=_is_done,
            words=_agreed,
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
