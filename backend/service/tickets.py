"""What may be done with a ticket. Its conversation follows its assignee and its end."""

from datetime import datetime

from backend.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from backend.core.events import DomainEvent, RecordCreated, RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.numbers import next_number
from backend.service.conversations import set_conversation
from backend.service.documents import AiOutcome, Conversation, Ticket
from backend.service.events import TicketAssigned, TicketCreated, TicketStatusChanged
from backend.service.people import check_first_assignee, differing, made_by, settle_readers
from backend.service.rules import (
    ConversationState,
    HandledBy,
    Progress,
    TicketStatus,
    moved,
    ticket_number,
)
from backend.service.sla_clocks import restart_clocks, save_ticket

ENDS = {
    TicketStatus.RESOLVED: ConversationState.RESOLVED,
    TicketStatus.CLOSED: ConversationState.CLOSED,
}

FROM_CONVERSATION = ("contact_id", "account_id", "assignee_id", "team_id", "channel")
# What a conversation takes from its ticket, so that both have the same readers.
LED = ("assignee_id", "team_id", "account_id", "account_owner_id")


async def create_ticket(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Ticket:
    """Create a ticket under the workspace's next number.

    With ``conversation_id`` the conversation is attached, and gives its customer, account and channel
    where ``fields`` are silent. Customers write in a conversation instead.
    """
    if uow.actor.is_customer:
        raise Forbidden("create", "ticket")
    check_first_assignee(uow, Ticket, fields)
    return await file_ticket(uow, fields, id=id)


async def file_ticket(
    uow: UnitOfWork,
    fields: Fields,
    *,
    id: str | None = None,
    follows_id: str | None = None,
    handoff_reason: str = "",
) -> Ticket:
    """Create a ticket on behalf of whoever acts, a customer included: for callers in this room."""
    conversation = await _free_conversation(uow, fields.get("conversation_id"))
    fields = {**_from_conversation(conversation), **fields}
    ticket = await new_record(uow, Ticket, fields, id=id)
    wanted, ticket.status = ticket.status, TicketStatus.NEW
    ticket.take_progress(moved(ticket.progress, wanted, at=uow.at))
    ticket.owner_id, ticket.opened_at, ticket.follows_id = made_by(uow), uow.at, follows_id
    if handoff_reason:
        ticket.ai_outcome, ticket.handoff_reason = AiOutcome.HANDED_OFF, handoff_reason
    if conversation is not None:
        ticket.account_owner_id = conversation.account_owner_id
    await settle_readers(uow, ticket, differing(conversation, fields) if conversation else fields)
    ticket.number = ticket_number(await next_number(uow, "ticket"))
    created = TicketCreated(
        ticket_id=ticket.id,
        number=ticket.number,
        contact_id=ticket.contact_id,
        conversation_id=ticket.conversation_id,
        by=uow.actor.user_id,
    )
    await save_ticket(uow, ticket, RecordCreated(), created, *_assigned(uow, ticket))
    if conversation is not None:
        # A ticket is work for people.
        waits = conversation.state is ConversationState.OPEN
        state = ConversationState.WAITING_HUMAN if waits else conversation.state
        await set_conversation(uow, conversation.id, ticket_id=ticket.id, state=state)
        await _lead_conversation(uow, ticket)
    return ticket


async def update_ticket(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Ticket:
    """Change a ticket. Another status must be one that may follow; another assignee is an assignment."""
    ticket = await uow.access(Ticket, id, action="update", expected_version=expected_version)
    if uow.actor.is_customer:
        raise Forbidden("update", "ticket")
    before, was = ticket.progress, ticket.model_copy()
    set_fields(ticket, fields)
    changed = differing(was, {name: getattr(ticket, name) for name in fields})
    if "assignee_id" in changed:
        await uow.access(Ticket, id, action="assign")
    if "conversation_id" in changed:
        raise InvalidInput(
            FieldError("conversation_id", "is set once; open a ticket for the other conversation")
        )
    await settle_readers(uow, ticket, changed)
    events = _assigned(uow, ticket) if "assignee_id" in changed else []
    await _save_moved(uow, ticket, before, ticket.status, at=uow.at, changed=changed, events=events)
    return ticket


async def assign_ticket(
    uow: UnitOfWork, id: str, assignee_id: str | None, *, expected_version: int | None = None
) -> Ticket:
    """Give a ticket to a person of ours (None: to nobody); to whom it has already nothing changes."""
    ticket = await uow.access(Ticket, id, action="assign", expected_version=expected_version)
    before = ticket.assignee_id
    set_fields(ticket, {"assignee_id": assignee_id})
    if ticket.assignee_id == before:
        return ticket
    await settle_readers(uow, ticket, {"assignee_id": assignee_id})
    await save_ticket(uow, ticket, RecordUpdated(fields=("assignee_id",)), *_assigned(uow, ticket))
    await _lead_conversation(uow, ticket)
    return ticket


async def move_ticket(
    uow: UnitOfWork, id: str, status: TicketStatus, *, at: datetime | None = None
) -> Ticket:
    """Bring a ticket to ``status`` as of ``at`` (now): what an import knows better than the clock."""
    ticket = await uow.access(Ticket, id, action="update")
    changed = {"status": status}
    await _save_moved(uow, ticket, ticket.progress, status, at=at or uow.at, changed=changed, events=[])
    return ticket


async def date_ticket(uow: UnitOfWork, id: str, opened_at: datetime) -> Ticket:
    """Say when a ticket that is brought in from elsewhere was opened."""
    ticket = await uow.access(Ticket, id, action="update")
    ticket.opened_at = opened_at
    await restart_clocks(uow, ticket, at=opened_at)
    return ticket


async def take_progress(uow: UnitOfWork, ticket: Ticket, progress: Progress, *, at: datetime) -> None:
    """Save a ticket standing where a rule says since ``at``, and announce a change of status."""
    before = ticket.status
    ticket.take_progress(progress)
    moved = [RecordUpdated(fields=("status",)), _status_changed(uow, ticket, before)]
    await save_ticket(uow, ticket, *(moved if progress.status is not before else ()), at=at)


async def delete_ticket(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Ticket:
    """Delete a ticket; its conversation stays, without it."""
    ticket = await uow.access(Ticket, id, action="delete", expected_version=expected_version)
    conversation = await _conversation_of(uow, ticket)
    if conversation is not None:
        await set_conversation(uow, conversation.id, ticket_id=None)
    ticket.take_clocks([])  # nobody need look at it any more
    uow.delete(ticket)
    return ticket


async def _free_conversation(uow: UnitOfWork, id: str | None) -> Conversation | None:
    """Return the conversation to attach; raise InvalidInput while another ticket is at work on it."""
    if id is None:
        return None
    conversation = await uow.access(Conversation, id, action="update")
    held = await open_ticket_of(uow, conversation)
    if held is not None:
        raise InvalidInput(
            FieldError("conversation_id", f"has the open ticket {held.number}; go on with that one")
        )
    return conversation


async def open_ticket_of(uow: UnitOfWork, conversation: Conversation) -> Ticket | None:
    """Return the conversation's ticket unless it has none or that one is resolved or closed."""
    if conversation.ticket_id is None:
        return None
    ticket = await uow.access(Ticket, conversation.ticket_id)
    return None if ticket.progress.is_done else ticket


def _from_conversation(conversation: Conversation | None) -> Fields:
    if conversation is None:
        return {}
    return {name: getattr(conversation, name) for name in FROM_CONVERSATION}


def _assigned(uow: UnitOfWork, ticket: Ticket) -> list[DomainEvent]:
    if ticket.assignee_id is None:
        return []
    by = uow.actor.user_id
    return [
        TicketAssigned(
            ticket_id=ticket.id,
            assignee_id=ticket.assignee_id,
            number=ticket.number,
            by=by,
        )
    ]


async def _save_moved(
    uow: UnitOfWork,
    ticket: Ticket,
    before: Progress,
    to: TicketStatus,
    *,
    at: datetime,
    changed: Fields,
    events: list[DomainEvent],
) -> None:
    """Save a changed ticket that came from ``before``, with its events, and lead its conversation."""
    ticket.take_progress(moved(before, to, at=at))
    if to is not before.status:
        events = [*events, _status_changed(uow, ticket, before.status)]
    said = [RecordUpdated(fields=tuple(sorted(changed))), *events] if events else []
    await save_ticket(uow, ticket, *said, at=at)
    if to is not before.status or not changed.keys().isdisjoint(LED):
        await _lead_conversation(uow, ticket)


def _status_changed(uow: UnitOfWork, ticket: Ticket, before: TicketStatus) -> TicketStatusChanged:
    return TicketStatusChanged(
        ticket_id=ticket.id,
        number=ticket.number,
        before=before,
        after=ticket.status,
        by=uow.actor.user_id,
    )


async def _conversation_of(uow: UnitOfWork, ticket: Ticket) -> Conversation | None:
    """Return the conversation that this ticket leads: a later ticket may have it, or it may be gone."""
    if ticket.conversation_id is None:
        return None
    try:
        conversation = await uow.access(Conversation, ticket.conversation_id, action="update")
    except NotFound:
        return None
    return conversation if conversation.ticket_id == ticket.id else None


async def _lead_conversation(uow: UnitOfWork, ticket: Ticket) -> None:
    """Let the ticket's conversation have its assignee, and end or go on with it."""
    conversation = await _conversation_of(uow, ticket)
    if conversation is None:
        return
    values: dict[str, object] = {name: getattr(ticket, name) for name in LED}
    if ticket.progress.is_done:
        values["state"] = ENDS[ticket.status]
    elif conversation.state in ENDS.values():
        values["state"] = ConversationState.WAITING_HUMAN
    if ticket.assignee_id is not None:
        values["handled_by"] = HandledBy.HUMAN
    await set_conversation(uow, conversation.id, **values)
