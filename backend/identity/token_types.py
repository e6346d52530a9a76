"""Personal access tokens and API keys as GraphQL types and inputs."""

from datetime import datetime
from typing import Annotated, Self

import strawberry

from backend.core.graphql import Conflict, Forbidden, InvalidInput, NotFound
from backend.identity.api_tokens import MadeToken, TokenInput
from backend.identity.scopes import Scope
from backend.identity.token_documents import ApiToken

strawberry.enum(
    Scope,
    name="TokenScope",
    description="What a token may use of its identity's rights: READ every kind; WRITE: also change records, "
    "but not the administration; SYNC: the kinds that phones sync; KNOWLEDGE: articles and answers; "
    "ADMIN: all of them, exports included.",
)


@strawberry.type(
    description="A token that programs send as `Authorization: Bearer`; the token itself is kept nowhere."
)
class AccessToken:
    id: strawberry.ID
    name: str
    prefix: str = strawberry.field(description="How the token begins, to tell it from others.")
    scopes: list[Scope]
    user_id: strawberry.ID = strawberry.field(description="Whom it acts as.")
    created_at: datetime
    created_by: strawberry.ID
    expires_at: datetime
    last_used_at: datetime | None = strawberry.field(description="To the minute; null: never.")
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: ApiToken) -> Self:
        return cls(
            id=strawberry.ID(token.id),
            name=token.name,
            prefix=token.prefix,
            scopes=[Scope(scope) for scope in token.scopes],
            user_id=strawberry.ID(token.user_id),
            created_at=token.created_at,
            created_by=strawberry.ID(token.created_by),
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
        )


@strawberry.type(description="A token just made. `token` is shown only now.")
class AccessTokenMade:
    token: str
    access_token: AccessToken

    @classmethod
    def of(cls, made: MadeToken) -> Self:
        return cls(token=made.text, access_token=AccessToken.of(made.token))


@strawberry.input(description="A token for a program that acts as you, within `scopes`, until `expiresAt`.")
class AccessTokenCreateInput:
    name: str
    scopes: list[Scope]
    expires_at: datetime

    def wanted(self) -> TokenInput:
        return TokenInput(name=self.name, scopes=self.scopes, expires_at=self.expires_at)


@strawberry.input(description="A key for a program that acts as itself, in one role.")
class ApiKeyCreateInput(AccessTokenCreateInput):
    role_key: str


@strawberry.input(description="Which token is to count no longer.")
class AccessTokenRevokeInput:
    id: strawberry.ID


AccessTokenCreateResult = Annotated[
    AccessTokenMade | InvalidInput | Forbidden, strawberry.union("AccessTokenCreateResult")
]
ApiKeyCreateResult = Annotated[
    AccessTokenMade | InvalidInput | Forbidden | Conflict, strawberry.union("ApiKeyCreateResult")
]
AccessTokenRevokeResult = Annotated[
    AccessToken | NotFound | Forbidden | Conflict, strawberry.union("AccessTokenRevokeResult")
]
