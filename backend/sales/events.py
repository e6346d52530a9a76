"""What the sales room announces beside plain created, updated and deleted."""

from backend.core.events import DomainEvent
from backend.sales.approval_rules import ApprovalStatus
from backend.sales.contract_rules import ContractStatus
from backend.sales.rules import StageType


class OpportunityStageChanged(DomainEvent):
    """An opportunity moved along its pipeline, or back."""

    from_stage: str
    to_stage: str
    type: StageType
    owner_id: str | None


class LeadConverted(DomainEvent):
    """A lead became a customer; without ``opportunity_id`` no deal was opened."""

    account_id: str
    contact_id: str
    opportunity_id: str | None


class ApprovalRequested(DomainEvent):
    """Somebody asks for a record to be approved."""

    approval_id: str


class ApprovalDecided(DomainEvent):
    """A request was approved or rejected."""

    approval_id: str
    decision: ApprovalStatus


class ContractStatusChanged(DomainEvent):
    """A contract stands elsewhere: it was signed, ended, or a day began."""

    before: ContractStatus
    after: ContractStatus
    owner_id: str | None


class PaymentReceived(DomainEvent):
    """Money came in for a payment; ``is_paid``: all of it now."""

    is_paid: bool
