"""Whom something is shared with: ``u:<user>``, ``t:<team>`` or ``r:<role>``, and never a customer."""

from collections.abc import Collection

from backend.core.errors import FieldError, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Team, User
from backend.identity.policies import RoleBook
from backend.identity.rights import CUSTOMER

SORTS = {"u": "person", "t": "team", "r": "role"}
MENDS = {
    "u": "nobody active of yours; choose one of `users` who is no customer",
    "t": "there is no such team; choose one of `teams`",
    "r": "there is no such role, or it is the customers'; choose one of `roles`",
}


async def check_grantees(uow: UnitOfWork, names: Collection[str], roles: RoleBook, *, field: str) -> None:
    """Raise InvalidInput unless each name is an active person of ours, a team, or a role of ours."""
    ids: dict[str, set[str]] = {sort: set() for sort in SORTS}
    for name in names:
        sort, colon, id = name.partition(":")
        if not colon or not id or sort not in ids:
            raise InvalidInput(
                FieldError(field, f"holds {name!r}; write `u:<user id>`, `t:<team id>` or `r:<role key>`")
            )
        ids[sort].add(id)
    known = {
        "u": await active_staff(uow, ids["u"]),
        "t": {team.id for team in await uow.find(Team, {"_id": {"$in": sorted(ids["t"])}})}
        if ids["t"]
        else set(),
        "r": {key for key in ids["r"] if key in roles and key != CUSTOMER},
    }
    for sort, wanted in ids.items():
        for id in sorted(wanted - known[sort]):
            raise InvalidInput(FieldError(field, f"names {SORTS[sort]} {id!r}: {MENDS[sort]}"))


async def active_staff(uow: UnitOfWork, ids: Collection[str]) -> set[str]:
    """Return which of ``ids`` are people of ours who may sign in, as far as the actor sees them."""
    if not ids:
        return set()
    found = await uow.find(User, {"_id": {"$in": sorted(ids)}})
    return {user.id for user in found if user.is_active and user.contact_id is None}
