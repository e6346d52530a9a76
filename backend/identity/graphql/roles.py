"""Root fields of roles."""

from functools import partial

import strawberry

from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity import documents, roles
from backend.identity.role_types import (
    Role,
    RoleCreateInput,
    RoleDeleteResult,
    RoleResult,
    RoleUpdateInput,
    role_book,
)


@strawberry.type
class RoleQuery:
    @strawberry.field(
        description="The roles of the workspace, its own first; none for who may not read roles."
    )
    async def roles(self, info: Info) -> list[Role]:
        own = await info.context.uow.find(documents.Role, sort=[("key", 1)])
        if not info.context.uow.may(documents.Role.kind, "read"):
            return []
        built_in = (await role_book(info)).built_in
        return [*map(Role.of, own), *(Role.of_built_in(key, built_in[key]) for key in sorted(built_in))]


@strawberry.type
class RoleMutation:
    @strawberry.mutation(description="Create a role of the workspace's own.")
    async def role_create(self, info: Info, input: RoleCreateInput) -> RoleResult:
        create = partial(roles.create_role, roles=await role_book(info))
        return Role.of(await run_create(info, create, input))

    @strawberry.mutation(description="Change a role. Whoever has it is bound by that from the next request.")
    async def role_update(self, info: Info, input: RoleUpdateInput) -> RoleResult:
        update = partial(roles.update_role, roles=await role_book(info))
        return Role.of(await run_update(info, update, input))

    @strawberry.mutation(description="Delete a role that nobody has and no sharing rule names.")
    async def role_delete(self, info: Info, input: DeleteInput) -> RoleDeleteResult:
        return await run_delete(info, roles.delete_role, input)
