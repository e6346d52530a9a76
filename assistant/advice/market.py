"""The market's trend as the asker's own records show it: new leads, won deals, money won, by month."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from assistant.advice.interests import LEADS_REMEMBERED
from assistant.advice.outlook import bought_at
from assistant.advice.subjects import MOST_CLOSED, closed_opportunities, currency_asked, judges
from assistant.predictions.trend import MOST_AHEAD, Trend, read_trend
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.sales.documents import Lead, Opportunity
from backend.sales.rules import StageType

MOST_MONTHS = 60  # looked back


class Measure(StrEnum):
    DEMAND = "demand"  # new leads
    WINS = "wins"  # deals won
    MONEY = "money"  # won, in one currency


@dataclass(frozen=True)
class MarketTrend:
    """``months``: first days and figures of whole months, oldest first; ``ahead`` those to come."""

    months: tuple[tuple[date, float], ...]
    trend: Trend
    ahead: tuple[date, ...]


async def market_trend(
    uow: UnitOfWork, measure: Measure, *, interest: str = "", currency: str = "", ahead: int = 3
) -> MarketTrend:
    """Return how ``measure`` moved by month and what the next ``ahead`` (1–6) months may bring.

    ``interest`` keeps to leads with it; ``currency`` is the workspace's own unless another is named. Months
    are those of the asker's time zone; the running one is left out, as is all before the first record. Raise
    Forbidden for customers and for who does not see the kind.
    """
    if uow.actor.is_customer:
        raise Forbidden("predict", "market")
    if not 1 <= ahead <= MOST_AHEAD:
        raise InvalidInput(FieldError("ahead", f"must be 1 to {MOST_AHEAD}"))
    if interest and measure is not Measure.DEMAND:
        raise InvalidInput(FieldError("interest", "is known of leads alone; leave it out, or ask for DEMAND"))
    zone = ZoneInfo(uow.actor.time_zone)
    currency = await currency_asked(uow, currency)
    found = await (_leads(uow, interest) if measure is Measure.DEMAND else _wins(uow, measure, currency))
    this_month = _month(uow.at, zone)
    sums: dict[int, float] = defaultdict(float)
    for at, figure in found:
        sums[_number(_month(at, zone))] += figure
    running = _number(this_month)
    first = max(min(sums, default=running), running - MOST_MONTHS)
    numbers = range(first, running)
    figures = [float(sums[number]) for number in numbers]
    trend = await asyncio.to_thread(read_trend, figures, ahead=ahead)
    return MarketTrend(
        months=tuple((_first_day(number), sums[number]) for number in numbers),
        trend=trend,
        ahead=tuple(_first_day(running + step) for step in range(ahead)),
    )


async def _leads(uow: UnitOfWork, interest: str) -> list[tuple[datetime, float]]:
    if not uow.may(Lead.kind, "read") or "interests" in uow.actor.mask(Lead.kind).unseen:
        raise Forbidden("predict from", Lead.kind)
    found = await uow.find(Lead, sort=[("created_at", -1)], limit=LEADS_REMEMBERED)
    known = [(one.created_at, one) for one in found if one.created_at is not None]
    oldest = min((at for at, _ in known), default=None) if len(found) == LEADS_REMEMBERED else None
    return [
        (at, 1.0)
        for at, one in known
        if (not interest or interest in one.interests) and (oldest is None or _is_whole(at, oldest))
    ]


async def _wins(uow: UnitOfWork, measure: Measure, currency: str) -> list[tuple[datetime, float]]:
    hides_money = measure is Measure.MONEY and "amount" in uow.actor.mask(Opportunity.kind).unseen
    if not uow.may(Opportunity.kind, "read") or not judges(uow, Opportunity) or hides_money:
        raise Forbidden("predict from", Opportunity.kind)
    closed = await closed_opportunities(uow)
    won = [one for one in closed if one.stage_type is StageType.WON]
    oldest = (
        min((bought_at(one, uow.at) for one in won), default=None) if len(closed) == MOST_CLOSED else None
    )
    found = []
    for one in won:
        at = bought_at(one, uow.at)
        if oldest is not None and not _is_whole(at, oldest):
            continue
        if measure is Measure.WINS:
            found.append((at, 1.0))
        elif one.currency == currency:
            found.append((at, float(one.amount or 0)))
    return found


def _is_whole(at: datetime, oldest: datetime) -> bool:
    """Tell whether all of a time's month was read: of the oldest month read some may be missing."""
    return (at.year, at.month) > (oldest.year, oldest.month)


def _month(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date().replace(day=1)


def _number(month: date) -> int:
    return month.year * 12 + month.month - 1


def _first_day(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)
