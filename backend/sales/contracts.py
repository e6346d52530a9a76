"""What may be done with a contract: draft, sign, renew, end it. Its days do the rest (``day_changes``)."""

from collections.abc import Collection
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from backend.core.clock import end_of_day
from backend.core.errors import FieldError, InvalidInput
from backend.core.events import RecordUpdated
from backend.core.fields import Fields, invalid_input, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.home import home_currency, home_zone
from backend.crm.numbers import next_number
from backend.identity.actors import Actors
from backend.sales.approvals import request_approval, withdraw_requests
from backend.sales.contract_documents import Contract
from backend.sales.contract_rules import (
    DATED,
    LIVE,
    ONE_DAY,
    RENEWABLE,
    UNSIGNED,
    ContractStatus,
    Term,
    check_frozen,
    check_move,
    check_reason,
    check_signable,
    check_term,
    contract_number,
    following,
    next_day,
    standing,
)
from backend.sales.events import ContractStatusChanged
from backend.sales.payments import cancel_payments, drop_payments, lead_payments

# What the following contract takes over from the one before, unless the renewal says otherwise.
TAKEN_OVER: tuple[str, ...] = (
    *("name", "type", "account_id", "contact_id", "value", "currency", "auto_renew", "notice_days"),
    *("parties", "owner_id", "team_ids", "ext"),
)
LED = ("account_id", "owner_id")  # what payments copy


async def create_contract(
    uow: UnitOfWork, fields: Fields, *, id: str | None = None, renews_id: str | None = None
) -> Contract:
    """Draft a contract under the workspace's next number, in the workspace's currency unless given.

    Raise InvalidInput for an end before the start, and for one that renews itself without an end.
    """
    currency = fields.get("currency") or await home_currency(uow)
    contract = await new_record(uow, Contract, {**fields, "currency": currency}, id=id)
    check_term(contract.start, contract.end, auto_renew=contract.auto_renew)
    contract.renews_id = renews_id
    contract.number = contract_number(await next_number(uow, Contract.kind))
    settle(contract, await home_zone(uow), uow.at)
    uow.save(contract)
    return contract


