"""The rules of quoting: amounts, and how a quote goes from draft to its end. Pure.

Amounts are computed here and nowhere else: in Decimal, rounded half up (四舍五入) to the smallest unit of the
currency, each line first. Tax is computed once for each rate, on the sum of its lines.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from typing import Protocol

from backend.core.errors import ApprovalRequired, FieldError, InvalidInput

# Currencies whose smallest unit is not a hundredth, by decimals. Source: ISO 4217, list one.
MINOR_UNITS: Mapping[str, int] = (
    dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0)
    | dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0)
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    | dict.fromkeys(("CLF", "UYW"), 4)
)
USUAL_MINOR_UNITS = 2
LARGEST = Decimal(10) ** 20  # of any sum, in units of its currency: the store holds 34 digits
DIGITS = 60  # more than any product of what a line may hold: nothing is rounded but by rule

PERCENT = Decimal(100)


class QuoteStatus(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"


MOVES: Mapping[QuoteStatus, frozenset[QuoteStatus]] = {
    QuoteStatus.DRAFT: frozenset({QuoteStatus.IN_REVIEW, QuoteStatus.SENT}),
    QuoteStatus.IN_REVIEW: frozenset({QuoteStatus.APPROVED, QuoteStatus.REJECTED, QuoteStatus.DRAFT}),
    QuoteStatus.APPROVED: frozenset({QuoteStatus.SENT, QuoteStatus.DRAFT}),
    QuoteStatus.REJECTED: frozenset({QuoteStatus.DRAFT}),
    QuoteStatus.SENT: frozenset(
        {QuoteStatus.ACCEPTED, QuoteStatus.DECLINED, QuoteStatus.EXPIRED, QuoteStatus.DRAFT}
    ),
    QuoteStatus.ACCEPTED: frozenset(),
    QuoteStatus.DECLINED: frozenset({QuoteStatus.DRAFT}),
    QuoteStatus.EXPIRED: frozenset({QuoteStatus.DRAFT}),
}
"""Where a quote may go from where it stands. What was accepted stays; all else can be drafted anew."""

SETTLED = frozenset({QuoteStatus.APPROVED, QuoteStatus.SENT, QuoteStatus.DECLINED, QuoteStatus.EXPIRED})
"""What somebody has said yes to or was shown: an edit of it is another revision."""


class LineFacts(Protocol):
    """What the rules need to know of a line; percents are 0 to 100."""

    @property
    def quantity(self) -> Decimal: ...
    @property
    def unit_price(self) -> Decimal: ...
    @property
    def discount_percent(self) -> Decimal: ...
    @property
    def tax_percent(self) -> Decimal: ...


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """What a quote comes to: the net of each line, in order, and the sums."""

    lines: tuple[Decimal, ...]
    net: Decimal
    tax: Decimal
    gross: Decimal


def moved(before: QuoteStatus, after: QuoteStatus) -> QuoteStatus:
    """Return ``after``; raise InvalidInput when a quote cannot get there from ``before``."""
    if after not in MOVES[before]:
        ways = ", ".join(sorted(MOVES[before])) or "nowhere: write another quote"
        raise InvalidInput(
            FieldError(
                "status", f"is {before.value}, from where a quote goes to {ways}, not to {after.value}"
            )
        )
    return after


def revised(status: QuoteStatus, revision: int) -> tuple[QuoteStatus, int]:
    """Return where a quote stands whose content is changed; raise InvalidInput for an accepted one."""
    if status is QuoteStatus.DRAFT:
        return status, revision
    return moved(status, QuoteStatus.DRAFT), revision + (status in SETTLED)


def amounts(lines: Sequence[LineFacts], currency: str) -> Amounts:
    """Compute what ``lines`` come to in ``currency``. Raise InvalidInput for more than can be kept."""
    with localcontext(prec=DIGITS):
        nets = tuple(_rounded(_net(line), currency) for line in lines)
        by_rate: dict[Decimal, Decimal] = defaultdict(Decimal)
        for line, net in zip(lines, nets, strict=True):
            by_rate[line.tax_percent] += net
        tax = sum((_rounded(net * rate / PERCENT, currency) for rate, net in by_rate.items()), Decimal())
        total, tax = _rounded(sum(nets, Decimal()), currency), _rounded(tax, currency)
        if total + tax >= LARGEST:
            raise InvalidInput(FieldError("lines", "come to more than can be kept; check quantity and price"))
        return Amounts(lines=nets, net=total, tax=tax, gross=total + tax)


def largest_discount(lines: Sequence[LineFacts]) -> Decimal:
    """Return the largest discount of a line, in percent."""
    return max((line.discount_percent for line in lines), default=Decimal())


def check_discount(lines: Sequence[LineFacts], *, limit: Decimal) -> None:
    """Raise ApprovalRequired when a line's discount is above ``limit``, in percent."""
    discount = largest_discount(lines)
    if discount > limit:
        raise ApprovalRequired(
            f"A discount of {_percent(discount)} is above the limit of {_percent(limit)}; ask for approval "
            "with `quoteSubmit`, or lower it."
        )


def check_complete(
    lines: Sequence[LineFacts], *, valid_until: date | None, today: date, has_customer: bool
) -> None:
    """Raise InvalidInput that names all that a quote lacks to be approved or sent."""
    wrong = []
    if not lines:
        wrong.append(FieldError("lines", "are empty; add what is offered"))
    if not has_customer:
        wrong.append(FieldError("account_id", "is missing, and no contact either; say whom it is for"))
    if valid_until is None:
        wrong.append(FieldError("valid_until", "is missing; say to which day the offer holds"))
    elif valid_until < today:
        wrong.append(
            FieldError("valid_until", f"is over since {valid_until.isoformat()}; choose a later day")
        )
    if wrong:
        raise InvalidInput(*wrong)


def quote_number(count: int) -> str:
    """Return the number people say for the ``count``-th quote of a workspace: Q-000123."""
    return f"Q-{count:06d}"


def _percent(value: Decimal) -> str:
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) + " %"


def _net(line: LineFacts) -> Decimal:
    return line.quantity * line.unit_price * (PERCENT - line.discount_percent) / PERCENT


def _rounded(amount: Decimal, currency: str) -> Decimal:
    decimals = MINOR_UNITS.get(currency, USUAL_MINOR_UNITS)
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
