"""Gather what a profile and a next action are made from: records the asker may read, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from backend.core.errors import Forbidden, NotFound
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Activity, Contact, Task
from backend.sales.contract_documents import Contract, Payment
from backend.sales.documents import Lead, Opportunity, Pipeline
from backend.sales.quote_documents import Quote
from backend.service.documents import Conversation, Message, MessageDirection, Ticket

R = TypeVar("R", bound=Record)
MOST_TALKS, MOST_MESSAGES = 20, 100  # the latest, of one customer
MOST_PAPERS = 200  # quotes, contracts and payments of one customer
MOST_CLOSED = 3_000  # deals that are over, the latest changed: what chances are learned from
NEEDED: dict[type[Record], frozenset[str]] = {
    Opportunity: frozenset({"stage_type", "probability", "currency"}),
    Ticket: frozenset({"status", "resolved_at"}),
    Quote: frozenset({"status", "opportunity_id", "sent_at"}),
    Contract: frozenset({"status", "value", "currency", "end", "auto_renew", "renewed_by_id"}),
    Payment: frozenset({"status", "amount", "received_total", "currency", "due"}),
}


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
    leads: list[Lead] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)  # of these contracts
    said: list[Message] = field(default_factory=list)  # by the customer, oldest first


async def gather_subject(uow: UnitOfWork, id: str, *, with_words: bool = False) -> Subject:
    """Return the customer behind an account, contact, opportunity or ticket; if wanted, with their messages.

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
    if judges(uow, Opportunity):
        subject.opportunities = await uow.find(Opportunity, where)
    if judges(uow, Ticket):
        subject.tickets = await uow.find(Ticket, where)
    subject.activities = sorted(await uow.find(Activity, where), key=lambda one: one.at)
    subject.tasks = await uow.find(Task, where)
    subject.leads = await uow.find(Lead, where)
    await _add_papers(uow, subject, where)
    if with_words:
        subject.said = await _said(uow, where, about)
    if isinstance(about, Contact):
        _keep_to_contact(subject, about)
    return subject


async def _add_papers(uow: UnitOfWork, subject: Subject, where: dict[str, str]) -> None:
    """Read the customer's quotes and contracts, and what is to be paid for the latter."""
    if judges(uow, Quote):
        subject.quotes = await uow.find(Quote, where, sort=[("version", -1)], limit=MOST_PAPERS)
    if judges(uow, Contract):
        subject.contracts = await uow.find(Contract, where, sort=[("version", -1)], limit=MOST_PAPERS)
    if subject.contracts and judges(uow, Payment):
        of_them = {"contract_id": {"$in": [one.id for one in subject.contracts]}}
        subject.payments = await uow.find(Payment, of_them, sort=[("due", 1)], limit=MOST_PAPERS)


async def closed_opportunities(uow: UnitOfWork) -> list[Opportunity]:
    """Return the won and lost opportunities that the asker may read: the workspace's own experience."""
    found: list[Opportunity] = []
    if not judges(uow, Opportunity):
        return found
    for pipeline in await uow.find(Pipeline):
        ends = [stage.key for stage in pipeline.stages if stage.type != "open"]
        over = {"pipeline_id": pipeline.id, "stage": {"$in": ends}}
        found += await uow.find(Opportunity, over, sort=[("version", -1)], limit=MOST_CLOSED)
    return found[:MOST_CLOSED]


def judges(uow: UnitOfWork, kind: type[Record]) -> bool:
    """Tell whether the asker sees what every judgement of this kind stands on.

    A hidden field reads as its default: a deal whose outcome is hidden would look open, a ticket new.
    """
    return NEEDED[kind].isdisjoint(uow.actor.mask(kind.kind).unseen)


async def _said(uow: UnitOfWork, where: dict[str, str], about: Record) -> list[Message]:
    """Return the latest messages of a customer, oldest first."""
    talks = await uow.find(Conversation, where, sort=[("version", -1)], limit=MOST_TALKS)
    if isinstance(about, Contact):
        talks = [one for one in talks if one.contact_id == about.id]
    if not talks:
        return []
    inbound = {
        "conversation_id": {"$in": [one.id for one in talks]},
        "direction": MessageDirection.INBOUND.value,
    }
    found = await uow.find(Message, inbound, sort=[("at", -1)], limit=MOST_MESSAGES)
    return found[::-1]


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
    subject.leads = [one for one in subject.leads if one.contact_id in own]
    subject.quotes = [one for one in subject.quotes if one.contact_id in own]
    subject.contracts = [one for one in subject.contracts if one.contact_id in own]
    kept = {one.id for one in subject.contracts}
    subject.payments = [one for one in subject.payments if one.contract_id in kept]
