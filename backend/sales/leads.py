"""What may be done with a lead."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.home_country import reachable_fields
from backend.crm.names import full_name
from backend.sales.documents import Lead
from backend.sales.rules import LeadStatus, check_lead_change


async def create_lead(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Lead:
    """Create a lead. Without ``full_name`` it gets that of its given and family name, or of the company."""
    named = dict(fields)
    parts = (named.get("given_name") or "", named.get("family_name") or "")
    named["full_name"] = named.get("full_name") or full_name(*parts) or named.get("company")
    if not named["full_name"]:
        raise InvalidInput(FieldError("full_name", "is missing; give it, or the person's or company's name"))
    lead = await new_record(
        uow, Lead, await reachable_fields(uow, named, country=named.get("country") or ""), id=id
    )
    check_lead_change(LeadStatus.OPEN, lead.status)
    uow.save(lead)
    return lead


async def update_lead(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Lead:
    """Change a lead. Raise InvalidInput for a converted one, and for a conversion by hand."""
    lead = await uow.access(Lead, id, action="update", expected_version=expected_version)
    before = lead.status
    country = fields.get("country") or lead.country
    set_fields(lead, await reachable_fields(uow, fields, country=country))
    check_lead_change(before, lead.status)
    uow.save(lead)
    return lead


async def delete_lead(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Lead:
    """Delete a lead. Raise InvalidInput for a converted one: metrics count it."""
    lead = await uow.access(Lead, id, action="delete", expected_version=expected_version)
    check_lead_change(lead.status, LeadStatus.OPEN)
    uow.delete(lead)
    return lead
