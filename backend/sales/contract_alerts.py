"""What people are reminded of about contracts and payments."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backend.core.alerts import Reminder
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contract_rules import LIVE, NOTICE_DAYS
from backend.sales.payment_rules import PaymentStatus


def _contract_end(contract: Contract) -> datetime | None:
    return contract.ends_at if contract.status in LIVE and contract.renewed_by_id is None else None


def _notice(contract: Contract) -> timedelta:
    """Return how long before its end a contract is told of: at once, when it was signed later than that."""
    notice = timedelta(days=NOTICE_DAYS if contract.notice_days is None else contract.notice_days)
    if contract.ends_at is None or contract.signed_at is None:
        return notice
    return max(min(notice, contract.ends_at - contract.signed_at), timedelta())


def _last_day(contract: Contract) -> Mapping[str, str]:
    return _still_on(contract.ends_at)


def _open_since(payment: Payment) -> datetime | None:
    is_open = payment.status not in (PaymentStatus.PAID, PaymentStatus.CANCELLED)
    return payment.overdue_at if is_open else None


def _collectors(payment: Payment) -> Sequence[str | None]:
    return [payment.owner_id, payment.contract_owner_id]


def _due_day(payment: Payment) -> Mapping[str, str]:
    return _still_on(payment.overdue_at)


def _still_on(over_at: datetime | None) -> Mapping[str, str]:
    """Return the last minute of a day that is over at ``over_at``: people say the day, not the midnight."""
    return {"at": (over_at - timedelta(minutes=1)).isoformat()} if over_at else {}


def _owner(contract: Contract) -> Sequence[str | None]:
    return [contract.owner_id]


CONTRACT_REMINDERS = (
    Reminder(
        type="contract_expiring",
        about=Contract,
        date=_contract_end,
        tells=_owner,
        ahead=timedelta(days=NOTICE_DAYS),
        ahead_of=_notice,
        lapses=True,
        words=_last_day,
    ),
    Reminder(
        type="payment_overdue",
        about=Payment,
        date=_open_since,
        tells=_collectors,
        is_after=True,
        words=_due_day,
    ),
)
