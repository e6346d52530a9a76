"""Gather what a profile and a next action are made from: records the asker may read, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from backend.core.errors import Forbidden, NotFound
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Activity, Contact, Task
from backend.sales.documents import Opportunity, Pipeline
from backend.service.documents import Ticket

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Reference:
    """A record that something rests on."""

    kind: str
    id: str
    title: str


@dataclass(kw_only=True)
class Subject:
    """A customer seen whole; ``about`` is the record that was asked for."""

    about: Record
    account: Account | None = None
    contact: Contact | None = None
    contacts: list[Contact] = field(default_factory=list)
    opportunities: list[Opportunity] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)


async def gather_subject(uow: UnitOfWork, id: str) -> Subject:
    """Return the customer behind an account, contact, opportunity or ticket.

    Raise NotFound when no such record is visible, Forbidden for customers: this is for staff.
    """
    if uow.actor.is_customer:
        raise Forbidden("read", "customer_profile")
    about = await _find_subject(uow, id)
    contact = (
        about if isinstance(about, Contact) else await _visible(uow, Contact, _id_of(about, "contact_id"))
    )
    account_id = about.id if isinstance(about, Account) else _id_of(about, "account_id")
    if account_id is None and contact is not None:
        account_id = contact.account_id
    subject = Subject(about=about, contact=contact, account=await _visible(uow, Account, account_id))
    where = {"account_id": account_id} if account_id else {"contact_id": contact.id if contact else id}
    if account_id:
        subject.contacts = await uow.find(Contact, where)
    elif contact is not None:
        subject.contacts = [contact]
    subject.opportunities = await uow.find(Opportunity, where)
    subject.tickets = await uow.find(Ticket, where)
    subject.activities = sorted(await uow.find(Activity, where), key=lambda one: one.at)
    subject.tasks = await uow.find(Task, where)
    if isinstance(about, Contact):
        _keep_to_contact(subject, about)
    return subject


async def closed_opportunities(uow: UnitOfWork) -> list[Opportunity]:
    """Return the won and lost opportunities that the asker may read: the workspace's own experience."""
    found: list[Opportunity] = []
    for pipeline in await uow.find(Pipeline):
        ends = [stage.key for stage in pipeline.stages if stage.type != "open"]
        found += await uow.find(Opportunity, {"pipeline_id": pipeline.id, "stage": {"$in": ends}})
    return found


def refer(record: Record) -> Reference:
    """Name a record for people."""
    for name in ("name", "full_name", "subject", "title", "summary", "number"):
        title = getattr(record, name, "")
        if title:
            return Reference(record.kind, record.id, title if len(title) <= 80 else f"{title[:79]}…")
    return Reference(record.kind, record.id, "")


def refer_all(records: Sequence[Record]) -> tuple[Reference, ...]:
    return tuple(refer(record) for record in records)


async def _find_subject(uow: UnitOfWork, id: str) -> Record:
    kinds: tuple[type[Record], ...] = (Contact, Account, Opportunity, Ticket)
    for kind in kinds:
        found = await _visible(uow, kind, id)
        if found is not None:
            return found
    raise NotFound("customer", id)


async def _visible(uow: UnitOfWork, kind: type[R], id: str | None) -> R | None:
    if id is None:
        return None
    try:
        return await uow.access(kind, id)
    except NotFound:
        return None


def _id_of(record: Record, name: str) -> str | None:
    value = getattr(record, name, None)
    return value if isinstance(value, str) else None


def _keep_to_contact(subject: Subject, contact: Contact) -> None:
    """Of what belongs to the account keep the contact's own, and what names no contact at all."""
    own = (contact.id, None)
    subject.opportunities = [one for one in subject.opportunities if one.contact_id in own]
    subject.tickets = [one for one in subject.tickets if one.contact_id in own]
    subject.activities = [one for one in subject.activities if one.contact_id in own]
    subject.tasks = [one for one in subject.tasks if one.contact_id in own]
