"""Gather what a profile and a next action are made from: records the asker may read, nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from backend.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Activity, ActivityDirection, Contact, Task
from backend.crm.home import home_currency
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
    Activity: frozenset({"at", "direction"}),
    Conversation: frozenset({"last_message_at"}),
}
_LISTS = (
    *("contacts", "opportunities", "tickets", "activities", "tasks", "leads", "quotes", "contracts"),
    *("payments", "talks"),
)


@dataclass(frozen=True)
class Reference:
    """A record that something rests on."""

    kind: str
    id: str
    title: str


@dataclass(frozen=True)
class Contacted:
    """A moment at which a customer and somebody of ours were in touch, and over which channel."""

    at: datetime
    channel: str
    record: Activity | Conversation


@dataclass(kw_only=True)
class Subject:
    """A customer seen whole; ``about`` is the record that was asked for.

    ``unread`` are the kinds that the asker does not read: of them an empty list says nothing.
    """

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
    talks: list[Conversation] = field(default_factory=list)  # the latest, oldest first
    said: list[Message] = field(default_factory=list)  # by the customer, oldest first
    unread: frozenset[str] = frozenset()
    home_currency: str = ""  # the workspace's

    @property
    def knows_contacts(self) -> bool:
        """Tell whether the asker reads all that says when the customer was last spoken to."""
        return self.unread.isdisjoint({Activity.kind, Conversation.kind})

    def contacts_over_time(self) -> list[Contacted]:
        """Return when they were in touch, oldest first; notes among ourselves are no contact."""
        found = [
            Contacted(one.at, one.channel or one.type.value, one)
            for one in self.activities
            if one.direction is not ActivityDirection.INTERNAL
        ]
        found += [
            Contacted(one.last_message_at, one.channel.value, one)
            for one in self.talks
            if one.last_message_at
        ]
        return sorted(found, key=lambda one: (one.at, one.record.id))


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
    subject = Subject(
        about=about,
        contact=contact,
        account=await _visible(uow, Account, account_id),
        unread=_unread(uow),
        home_currency=await home_currency(uow),
    )
    where = {"account_id": account_id} if account_id else {"contact_id": contact.id if contact else id}
    if account_id:
        subject.contacts = await uow.find(Contact, where)
    elif contact is not None:
        subject.contacts = [contact]
    await _add_records(uow, subject, where)
    if isinstance(about, Contact):
        _keep_to_contact(subject, about)
    if with_words:
        subject.said = await _said(uow, subject)
    return subject


async def gather_customers(uow: UnitOfWork, customers: Sequence[Account | Contact]) -> list[Subject]:
    """Return many customers, each as ``gather_subject`` returns it, in as many queries as one takes.

    A contact is one who belongs to no account. All were found for the actor, who is of staff.
    """
    accounts = [one.id for one in customers if isinstance(one, Account)]
    persons = [one.id for one in customers if isinstance(one, Contact)]
    ties: list[dict[str, Any]] = [{"account_id": {"$in": accounts}}] if accounts else []
    ties += [{"contact_id": {"$in": persons}, "account_id": None}] if persons else []
    if not ties:
        return []
    whole = Subject(about=customers[0], unread=_unread(uow), home_currency=await home_currency(uow))
    whole.contacts = await uow.find(Contact, ties[0]) if accounts else []
    where = ties[0] if len(ties) == 1 else {"$or": ties}
    await _add_records(uow, whole, where, customers=len(customers))
    return _parted(whole, customers)


def _parted(whole: Subject, customers: Sequence[Account | Contact]) -> list[Subject]:
    """Give each customer what is theirs of ``whole``."""

    def nothing() -> dict[str, Any]:
        return {name: [] for name in _LISTS}

    parts = {one.id: replace(whole, about=one, **nothing()) for one in customers}
    for one in parts.values():
        if isinstance(one.about, Account):
            one.account = one.about
        elif isinstance(one.about, Contact):
            one.contact, one.contacts = one.about, [one.about]
    contracts = {one.id: one for one in whole.contracts}
    for name in _LISTS:
        for record in getattr(whole, name):
            tied = contracts[record.contract_id] if isinstance(record, Payment) else record
            whose = _id_of(tied, "account_id") or _id_of(tied, "contact_id")
            if whose in parts:
                getattr(parts[whose], name).append(record)
    return list(parts.values())


async def _add_records(
    uow: UnitOfWork, subject: Subject, where: Mapping[str, Any], *, customers: int = 1
) -> None:
    await _add_matters(uow, subject, where, customers=customers)
    subject.tasks = await uow.find(Task, where)
    subject.leads = await uow.find(Lead, where)
    await _add_papers(uow, subject, where, most=MOST_PAPERS * customers)


async def _add_matters(
    uow: UnitOfWork, subject: Subject, where: Mapping[str, Any], *, customers: int
) -> None:
    """Read the customer's deals, tickets and all that was said with them, as far as the asker judges it."""
    if judges(uow, Opportunity):
        subject.opportunities = await uow.find(Opportunity, where)
    if judges(uow, Ticket):
        subject.tickets = await uow.find(Ticket, where)
    if judges(uow, Activity):
        subject.activities = sorted(await uow.find(Activity, where), key=lambda one: one.at)
    if judges(uow, Conversation):
        most = MOST_TALKS * customers
        talks = await uow.find(Conversation, where, sort=[("version", -1)], limit=most)
        subject.talks = talks[::-1]


