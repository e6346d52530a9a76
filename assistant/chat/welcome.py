"""How a visitor of a web site comes to a conversation."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from backend.core.access import system_actor
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.sign_in import TokenPolicy
from backend.identity.visitors import Admitted, Knock, admit_visitor
from backend.service.conversations import open_conversation
from backend.service.documents import Channel, Conversation
from backend.service.rules import HandledBy


@dataclass(frozen=True, kw_only=True)
class Welcomed:
    """A visitor who is in, and the one conversation that is theirs."""

    admitted: Admitted
    conversation_id: str


async def welcome_visitor(policy: TokenPolicy, store: Store, knock: Knock) -> Welcomed:
    """Let a visitor in and open their conversation; the same visitor again finds the same one.

    Raise what ``admit_visitor`` raises.
    """
    admitted = await admit_visitor(policy, store, knock)
    visitor = admitted.visitor
    conversation_id = derived_id("visitor's conversation", visitor.id)
    fields = {
        "channel": Channel.WEBCHAT,
        "contact_id": visitor.id,
        "language": visitor.locale,
        "subject": f"{admitted.key.name} · {urlsplit(knock.origin).netloc}",
    }

    async def open_once(uow: UnitOfWork) -> None:
        if not await uow.is_taken(Conversation, conversation_id):
            await open_conversation(uow, fields, id=conversation_id, handled_by=HandledBy.AI)

    await store.write(
        system_actor(visitor.workspace_id), open_once, mutation_id=f"visitor's conversation {visitor.id}"
    )
    return Welcomed(admitted=admitted, conversation_id=conversation_id)
