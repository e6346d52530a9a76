"""Sign-in providers in the identity room's GraphQL face."""

from functools import partial
from typing import Any

import strawberry

from backend.core.connections import Connection, page
from backend.core.graphql import DeleteInput, Info
from backend.core.mutations import run_create, run_delete, run_update
from backend.identity import provider_documents as documents
from backend.identity import providers as operations
from backend.identity.actors import Actors
from backend.identity.provider_types import (
    IdentityProvider,
    IdentityProviderCreateInput,
    IdentityProviderDeleteResult,
    IdentityProviderResult,
    IdentityProviderUpdateInput,
)
from backend.identity.sign_in import TokenPolicy


async def _means(info: Info) -> dict[str, Any]:
    """Return what the operations need beside their input."""
    policy, actors = await info.context.services.aget(TokenPolicy, Actors)
    return {"key": policy.key, "roles": await actors.roles(info.context.actor.workspace_id)}


@strawberry.type
class ProviderQuery:
    @strawberry.field(description="Where the workspace's people may sign in; for admins.")
    async def identity_providers(
        self, info: Info, first: int = 50, after: str | None = None
    ) -> Connection[IdentityProvider]:
        return await page(
            info.context.uow,
            documents.IdentityProvider,
            IdentityProvider.of,
            where={},
            order=[],
            first=first,
            after=after,
        )


@strawberry.type
class ProviderMutation:
    @strawberry.mutation(description="Let people sign in at a provider; for admins.")
    async def identity_provider_create(
        self, info: Info, input: IdentityProviderCreateInput
    ) -> IdentityProviderResult:
        create = partial(operations.create_provider, **await _means(info))
        return IdentityProvider.of(await run_create(info, create, input))

    @strawberry.mutation(description="Change a sign-in provider; for admins.")
    async def identity_provider_update(
        self, info: Info, input: IdentityProviderUpdateInput
    ) -> IdentityProviderResult:
        update = partial(operations.update_provider, **await _means(info))
        return IdentityProvider.of(await run_update(info, update, input))

    @strawberry.mutation(description="Let nobody sign in at a provider any more; for admins.")
    async def identity_provider_delete(self, info: Info, input: DeleteInput) -> IdentityProviderDeleteResult:
        return await run_delete(info, operations.delete_provider, input)