async def _add_papers(uow: UnitOfWork, subject: Subject, where: Mapping[str, Any], *, most: int) -> None:
    """Read the customer's quotes and contracts, and what is to be paid for the latter."""
    if judges(uow, Quote):
        subject.quotes = await uow.find(Quote, where, sort=[("version", -1)], limit=most)
    if judges(uow, Contract):
        subject.contracts = await uow.find(Contract, where, sort=[("version", -1)], limit=most)
    if subject.contracts and judges(uow, Payment):
        of_them = {"contract_id": {"$in": [one.id for one in subject.contracts]}}
        subject.payments = await uow.find(Payment, of_them, sort=[("due", 1)], limit=most)


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


def _unread(uow: UnitOfWork) -> frozenset[str]:
    return frozenset(kind.kind for kind in NEEDED if not uow.may(kind.kind, "read") or not judges(uow, kind))


def judges(uow: UnitOfWork, kind: type[Record]) -> bool:
    """Tell whether the asker sees what every judgement of this kind stands on.

    A hidden field reads as its default: a deal whose outcome is hidden would look open, a ticket new.
    """
    return NEEDED[kind].isdisjoint(uow.actor.mask(kind.kind).unseen)


async def currency_asked(uow: UnitOfWork, named: str) -> str:
    """Return the currency that was asked for, the workspace's own where none was.

    Raise InvalidInput for what cannot be one: to look for it would find nothing, as if nothing had been sold.
    """
    currency = named.strip().upper() or await home_currency(uow)
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise InvalidInput(FieldError("currency", "must be a code of three letters, such as EUR"))
    return currency


async def _said(uow: UnitOfWork, subject: Subject) -> list[Message]:
    """Return the latest messages of a customer, oldest first."""
    if not subject.talks:
        return []
    inbound = {
        "conversation_id": {"$in": [one.id for one in subject.talks]},
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
    subject.talks = [one for one in subject.talks if one.contact_id == contact.id]
    subject.tasks = [one for one in subject.tasks if one.contact_id in own]
    subject.leads = [one for one in subject.leads if one.contact_id in own]
    subject.quotes = [one for one in subject.quotes if one.contact_id in own]
    subject.contracts = [one for one in subject.contracts if one.contact_id in own]
    kept = {one.id for one in subject.contracts}
    subject.payments = [one for one in subject.payments if one.contract_id in kept]
