"""Who may give which rights: nobody more than they have. Pure: no database, no web."""

from collections.abc import Collection
from dataclasses import dataclass

from backend.core.access import ANY_KIND, NO_GRANT, Actor, Level
from backend.core.errors import FieldError, InvalidInput
from backend.identity.giving import right_beyond
from backend.identity.policies import ADMIN, RoleBook

CUSTOMER = "customer"  # the built-in role of the portal


@dataclass(frozen=True)
class Standing:
    """What of a person decides how far they reach."""

    role_keys: frozenset[str] = frozenset()
    team_ids: frozenset[str] = frozenset()
    manager_id: str | None = None


NOBODY_YET = Standing()


def check_roles(role_keys: Collection[str], contact_id: str | None, roles: RoleBook) -> None:
    """Raise InvalidInput for roles that do not exist, and for a customer with rights of staff."""
    unknown = sorted(key for key in role_keys if key not in roles)
    if unknown:
        raise _refused("role_keys", f"name no role of this workspace: {', '.join(unknown)}; see `roles`")
    if not role_keys:
        raise _refused("role_keys", "are empty; give at least one, such as rep or agent")
    if contact_id is not None and set(role_keys) != {CUSTOMER}:
        raise _refused("role_keys", "of a customer are customer alone; leave `contactId` out for staff")
    if contact_id is None and CUSTOMER in role_keys:
        raise _refused("contact_id", "is missing: the role customer is for the contact that it names")


def check_may_rule(actor: Actor, role_keys: Collection[str], roles: RoleBook) -> None:
    """Raise InvalidInput when a role goes further than the actor's own: it may neither be given nor taken."""
    for key in sorted(role_keys):
        beyond = right_beyond(actor, roles.get(key) or {})
        if beyond is not None:
            raise _refused(
                "role_keys", f"hold {key}, beyond your own rights: {beyond}; ask an admin of the workspace"
            )


def check_standing(actor: Actor, user_id: str, before: Standing, after: Standing, roles: RoleBook) -> None:
    """Raise InvalidInput when the change would raise the actor's own rights, or moves further ones."""
    check_may_rule(actor, before.role_keys ^ after.role_keys, roles)
    if before.role_keys != after.role_keys:
        check_may_rule(actor, before.role_keys, roles)
    if _reaches_everything(actor):
        return  # no team and no hierarchy shows them more
    if user_id == actor.user_id and after.team_ids - before.team_ids:
        raise _refused("team_ids", "would widen what you yourself see; ask an admin of the workspace")
    mine = {actor.user_id, *actor.subordinate_ids}
    if after.manager_id != before.manager_id and after.manager_id in mine and user_id not in mine:
        raise _refused("manager_id", "would put somebody below you; ask an admin of the workspace")


def loses_admin(before: Collection[str], after: Collection[str]) -> bool:
    """Tell whether somebody is an admin before and not after."""
    return ADMIN in before and ADMIN not in after


def _reaches_everything(actor: Actor) -> bool:
    grant = actor.grants.get(ANY_KIND, NO_GRANT)
    return grant.level("read") is Level.ALL and grant.level("update") is Level.ALL


def _refused(field: str, message: str) -> InvalidInput:
    return InvalidInput(FieldError(field, message))
