"""Which user of ours somebody is who comes from a provider."""

from collections.abc import Mapping
from typing import Any

from pymongo.errors import DuplicateKeyError

from backend.core.access import Actor, system_actor
from backend.core.errors import InvalidInput
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.identity.documents import Credential, User
from backend.identity.oidc_tokens import refusal
from backend.identity.people import create_user
from backend.identity.provider_documents import ExternalIdentity, IdentityProvider
from backend.identity.sign_in import folded

INACTIVE = "this account is not active any more; ask an admin of the workspace"
LONGEST_NAME = 200


async def user_of_claims(store: Store, provider: IdentityProvider, claims: Mapping[str, Any]) -> User:
    """Return the user that (issuer, subject) is bound to; bind or create one where the provider may.

    Raise Unauthenticated for somebody who is nobody here.
    """
    email = _verified_email(provider, claims)
    bound = await ExternalIdentity.get(_identity_id(provider, claims["sub"]))
    if bound is not None:
        user = await store.reader.get(User, bound.user_id)
        if user is None or user.deleted_at or not user.is_active:
            raise refusal(INACTIVE)
        return user
    user = await _known(store, provider, email) or await _created(store, provider, email, claims)
    await _bind(store, provider, user, claims["sub"])
    return user


async def _known(store: Store, provider: IdentityProvider, email: str) -> User | None:
    """Return who has this address already, if the provider's word is enough to be that person.

    For somebody with a password of their own it is only where the provider vouches for the domain.
    """
    house = system_actor(provider.workspace_id)
    found = await store.reader.find(house, User, {"email": email}, limit=1)
    if not found:
        return None
    user = found[0]
    if user.is_service or not user.is_active:
        raise refusal(INACTIVE)
    if not provider.email_domains and await Credential.get(email) is not None:
        raise refusal("this address signs in with a password here")
    earlier = ExternalIdentity.find({"workspace_id": provider.workspace_id, "user_id": user.id})
    if any(one.issuer == provider.issuer for one in await earlier.to_list()):
        raise refusal("this address belongs to another person of that provider; ask an admin")
    return user


async def _created(store: Store, provider: IdentityProvider, email: str, claims: Mapping[str, Any]) -> User:
    if not provider.create_users:
        raise refusal("nobody here has your address; ask an admin of the workspace to invite you")
    fields = {
        "email": email,
        "name": str(claims.get("name") or email.partition("@")[0])[:LONGEST_NAME],
        "role_keys": list(provider.role_keys),
    }
    id = derived_id("user", _identity_id(provider, claims["sub"]))
    house = system_actor(provider.workspace_id)
    try:
        return await store.write(house, lambda uow: create_user(uow, fields, id=id))
    except InvalidInput as error:  # the address signs in to another workspace
        raise refusal(f"no account can be made of it: {error}") from error


async def _bind(store: Store, provider: IdentityProvider, user: User, subject: str) -> None:
    identity = ExternalIdentity(
        id=_identity_id(provider, subject),
        workspace_id=provider.workspace_id,
        user_id=user.id,
        issuer=provider.issuer,
        bound_at=store.clock.now(),
    )
    try:
        await identity.insert()
    except DuplicateKeyError:
        return  # the same person, in two windows at once
    details = {"provider_id": provider.id, "issuer": provider.issuer}
    actor = Actor(workspace_id=provider.workspace_id, user_id=user.id)
    await store.note(actor, "external_identity.bound", kind="user", id=user.id, details=details)


def _verified_email(provider: IdentityProvider, claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    if not isinstance(email, str) or "@" not in email or claims.get("email_verified") is not True:
        raise refusal("the provider names no verified e-mail address of yours; verify it there")
    domain = folded(email).rpartition("@")[2]
    if provider.email_domains and domain not in provider.email_domains:
        raise refusal(f"addresses of {domain} do not sign in by this provider; use another way")
    return folded(email)


def _identity_id(provider: IdentityProvider, subject: str) -> str:
    return derived_id("external identity", provider.workspace_id, provider.issuer, subject)
