"""Predictions about one deal, one customer or all of them, from what the asker may read."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from assistant.advice.chances import Reckoning, winning
from assistant.advice.interests import affinities_of, interests_of
from assistant.advice.next_actions import gather_experience
from assistant.advice.outlook import (
    WEEKS_AHEAD,
    Outlook,
    Purchases,
    bought_at,
    foretell,
    purchases_by_customer,
)
from assistant.advice.subjects import (
    Reference,
    closed_opportunities,
    currency_asked,
    gather_subject,
    judges,
    refer,
)
from assistant.predictions.affinity import Affinities, Rule
from assistant.predictions.estimates import Estimate
from assistant.predictions.groups import Customer, Grouping, group_customers
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.sales.documents import Opportunity
from backend.sales.rules import StageType

MOST_WEEKS = 520
MOST_RULES = 50
MOST_LATENT = 50
MEMBERS_SHOWN = 20


async def win_prediction(uow: UnitOfWork, opportunity_id: str) -> tuple[Opportunity, Reckoning]:
    """Return how likely an open deal is to be won. Raise InvalidInput for one that is over."""
    _refuse_customers(uow)
    deal = await uow.access(Opportunity, opportunity_id)
    if not judges(uow, Opportunity):
        raise Forbidden("predict", Opportunity.kind)
    if deal.stage_type is not StageType.OPEN:
        raise InvalidInput(
            FieldError("opportunity_id", "is won or lost already: there is nothing to predict")
        )
    return deal, winning(await gather_experience(uow), deal, now=uow.at)


async def customer_outlook(uow: UnitOfWork, id: str, *, weeks: float = WEEKS_AHEAD) -> Outlook:
    """Return how likely a customer has left, and what they bring in the next ``weeks`` (1–520)."""
    if not 1 <= weeks <= MOST_WEEKS:
        raise InvalidInput(FieldError("weeks", f"must be 1 to {MOST_WEEKS}"))
    subject = await gather_subject(uow, id)
    closed = await closed_opportunities(uow)
    past = await asyncio.to_thread(Purchases, closed, uow.at)
    return await asyncio.to_thread(
        foretell, subject.opportunities, past, now=uow.at, home=subject.home_currency, weeks=weeks
    )


async def product_affinity(
    uow: UnitOfWork, id: str | None = None, *, first: int = 10
) -> tuple[Affinities, Sequence[Rule]]:
    """Return which interests go together: for one customer (who has none of ``thing`` yet), or all."""
    if not 1 <= first <= MOST_RULES:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_RULES}"))
    _refuse_customers(uow)
    found = await affinities_of(uow)
    if id is None:
        return found, found.rules[:first]
    return found, found.for_customer(await interests_of(uow, id), most=first)


async def customer_groups(uow: UnitOfWork, *, currency: str = "") -> tuple[Grouping, dict[str, Reference]]:
    """Return customers in groups by how lately, how often and for how much they bought in ``currency``,
    the workspace's own unless another is named."""
    _refuse_customers(uow)
    currency = await currency_asked(uow, currency)
    customers = [
        Customer(
            id,
            float((uow.at - max(bought_at(one, uow.at) for one in deals)).days),
            float(len(deals)),
            float(sum((one.amount or Decimal(0) for one in deals), Decimal(0))),
        )
        for id, deals in purchases_by_customer(await closed_opportunities(uow)).items()
        if all(one.currency == currency for one in deals) and any(one.amount for one in deals)
    ]
    grouping = await asyncio.to_thread(group_customers, customers)
    shown = [id for group in grouping.groups for id in group.members[:MEMBERS_SHOWN]]
    accounts = await uow.find(Account, {"_id": {"$in": shown}}) if shown else []
    return grouping, {account.id: refer(account) for account in accounts}


@dataclass(frozen=True, kw_only=True)
class Latent:
    """A customer with nothing under way who will probably buy: ``expected`` money within a year."""

    account: Reference
    expected: Decimal
    currency: str
    still_buys: Estimate
    worth: Estimate
    last_bought_at: datetime
    purchases: int


async def latent_opportunities(uow: UnitOfWork, *, first: int = 10) -> list[Latent]:
    """Return readable accounts that bought, have no open deal, and are worth most in the year to come.

    Empty while too little is known of purchases: ``lifetimeValue`` of any customer says how much is missing.
    """
    if not 1 <= first <= MOST_LATENT:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_LATENT}"))
    _refuse_customers(uow)
    if not judges(uow, Opportunity):
        return []
    closed = await closed_opportunities(uow)
    bought = purchases_by_customer(closed)
    running = await uow.find(
        Opportunity, {"account_id": {"$in": list(bought)}, "stage_type": StageType.OPEN.value}
    )
    quiet = {id: deals for id, deals in bought.items() if id not in {one.account_id for one in running}}
    found = await asyncio.to_thread(_worth_most, quiet, closed, uow.at)
    accounts = {one.id: one for one in await uow.find(Account, {"_id": {"$in": [id for id, _ in found]}})}
    return [
        Latent(
            account=refer(accounts[id]),
            expected=Decimal(outlook.worth.value or 0).quantize(Decimal("0.01")),
            currency=outlook.currency,
            still_buys=outlook.leaves,
            worth=outlook.worth,
            last_bought_at=max(bought_at(one, uow.at) for one in outlook.deals),
            purchases=len(outlook.deals),
        )
        for id, outlook in found
        if id in accounts
    ][:first]


def _worth_most(
    quiet: dict[str, list[Opportunity]], closed: Sequence[Opportunity], now: datetime
) -> list[tuple[str, Outlook]]:
    past = Purchases(closed, now)
    found = [(id, foretell(deals, past, now=now, home="")) for id, deals in quiet.items()]
    known = [(id, one) for id, one in found if one.worth.value is not None]
    return sorted(known, key=lambda pair: (-(pair[1].worth.value or 0.0), pair[0]))


def _refuse_customers(uow: UnitOfWork) -> None:
    if uow.actor.is_customer:
        raise Forbidden("predict", "customer")
