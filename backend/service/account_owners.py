"""Keeping the copied account owner true: the house looks as itself, since a customer sees no account."""

from collections.abc import Mapping
from functools import partial

import svcs

from backend.core.access import system_actor
from backend.core.events import RecordUpdated
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Contact
from backend.service.conversations import set_conversation
from backend.service.documents import Conversation, CustomerMatter, Ticket
from backend.service.people import find_account_owner
from backend.service.sla_clocks import save_ticket

MATTERS: Mapping[str, type[CustomerMatter]] = {Ticket.kind: Ticket, Conversation.kind: Conversation}
LOOKED_AT = frozenset({"owner_id", "account_id", "contact_id"})


async def on_record_changed(delivery: Delivery, services: svcs.Container) -> None:
    """Give a matter its account's owner when it appears or changes hands, or when the account does."""
    entry, event = delivery.entry, delivery.event
    if isinstance(event, RecordUpdated) and LOOKED_AT.isdisjoint(event.fields):
        return
    store = await services.aget(Store)
    house = system_actor(entry.workspace_id)
    if entry.kind in MATTERS:
        found = [(MATTERS[entry.kind], entry.record_id)]
    elif entry.kind == "account" and isinstance(event, RecordUpdated):
        unit = store.unit_of_work(house)
        found = [
            (matter, record.id)
            for matter in MATTERS.values()
            for record in await unit.find(matter, {"account_id": entry.record_id})
        ]
    else:
        return
    for matter, id in found:
        await store.write(house, partial(copy_account, matter=matter, id=id))


async def copy_account(uow: UnitOfWork, *, matter: type[CustomerMatter], id: str) -> None:
    """Copy the account (by the contact, when none is named) and its owner into a ticket or conversation."""
    record = await uow.find_one(matter, {"_id": id})
    if record is None:
        return
    contact = await uow.find_one(Contact, {"_id": record.contact_id}) if record.contact_id else None
    account_id = record.account_id or (contact.account_id if contact else None)
    owner_id = await find_account_owner(uow, account_id)
    if isinstance(record, Conversation):
        await set_conversation(uow, id, account_id=account_id, account_owner_id=owner_id)
        return
    ticket = await uow.access(Ticket, id, action="update")
    ticket.account_id, ticket.account_owner_id = account_id, owner_id
    await save_ticket(uow, ticket)
