"""Operations on workspaces and the people in them."""

from backend.core.errors import FieldError, InvalidInput
from backend.core.events import RecordCreated, RecordUpdated
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.identity.credentials import find_credential, set_password
from backend.identity.documents import User, Workspace
from backend.identity.events import UserInvited, UserSuspended, WorkspaceCreated
from backend.identity.person_checks import check_email, check_person, keep_an_admin
from backend.identity.policies import RoleBook, groups_of
from backend.identity.rights import (
    NOBODY_YET,
    Standing,
    check_may_rule,
    check_roles,
    check_standing,
    loses_admin,
)
from backend.identity.sharing_rules import note_groups_changed
from backend.identity.sign_in import folded
from backend.identity.teams import create_team

__all__ = [
    "create_team",
    "create_user",
    "create_workspace",
    "invite_again",
    "invite_user",
    "reactivate_user",
    "set_password",
    "suspend_user",
    "update_user",
]


async def create_workspace(uow: UnitOfWork, fields: Fields) -> Workspace:
    """Create the workspace whose id is the actor's workspace id."""
    workspace = await new_record(uow, Workspace, fields, id=uow.actor.workspace_id)
    uow.save(workspace, RecordCreated(), WorkspaceCreated())
    return workspace


async def create_user(uow: UnitOfWork, fields: Fields, *, id: str | None = None) -> User:
    """Create a person, by the workspace's clock unless ``fields`` name another; a password comes with
    ``set_password``. Raise InvalidInput for a taken address."""
    user = await new_record(uow, User, fields, id=id)
    if "time_zone" not in fields:
        user.time_zone = await _home_zone(uow)
    user.email = folded(user.email)
    check_email(user.email)
    here, anywhere = await uow.find_one(User, {"email": user.email}), await find_credential(user.email)
    if here is not None or (anywhere is not None and anywhere.user_id != user.id):
        raise InvalidInput(FieldError("email", "is in use; choose another address, or sign in with this one"))
    user.owner_id = user.id
    uow.save(user)
    return user


async def invite_user(uow: UnitOfWork, fields: Fields, *, id: str | None = None, roles: RoleBook) -> User:
    """Create a person who is to get a link to set a password. Nobody gives rights that they lack."""
    user = await create_user(uow, fields, id=id)
    check_roles(user.role_keys, user.contact_id, roles)
    check_standing(uow.actor, user.id, NOBODY_YET, _standing(user), roles)
    await check_person(uow, user, {*User.editable_fields()})
    uow.save(user, UserInvited())
    return user


async def invite_again(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> User:
    """Let somebody who has no password yet get another link. Raise InvalidInput for others."""
    user = await uow.access(User, id, action="update", expected_version=expected_version)
    if user.is_service:
        raise InvalidInput(FieldError("id", "is the identity of an API key, which never signs in"))
    if not user.is_active:
        raise InvalidInput(FieldError("id", "is suspended; reactivate this person first"))
    if await find_credential(user.email) is not None:
        raise InvalidInput(FieldError("id", "has a password already; see POST /auth/forgot-password"))
    uow.save(user, UserInvited())
    return user


async def update_user(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None, roles: RoleBook
) -> User:
    """Change a person. Raise InvalidInput when it would raise the actor's own rights, or leave no admin."""
    user = await uow.access(User, id, action="update", expected_version=expected_version)
    before, groups = _standing(user), groups_of(user)
    set_fields(user, fields)
    after = _standing(user)
    if "role_keys" in fields:
        check_roles(user.role_keys, user.contact_id, roles)
    check_standing(uow.actor, user.id, before, after, roles)
    await check_person(uow, user, fields)
    if user.is_active and loses_admin(before.role_keys, after.role_keys):
        await keep_an_admin(uow, user)
    await note_groups_changed(uow, groups, groups_of(user))
    uow.save(user)
    return user


async def suspend_user(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None, roles: RoleBook
) -> User:
    """Let somebody sign in no more; their sessions end. Raise InvalidInput for the last active admin."""
    user = await uow.access(User, id, action="update", expected_version=expected_version)
    check_may_rule(uow.actor, user.role_keys, roles)
    if user.is_active:
        if loses_admin(user.role_keys, ()):
            await keep_an_admin(uow, user)
        user.is_active = False
        uow.save(user, RecordUpdated(fields=("is_active",)), UserSuspended())
    return user


async def reactivate_user(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None, roles: RoleBook
) -> User:
    """Let a suspended person sign in again."""
    user = await uow.access(User, id, action="update", expected_version=expected_version)
    check_may_rule(uow.actor, user.role_keys, roles)
    user.is_active = True
    uow.save(user)
    return user


async def _home_zone(uow: UnitOfWork) -> str:
    """Return the workspace's time zone, whatever a role may read, also of a workspace made in this unit."""
    id = uow.actor.workspace_id
    home = await uow.as_house().look_up(Workspace, id) or await uow.access(Workspace, id)
    return home.time_zone


def _standing(user: User) -> Standing:
    return Standing(frozenset(user.role_keys), frozenset(user.team_ids), user.manager_id)
