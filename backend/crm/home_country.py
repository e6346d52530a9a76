"""Which country a phone number without country code belongs to."""

from backend.core.fields import Fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.contact_points import has_national_phone, with_contact_points
from backend.identity.documents import Workspace

COUNTRY_OF_LOCALE = {"zh": "CN"}  # English is at home in too many countries to tell


async def reachable_fields(uow: UnitOfWork, fields: Fields, *, country: str = "") -> Fields:
    """Return ``fields`` with e-mail addresses and phone numbers in their stored form.

    ``country`` is that of the person or company; without one the workspace's language decides.
    """
    if not country and has_national_phone(fields):
        unit = uow.as_house()  # numbers are stored alike, whatever a role may read
        workspace = await unit.access(Workspace, uow.actor.workspace_id)
        country = COUNTRY_OF_LOCALE.get(workspace.locale[:2], "")
    return with_contact_points(fields, country=country)
