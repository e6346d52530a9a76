"""Roles of a workspace's own: what may be done with them.

Input comes as rows, the way people read it: ``levels`` of ``{kind, action, level}``, ``fields`` of
``{kind, field, access}``, ``other_fields`` of ``{kind, access}``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from backend.core.access import ANY_KIND
from backend.core.errors import FieldError, InvalidInput
from backend.core.field_names import stored_name
from backend.core.field_rules import SIGHT, FieldAccess, hideable_fields
from backend.core.fields import Fields, new_record, set_fields
from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Role, User
from backend.identity.giving import right_beyond
from backend.identity.policies import RoleBook, grants_of
from backend.identity.sharing_documents import SharingRule

KEY = re.compile(r"[a-z][a-z0-9_]{1,39}")
Row = Mapping[str, Any]


async def create_role(uow: UnitOfWork, fields: Fields, *, id: str | None = None, roles: RoleBook) -> Role:
    """Create a role. A key is never used again, so that what was shared with a deleted role stays shut.

    Raise InvalidInput for a key that is taken, for what no kind has, and for rights that the actor has not.
    """
    role = await new_record(uow, Role, _by_kind(fields), id=id)
    if not KEY.fullmatch(role.key):
        raise InvalidInput(
            FieldError("key", "is not right: use 2 to 40 of a–z, 0–9 and _, beginning with a letter")
        )
    if role.key in roles:
        raise InvalidInput(FieldError("key", "is another role's; choose another"))
    _check_rights(uow, role, roles)
    uow.save(role)
    return role


async def update_role(
    uow: UnitOfWork, id: str, fields: Fields, *, expected_version: int | None = None, roles: RoleBook
) -> Role:
    """Change a role; ``levels``, ``fields`` and ``other_fields`` are replaced as a whole. Its key stays."""
    role = await uow.access(Role, id, action="update", expected_version=expected_version)
    if fields.get("key", role.key) != role.key:
        raise InvalidInput(
            FieldError("key", "stays as it is: people and rules name it; make another role instead")
        )
    _check_rights(uow, role, roles)  # who cannot give it cannot take it either
    set_fields(role, _by_kind(fields))
    _check_rights(uow, role, roles)
    uow.save(role)
    return role


async def delete_role(uow: UnitOfWork, id: str, *, expected_version: int | None = None) -> Role:
    """Delete a role that nobody has any more and no sharing rule names; raise InvalidInput while one does."""
    role = await uow.access(Role, id, action="delete", expected_version=expected_version)
    unit = uow.as_house()  # it matters, whoever the actor may see
    if await unit.find_one(User, {"role_keys": role.key}) is not None:
        raise InvalidInput(
            FieldError("id", "is a role that people have; give them another role first, see `users`")
        )
    name = f"r:{role.key}"
    for rule in await unit.find(SharingRule):
        if name in (*rule.share_with, *rule.owned_by):
            raise InvalidInput(
                FieldError("id", f"is named by the sharing rule {rule.name!r}; change or delete that first")
            )
    uow.delete(role)
    return role


def _check_rights(uow: UnitOfWork, role: Role, roles: RoleBook) -> None:
    beyond = right_beyond(uow.actor, roles.capped(grants_of(role)))
    if beyond:
        raise InvalidInput(
            FieldError("levels", f"reach further than your own: you have not `{beyond}`; ask an admin for it")
        )


def _by_kind(fields: Fields) -> dict[str, Any]:
    """Return the input as roles are stored: by kind, then by action or field."""
    found = dict(fields)
    if "levels" in found:
        found["levels"] = _levels(found["levels"] or ())
    if "fields" in found:
        found["fields"] = _field_rules(found["fields"] or ())
    if "other_fields" in found:
        rows = found["other_fields"] or ()
        found["other_fields"] = {_kind(row, f"other_fields.{n}"): row["access"] for n, row in enumerate(rows)}
    return found


def _levels(rows: Sequence[Row]) -> dict[str, dict[str, str]]:
    levels: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows):
        levels.setdefault(_kind(row, f"levels.{number}"), {})[row["action"]] = row["level"]
    return levels


def _field_rules(rows: Sequence[Row]) -> dict[str, dict[str, str]]:
    rules: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows):
        place, kind, name = f"fields.{number}", row["kind"], stored_name(row["field"])
        record = REGISTRY.get(kind)
        if record is None:
            raise InvalidInput(FieldError(f"{place}.kind", f"is {kind!r}, which is no kind of record"))
        hideable = hideable_fields(record)
        if name not in hideable | record.editable_fields():
            raise InvalidInput(
                FieldError(f"{place}.field", f"is {row['field']!r}, which no {kind} has; see the kind's type")
            )
        if name not in hideable and SIGHT[FieldAccess(row["access"])] < SIGHT[FieldAccess.READ]:
            raise InvalidInput(
                FieldError(
                    f"{place}.field", f"is {row['field']!r}, which a {kind} cannot be shown without; use READ"
                )
            )
        rules.setdefault(kind, {})[name] = row["access"]
    return rules


def _kind(row: Row, place: str) -> str:
    kind: str = row["kind"]
    if kind != ANY_KIND and kind not in REGISTRY:
        raise InvalidInput(
            FieldError(f"{place}.kind", f"is {kind!r}, which is no kind of record and not `*`")
        )
    return kind
