"""What may be done with a conversation. Its messages follow whom it may be read by."""

from collections.abc import Mapping
from typing import Any

from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.events import RecordCreated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Conversation, Message, Ticket
from backend.service.events import ConversationOpened
from backend.service.people import check_first_assignee, differing, made_by, settle_readers
from backend.service.rules import CONVERSATION_MOVES, HandledBy, check_move
from backend.service.sla_clocks import save_ticket

CUSTOMERS_SAY = frozenset({"channel", "contact_id", "subject", "language"})


async def open_conversation(
    uow: UnitOfWork, fields: Fields, *, id: str | None = None, handled_by: HandledBy | None = None
) -> Conversation:
    """Open a conversation. A customer opens their own: only the ``CUSTOMERS_SAY`` fields are theirs to set.

    ``handled_by`` is for callers in the house (the assistant), whatever the actor may set.
    """
    if uow.actor.is_customer:
        fields = _customers_fields(fields, uow.actor.contact_id)
    check_first_assignee(uow, Conversation, fields)
    conversation = await new_record(uow, Conversation, fields, id=id)
    conversation.owner_id = made_by(uow)
    if handled_by is not None:
        conversation.handled_by = handled_by
    await settle_readers(uow, conversation, fields)
    opened = ConversationOpened(
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        channel=conversation.channel,
    )
    uow.save(conversation, RecordCreated(), opened)
    return conversation


async def update_conversation(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Conversation:
    """Change a conversation; whoever may read it afterwards may read its messages, and nobody else."""
    conversation = await uow.access(Conversation, id, action="update", expected_version=expected_version)
    if uow.actor.is_customer:
        raise Forbidden("update", "conversation")
    was = conversation.model_copy()
    set_fields(conversation, fields)
    check_move(CONVERSATION_MOVES, "state", was.state, conversation.state)
    changed = differing(was, {name: getattr(conversation, name) for name in fields})
    if "assignee_id" in changed:
        await uow.access(Conversation, id, action="assign")
    await settle_readers(uow, conversation, changed)
    uow.save(conversation)
    return conversation


async def delete_conversation(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> Conversation:
    """Delete a conversation with all that was said in it; its ticket stays, without it."""
    conversation = await uow.access(Conversation, id, action="delete", expected_version=expected_version)
    if conversation.ticket_id is not None:
        ticket = await uow.access(Ticket, conversation.ticket_id, action="update")
        ticket.conversation_id, ticket.waits_since = None, None
        await save_ticket(uow, ticket)
    for message in await uow.find(Message, {"conversation_id": id}):
        uow.delete(await uow.access(Message, message.id, action="delete"))
    uow.delete(conversation)
    return conversation


async def set_conversation(uow: UnitOfWork, id: str, **values: Any) -> Conversation:
    """Set fields that other records of this room decide, such as the ticket's assignee; all are trusted."""
    conversation = await uow.access(Conversation, id, action="update")
    for name, value in values.items():
        setattr(conversation, name, value)
    uow.save(conversation)
    return conversation


def _customers_fields(fields: Fields, contact_id: str | None) -> Mapping[str, Any]:
    others = [name for name in fields if name not in CUSTOMERS_SAY]
    if others:
        raise InvalidInput(
            *(FieldError(name, "is not for customers to set; leave it out") for name in others)
        )
    if fields.get("contact_id") not in (None, contact_id):
        raise InvalidInput(
            FieldError("contact_id", "is somebody else; leave it out, and the conversation is yours")
        )
    return {**fields, "contact_id": contact_id}
