"""Deciding on a request for approval, and what becomes of the record that it is about."""

from collections.abc import Callable, Mapping
from typing import Any

from backend.core.access import Action
from backend.core.errors import Conflict, Forbidden
from backend.core.events import RecordUpdated
from backend.core.fields import Fields, set_fields
from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from backend.sales.approval_documents import Approvable, Approval, sees_snapshot
from backend.sales.approval_rules import (
    ApprovalStatus,
    canonical_json,
    check_decider,
    check_pending,
    decision_of,
    differing_fields,
    fingerprint,
)
from backend.sales.contract_documents import Contract
from backend.sales.contract_rules import ContractStatus, check_move
from backend.sales.events import ApprovalDecided
from backend.sales.quote_documents import Quote
from backend.sales.quote_rules import QuoteStatus, moved

# Moves a record to where an end of its request leads: approved, rejected or withdrawn. Each takes its own
# kind, so the record is declared as Any.
Outcome = Callable[[Any, ApprovalStatus], None]

QUOTES = {
    ApprovalStatus.APPROVED: QuoteStatus.APPROVED,
    ApprovalStatus.REJECTED: QuoteStatus.REJECTED,
    ApprovalStatus.WITHDRAWN: QuoteStatus.DRAFT,
}


def _settle_quote(quote: Quote, end: ApprovalStatus) -> None:
    quote.status = moved(quote.status, QUOTES[end])


def _settle_contract(contract: Contract, end: ApprovalStatus) -> None:
    """Let an approved contract be signed; any other is a draft again."""
    after = ContractStatus.APPROVED if end is ApprovalStatus.APPROVED else ContractStatus.DRAFT
    check_move(contract.status, after)
    contract.status = after


OUTCOMES: Mapping[str, Outcome] = {Quote.kind: _settle_quote, Contract.kind: _settle_contract}
"""By kind of record: what may be approved at all."""


async def decide_approval(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Approval:
    """Approve or reject what was asked for, as somebody whose role may approve that very record.

    ``fields``: the ``decision``; the ``snapshot_hash`` as the decider saw it; a ``comment``. Raise Conflict
    when the record is no longer what they saw, InvalidInput for a request that is over or one's own,
    Forbidden for who may not approve the record, or does not see all of what is approved.
    """
    approval = await uow.access(Approval, id, expected_version=expected_version)
    decision, seen_hash = decision_of(fields.get("decision")), fields.get("snapshot_hash") or ""
    check_pending(approval.status)
    record = await _subject(uow, approval, "approve")
    if not sees_snapshot(uow.actor, record.kind):
        raise Forbidden("approve", record.kind)
    check_decider(uow.actor.user_id, approval.requested_by, approval.approver_ids)
    _check_seen(approval, record, seen_hash)
    decided = await _end(
        uow, approval, decision, {"decided_hash": seen_hash, "comment": fields.get("comment") or ""}
    )
    OUTCOMES[record.kind](record, decision)
    event = ApprovalDecided(approval_id=approval.id, decision=decision)
    uow.save(record, RecordUpdated(fields=("status",)), event)
    return decided


async def withdraw_approval(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Approval:
    """Take a request back, as somebody who may change the record: it can be changed and asked for again."""
    approval = await uow.access(Approval, id, expected_version=expected_version)
    check_pending(approval.status)
    record = await _subject(uow, approval, "update")
    OUTCOMES[record.kind](record, ApprovalStatus.WITHDRAWN)
    uow.save(record)
    return await _end(uow, approval, ApprovalStatus.WITHDRAWN, {})


async def _subject(uow: UnitOfWork, approval: Approval, action: Action) -> Approvable:
    found = await uow.access(REGISTRY[approval.subject_kind], approval.subject_id, action=action)
    assert isinstance(found, Approvable)
    return found


def _check_seen(approval: Approval, record: Approvable, seen_hash: str) -> None:
    """Raise Conflict unless the decider saw what was asked for, and the record still is that."""
    now = canonical_json(record.approved_content())
    if seen_hash == approval.snapshot_hash == fingerprint(now):
        return
    # What was erased with a person cannot be compared any more.
    is_whole = fingerprint(approval.snapshot) == approval.snapshot_hash
    changed = differing_fields(approval.snapshot, now) if is_whole else ()
    raise Conflict(
        f"The {record.kind} to approve is not what you saw: read it and its request again, and send the "
        "`snapshotHash` that you find there.",
        current_version=record.version,
        fields=changed,
        current=record,
    )


async def _end(uow: UnitOfWork, approval: Approval, end: ApprovalStatus, values: Fields) -> Approval:
    """Note the end of a request. Whoever reads it may not write it: the house does."""
    (whole,) = await uow.entailed(Approval, {"_id": approval.id})
    set_fields(whole, {"status": end, **values})
    whole.decided_by, whole.decided_at = uow.actor.user_id, uow.at
    uow.entail(whole)
    return whole
