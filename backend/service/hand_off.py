"""From the assistant to people: a ticket that holds the whole conversation."""

from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import set_conversation
from backend.service.documents import Conversation, Ticket, TicketPriority
from backend.service.rules import ConversationState, HandledBy
from backend.service.sla_clocks import save_ticket
from backend.service.tickets import file_ticket, open_ticket_of


async def hand_off_to_ticket(
    uow: UnitOfWork,
    conversation_id: str,
    *,
    reason: str,
    subject: str,
    summary: str = "",
    priority: TicketPriority | None = None,
    id: str | None = None,
) -> Ticket:
    """Hand a conversation to people: return its open ticket, or a new one with the conversation attached.

    ``reason`` is a short code, ``summary`` what an agent should know at a glance. A second hand-off finds
    the first one's ticket, raised to ``priority`` where that is given; after a finished ticket the new one
    follows it. The customer may be the actor.
    """
    conversation = await uow.access(Conversation, conversation_id, action="update")
    held = await open_ticket_of(uow, conversation)
    if held is not None:
        return await _raised(uow, held, priority)
    fields = {"subject": subject, "description": summary, "conversation_id": conversation.id}
    if priority is not None:
        fields["priority"] = priority
    ticket = await file_ticket(uow, fields, id=id, follows_id=conversation.ticket_id, handoff_reason=reason)
    await set_conversation(
        uow, conversation.id, state=ConversationState.WAITING_HUMAN, handled_by=HandledBy.NONE
    )
    return ticket


async def _raised(uow: UnitOfWork, held: Ticket, priority: TicketPriority | None) -> Ticket:
    if priority is None or priority is held.priority:
        return held
    ticket = await uow.access(Ticket, held.id, action="update")
    ticket.priority = priority
    await save_ticket(uow, ticket)
    return ticket
