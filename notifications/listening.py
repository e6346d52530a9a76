"""What happened elsewhere in the house, and who is told about it."""

from collections.abc import Mapping

import structlog
import svcs

from backend.core import relay
from backend.core.access import system_actor
from backend.core.errors import NotFound, Unauthenticated
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Task, TaskStatus
from backend.crm.events import TaskAssigned
from backend.identity.actors import Actors
from backend.identity.documents import User
from backend.service.documents import AiOutcome, Conversation, Ticket
from backend.service.events import MessageReceived, TicketAssigned, TicketCreated
from notifications.catalogue import (
    HANDED_OFF,
    MESSAGE_RECEIVED,
    TASK_ASSIGNED,
    TICKET_ASSIGNED,
    NotificationType,
)
from notifications.inbox import notify

log = structlog.get_logger(__name__)

OCCASIONS = (TicketAssigned, TaskAssigned, MessageReceived, TicketCreated)


async def on_occasion(handed: relay.Delivery, services: svcs.Container) -> None:
    """Tell whom it concerns. Handed over twice, it tells once."""
    match handed.event:
        case TicketAssigned() as event:
            words = {"by": await _name_of_actor(handed, services)}
            await _tell(handed, services, TICKET_ASSIGNED, event.assignee_id, Ticket, event.ticket_id, words)
        case TaskAssigned() as event:
            words = {"by": await _name_of_actor(handed, services)}
            await _tell(
                handed, services, TASK_ASSIGNED, event.assignee_id, Task, handed.entry.record_id, words
            )
        case MessageReceived(assignee_id=str(assignee_id)) as event:
            await _tell_of_message(handed, services, event, assignee_id)
        case TicketCreated() as event:
            await _tell_of_hand_off(handed, services, event)


async def _tell_of_message(
    handed: relay.Delivery, services: svcs.Container, event: MessageReceived, assignee_id: str
) -> None:
    uow = _as_the_house(handed, await services.aget(Store))
    conversation = await uow.find_one(Conversation, {"_id": event.conversation_id})
    if conversation is not None:
        await _tell(handed, services, MESSAGE_RECEIVED, assignee_id, Conversation, conversation.id, {})


async def _tell_of_hand_off(handed: relay.Delivery, services: svcs.Container, event: TicketCreated) -> None:
    """Tell the ticket's team, or without one all agents, that the assistant handed a customer over."""
    uow = _as_the_house(handed, await services.aget(Store))
    ticket = await uow.find_one(Ticket, {"_id": event.ticket_id})
    if ticket is None or ticket.ai_outcome is not AiOutcome.HANDED_OFF or ticket.assignee_id:
        return
    for person in await uow.find(User):
        if ticket.team_id in person.team_ids if ticket.team_id else "agent" in person.role_keys:
            await _tell(handed, services, HANDED_OFF, person.id, Ticket, ticket.id, {})


async def _tell(
    handed: relay.Delivery,
    services: svcs.Container,
    type: NotificationType,
    recipient_id: str,
    subject_kind: type[Record],
    subject_id: str,
    words: Mapping[str, str],
) -> None:
    """Notify one person, unless they did it themselves, may not see what it is about, or it is done."""
    entry = handed.entry
    if recipient_id == entry.actor_id:
        return
    store, actors = await services.aget(Store, Actors)
    try:
        recipient = await actors.of_user(entry.workspace_id, recipient_id)
        subject = await store.unit_of_work(recipient).access(subject_kind, subject_id)
    except (Unauthenticated, NotFound) as error:
        log.info("notification_withheld", type=type.key, user_id=recipient_id, reason=error.code)
        return
    if _is_done(subject):  # an import knows of many old assignments
        return

    async def write(uow: UnitOfWork) -> Record | None:
        return await notify(
            uow,
            type,
            recipient_id=recipient_id,
            key=entry.key,
            subject_kind=subject_kind.kind,
            subject_id=subject_id,
            words={"subject": _heading(subject), **words},
        )

    await store.write(system_actor(entry.workspace_id), write)


def _heading(subject: Record) -> str:
    """Return what a subject is called, as the recipient may see it."""
    match subject:
        case Ticket():
            return subject.subject
        case Task():
            return subject.title
        case Conversation():
            return subject.subject or subject.channel.value
    return ""


def _is_done(subject: Record) -> bool:
    match subject:
        case Ticket():
            return subject.progress.is_done
        case Task():
            return subject.status in (TaskStatus.DONE, TaskStatus.CANCELLED)
    return False


async def _name_of_actor(handed: relay.Delivery, services: svcs.Container) -> str:
    """Return the name of who did it; empty when the house did."""
    uow = _as_the_house(handed, await services.aget(Store))
    person = await uow.find_one(User, {"_id": handed.entry.actor_id})
    return person.name if person else ""


def _as_the_house(handed: relay.Delivery, store: Store) -> UnitOfWork:
    return store.unit_of_work(system_actor(handed.entry.workspace_id))
