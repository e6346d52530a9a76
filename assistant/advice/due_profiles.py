"""Which profiles are due: noted when something about a customer changes, computed by a job soon after.

A note is no record: it names a customer by id and says nothing. Many changes in a row make one computation.
"""

from datetime import datetime, timedelta
from typing import ClassVar

import svcs
from beanie import Document
from pydantic import Field
from pymongo import IndexModel

from assistant.advice.profiles import recompute_profile
from backend.core.access import system_actor
from backend.core.events import RecordCreated
from backend.core.ids import new_id
from backend.core.records import REGISTRY, Record
from backend.core.relay import Delivery
from backend.core.settings import Settings
from backend.core.store import Store
from backend.crm.documents import Account, Activity, Contact, Task
from backend.sales.contract_documents import Contract, Payment
from backend.sales.documents import Lead, Opportunity
from backend.sales.quote_documents import Quote
from backend.service.documents import Conversation, Message, Ticket
from backend.service.events import MessageReceived

AT_ONCE = 100  # profiles in one run of the job
TOLD_BY = frozenset(
    kind.kind
    for kind in (
        *(Opportunity, Lead, Quote, Contract, Payment),
        *(Ticket, Activity, Task, Conversation, Message),
    )
)
THEMSELVES = frozenset({Account.kind, Contact.kind})


class DueProfile(Document):
    """A customer whose profile is due at ``due_at``; ``stamp`` moves with every change."""

    id: str = Field(default_factory=new_id)  # type: ignore[assignment]  # Beanie's default is ObjectId
    workspace_id: str
    subject_id: str
    due_at: datetime
    stamp: str

    class Settings:
        name = "due_profiles"
        indexes: ClassVar = [IndexModel([("due_at", 1)])]


async def on_customer_changed(delivery: Delivery, services: svcs.Container) -> None:
    """Note that the profiles of whom a changed record is about are due."""
    entry = delivery.entry
    if entry.kind not in TOLD_BY | THEMSELVES:
        return
    if entry.kind == Message.kind and isinstance(delivery.event, RecordCreated):
        return  # a profile is made of what the customer wrote: MessageReceived tells of that, and of no other
    store, settings = await services.aget(Store, Settings)
    event, kind, id = delivery.event, REGISTRY[entry.kind], entry.record_id
    if isinstance(event, MessageReceived):
        kind, id = Conversation, event.conversation_id  # what the message itself would be asked for
    record = await store.reader.get(kind, id)
    if record is None:
        return
    # A customer who is new and of whom nothing is told yet has no profile: the first event makes it.
    if entry.kind in THEMSELVES and record.created_at == record.updated_at:
        return
    delay = timedelta(seconds=settings.profile_delay_seconds)
    for id in await _whose(store, record):
        await note_due(store, entry.workspace_id, id, within=delay)


async def _whose(store: Store, record: Record) -> set[str]:
    if isinstance(record, Message):
        talk = await store.reader.get(Conversation, record.conversation_id)
        return await _whose(store, talk) if talk is not None else set()
    own = {record.id} if record.kind in THEMSELVES else set()
    ties = (getattr(record, name, None) for name in ("account_id", "contact_id"))
    return own | {one for one in ties if isinstance(one, str)}


async def note_due(store: Store, workspace_id: str, subject_id: str, *, within: timedelta) -> None:
    """Note that a profile is due: the first of many changes says when, later ones that it is still so."""
    rows, due_at = DueProfile.get_pymongo_collection(), store.clock.now() + within
    await rows.update_one(
        {"_id": f"{workspace_id}|{subject_id}"},
        {
            "$setOnInsert": {"workspace_id": workspace_id, "subject_id": subject_id},
            "$min": {"due_at": due_at},
            "$set": {"stamp": new_id()},
        },
        upsert=True,
    )


async def compute_due_profiles(
    services: svcs.Container, *, workspace_id: str | None = None, until: datetime | None = None
) -> int:
    """Compute the profiles that are due (of one workspace, by ``until``); return how many were."""
    store = await services.aget(Store)
    rows = DueProfile.get_pymongo_collection()
    where: dict[str, object] = {"due_at": {"$lte": until or store.clock.now()}}
    if workspace_id is not None:
        where["workspace_id"] = workspace_id
    due = await rows.find(where).sort("due_at", 1).limit(AT_ONCE).to_list()
    for one in due:
        await _compute(store, one["workspace_id"], one["subject_id"])
        # What changed meanwhile moved the stamp: it stays due.
        await rows.delete_one({"_id": one["_id"], "stamp": one["stamp"]})
    return len(due)


async def _compute(store: Store, workspace_id: str, subject_id: str) -> None:
    await store.write(system_actor(workspace_id), lambda uow: recompute_profile(uow, subject_id))


async def run_due_profiles(services: svcs.Container) -> None:
    """Compute what is due, some at a time: the job."""
    await compute_due_profiles(services)
