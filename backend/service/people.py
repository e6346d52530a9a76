"""Whose matter it is: the checks of the ids that decide who reads a ticket or a conversation."""

from typing import Any

from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.fields import Fields
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.identity.documents import Team, User
from backend.service.documents import CustomerMatter


async def settle_readers(uow: UnitOfWork, matter: CustomerMatter, changed: Fields) -> None:
    """Check the assignee and the team among the ``changed`` ids, and copy the owner of another account.

    Readers follow from these ids, so a person who is not of ours must never get in by one of them.
    Raise InvalidInput for one who is not. An account that the actor does not see gives no owner here;
    the house looks again as itself (``account_owners``).
    """
    if "assignee_id" in changed and matter.assignee_id is not None:
        await _check_assignee(uow, matter.assignee_id)
    if "team_id" in changed and matter.team_id is not None:
        await _check_team(uow, matter.team_id)
    if "account_id" in changed:
        matter.account_owner_id = await find_account_owner(uow, matter.account_id)


async def find_account_owner(uow: UnitOfWork, account_id: str | None) -> str | None:
    """Return the person of ours who owns the account; None without one, or when the actor sees neither."""
    account = await uow.find_one(Account, {"_id": account_id}) if account_id else None
    owner_id = account.owner_id if account else None
    owner = await uow.find_one(User, {"_id": owner_id}) if owner_id else None
    return owner.id if owner is not None and owner.contact_id is None else None


def differing(record: Record, fields: Fields) -> dict[str, Any]:
    """Return those of ``fields`` that ``record`` does not have so already."""
    return {name: value for name, value in fields.items() if getattr(record, name, None) != value}


def check_first_assignee(uow: UnitOfWork, kind: type[CustomerMatter], fields: Fields) -> None:
    """Raise Forbidden when a new record goes to somebody else and the actor may not assign this kind."""
    to_another = fields.get("assignee_id") not in (None, uow.actor.user_id)
    if to_another and not uow.may(kind.kind, "assign"):
        raise Forbidden("assign", kind.kind)


def made_by(uow: UnitOfWork) -> str | None:
    """Return who of ours makes a record now: None for a customer and for the house itself."""
    ours = not uow.actor.is_customer and "system" not in uow.actor.roles
    return uow.actor.user_id if ours else None


async def name_of(uow: UnitOfWork, user_id: str | None) -> str:
    """Return how a person of ours is called, for the customers whom they write to; empty when unknown."""
    user = await uow.find_one(User, {"_id": user_id}) if user_id else None
    return user.name if user is not None else ""


async def _check_assignee(uow: UnitOfWork, user_id: str) -> None:
    user = await uow.find_one(User, {"_id": user_id})
    if user is None or user.contact_id is not None or not user.is_active:
        raise InvalidInput(
            FieldError("assignee_id", "is no active member of your staff; choose one of `users`")
        )


async def _check_team(uow: UnitOfWork, team_id: str) -> None:
    if await uow.find_one(Team, {"_id": team_id}) is None:
        raise InvalidInput(FieldError("team_id", "is no team of this workspace; choose one of `teams`"))
