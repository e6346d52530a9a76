"""What may be done with an account."""

from datetime import datetime, timedelta

from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.crm.home_country import reachable_fields

NOTED_EVERY = timedelta(hours=1)  # how exact ``last_activity_at`` is


async def create_account(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> Account:
    """Create an account; the actor owns it unless ``fields`` names another owner."""
    account = await new_record(uow, Account, await _reachable(uow, fields), id=id)
    uow.save(account)
    return account


async def update_account(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None
) -> Account:
    """Change the fields of an account."""
    account = await uow.access(Account, id, action="update", expected_version=expected_version)
    set_fields(account, await _reachable(uow, fields, account.billing_address.country))
    uow.save(account)
    return account


async def delete_account(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Account:
    """Delete an account; its history stays."""
    account = await uow.access(Account, id, action="delete", expected_version=expected_version)
    uow.delete(account)
    return account


async def note_activity(uow: UnitOfWork, id: str, at: datetime) -> None:
    """Remember when something last happened with an account; what lies ahead has not happened.

    A busy hour is noted once: each note sends the account to every phone that holds it.
    """
    account = await uow.access(Account, id, action="update")
    last = account.last_activity_at
    if at <= uow.at and (last is None or at - last >= NOTED_EVERY):
        account.last_activity_at = at
        uow.save(account)


async def _reachable(uow: UnitOfWork, fields: Fields, country: str = "") -> Fields:
    address = fields.get("billing_address") or {}
    return await reachable_fields(uow, fields, country=address.get("country") or country)
