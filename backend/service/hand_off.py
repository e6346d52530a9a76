"""From the assistant to people: a ticket that holds the whole conversation."""

from backend.core.events import RecordUpdated
from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import set_conversation
from backend.service.documents import Conversation, Ticket, TicketPriority
from backend.service.events import TicketMadeUrgent
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
    follows it. One that is urgent is announced each time, until a person is in the conversation. The customer
    may be the actor.
    """
    conversation = await uow.access(Conversation, conversation_id, action="update")
    held = await open_ticket_of(uow, conversation)
    if held is not None:
        is_attended = conversation.state is ConversationState.HUMAN
        return await _raised(uow, held, priority, is_attended=is_attended)
    fields = {"subject": subject, "description": summary, "conversation_id": conversation.id}
    if priority is not None:
        fields["priority"] = priority
    ticket = await file_ticket(uow, fields, id=id, follows_id=conversation.ticket_id, handoff_reason=reason)
    await set_conversation(
        uow, conversation.id, state=ConversationState.WAITING_HUMAN, handled_by=HandledBy.NONE
    )
    return ticket


async def _raised(
    uow: UnitOfWork, held: Ticket, priority: TicketPriority | None, *, is_attended: bool
) -> Ticket:
    is_higher = priority not in (None, held.priority)
    is_pressing = priority is TicketPriority.URGENT and (is_higher or not is_attended)
    if priority is None or not (is_higher or is_pressing):
        return held
    ticket = await uow.access(Ticket, held.id, action="update")
    ticket.priority = priority
    changed = [RecordUpdated(fields=("priority",))] if is_higher else []
    await save_ticket(uow, ticket, *changed, *([TicketMadeUrgent()] if is_pressing else []))
    return ticket
