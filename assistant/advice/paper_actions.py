"""What a customer's contracts and payments call for: to collect what is overdue, to renew what ends; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from assistant.advice.chances import Reckoning, counted
from assistant.advice.experience import Experience
from assistant.advice.history import Chance, smoothed
from assistant.advice.reasons import explain
from assistant.advice.subjects import Subject
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contract_rules import ContractStatus
from backend.sales.payment_rules import PaymentStatus
from backend.sales.quote_documents import Quote
from backend.sales.quote_rules import QuoteStatus
from knowledge.text import Language

COLLECT, RENEW_CONTRACT = "collect_payment", "renew_contract"
LATELY_ENDED = timedelta(days=60)  # an expired contract is still worth a word
MOST_SIMILAR = 3
PAYMENT_FIELDS = tuple(
    f"payment.{name}" for name in ("status", "amount", "received_total", "currency", "due")
)
CONTRACT_FIELDS = tuple(f"contract.{name}" for name in ("status", "value", "currency", "end"))
OVER = (ContractStatus.RENEWED, ContractStatus.EXPIRED, ContractStatus.TERMINATED)


@dataclass(frozen=True, kw_only=True)
class PaperCall:
    """An action that a paper calls for, before it is scored."""

    action: str
    about: Contract | Payment
    value: Decimal
    chance: Reckoning
    similar: Sequence[Contract | Payment]
    reasons: tuple[str, ...]
    rests_on: tuple[str, ...]


def calls_of_papers(
    subject: Subject, experience: Experience, *, now: datetime, language: Language
) -> Iterator[PaperCall]:
    """Yield what the customer's overdue payments and ending contracts call for."""
    for one in subject.payments:
        if one.status is PaymentStatus.OVERDUE:
            yield _collect(one, experience.payments, now, language)
    for contract in subject.contracts:
        if _may_be_renewed(contract, now) and contract.value:
            yield _renew(contract, experience.contracts, language)


def _collect(one: Payment, known: Sequence[Payment], now: datetime, language: Language) -> PaperCall:
    fell_due = [
        p for p in known if p.id != one.id and p.status in (PaymentStatus.PAID, PaymentStatus.OVERDUE)
    ]
    paid = [payment for payment in fell_due if payment.status is PaymentStatus.PAID]
    chance = Chance(smoothed(len(paid), len(fell_due)), len(paid), len(fell_due))
    # The day that was due is over by the workspace's clock at ``overdue_at``.
    days = (now - one.overdue_at).days + 1 if one.overdue_at else 1
    still_open = one.amount - one.received_total
    values = {"number": one.number, "open": f"{still_open:f}", "currency": one.currency}
    return PaperCall(
        action=COLLECT,
        about=one,
        value=still_open,
        chance=counted([("paid_in_the_end", chance)], method="counted"),
        similar=[payment for payment in paid if payment.currency == one.currency][:MOST_SIMILAR],
        reasons=(explain("payment_overdue", language, days=days, **values),),
        rests_on=PAYMENT_FIELDS,
    )


def _may_be_renewed(one: Contract, now: datetime) -> bool:
    if one.auto_renew or one.renewed_by_id or one.ends_at is None:
        return False
    lately = one.status is ContractStatus.EXPIRED and now - one.ends_at <= LATELY_ENDED
    return one.status is ContractStatus.EXPIRING or lately


def _renew(one: Contract, known: Sequence[Contract], language: Language) -> PaperCall:
    over = [contract for contract in known if contract.id != one.id and contract.status in OVER]
    renewed = [contract for contract in over if contract.status is ContractStatus.RENEWED]
    chance = Chance(smoothed(len(renewed), len(over)), len(renewed), len(over))
    key = "contract_ended" if one.status is ContractStatus.EXPIRED else "contract_ends"
    return PaperCall(
        action=RENEW_CONTRACT,
        about=one,
        value=one.value or Decimal(0),
        chance=counted([("renewed_before", chance)], method="counted"),
        similar=renewed[:MOST_SIMILAR],
        reasons=(explain(key, language, number=one.number, end=one.end),),
        rests_on=CONTRACT_FIELDS,
    )


def quote_state(quotes: Sequence[Quote], *, now: datetime, language: Language) -> tuple[str, str]:
    """Return what a deal's quotes call for (``send_quote``, ``follow_up`` or nothing), and why.

    One that is with the customer counts before one that lies here, that before one that came to nothing.
    """
    for statuses, action, key in (
        ((QuoteStatus.ACCEPTED,), "follow_up", "quote_accepted"),
        ((QuoteStatus.SENT,), "follow_up", "quote_sent"),
        ((QuoteStatus.APPROVED, QuoteStatus.DRAFT, QuoteStatus.REJECTED), "send_quote", "quote_lies_here"),
        ((QuoteStatus.EXPIRED,), "send_quote", "quote_lapsed"),
    ):
        found = [one for one in quotes if one.status in statuses]
        if found:
            latest = max(found, key=lambda one: (one.sent_at or now, one.number))
            days = (now - latest.sent_at).days if latest.sent_at else 0
            return action, explain(key, language, number=latest.number, days=days)
    return "", ""
