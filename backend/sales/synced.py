"""Which columns of the sales room's records travel to phones."""

from collections.abc import Sequence
from typing import Any

from backend.core.errors import Forbidden
from backend.core.fields import Fields
from backend.core.records import Record
from backend.core.sync import CUSTOM_FIELDS, SyncedCollection, shown, shown_only, synced, with_phone_id
from backend.core.sync_policy import Policy
from backend.core.unit_of_work import UnitOfWork
from backend.sales.approval_decisions import decide_approval, withdraw_approval
from backend.sales.approval_documents import Approval, sees_snapshot
from backend.sales.approval_rules import ApprovalStatus
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contracts import create_contract, delete_contract, update_contract
from backend.sales.documents import Lead, Opportunity, Pipeline
from backend.sales.leads import create_lead, delete_lead, update_lead
from backend.sales.opportunities import create_opportunity, delete_opportunity, update_opportunity
from backend.sales.payments import create_payment, delete_payment, update_payment
from backend.sales.quote_documents import Quote
from backend.sales.quotes import create_quote, delete_quote, update_quote

# Names are texts by language; each stage is an object: key, name, order, type, probability.
PIPELINES = shown_only(
    "pipeline",
    Pipeline,
    shown("name", "object"),
    shown("currency"),
    shown("is_default", "boolean"),
    shown("stages", "list"),
    shown("discount_limit", "decimal"),
    shown("updated_at", "datetime"),
    priority=1,
)

OPPORTUNITIES = SyncedCollection(
    name="opportunity",
    record=Opportunity,
    fields=(
        synced("name", required=True),
        synced("amount", "decimal"),
        synced("currency"),
        synced("stage"),
        synced("expected_close_date", "date"),
        synced("next_step"),
        synced("account_id"),
        synced("contact_id"),
        synced("loss_reason"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("probability", "integer"),
        shown("stage_type"),
        shown("pipeline_id"),
        shown("closed_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_opportunity),
    update=update_opportunity,
    delete=delete_opportunity,
    keep_if_edited=True,
    priority=3,
)

QUOTES = SyncedCollection(
    name="quote",
    record=Quote,
    fields=(
        synced("name"),
        synced("opportunity_id"),
        synced("account_id"),
        synced("contact_id"),
        synced("currency"),
        synced("lines", "rows"),
        synced("valid_until", "date"),
        synced("terms"),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("number"),
        shown("status"),
        shown("net_total", "decimal"),
        shown("tax_total", "decimal"),
        shown("gross_total", "decimal"),
        shown("expires_at", "datetime"),
        shown("sent_at", "datetime"),
        shown("closed_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_quote),
    update=update_quote,
    delete=delete_quote,
    keep_if_edited=True,
    priority=4,
)


async def _refuse_create(uow: UnitOfWork, fields: Fields, id: str) -> Record:
    raise Forbidden("create", Approval.kind)


async def _refuse_delete(uow: UnitOfWork, id: str) -> Record:
    raise Forbidden("delete", Approval.kind)


async def _decide(uow: UnitOfWork, id: str, fields: Fields) -> Record:
    """Take a decision from a phone: ``status``, with the hash of what it saw and a comment."""
    if fields.get("status") == ApprovalStatus.WITHDRAWN:
        return await withdraw_approval(uow, id, {})
    status, seen = fields.get("status"), fields.get("decided_hash")
    decision = {"decision": status, "snapshot_hash": seen, "comment": fields.get("comment")}
    return await decide_approval(uow, id, decision)


async def _without_hashes(uow: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Keep the hash of what is approved from who does not see all of that: it could be guessed from it."""
    for row in rows:
        if not sees_snapshot(uow.actor, row["subject_kind"]):
            row["snapshot_hash"] = row["decided_hash"] = None


APPROVALS = SyncedCollection(
    name="approval",
    record=Approval,
    fields=(
        synced("status"),
        synced("decided_hash"),
        synced("comment"),
        shown("subject_kind"),
        shown("subject_id"),
        shown("number"),
        shown("requested_by"),
        shown("requested_at", "datetime"),
        shown("note"),
        shown("approver_ids", "list"),
        shown("snapshot_hash"),
        shown("decided_by"),
        shown("decided_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=_refuse_create,
    update=_decide,
    delete=_refuse_delete,
    as_seen=_without_hashes,
    priority=4,
)

LEADS = SyncedCollection(
    name="lead",
    record=Lead,
    fields=(
        synced("full_name", required=True),
        synced("given_name"),
        synced("family_name"),
        synced("company"),
        synced("title"),
        synced("email"),
        synced("phone"),
        synced("country"),
        synced("source"),
        synced("status"),
        synced("score", "integer", policy=Policy.COUNTER),  # points are added, whoever sees a reason to
        synced("interests", "list", policy=Policy.SET_UNION),
        synced("lost_reason"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("account_id"),
        shown("contact_id"),
        shown("opportunity_id"),
        shown("converted_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_lead),
    update=update_lead,
    delete=delete_lead,
    keep_if_edited=True,
    priority=4,
)

# A phone drafts and plans. Signing, ending and receiving are operations of their own, and need the server.
CONTRACTS = SyncedCollection(
    name="contract",
    record=Contract,
    fields=(
        shown("number"),
        synced("name", required=True),
        synced("type"),
        shown("status"),
        synced("account_id"),
        synced("contact_id"),
        synced("opportunity_id"),
        synced("value", "decimal"),
        synced("currency"),
        synced("start", "date"),
        synced("end", "date"),
        synced("auto_renew", "boolean"),
        synced("notice_days", "integer"),
        synced("parties", "list"),
        synced("description", policy=Policy.APPEND),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("signed_at", "datetime"),
        shown("ends_at", "datetime"),
        shown("renews_id"),
        shown("renewed_by_id"),
        shown("terminated_at", "datetime"),
        shown("termination_reason"),
        shown("void_reason"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_contract),
    update=update_contract,
    delete=delete_contract,
    keep_if_edited=True,
    priority=4,
)

# Each receipt is an object: id, amount, at, method, note, by.
PAYMENTS = SyncedCollection(
    name="payment",
    record=Payment,
    fields=(
        shown("number"),
        synced("name"),
        synced("contract_id", required=True),
        shown("account_id"),
        synced("due", "date", required=True),
        synced("amount", "decimal", required=True),
        synced("currency"),
        shown("received", "rows"),
        shown("received_total", "decimal"),
        shown("status"),
        synced("owner_id"),
        CUSTOM_FIELDS,
        shown("overdue_at", "datetime"),
        shown("paid_at", "datetime"),
        shown("updated_at", "datetime"),
    ),
    create=with_phone_id(create_payment),
    update=update_payment,
    delete=delete_payment,
    keep_if_edited=True,
    priority=5,
)
