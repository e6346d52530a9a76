"""How a conversation with the assistant begins."""

from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import open_conversation
from backend.service.documents import Channel, Conversation
from backend.service.rules import HandledBy


async def start_conversation(uow: UnitOfWork, *, channel: Channel, subject: str = "") -> Conversation:
    """Open a conversation of the actor's, answered by the assistant first."""
    fields = {"channel": channel, "subject": subject, "language": uow.actor.locale}
    return await open_conversation(uow, fields, handled_by=HandledBy.AI)
