"""The rules of payments: what is open, and where a payment stands on a day. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from backend.core.errors import FieldError, InvalidInput


class PaymentStatus(StrEnum):
    PLANNED = "planned"
    DUE = "due"
    PARTIAL = "partial"
    PAID = "paid"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


class PaymentMethod(StrEnum):
    BANK_TRANSFER = "bank_transfer"
    CARD = "card"
    CASH = "cash"
    CHEQUE = "cheque"
    ALIPAY = "alipay"
    WECHAT_PAY = "wechat_pay"
    OTHER = "other"


def standing(
    *, amount: Decimal, received: Decimal, due: date, today: date, is_void: bool = False
) -> PaymentStatus:
    """Return where a payment stands: overdue from the day after ``due``, while anything is open.

    ``is_void``: its contract never held, so nothing more is owed.
    """
    if received >= amount:
        return PaymentStatus.PAID
    if is_void:
        return PaymentStatus.CANCELLED
    if today > due:
        return PaymentStatus.OVERDUE
    if received > 0:
        return PaymentStatus.PARTIAL
    return PaymentStatus.DUE if today == due else PaymentStatus.PLANNED


def next_day(status: PaymentStatus, due: date) -> date | None:
    """Return the day on which a payment stands elsewhere by itself; None when it never will."""
    if status is PaymentStatus.PLANNED:
        return due
    return due + timedelta(days=1) if status in (PaymentStatus.DUE, PaymentStatus.PARTIAL) else None


def check_receipt(received: Decimal, *, amount: Decimal, so_far: Decimal, currency: str) -> None:
    """Raise InvalidInput unless ``received`` may come in after ``so_far``: never more than is open."""
    open_amount = amount - so_far
    if received <= 0:
        raise InvalidInput(FieldError("amount", "must be more than 0; send what came in"))
    if received > open_amount:
        raise InvalidInput(
            FieldError(
                "amount",
                f"is more than the {open_amount} {currency} still open; "
                "raise the planned amount first, or plan a payment of its own for the rest",
            )
        )


def check_planned(amount: Decimal, so_far: Decimal) -> None:
    """Raise InvalidInput when less is planned than came in."""
    if amount < so_far:
        raise InvalidInput(FieldError("amount", f"is less than the {so_far} that came in already"))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    return sum(amounts, Decimal(0))


def payment_number(count: int) -> str:
    """Return the number people say for the ``count``-th payment of a workspace: P-000123."""
    return f"P-{count:06d}"
