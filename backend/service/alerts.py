"""What people are told about tickets and conversations."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from backend.core.alerts import Alert, Mentioning, Telling, heading_of
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from backend.service.documents import (
    AiOutcome,
    AuthorKind,
    Conversation,
    CustomerMatter,
    Message,
    MessageDirection,
    Ticket,
    TicketPriority,
)
from backend.service.events import (
    MessageReceived,
    NoteWritten,
    SlaBreached,
    SlaNear,
    TicketAssigned,
    TicketCreated,
    TicketMadeUrgent,
)
from backend.service.rules import ConversationState

NEWS = timedelta(days=1)


async def _assignee(uow: UnitOfWork, event: TicketAssigned, _: object) -> Sequence[str | None]:
    return [event.assignee_id]


async def _everybody_who_may_take_it(uow: UnitOfWork, _: object, matter: CustomerMatter) -> Sequence[str]:
    """Return the team of a ticket or conversation; all agents where it has none; else the admins.

    Who left is nobody, so that no customer waits for a team that is empty.
    """
    people = [
        one for one in await uow.find(User, {"contact_id": None}) if one.is_active and not one.is_service
    ]
    team = [one.id for one in people if matter.team_id and matter.team_id in one.team_ids]
    agents = [one.id for one in people if "agent" in one.role_keys]
    return team or agents or [one.id for one in people if "admin" in one.role_keys]


async def _all_who_may_come(
    uow: UnitOfWork, event: TicketCreated | TicketMadeUrgent, ticket: Ticket
) -> Sequence[str | None]:
    """Return the assignee and those who may come instead: whoever has it may be asleep."""
    return [ticket.assignee_id, *await _everybody_who_may_take_it(uow, event, ticket)]


async def _who_answers(
    uow: UnitOfWork, event: MessageReceived, conversation: Conversation
) -> Sequence[str | None]:
    """Return the assignee; without one who of ours has written there, else all who may take it."""
    if event.assignee_id or not _is_with_people(event, conversation):
        return [event.assignee_id]
    where = {"conversation_id": conversation.id, "author_kind": AuthorKind.AGENT}
    wrote = [one.author_id for one in await uow.find(Message, where)]
    return wrote or await _everybody_who_may_take_it(uow, event, conversation)


def _is_with_people(event: MessageReceived, conversation: Conversation) -> bool:
    """Tell whether people are to answer: not yet by the message with which it is handed over."""
    waits = conversation.state is ConversationState.WAITING_HUMAN and event.ticket_id is not None
    return waits or conversation.state is ConversationState.HUMAN


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
    return ticket.ai_outcome is AiOutcome.HANDED_OFF and not ticket.assignee_id and not _is_urgent(ticket)


def _is_urgent_for_people(event: TicketCreated, ticket: Ticket) -> bool:
    return ticket.ai_outcome is AiOutcome.HANDED_OFF and _is_urgent(ticket)


def _is_urgent(ticket: Ticket) -> bool:
    return ticket.priority is TicketPriority.URGENT


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
            tells=_who_answers,
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
            type="handed_off_urgently",
            event=TicketCreated,
            about=Ticket,
            record_id=lambda event: event.ticket_id,
            tells=_all_who_may_come,
            when=_is_urgent_for_people,
            is_moot=_is_done,
        ),
        Alert(
            type="handed_off_urgently",
            event=TicketMadeUrgent,
            about=Ticket,
            tells=_all_who_may_come,
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
            written=NoteWritten,
        ),
        Mentioning(about=Ticket, texts=("description",)),
    ),
)
