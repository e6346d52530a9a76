"""Personal access tokens and API keys in the identity room's GraphQL face."""

import strawberry

from backend.core.graphql import Info
from backend.identity import api_tokens as operations
from backend.identity.actors import Actors
from backend.identity.scopes import TOKEN_SESSION
from backend.identity.token_types import (
    AccessToken,
    AccessTokenCreateInput,
    AccessTokenCreateResult,
    AccessTokenMade,
    AccessTokenRevokeInput,
    AccessTokenRevokeResult,
    ApiKeyCreateInput,
    ApiKeyCreateResult,
)


@strawberry.type
class TokenQuery:
    @strawberry.field(description="Your own access tokens, newest first; at most the last 200.")
    async def access_tokens(self, info: Info) -> list[AccessToken]:
        return [AccessToken.of(one) for one in await operations.list_access_tokens(info.context.actor)]

    @strawberry.field(description="The workspace's API keys, newest first; for admins.")
    async def api_keys(self, info: Info) -> list[AccessToken]:
        return [AccessToken.of(one) for one in await operations.list_api_keys(info.context.actor)]


@strawberry.type
class TokenMutation:
    @strawberry.mutation(description="Make a token with which a program acts as you.")
    async def access_token_create(self, info: Info, input: AccessTokenCreateInput) -> AccessTokenCreateResult:
        context = info.context
        made = await operations.create_access_token(context.store, context.actor, input.wanted())
        return AccessTokenMade.of(made)

    @strawberry.mutation(description="Let a token count no longer: your own, or for admins anybody's.")
    async def access_token_revoke(self, info: Info, input: AccessTokenRevokeInput) -> AccessTokenRevokeResult:
        revoked = await operations.revoke_access_token(info.context.store, info.context.actor, input.id)
        (await info.context.services.aget(Actors)).forget(TOKEN_SESSION + revoked.id)
        return AccessToken.of(revoked)

    @strawberry.mutation(description="Make a key with which a program acts as itself, in a role; for admins.")
    async def api_key_create(self, info: Info, input: ApiKeyCreateInput) -> ApiKeyCreateResult:
        context, actors = info.context, await info.context.services.aget(Actors)
        role = (await actors.roles(context.actor.workspace_id)).get(input.role_key)
        made = await operations.create_api_key(
            context.store, context.actor, input.wanted(), input.role_key, role
        )
        return AccessTokenMade.of(made)

    @strawberry.mutation(description="Let an API key count no longer, and suspend its identity; for admins.")
    async def api_key_revoke(self, info: Info, input: AccessTokenRevokeInput) -> AccessTokenRevokeResult:
        revoked = await operations.revoke_api_key(info.context.store, info.context.actor, input.id)
        (await info.context.services.aget(Actors)).forget(TOKEN_SESSION + revoked.id)
        return AccessToken.of(revoked)
