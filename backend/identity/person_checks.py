"""What must hold of a person before it is stored: addresses, references, and that an admin remains."""

from collections.abc import Collection
from zoneinfo import available_timezones

from backend.core.errors import FieldError, InvalidInput
from backend.core.events import RecordUpdated
from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Team, User, Workspace
from backend.identity.policies import ADMIN

LOCALES = ("zh", "en")
LONGEST_EMAIL = 320
LONGEST_NAME = 300


def check_email(email: str) -> None:
    """Raise InvalidInput for what cannot be an address. Whether it is one, only a mail to it tells."""
    name, at, host = email.rpartition("@")
    odd = any(char.isspace() or not char.isprintable() for char in email)
    if not at or not name or not host or odd or len(email) > LONGEST_EMAIL:
        raise InvalidInput(FieldError("email", "is not an address; write it as name@company.example"))


async def check_person(uow: UnitOfWork, user: User, changed: Collection[str]) -> None:
    """Raise InvalidInput for one of the ``changed`` fields that cannot be so."""
    if not user.name.strip() or len(user.name) > LONGEST_NAME:
        raise InvalidInput(FieldError("name", f"must have 1 to {LONGEST_NAME} characters"))
    if user.locale not in LOCALES:
        raise InvalidInput(FieldError("locale", "is neither zh nor en; choose one of them"))
    if user.time_zone not in available_timezones():
        raise InvalidInput(
            FieldError("time_zone", "is no time zone of the IANA list; write it as Asia/Shanghai")
        )
    if "team_ids" in changed:
        await _check_teams(uow, user)
    if "manager_id" in changed:
        await _check_manager(uow, user)
    if "contact_id" in changed:
        await _check_contact(uow, user)


async def _check_teams(uow: UnitOfWork, user: User) -> None:
    for id in user.team_ids:
        if await uow.find_one(Team, {"_id": id}) is None:
            raise InvalidInput(
                FieldError("team_ids", f"hold {id}, no team of this workspace; choose of `teams`")
            )


async def _check_manager(uow: UnitOfWork, user: User) -> None:
    """Walk up from the manager: everybody must be there, and nobody may lead themselves."""
    above, seen = user.manager_id, set[str]()
    while above is not None and above not in seen:
        if above == user.id:
            raise InvalidInput(
                FieldError("manager_id", "would put this person above themselves; choose another manager")
            )
        seen.add(above)
        manager = await uow.find_one(User, {"_id": above})
        if above == user.manager_id and (manager is None or manager.contact_id is not None):
            raise InvalidInput(FieldError("manager_id", "is no member of your staff; choose one of `users`"))
        above = manager.manager_id if manager else None


async def _check_contact(uow: UnitOfWork, user: User) -> None:
    """A customer's contact must be one that whoever invites them sees."""
    contact = REGISTRY.get("contact")
    if user.contact_id is None or contact is None:
        return
    if await uow.find_one(contact, {"_id": user.contact_id}) is None:
        raise InvalidInput(FieldError("contact_id", "is no contact that you see; choose one of `contacts`"))


def _is_person(user: User) -> bool:
    """Tell staff who sign in from customers, and from the identities of API keys."""
    return user.contact_id is None and not user.is_service


async def keep_an_admin(uow: UnitOfWork, leaving: User) -> None:
    """Raise InvalidInput when ``leaving`` is the last who can administer the workspace.

    Marks the workspace as well: of two admins who take the right from each other at the same moment, the
    second looks again, and is refused. It is read before the admins are: had it been read after them, another
    suspension between the two reads would pass unseen.
    """
    workspace = await uow.access(Workspace, uow.actor.workspace_id, action="update")
    admins = await uow.find(User, {"role_keys": ADMIN, "is_active": True})
    if not [one for one in admins if one.id != leaving.id and _is_person(one)]:
        raise InvalidInput(
            FieldError("id", "is the last active admin, who must stay; make somebody else an admin first")
        )
    uow.save(workspace, RecordUpdated(fields=()))
