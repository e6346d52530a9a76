"""Which columns of the service room's records travel to phones. What was said is only ever added to."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields
from backend.core.records import Record
from backend.core.sync import CUSTOM_FIELDS, SyncedCollection, shown, synced, with_phone_id
from backend.core.sync_policy import Policy
from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import open_conversation
from backend.service.documents import Conversation, Message, Ticket
from backend.service.messages import create_message
from backend.service.tickets import create_ticket, delete_ticket, update_ticket


async def _refuse_update(uow: UnitOfWork, id: str, fields: Fields) -> Record:
    raise InvalidInput(FieldError("input", "cannot change what was said; write another message instead"))


async def _refuse_delete(uow: UnitOfWork, id: str) -> Record:
    raise InvalidInput(FieldError("input", "cannot take back what was said; ask a manager to delete it"))


TICKETS = SyncedCollection(
    name="ticket",
    record=Ticket,
    fields=(
        shown("number"),
        synced("subject", required=True),
        synced("description", policy=Policy.APPEND),
        synced("status"),
        synced("priority"),
        synced("type"),
        synced("channel"),
        synced("category"),
        synced("tags", "list", policy=Policy.SET_UNION),
        synced("assignee_id"),
        synced("contact_id"),
        synced("account_id"),
        synced("conversation_id"),
        CUSTOM_FIELDS,
        shown("opened_at", "datetime"),
        shown("resolved_at", "datetime"),
        shown("waits_since", "datetime"),
        shown("sla_due_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_ticket),
    update=update_ticket,
    delete=delete_ticket,
    keep_if_edited=True,
    priority=4,
)

CONVERSATIONS = SyncedCollection(
    name="conversation",
    record=Conversation,
    fields=(
        synced("channel"),
        synced("subject"),
        synced("language"),
        synced("contact_id"),
        shown("account_id"),
        shown("ticket_id"),
        shown("state"),
        shown("handled_by"),
        shown("assignee_id"),
        shown("last_message_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(open_conversation),
    update=_refuse_update,
    delete=_refuse_delete,
    priority=6,
)

MESSAGES = SyncedCollection(
    name="message",
    record=Message,
    fields=(
        synced("conversation_id", required=True),
        synced("body", required=True),
        synced("direction"),
        shown("author_kind"),
        shown("author_id"),
        shown("at", "datetime"),
        shown("answer_id"),
    ),
    create=with_phone_id(create_message),
    update=_refuse_update,
    delete=_refuse_delete,
    priority=8,
)
