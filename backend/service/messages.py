"""What may be said in a conversation, and what follows for it and its ticket."""

from datetime import datetime, timedelta

from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.events import RecordCreated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.consent import ConsentChannel, Purpose
from backend.crm.consents import check_consent
from backend.service.documents import AuthorKind, Channel, Conversation, Message, MessageDirection, Ticket
from backend.service.events import MessageReceived, MessageSent, NoteWritten
from backend.service.people import name_of
from backend.service.rules import (
    HandledBy,
    after_customer_reply,
    after_human_reply,
    check_message,
    state_after_customer_message,
    state_after_human_message,
)
from backend.service.tickets import take_progress

# Chats in an app have no channel of their own: only who objects to all of them is not written to there.
CONSENT_CHANNELS = {
    Channel.EMAIL: ConsentChannel.EMAIL,
    Channel.WHATSAPP: ConsentChannel.WHATSAPP,
    Channel.WECHAT: ConsentChannel.WECHAT,
    Channel.SMS: ConsentChannel.SMS,
    Channel.PHONE: ConsentChannel.PHONE,
}
ONE_TICK = timedelta(milliseconds=1)  # what the store tells apart


async def add_message(
    uow: UnitOfWork,
    conversation_id: str,
    body: str,
    *,
    direction: MessageDirection | None = None,
    author_kind: AuthorKind | None = None,
    author_id: str | None = None,
    answer_id: str | None = None,
    at: datetime | None = None,
    id: str | None = None,
) -> Message:
    """Say something in a conversation.

    By default a customer speaks as themselves, inbound, and a person of ours as themselves, outbound; an
    inbound message that one of ours writes down is the customer's. Raise InvalidInput when the customer
    has objected to being written to on the conversation's channel. Callers in the house name the author
    (``author_kind``: the assistant is ``bot``) and may know when it was said. Raise InvalidInput for a
    blank or overlong body and for a direction that is not the customer's; nothing is changed then.
    """
    check_message(body)
    conversation = await uow.access(Conversation, conversation_id, action="update")
    if author_kind is None:
        direction, author_kind, author_id = _speaker(uow, conversation, direction)
    said = {
        "conversation_id": conversation.id,
        "direction": direction or _usual_direction(author_kind),
        "author_kind": author_kind,
        "author_id": author_id,
        "answer_id": answer_id,
        "author_name": await name_of(uow, author_id) if author_kind is AuthorKind.AGENT else "",
        "body": body,
        "at": at or _now(uow, conversation),
        "owner_id": None,
    }
    message = await new_record(uow, Message, said, id=id)
    match message.direction:
        case MessageDirection.INTERNAL:
            written = () if message.author_kind is AuthorKind.BOT else (NoteWritten(),)
            uow.save(message, RecordCreated(), *written)
        case MessageDirection.INBOUND:
            await _receive(uow, conversation, message)
        case MessageDirection.OUTBOUND:
            await _send(uow, conversation, message)
    return message