async def update_contract(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Contract:
    """Change a contract: all of a draft; of a signed one what was not signed.

    Other terms make an approved one a draft again, and withdraw a request for approval.

    Raise InvalidInput for a change of what was signed, and for an end before the start.
    """
    contract = await uow.access(Contract, id, action="update", expected_version=expected_version)
    before = contract.model_copy()
    set_fields(contract, fields)
    changed = {name for name in fields if getattr(contract, name) != getattr(before, name)}
    if contract.status not in UNSIGNED:
        check_frozen(changed, contract.number)
    elif not changed.isdisjoint(Contract.approved_fields):
        await withdraw_requests(uow, contract)
        contract.status = ContractStatus.DRAFT
    check_term(contract.start, contract.end, auto_renew=contract.auto_renew)
    settle(contract, await home_zone(uow), uow.at)
    _save(uow, contract, before.status, changed)
    if not changed.isdisjoint(LED):
        await lead_payments(uow, contract)
    return contract


async def delete_contract(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Contract:
    """Delete a contract that is not signed, and its planned payments; others are terminated or voided.

    Raise InvalidInput when it was signed or voided, and when money came in for it.
    """
    contract = await uow.access(Contract, id, action="delete", expected_version=expected_version)
    if contract.status not in UNSIGNED:
        raise InvalidInput(
            FieldError(
                "id",
                f"is {contract.number}, which is {contract.status}; only what is not signed can be deleted",
            )
        )
    await withdraw_requests(uow, contract)
    await drop_payments(uow, contract)
    uow.delete(contract)
    await _let_go(uow, contract)
    return contract


async def submit_contract(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None, actors: Actors
) -> Contract:
    """Ask for a draft to be approved, with a ``note`` to the approvers: it is not signed before they did.

    Raise InvalidInput for what it lacks to be signed, and when nobody may approve it.
    """
    contract = await uow.access(Contract, id, action="update", expected_version=expected_version)
    check_move(contract.status, ContractStatus.IN_APPROVAL)
    check_signable(account_id=contract.account_id, start=contract.start)
    contract.status = ContractStatus.IN_APPROVAL
    await request_approval(uow, contract, note=fields.get("note") or "", actors=actors)
    return contract


async def sign_contract(
    uow: UnitOfWork, id: str, *, signed_at: datetime | None = None, expected_version: int | None = None
) -> Contract:
    """Sign a draft, now unless ``signed_at`` lies back; it stands at once where its days are.

    Raise InvalidInput without account and start, for a time to come, for what is no draft, and for one that
    somebody is still to approve.
    """
    contract = await uow.access(Contract, id, action="update", expected_version=expected_version)
    before = contract.status
    check_move(before, ContractStatus.SIGNED)
    check_signable(account_id=contract.account_id, start=contract.start)
    try:
        contract.signed_at = signed_at or uow.at
    except ValidationError as error:  # a time that names no zone
        raise invalid_input(error) from None
    if contract.signed_at > uow.at:
        raise InvalidInput(FieldError("signed_at", "lies ahead; sign the contract when it is signed"))
    contract.status = ContractStatus.SIGNED
    settle(contract, await home_zone(uow), uow.at)
    _save(uow, contract, before)
    return contract


async def terminate_contract(
    uow: UnitOfWork, id: str, reason: str, *, expected_version: int | None = None
) -> Contract:
    """End a signed contract before its time, from now on; what is still to be paid stays so.

    Raise InvalidInput without a reason, and for a contract that is not in force nor about to be.
    """
    contract = await uow.access(Contract, id, action="update", expected_version=expected_version)
    before = contract.status
    check_move(before, ContractStatus.TERMINATED)
    reason = check_reason(reason, "reason", examples=("customer cancelled", "breach"))
    set_ended(contract, ContractStatus.TERMINATED)
    contract.terminated_at, contract.termination_reason = uow.at, reason
    _save(uow, contract, before)
    return contract


async def void_contract(
    uow: UnitOfWork, id: str, reason: str, *, expected_version: int | None = None
) -> Contract:
    """Say that a contract never held: nothing of it is owed, and what it was to renew is not renewed.

    Raise InvalidInput without a reason, and for a contract that has ended.
    """
    contract = await uow.access(Contract, id, action="update", expected_version=expected_version)
    before = contract.status
    check_move(before, ContractStatus.VOID)
    reason = check_reason(reason, "reason", examples=("signed by mistake", "no authority"))
    set_ended(contract, ContractStatus.VOID)
    contract.void_reason = reason
    await withdraw_requests(uow, contract)
    _save(uow, contract, before)
    await cancel_payments(uow, contract)
    await _let_go(uow, contract)
    return contract


async def renew_contract(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Contract:
    """Draft the contract that follows, and link both; a second time return the one that follows already.

    It begins the day after and is as long, unless ``fields`` (value, end, …) say otherwise. The one before
    stays in force to its last day, and is `renewed` after that. Raise InvalidInput without an end to follow
    on, and for a contract that was not signed, or was terminated or voided.
    """
    contract = await uow.access(Contract, id, action="update", expected_version=expected_version)
    if contract.renewed_by_id is not None:
        return await uow.access(Contract, contract.renewed_by_id)
    before, successor = contract.status, await _follow_up(uow, contract, fields)
    settle(contract, await home_zone(uow), uow.at)
    _save(uow, contract, before, {"renewed_by_id"})
    return successor


async def follow_days(uow: UnitOfWork, id: str, *, now: datetime) -> Contract:
    """Let a contract stand where its days are at ``now``; one that renews itself is followed by the next.

    For the house. Twice is as good as once.
    """
    contract = await uow.access(Contract, id, action="update")
    before, zone = contract.status, await home_zone(uow)
    settle(contract, zone, now)
    ended = before in LIVE and contract.status is ContractStatus.EXPIRED
    if ended and contract.auto_renew:
        await _renew_itself(uow, contract, zone)
        settle(contract, zone, now)
    _save(uow, contract, before)
    return contract


def settle(contract: Contract, zone: ZoneInfo, at: datetime) -> None:
    """Let a contract's status and moments follow from its days; a status that does not, stays."""
    contract.ends_at = end_of_day(contract.end, zone) if contract.end else None
    if contract.status not in DATED:
        contract.moves_at = None
        return
    term, today = contract.term, at.astimezone(zone).date()
    assert term is not None  # or it could not be signed
    contract.status = standing(term, today, is_renewed=contract.renewed_by_id is not None)
    moves = next_day(term, today)
    contract.moves_at = end_of_day(moves - ONE_DAY, zone) if moves else None


def set_ended(contract: Contract, status: ContractStatus) -> None:
    """Let a contract stand in an end that its days have no say in."""
    contract.status, contract.moves_at = status, None


async def _follow_up(uow: UnitOfWork, contract: Contract, fields: Fields) -> Contract:
    """Draft the contract that follows, and link both; the caller saves the one before."""
    if contract.status not in RENEWABLE:
        raise InvalidInput(
            FieldError(
                "id",
                f"is {contract.number}, which is {contract.status}; draft a new contract (`contractCreate`)",
            )
        )
    term = following(_ended_term(contract))
    taken = {name: getattr(contract, name) for name in TAKEN_OVER}
    days = {"start": term.start, "end": term.end}
    successor = await create_contract(uow, {**taken, **days, **fields}, renews_id=contract.id)
    contract.renewed_by_id = successor.id
    return successor


async def _renew_itself(uow: UnitOfWork, contract: Contract, zone: ZoneInfo) -> None:
    """Let the next contract follow by the clause of this one: nobody signs again.

    It stands where it is on its first day; the days since are followed in the next round.
    """
    successor = await _follow_up(uow, contract, {})
    assert successor.start is not None
    successor.signed_at, successor.status = contract.ends_at, ContractStatus.SIGNED
    settle(successor, zone, end_of_day(successor.start - ONE_DAY, zone))
    uow.save(successor, _status_changed(successor, ContractStatus.DRAFT))


def _ended_term(contract: Contract) -> Term:
    term = contract.term
    if term is None or term.end is None:
        raise InvalidInput(
            FieldError("id", f"is {contract.number}, which has no end; it runs on until it is terminated")
        )
    return term


async def _let_go(uow: UnitOfWork, successor: Contract) -> None:
    """Take back the renewal that ``successor`` was: the contract before it may be renewed again."""
    if successor.renews_id is None:
        return
    for contract in await uow.entailed(Contract, {"_id": successor.renews_id}):
        before, contract.renewed_by_id = contract.status, None
        settle(contract, await home_zone(uow), uow.at)
        uow.entail(contract)
        if contract.status is not before:
            uow.save(contract, _status_changed(contract, before))


def _save(uow: UnitOfWork, contract: Contract, before: ContractStatus, changed: Collection[str] = ()) -> None:
    """Save a contract of which ``changed`` were set, and announce it when its status is another."""
    if contract.status is before:
        uow.save(contract)
    else:
        fields = tuple(sorted({*changed, "status"}))
        uow.save(contract, RecordUpdated(fields=fields), _status_changed(contract, before))


def _status_changed(contract: Contract, before: ContractStatus) -> ContractStatusChanged:
    return ContractStatusChanged(before=before, after=contract.status, owner_id=contract.owner_id)
