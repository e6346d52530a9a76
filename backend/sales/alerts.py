"""What people are told about leads, opportunities, quotes, approvals, contracts and payments."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backend.core.alerts import Alert, Reminder, Telling, holder
from backend.core.events import RecordUpdated
from backend.core.unit_of_work import UnitOfWork
from backend.crm.alerts import owner_moved
from backend.sales.approval_documents import Approval
from backend.sales.approval_rules import ApprovalStatus
from backend.sales.contract_alerts import CONTRACT_REMINDERS
from backend.sales.contract_documents import Contract, Payment
from backend.sales.documents import Lead, Opportunity
from backend.sales.events import ApprovalDecided, ApprovalRequested
from backend.sales.quote_documents import Quote
from backend.sales.quote_rules import QuoteStatus
from backend.sales.rules import LeadStatus, StageType


def _waiting_since(lead: Lead) -> datetime | None:
    is_waiting = lead.status is LeadStatus.OPEN and lead.first_responded_at is None
    return lead.created_at if is_waiting else None


def _in_stage_since(opportunity: Opportunity) -> datetime | None:
    if opportunity.stage_type is not StageType.OPEN or not opportunity.stage_history:
        return None
    return opportunity.stage_history[-1].at


def _owner(record: Lead | Opportunity | Quote) -> Sequence[str | None]:
    return [record.owner_id]


def _quote_ends_at(quote: Quote) -> datetime | None:
    return quote.expires_at if quote.status is QuoteStatus.SENT else None


async def _approvers(uow: UnitOfWork, event: ApprovalRequested, approval: Approval) -> Sequence[str]:
    return approval.approver_ids


def _approval_id(event: ApprovalRequested | ApprovalDecided) -> str:
    return event.approval_id


def _is_over(approval: Approval) -> bool:
    return approval.status is not ApprovalStatus.PENDING


def _decision(event: ApprovalDecided, approval: Approval) -> Mapping[str, str]:
    return {"decision": event.decision.value}


def _stage(opportunity: Opportunity) -> Mapping[str, str]:
    return {"stage": opportunity.stage.replace("_", " ")}


TELLING = Telling(
    alerts=(
        *(
            Alert(
                type="record_assigned",
                event=RecordUpdated,
                about=kind,
                tells=holder("owner_id"),
                when=owner_moved,
            )
            for kind in (Lead, Opportunity, Quote, Contract, Payment)
        ),
        Alert(
            type="approval_requested",
            event=ApprovalRequested,
            about=Approval,
            record_id=_approval_id,
            tells=_approvers,
            is_moot=_is_over,
        ),
        Alert(
            type="approval_decided",
            event=ApprovalDecided,
            about=Approval,
            record_id=_approval_id,
            tells=holder("requested_by"),
            words=_decision,
        ),
    ),
    reminders=(
        Reminder(
            type="lead_unanswered",
            about=Lead,
            date=_waiting_since,
            tells=_owner,
            ahead=timedelta(hours=4),
            is_after=True,
        ),
        Reminder(
            type="stage_rotting",
            about=Opportunity,
            date=_in_stage_since,
            tells=_owner,
            ahead=timedelta(days=14),
            is_after=True,
            words=_stage,
        ),
        Reminder(
            type="quote_expiring",
            about=Quote,
            date=_quote_ends_at,
            tells=_owner,
            ahead=timedelta(days=3),
            lapses=True,
        ),
        *CONTRACT_REMINDERS,
    ),
)
