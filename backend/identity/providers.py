"""Operations on the providers at which a workspace's people may sign in."""

from typing import Any
from urllib.parse import urlsplit

from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record, set_fields
from backend.core.unit_of_work import UnitOfWork
from backend.identity.oidc_tokens import is_confidential
from backend.identity.policies import RoleBook
from backend.identity.provider_documents import IdentityProvider
from backend.identity.scopes import require_session
from backend.identity.sealing import seal, unseal

PURPOSE = "oidc client secret"
SECRET = "client_secret"
CUSTOMER = "customer"  # a role of the portal: who has it is a contact of ours, and comes by invitation


async def create_provider(
    uow: UnitOfWork, fields: Fields, *, id: str | None = None, key: str, roles: RoleBook
) -> IdentityProvider:
    """Let people sign in at a provider. Raise InvalidInput for an issuer, domain or role that cannot be."""
    require_session(uow.actor)
    provider = await new_record(uow, IdentityProvider, _without_secret(fields), id=id)
    _settle(provider, fields, key, roles)
    uow.save(provider)
    return provider


async def update_provider(
    uow: UnitOfWork,
    id: str,
    fields: Fields,
    *,
    expected_version: int | None = None,
    key: str,
    roles: RoleBook,
) -> IdentityProvider:
    """Change a provider; the client secret stays unless a new one is given."""
    require_session(uow.actor)
    provider = await uow.access(IdentityProvider, id, action="update", expected_version=expected_version)
    set_fields(provider, _without_secret(fields))
    _settle(provider, fields, key, roles)
    uow.save(provider)
    return provider


async def delete_provider(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> IdentityProvider:
    """Let nobody sign in at a provider any more; sessions that began there go on."""
    require_session(uow.actor)
    provider = await uow.access(IdentityProvider, id, action="delete", expected_version=expected_version)
    uow.delete(provider)
    return provider


def client_secret(provider: IdentityProvider, key: str) -> str:
    """Return the client secret; empty for a public client."""
    if not provider.sealed_client_secret:
        return ""
    return unseal(provider.sealed_client_secret, key, purpose=PURPOSE, owner=provider.id)


def _without_secret(fields: Fields) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != SECRET}


def _settle(provider: IdentityProvider, fields: Fields, key: str, roles: RoleBook) -> None:
    """Check what pydantic cannot, bring domains to one form, seal a new client secret."""
    _check_roles(provider.role_keys, roles)
    _check_issuer(provider.issuer)
    provider.email_domains = sorted({_domain(one) for one in provider.email_domains})
    if SECRET in fields:
        given = str(fields[SECRET] or "")
        sealed = seal(given, key, purpose=PURPOSE, owner=provider.id) if given else ""
        provider.sealed_client_secret = sealed


def _check_roles(keys: list[str], roles: RoleBook) -> None:
    unknown = [key for key in keys if key not in roles or key == CUSTOMER]
    if unknown:
        names = ", ".join(unknown)
        raise InvalidInput(FieldError("roleKeys", f"has {names}, no role of staff; take keys of such roles"))


def _check_issuer(issuer: str) -> None:
    """Refuse what is no issuer. Whether its host may be called is asked when it is called."""
    parts = urlsplit(issuer)
    if not is_confidential(issuer) or not parts.hostname or parts.query or parts.fragment:
        raise InvalidInput(
            FieldError("issuer", "is no issuer; copy it from the provider, such as https://login.example.com")
        )


def _domain(text: str) -> str:
    domain = text.strip().removeprefix("@").casefold()
    if "." not in domain or "@" in domain or " " in domain:
        raise InvalidInput(FieldError("emailDomains", f"has {text!r}, which is no domain; write example.com"))
    return domain
