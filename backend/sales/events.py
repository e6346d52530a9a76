"""What the sales room announces beside plain created, updated and deleted."""

from backend.core.events import DomainEvent
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
