"""What may be done with a quote: drafted, approved, sent, and accepted, declined or left to expire."""

from decimal import Decimal
from typing import Any

import svcs

from backend.core.access import system_actor
from backend.core.clock import end_of_day
from backend.core.errors import ApprovalRequired, FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.home import home_currency, home_zone
from backend.crm.numbers import next_number
from backend.identity.actors import Actors
from backend.sales.approvals import find_pending, request_approval, withdraw_requests
from backend.sales.documents import Opportunity
from backend.sales.pipelines import pipeline_of
from backend.sales.quote_documents import Quote
from backend.sales.quote_rules import (
    QuoteStatus,
    amounts,
    check_complete,
    check_discount,
    moved,
    quote_number,
    revised,
)

CONTENT = Quote.approved_fields - Quote.server_owned
"""What a change of makes a quote another one."""

FROM_OPPORTUNITY = ("name", "account_id", "contact_id", "currency")
LONGEST_REASON = 2_000
AT_ONCE = 200  # quotes that expire in one commit


async def create_quote(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Quote:
    """Draft a quote under the workspace's next number.

    With ``opportunity_id`` its name, customer, currency and, as the one line, its amount come from there
    where ``fields`` are silent; else the currency is the workspace's.
    """
    filled = {**await _from_opportunity(uow, fields.get("opportunity_id")), **fields}
    filled["currency"] = filled.get("currency") or await home_currency(uow)
    quote = await new_record(uow, Quote, filled, id=id)
    _count(quote)
    await _date(uow, quote)
    quote.number = quote_number(await next_number(uow, Quote.kind))
    uow.save(quote)
    return quote


async def update_quote(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Quote:
    """Change a quote. Other content makes it a draft again: of a new revision, once it was approved or sent.

    A request for approval that it is under is withdrawn. Raise InvalidInput for an accepted quote.
    """
    quote = await uow.access(Quote, id, action="update", expected_version=expected_version)
    before = _content(quote)
    set_fields(quote, fields)
    _count(quote)
    if _content(quote) != before:
        await withdraw_requests(uow, quote)
        quote.status, quote.revision = revised(quote.status, quote.revision)
        quote.sent_at = quote.closed_at = None
        quote.decline_reason = ""
        await _date(uow, quote)
    uow.save(quote)
    return quote


async def delete_quote(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Quote:
    """Delete a quote that was not accepted; a request for its approval is withdrawn."""
    quote = await uow.access(Quote, id, action="delete", expected_version=expected_version)
    if quote.status is QuoteStatus.ACCEPTED:
        raise InvalidInput(FieldError("id", f"is {quote.number}, which the customer accepted; it stays"))
    await withdraw_requests(uow, quote)
    uow.delete(quote)
    return quote


async def submit_quote(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None, actors: Actors
) -> Quote:
    """Ask for a draft to be approved, with a ``note`` to the approvers.

    Raise InvalidInput for what it lacks, and when nobody may approve it.
    """
    quote = await uow.access(Quote, id, action="update", expected_version=expected_version)
    quote.status = moved(quote.status, QuoteStatus.IN_REVIEW)
    await _check_complete(uow, quote)
    await request_approval(uow, quote, note=fields.get("note") or "", actors=actors)
    return quote


async def send_quote(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Quote:
    """Note that the customer has the quote: from now on it holds, to the end of ``valid_until``.

    Raise InvalidInput for what it lacks; ApprovalRequired in review, and for a discount above its pipeline's
    limit that nobody approved.
    """
    quote = await uow.access(Quote, id, action="update", expected_version=expected_version)
    if asked := await find_pending(uow, quote):
        raise ApprovalRequired(
            f"{quote.number} is before its approvers; wait for them, or withdraw the request.",
            request=asked[0].id,
        )
    is_approved = quote.status is QuoteStatus.APPROVED
    quote.status = moved(quote.status, QuoteStatus.SENT)
    await _check_complete(uow, quote)
    if not is_approved:
        check_discount(quote.lines, limit=await _discount_limit(uow, quote))
    quote.sent_at = uow.at
    uow.save(quote)
    return quote


async def accept_quote(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Quote:
    """Note that the customer agreed. Raise InvalidInput for a quote that was not sent, or is over."""
    quote = await uow.access(Quote, id, action="update", expected_version=expected_version)
    if quote.status is QuoteStatus.SENT and _is_over(uow, quote):
        raise InvalidInput(
            FieldError("valid_until", f"is over since {quote.valid_until}; send it anew with a later day")
        )
    return _close(uow, quote, QuoteStatus.ACCEPTED)


async def decline_quote(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Quote:
    """Note that the customer did not agree, and the ``reason`` if there was one."""
    quote = await uow.access(Quote, id, action="update", expected_version=expected_version)
    reason = (fields.get("reason") or "").strip()
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(FieldError("reason", f"is longer than {LONGEST_REASON} characters; shorten it"))
    quote.decline_reason = reason
    return _close(uow, quote, QuoteStatus.DECLINED)


async def expire_due_quotes(services: svcs.Container) -> None:
    """Let quotes expire that were sent and whose last day is over. Twice is as good as once."""
    store = await services.aget(Store)
    for workspace_id in await store.workspace_ids():
        while await store.write(system_actor(workspace_id), _expire_some):
            pass


async def _expire_some(uow: UnitOfWork) -> bool:
    """Let up to ``AT_ONCE`` quotes of a workspace expire; tell whether there may be more."""
    due = {"status": QuoteStatus.SENT.value, "expires_at": {"$lte": uow.at}}
    found = await uow.find(Quote, due, sort=[("expires_at", 1)], limit=AT_ONCE)
    for quote in found:
        _close(uow, await uow.access(Quote, quote.id, action="update"), QuoteStatus.EXPIRED)
    return len(found) == AT_ONCE


def _close(uow: UnitOfWork, quote: Quote, status: QuoteStatus) -> Quote:
    quote.status, quote.closed_at = moved(quote.status, status), uow.at
    uow.save(quote)
    return quote


def _is_over(uow: UnitOfWork, quote: Quote) -> bool:
    return quote.expires_at is not None and quote.expires_at <= uow.at


def _content(quote: Quote) -> dict[str, Any]:
    content: dict[str, Any] = quote.model_dump(include={*CONTENT})
    return content


def _count(quote: Quote) -> None:
    """Let the amounts follow from the lines."""
    sums = amounts(quote.lines, quote.currency)
    quote.lines = [
        line.model_copy(update={"net": net}) for line, net in zip(quote.lines, sums.lines, strict=True)
    ]
    quote.net_total, quote.tax_total, quote.gross_total = sums.net, sums.tax, sums.gross


async def _date(uow: UnitOfWork, quote: Quote) -> None:
    """Let the moment at which a quote is over follow from its last day."""
    until = quote.valid_until
    quote.expires_at = end_of_day(until, await home_zone(uow)) if until is not None else None


async def _check_complete(uow: UnitOfWork, quote: Quote) -> None:
    check_complete(
        quote.lines,
        has_customer=bool(quote.account_id or quote.contact_id),
        valid_until=quote.valid_until,
        today=uow.at.astimezone(await home_zone(uow)).date(),
    )


async def _discount_limit(uow: UnitOfWork, quote: Quote) -> Decimal:
    """Return the limit of the deal's pipeline, whoever may see that; without a deal the default one's."""
    house = uow.as_house()
    deal = await house.look_up(Opportunity, quote.opportunity_id) if quote.opportunity_id else None
    return (await pipeline_of(house, deal.pipeline_id if deal else None)).discount_limit


async def _from_opportunity(uow: UnitOfWork, id: str | None) -> dict[str, Any]:
    """Return what a new quote takes from a deal that the actor sees; nothing of one that is not here yet."""
    deal = await uow.look_up(Opportunity, id) if id else None
    if deal is None:
        return {}
    found: dict[str, Any] = {name: getattr(deal, name) for name in FROM_OPPORTUNITY}
    if deal.amount is not None:
        found["lines"] = [{"name": deal.name, "unit_price": deal.amount}]
    return found
