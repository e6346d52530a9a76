"""Roles as GraphQL types and inputs."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.access import ACTIONS, Grant, Level
from backend.core.field_names import shown_name
from backend.core.field_rules import FieldAccess
from backend.core.graphql import Conflict, Deleted, Forbidden, Info, InvalidInput, NotFound
from backend.core.mutations import CreateInput, UpdateInput
from backend.identity import documents
from backend.identity.actors import Actors
from backend.identity.policies import RoleBook, grants_of

strawberry.enum(Level, name="AccessLevel", description="How far a role reaches, from nothing to all.")
strawberry.enum(FieldAccess, description="How much of a field a role gives; each includes those before it.")


@strawberry.enum(description="What can be done with a record.")
class Action(Enum):
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    EXPORT = "export"
    ASSIGN = "assign"
    APPROVE = "approve"


@strawberry.type(description="How far a role reaches with one action on one kind of record; `*` is any kind.")
class RoleLevel:
    kind: str
    action: Action
    level: Level


@strawberry.type(description="How much of one field a role gives.")
class RoleField:
    kind: str
    field: str
    access: FieldAccess


@strawberry.type(
    description="How much of the fields not named: HIDDEN makes those named an allow-list. `*` is any kind."
)
class RoleOtherFields:
    kind: str
    access: FieldAccess


@strawberry.type(
    description="What those who have it may do. Several roles merge, the most permissive counts. A built-in "
    "role has its key for an id and cannot be changed."
)
class Role:
    id: strawberry.ID
    version: int
    key: str
    name: str
    built_in: bool
    levels: list[RoleLevel]
    fields: list[RoleField]
    other_fields: list[RoleOtherFields]

    @classmethod
    def of(cls, record: documents.Role) -> Self:
        return cls._with(grants_of(record), record.id, record.version, record.key, record.name)

    @classmethod
    def of_built_in(cls, key: str, grants: Mapping[str, Grant]) -> Self:
        return cls._with(grants, key, 0, key, key.capitalize(), built_in=True)

    @classmethod
    def _with(
        cls,
        grants: Mapping[str, Grant],
        id: str,
        version: int,
        key: str,
        name: str,
        *,
        built_in: bool = False,
    ) -> Self:
        ordered = sorted(grants.items())
        return cls(
            id=strawberry.ID(id),
            version=version,
            key=key,
            name=name,
            built_in=built_in,
            levels=[
                RoleLevel(kind=kind, action=Action(action), level=level)
                for kind, grant in ordered
                for action, level in sorted(grant.levels.items(), key=lambda pair: ACTIONS.index(pair[0]))
            ],
            fields=[
                RoleField(kind=kind, field=shown_name(name), access=access)
                for kind, grant in ordered
                for name, access in sorted(grant.fields.items())
            ],
            other_fields=[
                RoleOtherFields(kind=kind, access=grant.other_fields)
                for kind, grant in ordered
                if grant.other_fields is not FieldAccess.EDIT
            ],
        )


async def role_book(info: Info) -> RoleBook:
    """Return every role of the caller's workspace."""
    actors = await info.context.services.aget(Actors)
    return await actors.roles(info.context.actor.workspace_id)


@strawberry.input(description="How far to reach with one action on one kind of record; `*` is any kind.")
class RoleLevelInput:
    kind: str
    action: Action
    level: Level


@strawberry.input(description="How much to give of one field.")
class RoleFieldInput:
    kind: str
    field: str
    access: FieldAccess


@strawberry.input(
    description="How much to give of the fields not named: HIDDEN makes those named an allow-list."
)
class RoleOtherFieldsInput:
    kind: str
    access: FieldAccess


@strawberry.input(
    description="A new role. Nobody can give rights that they do not have. A `key` is never used twice."
)
class RoleCreateInput(CreateInput):
    key: str
    name: str
    levels: list[RoleLevelInput] | None = UNSET
    fields: list[RoleFieldInput] | None = UNSET
    other_fields: list[RoleOtherFieldsInput] | None = UNSET


@strawberry.input(description="What to change about a role; each list that is given replaces the whole.")
class RoleUpdateInput(UpdateInput):
    name: str | None = UNSET
    levels: list[RoleLevelInput] | None = UNSET
    fields: list[RoleFieldInput] | None = UNSET
    other_fields: list[RoleOtherFieldsInput] | None = UNSET


RoleResult = Annotated[Role | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("RoleResult")]
RoleDeleteResult = Annotated[
    Deleted | InvalidInput | NotFound | Forbidden | Conflict, strawberry.union("RoleDeleteResult")
]
