"""Sign-in providers as GraphQL types and inputs."""

from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from backend.core.graphql import Conflict, Deleted, Forbidden, InvalidInput, NotFound
from backend.core.mutations import CreateInput, UpdateInput
from backend.identity import provider_documents as documents


@strawberry.type(
    description="Where the workspace's people may sign in by OpenID Connect: "
    "`/auth/oidc/<id>/start`. Its client secret is never read back."
)
class IdentityProvider:
    id: strawberry.ID
    version: int
    name: str
    issuer: str
    client_id: str
    has_client_secret: bool
    email_domains: list[str]
    role_keys: list[str]
    create_users: bool
    handles_second_factor: bool
    is_active: bool

    @classmethod
    def of(cls, record: documents.IdentityProvider) -> Self:
        return cls(
            id=strawberry.ID(record.id),
            version=record.version,
            name=record.name,
            issuer=record.issuer,
            client_id=record.client_id,
            has_client_secret=bool(record.sealed_client_secret),
            email_domains=record.email_domains,
            role_keys=record.role_keys,
            create_users=record.create_users,
            handles_second_factor=record.handles_second_factor,
            is_active=record.is_active,
        )


@strawberry.input
class IdentityProviderFields:
    client_secret: str | None = strawberry.field(
        default=UNSET, description="Write-only; null or empty for a public client."
    )
    email_domains: list[str] | None = strawberry.field(
        default=UNSET,
        description="The domains whose addresses it vouches for. With none, any address may come, but an "
        "address that has a password here is not taken over.",
    )
    role_keys: list[str] | None = strawberry.field(
        default=UNSET, description="The roles of people whom it brings."
    )
    create_users: bool | None = strawberry.field(
        default=UNSET, description="Whether people who are not known here become users."
    )
    handles_second_factor: bool | None = strawberry.field(
        default=UNSET, description="Whether its word is enough where a second factor is asked for."
    )
    is_active: bool | None = UNSET


@strawberry.input(description="A new sign-in provider, as it is registered there.")
class IdentityProviderCreateInput(IdentityProviderFields, CreateInput):
    name: str
    issuer: str
    client_id: str


@strawberry.input(description="What to change of a sign-in provider.")
class IdentityProviderUpdateInput(IdentityProviderFields, UpdateInput):
    name: str | None = UNSET
    issuer: str | None = UNSET
    client_id: str | None = UNSET


IdentityProviderResult = Annotated[
    IdentityProvider | InvalidInput | NotFound | Forbidden | Conflict,
    strawberry.union("IdentityProviderResult"),
]
IdentityProviderDeleteResult = Annotated[
    Deleted | NotFound | Forbidden | Conflict, strawberry.union("IdentityProviderDeleteResult")
]
