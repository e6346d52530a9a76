"""What a customer's purchases foretell: whether they buy again, and for how much; pure.

Purchases are won deals; money is taken one currency at a time, for there is no dated rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from assistant.predictions.buyers import LEAST_AGAIN, LEAST_BUYERS, BuyerModel, Buying, buying_of, fit_buyers
from assistant.predictions.estimates import Estimate, not_enough, wilson
from assistant.predictions.lifetime import LifetimeModel
from assistant.predictions.spending import Spending, SpendingModel, fit_spending
from backend.sales.documents import Opportunity
from backend.sales.rules import StageType

WEEKS_AHEAD = 52.0
CHURN_METHOD = "bg_nbd_alive"
PURCHASES_TO_LEAVE = 2  # on different days


@dataclass(frozen=True)
class Outlook:
    """``leaves``: that the customer has left; ``worth``: what they bring in a year, in ``currency``."""

    leaves: Estimate
    worth: Estimate
    currency: str
    deals: tuple[Opportunity, ...]


class Purchases:
    """What all customers' won deals teach: learned once, however many customers are asked about.

    Takes some tenths of a second with thousands of deals: not on the event loop.
    """

    def __init__(self, closed: Sequence[Opportunity], now: datetime) -> None:
        self.by_customer = purchases_by_customer(closed)
        buyings = tuple(sorted((_buying(deals, now) for deals in self.by_customer.values()), key=_order))
        self.model = _fit(buyings) if buyings else None
        self._spending: dict[str, SpendingModel | None] = {}

    def spending(self, currency: str) -> SpendingModel | None:
        """Return what a purchase in ``currency`` is worth; None where nobody bought twice in it."""
        if currency not in self._spending:
            spenders = [one for deals in self.by_customer.values() if (one := _spending(deals, currency))]
            again = sorted(
                (one for one in spenders if one.purchases > 1), key=lambda s: (s.purchases, s.mean)
            )
            self._spending[currency] = _fit_spending(tuple(again)) if again else None
        return self._spending[currency]


def foretell(
    own: Sequence[Opportunity],
    past: Purchases,
    *,
    now: datetime,
    home: str,
    weeks: float = WEEKS_AHEAD,
) -> Outlook:
    """Return what one customer's won deals say, beside those of all. Hundredths of a second: not on the loop.

    ``home`` is the workspace's currency, said of who has bought nothing yet.
    """
    won = [one for one in own if one.stage_type is StageType.WON]
    mine = _buying(won, now) if won else None
    currency = won[-1].currency if won else home
    return Outlook(
        leaves=leaving(past.model, mine),
        worth=_worth(past, mine, won, currency, weeks),
        currency=currency,
        deals=tuple(won),
    )


def purchases_by_customer(closed: Sequence[Opportunity]) -> dict[str, list[Opportunity]]:
    """Return the won deals of each account, or person where there is no account."""
    found: dict[str, list[Opportunity]] = {}
    for one in closed:
        whose = one.account_id or one.contact_id
        if one.stage_type is StageType.WON and whose:
            found.setdefault(whose, []).append(one)
    return found


def bought_at(one: Opportunity, now: datetime) -> datetime:
    """Return when a deal was won, as far as that is known."""
    return one.closed_at or one.updated_at or now


def leaving(model: BuyerModel | None, mine: Buying | None) -> Estimate:
    """Return the probability that a customer has left for good; none of who bought once only.

    In this model they leave after a repeated purchase, so that it calls every one of them alive: that says
    nothing of them.
    """
    n, needed = (model.n if model else 0), LEAST_BUYERS
    if model is not None and n >= needed and not model.is_learned:
        n, needed = model.n_again, LEAST_AGAIN
    if model is None or mine is None or n < needed:
        return not_enough(n=n if mine else 0, needed=needed, method=CHURN_METHOD)
    if mine.again == 0:
        return not_enough(n=1, needed=PURCHASES_TO_LEAVE, method=CHURN_METHOD)
    left = 1 - model.alive(mine)
    low, high = wilson(left * model.n_again, model.n_again)
    return Estimate(value=left, low=low, high=high, n=n, needed=needed, method=CHURN_METHOD)


def _worth(
    past: Purchases, mine: Buying | None, won: Sequence[Opportunity], currency: str, weeks: float
) -> Estimate:
    if past.model is None or mine is None:
        return not_enough(n=0, needed=LEAST_BUYERS, method="bg_nbd_gamma_gamma")
    own = _spending(won, currency)
    lifetime = LifetimeModel(past.model, past.spending(currency))
    return lifetime.value(mine, own or Spending(0, 1.0), weeks=weeks)


def _spending(deals: Sequence[Opportunity], currency: str) -> Spending | None:
    amounts = [one.amount for one in deals if one.currency == currency and one.amount]
    if not amounts:
        return None
    return Spending(len(amounts), float(sum(amounts, Decimal(0)) / len(amounts)))


def _buying(deals: Sequence[Opportunity], now: datetime) -> Buying:
    return buying_of([bought_at(one, now) for one in deals], until=now)


def _order(one: Buying) -> tuple[int, float, float]:
    return one.again, one.recency, one.age


@lru_cache(maxsize=64)
def _fit(buyings: tuple[Buying, ...]) -> BuyerModel:
    """Fit once a day and set of customers: nothing but their counts and times is kept."""
    return fit_buyers(buyings)


@lru_cache(maxsize=64)
def _fit_spending(spendings: tuple[Spending, ...]) -> SpendingModel:
    return fit_spending(spendings)
