"""What the identity room stores of sign-in by OpenID Connect."""

from datetime import datetime
from typing import ClassVar

from beanie import Document
from pydantic import Field
from pymongo import IndexModel

from backend.core.expiring import expiring
from backend.core.records import Record


class IdentityProvider(Record):
    """Where the people of a workspace may sign in instead of here. Source: OpenID Connect Core 1.0.

    ``email_domains`` are the domains whose addresses it vouches for; with none, anybody's address, but
    then an address is no proof of being somebody who is known here already. The client secret is sealed
    and never read back.
    """

    kind: ClassVar[str] = "identity_provider"
    server_owned: ClassVar[frozenset[str]] = frozenset({"sealed_client_secret"})
    name: str = Field(min_length=1, max_length=100)
    issuer: str
    client_id: str = Field(min_length=1, max_length=300)
    sealed_client_secret: str = ""
    email_domains: list[str] = Field(default_factory=list, max_length=50)
    role_keys: list[str] = Field(default_factory=list)
    create_users: bool = False
    handles_second_factor: bool = False
    is_active: bool = True

    class Settings:
        name = "identity_providers"


class ExternalIdentity(Document):
    """Who somebody is at a provider, (issuer, subject), and here; the id is made of these and of where."""

    id: str  # type: ignore[assignment]
    workspace_id: str
    user_id: str
    issuer: str
    bound_at: datetime

    class Settings:
        name = "external_identities"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("user_id", 1)])]


class ProviderSignIn(Document):
    """A sign-in that went to a provider and has not come back. The id is the digest of its ``state``.

    ``browser`` is the digest of what the browser that began it holds in a cookie.
    """

    id: str  # type: ignore[assignment]
    workspace_id: str
    provider_id: str
    browser: str
    nonce: str
    verifier: str
    callback: str
    redirect: str
    challenge: str = ""
    expires_at: datetime

    class Settings:
        name = "provider_sign_ins"
        indexes: ClassVar = [expiring("expires_at")]
