"""What may be done with a payment: plan it, note what came in. Its days do the rest (``day_changes``)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from backend.core.clock import end_of_day
from backend.core.errors import FieldError, InvalidInput
from backend.core.events import RecordUpdated
from backend.core.fields import Fields, invalid_input, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.home import home_zone
from backend.crm.numbers import next_number
from backend.sales.contract_documents import Contract, Payment, Receipt
from backend.sales.contract_rules import ONE_DAY, ContractStatus
from backend.sales.events import PaymentReceived
from backend.sales.payment_rules import (
    PaymentStatus,
    check_planned,
    check_receipt,
    next_day,
    payment_number,
    standing,
)


async def create_payment(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Payment:
    """Plan a payment of a contract, in its currency unless given, under the workspace's next number.

    Raise InvalidInput for a contract that is not visible to the actor, or is void.
    """
    contract = await _contract_of(uow, fields.get("contract_id"))
    currency = fields.get("currency") or contract.currency
    payment = await new_record(uow, Payment, {**fields, "currency": currency}, id=id)
    payment.account_id, payment.contract_owner_id = contract.account_id, contract.owner_id
    payment.number = payment_number(await next_number(uow, Payment.kind))
    settle(payment, await home_zone(uow), uow.at)
    uow.save(payment)
    return payment


async def update_payment(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Payment:
    """Change what is planned. Raise InvalidInput for another contract, and against what came in already."""
    payment = await uow.access(Payment, id, action="update", expected_version=expected_version)
    before = payment.model_copy()
    set_fields(payment, fields)
    if payment.contract_id != before.contract_id:
        raise InvalidInput(
            FieldError(
                "contract_id", "is set once; plan a payment of the other contract, and delete this one"
            )
        )
    if payment.received and payment.currency != before.currency:
        raise InvalidInput(
            FieldError("currency", f"stays {before.currency}, in which money came in; plan another payment")
        )
    check_planned(payment.amount, payment.received_total)
    settle(payment, await home_zone(uow), uow.at)
    uow.save(payment)
    return payment


async def delete_payment(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Payment:
    """Delete a planned payment. Raise InvalidInput when money came in for it."""
    payment = await uow.access(Payment, id, action="delete", expected_version=expected_version)
    if payment.received:
        raise InvalidInput(FieldError("id", f"is {payment.number}, for which money came in; that is kept"))
    uow.delete(payment)
    return payment


async def receive_payment(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Payment:
    """Note that money came in: ``amount``, and ``at`` (now), ``method``, ``note``. Never more than is open.

    Raise InvalidInput for nothing, for more than is open, for a time to come, and when nothing is owed.
    """
    payment = await uow.access(Payment, id, action="update", expected_version=expected_version)
    if payment.status is PaymentStatus.CANCELLED:
        raise InvalidInput(
            FieldError("id", f"is {payment.number} of a contract that is void; nothing is owed")
        )
    receipt = _receipt(uow, fields)
    check_receipt(
        receipt.amount, amount=payment.amount, so_far=payment.received_total, currency=payment.currency
    )
    if receipt.at > uow.at:
        raise InvalidInput(FieldError("at", "lies ahead; note money when it is there"))
    payment.received = [*payment.received, receipt]
    settle(payment, await home_zone(uow), uow.at)
    changed = RecordUpdated(fields=("received", "received_total", "status"))
    uow.save(payment, changed, PaymentReceived(is_paid=payment.status is PaymentStatus.PAID))
    return payment


async def take_back_receipt(
    uow: UnitOfWork, id: str, receipt_id: str, *, expected_version: int | None = None
) -> Payment:
    """Take out a receipt that was noted by mistake. Raise InvalidInput when the payment has no such one."""
    payment = await uow.access(Payment, id, action="update", expected_version=expected_version)
    kept = [receipt for receipt in payment.received if receipt.id != receipt_id]
    if len(kept) == len(payment.received):
        raise InvalidInput(
            FieldError("receipt_id", f"is none of {payment.number}; take one from its `received`")
        )
    payment.received = kept
    settle(payment, await home_zone(uow), uow.at)
    uow.save(payment)
    return payment


async def follow_days(uow: UnitOfWork, id: str, *, now: datetime) -> Payment:
    """Let a payment stand where the days are at ``now``. For the house; twice is as good as once."""
    payment = await uow.access(Payment, id, action="update")
    settle(payment, await home_zone(uow), now)
    uow.save(payment)
    return payment


def settle(payment: Payment, zone: ZoneInfo, at: datetime) -> None:
    """Let a payment's sum, status and moments follow from its receipts and days; cancelled stays so."""
    payment.count_receipts()
    payment.status = standing(
        amount=payment.amount,
        received=payment.received_total,
        due=payment.due,
        today=at.astimezone(zone).date(),
        is_void=payment.status is PaymentStatus.CANCELLED,
    )
    payment.overdue_at = end_of_day(payment.due, zone)
    moves = next_day(payment.status, payment.due)
    payment.moves_at = end_of_day(moves - ONE_DAY, zone) if moves else None
    if payment.status is not PaymentStatus.PAID:
        payment.paid_at = None
    elif payment.paid_at is None:
        payment.paid_at = max((receipt.at for receipt in payment.received), default=at)


# ── what a contract's change entails ─────────────────────────────────────────────────────────────


async def lead_payments(uow: UnitOfWork, contract: Contract) -> None:
    """Let a contract's payments have its account and its owner."""
    for payment in await _payments_of(uow, contract):
        payment.account_id, payment.contract_owner_id = contract.account_id, contract.owner_id
        uow.entail(payment)


async def cancel_payments(uow: UnitOfWork, contract: Contract) -> None:
    """Let nothing of a void contract be owed; what is paid stays paid."""
    zone = await home_zone(uow)
    for payment in await _payments_of(uow, contract):
        if payment.status is not PaymentStatus.PAID:
            payment.status = PaymentStatus.CANCELLED
            settle(payment, zone, uow.at)
            uow.entail(payment)


async def drop_payments(uow: UnitOfWork, contract: Contract) -> None:
    """Delete what was planned for a draft that goes; raise InvalidInput when money came in for it."""
    for payment in await _payments_of(uow, contract):
        if payment.received:
            raise InvalidInput(
                FieldError(
                    "id", f"is {contract.number}; for its {payment.number} money came in, which is kept"
                )
            )
        uow.delete(payment)


async def _payments_of(uow: UnitOfWork, contract: Contract) -> list[Payment]:
    return await uow.entailed(Payment, {"contract_id": contract.id})


async def _contract_of(uow: UnitOfWork, id: Any) -> Contract:
    contract = await uow.look_up(Contract, str(id)) if id else None
    if contract is None:
        raise InvalidInput(
            FieldError("contract_id", "names no contract that is visible to you; take one from `contracts`")
        )
    if contract.status is ContractStatus.VOID:
        raise InvalidInput(
            FieldError("contract_id", f"names {contract.number}, which is void; nothing is owed")
        )
    return contract


def _receipt(uow: UnitOfWork, fields: Fields) -> Receipt:
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return Receipt.model_validate({"at": uow.at, **given, "by": uow.actor.user_id})
    except ValidationError as error:
        raise invalid_input(error) from None
