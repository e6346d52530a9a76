"""What may be done with a contact."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.consents import check_not_erased
from backend.crm.documents import Contact
from backend.crm.home_country import reachable_fields
from backend.crm.names import full_name


async def create_contact(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Contact:
    """Create a contact. Without ``full_name`` it is put together from given and family name."""
    named = dict(fields)
    if not named.get("full_name"):
        named["full_name"] = full_name(named.get("given_name") or "", named.get("family_name") or "")
    if not named["full_name"]:
        raise InvalidInput(FieldError("full_name", "is missing; give it, or a given or family name"))
    contact = await new_record(uow, Contact, await _reachable(uow, named), id=id)
    uow.save(contact)
    return contact


async def update_contact(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Contact:
    """Change the fields of a contact. A full name that was put together follows its parts.

    Raise InvalidInput for the contact of an erased person.
    """
    contact = await uow.access(Contact, id, action="update", expected_version=expected_version)
    check_not_erased(contact)
    was_composed = contact.full_name == full_name(contact.given_name, contact.family_name)
    set_fields(contact, await _reachable(uow, fields, contact.address.country))
    composed = full_name(contact.given_name, contact.family_name)
    if was_composed and composed and "full_name" not in fields:
        contact.full_name = composed
    uow.save(contact)
    return contact


async def delete_contact(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Contact:
    """Delete a contact; what refers to it stays."""
    contact = await uow.access(Contact, id, action="delete", expected_version=expected_version)
    uow.delete(contact)
    return contact


async def _reachable(uow: UnitOfWork, fields: Fields, country: str = "") -> Fields:
    address = fields.get("address") or {}
    return await reachable_fields(uow, fields, country=address.get("country") or country)
