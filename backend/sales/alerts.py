"""What people are told about leads and opportunities."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backend.core.alerts import Alert, Reminder, Telling, holder
from backend.core.events import RecordUpdated
from backend.crm.alerts import owner_moved
from backend.sales.documents import Lead, Opportunity
from backend.sales.rules import LeadStatus, StageType


def _waiting_since(lead: Lead) -> datetime | None:
    is_waiting = lead.status is LeadStatus.OPEN and lead.first_responded_at is None
    return lead.created_at if is_waiting else None


def _in_stage_since(opportunity: Opportunity) -> datetime | None:
    if opportunity.stage_type is not StageType.OPEN or not opportunity.stage_history:
        return None
    return opportunity.stage_history[-1].at


def _owner(record: Lead | Opportunity) -> Sequence[str | None]:
    return [record.owner_id]


def _stage(opportunity: Opportunity) -> Mapping[str, str]:
    return {"stage": opportunity.stage.replace("_", " ")}


TELLING = Telling(
    alerts=tuple(
        Alert(
            type="record_assigned",
            event=RecordUpdated,
            about=kind,
            tells=holder("owner_id"),
            when=owner_moved,
        )
        for kind in (Lead, Opportunity)
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
    ),
)
