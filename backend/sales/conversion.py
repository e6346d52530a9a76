"""How a lead becomes a customer."""

from typing import Any

from backend.core.events import RecordUpdated
from backend.core.fields import Fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.crm.contacts import create_contact, update_contact
from backend.crm.documents import Account, Contact
from backend.sales.documents import Lead, Opportunity
from backend.sales.events import LeadConverted
from backend.sales.opportunities import create_opportunity
from backend.sales.rules import LeadStatus, check_lead_change

PERSON = ("full_name", "given_name", "family_name", "title", "email", "phone", "language", "source")


async def convert_lead(
    uow: UnitOfWork, id: str, choices: Fields, *, expected_version: int | None = None
) -> Lead:
    """Turn a lead into account, contact and opportunity, in one commit, and lock it.

    ``choices``: ``account_id``, ``contact_id`` and ``opportunity_id`` join existing records, of which only
    empty fields are filled; ``with_opportunity`` (true unless given), ``opportunity_name``, ``amount``.
    The lead's owner and teams have what is created. Needs the right to change the lead and what is
    joined, and to create the rest.
    """
    lead = await uow.access(Lead, id, action="update", expected_version=expected_version)
    check_lead_change(lead.status, LeadStatus.OPEN)
    account = await _account(uow, lead, choices.get("account_id"))
    contact = await _contact(uow, lead, account, choices.get("contact_id"))
    lead.status, lead.converted_at = LeadStatus.CONVERTED, uow.at
    lead.account_id, lead.contact_id = account.id, contact.id
    opportunity = await _opportunity(uow, lead, choices)
    lead.opportunity_id = opportunity.id if opportunity else None
    converted = LeadConverted(
        account_id=account.id, contact_id=contact.id, opportunity_id=lead.opportunity_id
    )
    changed = ("account_id", "contact_id", "converted_at", "opportunity_id", "status")
    uow.save(lead, RecordUpdated(fields=changed), converted)
    return lead


async def _account(uow: UnitOfWork, lead: Lead, id: str | None) -> Account:
    if id is not None:
        return await uow.access(Account, id, action="update")
    fields = {
        "name": lead.company or lead.full_name,
        "source": lead.source,
        "billing_address": {"country": lead.country},
    }
    return await create_account(uow, fields | _holders(lead))


async def _contact(uow: UnitOfWork, lead: Lead, account: Account, id: str | None) -> Contact:
    person = {name: getattr(lead, name) for name in PERSON}
    if id is None:
        return await create_contact(uow, {**person, "account_id": account.id} | _holders(lead))
    known = await uow.access(Contact, id, action="update")
    person["account_id"] = account.id
    empty = {name: value for name, value in person.items() if value and not getattr(known, name)}
    return await update_contact(uow, id, empty)


async def _opportunity(uow: UnitOfWork, lead: Lead, choices: Fields) -> Opportunity | None:
    if (known_id := choices.get("opportunity_id")) is not None:
        known = await uow.access(Opportunity, known_id, action="update")
        known.lead_id = known.lead_id or lead.id
        uow.save(known)
        return known
    if not choices.get("with_opportunity", True):
        return None
    deal = {
        "name": choices.get("opportunity_name") or lead.company or lead.full_name,
        "amount": choices.get("amount"),
        "account_id": lead.account_id,
        "contact_id": lead.contact_id,
        "source": lead.source,
    }
    return await create_opportunity(uow, deal | _holders(lead), lead_id=lead.id)


def _holders(lead: Lead) -> dict[str, Any]:
    return {"owner_id": lead.owner_id, "team_ids": lead.team_ids}