async def create_message(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Message:
    """Say something from outside the house: ``conversation_id``, ``body`` and maybe ``direction``."""
    others = [name for name in fields if name not in ("conversation_id", "body", "direction")]
    if others:
        raise InvalidInput(*(FieldError(name, "cannot be set on a message; leave it out") for name in others))
    try:
        direction = MessageDirection(fields["direction"]) if fields.get("direction") else None
    except ValueError:
        raise InvalidInput(
            FieldError("direction", f"is none of {', '.join(MessageDirection)}; choose one or leave it out")
        ) from None
    conversation_id, body = str(fields.get("conversation_id") or ""), str(fields.get("body") or "")
    return await add_message(uow, conversation_id, body, direction=direction, id=id)


async def update_message(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Message:
    """Rewrite an internal note; only its author may. What was said to or by a customer stays as it was."""
    message = await uow.access(Message, id, action="update", expected_version=expected_version)
    if message.author_kind is not AuthorKind.AGENT or message.author_id != uow.actor.user_id:
        raise Forbidden("update", "message")
    if message.direction is not MessageDirection.INTERNAL:
        raise InvalidInput(FieldError("body", "was sent and stays as it is; write another message"))
    set_fields(message, {"body": fields.get("body")})
    check_message(message.body)
    uow.save(message)
    return message


async def delete_message(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Message:
    """Delete a message."""
    message = await uow.access(Message, id, action="delete", expected_version=expected_version)
    uow.delete(message)
    return message


def _speaker(
    uow: UnitOfWork, conversation: Conversation, direction: MessageDirection | None
) -> tuple[MessageDirection, AuthorKind, str | None]:
    if uow.actor.is_customer:
        if direction not in (None, MessageDirection.INBOUND):
            raise InvalidInput(
                FieldError("direction", "is not for customers to choose; leave it out, and it goes to us")
            )
        return MessageDirection.INBOUND, AuthorKind.CUSTOMER, uow.actor.contact_id
    if direction is MessageDirection.INBOUND:
        return direction, AuthorKind.CUSTOMER, conversation.contact_id
    ours = AuthorKind.SYSTEM if "system" in uow.actor.roles else AuthorKind.AGENT
    return direction or MessageDirection.OUTBOUND, ours, uow.actor.user_id


def _usual_direction(author: AuthorKind) -> MessageDirection:
    return MessageDirection.INBOUND if author is AuthorKind.CUSTOMER else MessageDirection.OUTBOUND


def _now(uow: UnitOfWork, conversation: Conversation) -> datetime:
    """Return a time after everything said before: two messages of one unit keep their order."""
    last = conversation.last_message_at
    return max(uow.at, last + ONE_TICK) if last else uow.at


async def _receive(uow: UnitOfWork, conversation: Conversation, message: Message) -> None:
    received = MessageReceived(
        message_id=message.id,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        assignee_id=conversation.assignee_id,
        ticket_id=conversation.ticket_id,
    )
    uow.save(message, RecordCreated(), received)
    conversation.state = state_after_customer_message(conversation.state, conversation.handled_by)
    _note_time(uow, conversation, message)
    if conversation.ticket_id is not None:
        ticket = await uow.access(Ticket, conversation.ticket_id, action="update")
        progress = after_customer_reply(ticket.progress, at=message.at)
        if not progress.is_done:  # a reply long after the end is a new matter
            ticket.waits_since = ticket.waits_since or message.at
        await take_progress(uow, ticket, progress, at=message.at)


async def _send(uow: UnitOfWork, conversation: Conversation, message: Message) -> None:
    if conversation.contact_id is not None and not uow.actor.is_customer:  # who asks just now may be answered
        way = CONSENT_CHANNELS.get(conversation.channel, ConsentChannel.ANY)
        await check_consent(uow, conversation.contact_id, Purpose.SERVICE, way)
    sent = MessageSent(
        message_id=message.id,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        author_kind=message.author_kind,
        author_id=message.author_id,
        ticket_id=conversation.ticket_id,
    )
    uow.save(message, RecordCreated(), sent)
    if message.author_kind is AuthorKind.AGENT:
        conversation.state = state_after_human_message(conversation.state)
        conversation.handled_by = HandledBy.HUMAN
    elif message.author_kind is AuthorKind.BOT and conversation.handled_by is HandledBy.NONE:
        conversation.handled_by = HandledBy.AI
    _note_time(uow, conversation, message)
    if message.author_kind is AuthorKind.AGENT and conversation.ticket_id is not None:
        ticket = await uow.access(Ticket, conversation.ticket_id, action="update")
        ticket.first_responded_at, ticket.waits_since = ticket.first_responded_at or message.at, None
        await take_progress(uow, ticket, after_human_reply(ticket.progress, at=message.at), at=message.at)


def _note_time(uow: UnitOfWork, conversation: Conversation, message: Message) -> None:
    last = conversation.last_message_at
    conversation.last_message_at = max(last, message.at) if last else message.at
    uow.save(conversation)
