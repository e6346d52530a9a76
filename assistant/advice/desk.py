"""What comes first on one's own desk: next actions over all that is one's own, whoever the customer is."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from assistant.advice.actions import NextAction, in_order, propose_actions
from assistant.advice.interests import affinities_of
from assistant.advice.next_actions import check_first, gather_experience, not_resting
from assistant.advice.precedence import rate_of, urgency_of
from assistant.advice.subjects import Subject, gather_customers, judges
from backend.core.errors import Forbidden
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Contact
from backend.crm.home import home_currency
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contract_rules import ContractStatus
from backend.sales.documents import Opportunity
from backend.sales.payment_rules import PaymentStatus
from backend.sales.rules import StageType
from backend.service.documents import Ticket
from backend.service.rules import TicketStatus
from knowledge.text import language_of_locale

R = TypeVar("R", bound=Record)
MOST_MATTERS = 200  # of each kind
MOST_CUSTOMERS = 50  # looked at whole, those with the most pressing matters first


async def desk_actions(uow: UnitOfWork, *, first: int = 5) -> list[NextAction]:
    """Return up to ``first`` (1–20) actions over the actor's own desk, best first.

    One's own are the tickets that one is assigned, and the deals, contracts, overdue payments and accounts
    that one owns. Each action is the one that `next_best_actions` gives about its customer.
    Raise Forbidden for customers: this is for staff.
    """
    check_first(first)
    if uow.actor.is_customer:
        raise Forbidden("read", "customer_profile")
    own = await _own_matters(uow)
    ids = own.ids
    subjects = await _subjects_of(uow, own)
    experience, affinities = await gather_experience(uow), await affinities_of(uow)
    language, now = language_of_locale(uow.actor.locale), uow.at

    def propose() -> list[NextAction]:
        return [
            action
            for subject in subjects
            for action in propose_actions(
                subject, experience, now=now, language=language, affinities=affinities
            )
            if action.about.id in ids
        ]

    found = await asyncio.to_thread(propose)
    return in_order(await not_resting(uow, found))[:first]


@dataclass(frozen=True)
class _Own:
    """What is the actor's own, the most pressing of each kind first."""

    tickets: Sequence[Ticket]
    payments: Sequence[Payment]
    contracts: Sequence[Contract]
    deals: Sequence[Opportunity]
    accounts: Sequence[Account]

    @property
    def matters(self) -> list[Ticket | Payment | Contract | Opportunity]:
        return [*self.tickets, *self.payments, *self.contracts, *self.deals]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(one.id for one in (*self.matters, *self.accounts))


async def _own_matters(uow: UnitOfWork) -> _Own:
    me = uow.actor.user_id
    open_ones = {"assignee_id": me, "status": {"$in": [TicketStatus.NEW.value, TicketStatus.OPEN.value]}}
    overdue = {"contract_owner_id": me, "status": PaymentStatus.OVERDUE.value}
    ending = [ContractStatus.EXPIRING.value, ContractStatus.EXPIRED.value]
    running = {"owner_id": me, "stage_type": StageType.OPEN.value}
    tickets = await _judged(uow, Ticket, open_ones, ("version", -1))
    deals = await _judged(uow, Opportunity, running, ("version", -1))
    return _Own(
        tickets=sorted(tickets, key=urgency_of),
        payments=await _judged(uow, Payment, overdue, ("due", 1)),
        contracts=await _judged(uow, Contract, {"owner_id": me, "status": {"$in": ending}}, ("version", -1)),
        deals=sorted(deals, key=lambda one: -(one.amount or 0) / rate_of(one.currency)),
        # Those first to whom nobody has spoken for longest.
        accounts=await uow.find(
            Account, {"owner_id": me}, sort=[("last_activity_at", 1)], limit=MOST_CUSTOMERS
        ),
    )


async def _judged(
    uow: UnitOfWork, kind: type[R], where: Mapping[str, object], order: tuple[str, int]
) -> list[R]:
    """Return one's own of a kind; none where the actor does not see what advice stands on."""
    return await uow.find(kind, where, sort=[order], limit=MOST_MATTERS) if judges(uow, kind) else []


async def _subjects_of(uow: UnitOfWork, own: _Own) -> list[Subject]:
    """Return the customers of these matters; a matter whose customer is not known, or not seen, by itself."""
    accounts = await _seen(uow, Account, [one.account_id for one in own.matters])
    persons = await _seen(uow, Contact, [_person_of(one) for one in own.matters if not one.account_id])
    customers: dict[str, Account | Contact] = {}
    alone: list[Subject] = []
    for one in own.matters:
        whose = accounts.get(one.account_id or "") or persons.get(_person_of(one) or "")
        if whose is not None:
            customers.setdefault(whose.id, whose)
        elif isinstance(one, Ticket):
            alone.append(Subject(about=one, tickets=[one]))
        elif isinstance(one, Opportunity):
            alone.append(Subject(about=one, opportunities=[one]))
    for account in own.accounts:
        customers.setdefault(account.id, account)
    found = await gather_customers(uow, list(customers.values())[:MOST_CUSTOMERS])
    currency = await home_currency(uow)
    return [*found, *(replace(one, home_currency=currency) for one in alone)]


async def _seen(uow: UnitOfWork, kind: type[R], ids: Iterable[str | None]) -> dict[str, R]:
    """Return those records that the actor sees, by id."""
    wanted = sorted({id for id in ids if id})
    found = await uow.find(kind, {"_id": {"$in": wanted}}) if wanted else []
    return {one.id: one for one in found}


def _person_of(one: Record) -> str | None:
    return getattr(one, "contact_id", None)
