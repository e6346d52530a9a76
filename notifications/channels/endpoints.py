"""Endpoints: where somebody wants to be told, beside their devices."""

import hmac
import secrets
from datetime import timedelta

import httpx

from backend.core.clock import Clock
from backend.core.errors import FieldError, InvalidInput
from backend.core.fields import Fields, new_record
from backend.core.outbound import AddressRefused, OutboundRules, checked_address
from backend.core.unit_of_work import UnitOfWork
from backend.crm.contact_points import e164_phone
from backend.identity.tokens import digest
from backend.identity.tries import count_try
from notifications.channels.documents import EndpointProvider, NotificationEndpoint

MOST_OF_ONE_PERSON = 20
CODE_COUNTS_FOR = timedelta(minutes=10)
MOST_GUESSES = 5
MOST_CODES_A_DAY = 5  # text messages cost money, and annoy whoever they reach by mistake
TOO_MANY_CODES = "Too many codes were sent for you today; try again tomorrow."


async def checked_endpoint(fields: Fields, rules: OutboundRules) -> dict[str, object]:
    """Return the fields of a new endpoint with its address in the form in which it is called.

    Looks the address up (no transaction may be open). Raise InvalidInput for what is no address of this
    provider, or leads into a network that this server does not call; Unavailable for an unknown name.
    """
    provider, address = EndpointProvider(fields["provider"]), str(fields.get("address") or "").strip()
    if not address:
        raise InvalidInput(FieldError("address", "is empty; give the webhook, or the number"))
    if provider is EndpointProvider.SMS:
        return {**fields, "address": e164_phone(address, field="address")}
    if provider is EndpointProvider.STANDARD and not fields.get("secret"):
        raise InvalidInput(
            FieldError("secret", "is empty; give the one that your server checks signatures by")
        )
    return {**fields, "address": await callable_address(address, rules, field="address")}


async def callable_address(address: str, rules: OutboundRules, *, field: str) -> str:
    """Return an address in the form in which it is called; raise InvalidInput for one that is not called.

    By TLS, or inside a network of one's own that ``rules`` admit.
    """
    try:
        checked = await checked_address(address, rules)
    except AddressRefused as refused:
        raise InvalidInput(FieldError(field, f"is not called: {refused}")) from None
    if checked.url.scheme != "https" and any(one.is_global for one in checked.addresses):
        raise InvalidInput(FieldError(field, "leads through the internet unencrypted; give one by https://"))
    return str(checked.url)


async def count_code(user_id: str, clock: Clock) -> None:
    """Count one more code for a person; raise RateLimited beyond five a day."""
    await count_try(
        f"sms-code:{user_id}", MOST_CODES_A_DAY, clock, within=timedelta(days=1), refusal=TOO_MANY_CODES
    )


def make_code() -> str:
    """Return six digits that nobody can foretell."""
    return f"{secrets.randbelow(1_000_000):06}"


async def add_endpoint(
    uow: UnitOfWork, checked: Fields, *, code: str = "", id: str | None = None
) -> NotificationEndpoint:
    """Add an endpoint of the actor; ``checked`` comes from ``checked_endpoint``.

    One with a ``code`` is told nothing before its owner has given that code back.
    """
    if await uow.count(NotificationEndpoint, {"owner_id": uow.actor.user_id}) >= MOST_OF_ONE_PERSON:
        raise InvalidInput(
            FieldError("address", f"is one too many; remove one, {MOST_OF_ONE_PERSON} are the most")
        )
    endpoint = await new_record(uow, NotificationEndpoint, checked, id=id)
    endpoint.host = "" if endpoint.provider is EndpointProvider.SMS else httpx.URL(endpoint.address).host
    if code:
        endpoint.code_hash, endpoint.code_until = digest(code), uow.at + CODE_COUNTS_FOR
    else:
        endpoint.confirmed_at = uow.at
    uow.save(endpoint)
    return endpoint


async def confirm_endpoint(uow: UnitOfWork, id: str, code: str) -> NotificationEndpoint:
    """Open an endpoint to messages when ``code`` is the one that was sent there, else it stays unconfirmed.

    A wrong guess counts, and is saved: after five, or ten minutes, no code opens it any more.
    """
    endpoint = await uow.access(NotificationEndpoint, id, action="update")
    if endpoint.confirmed_at is not None:
        return endpoint
    counts = (
        endpoint.code_tries < MOST_GUESSES
        and endpoint.code_until is not None
        and uow.at < endpoint.code_until
        and hmac.compare_digest(endpoint.code_hash, digest(code))
    )
    if counts:
        endpoint.confirmed_at, endpoint.code_hash, endpoint.code_until = uow.at, "", None
    else:
        endpoint.code_tries += 1
    uow.save(endpoint)
    return endpoint


def wrong_code() -> InvalidInput:
    """Return the refusal of a code that does not open an endpoint."""
    return InvalidInput(
        FieldError(
            "code", "is not the one that was sent, or is too old; add the number again for another code"
        )
    )


async def remove_endpoint(
    uow: UnitOfWork, id: str, *, expected_version: int | None = None
) -> NotificationEndpoint:
    """Forget an endpoint of the actor."""
    endpoint = await uow.access(NotificationEndpoint, id, action="delete", expected_version=expected_version)
    endpoint.address = endpoint.secret = ""
    uow.delete(endpoint)
    return endpoint


async def drop_endpoint(uow: UnitOfWork, id: str, *, reason: str) -> NotificationEndpoint:
    """Forget how to reach an endpoint, because its provider does not know it any more."""
    endpoint = await uow.access(NotificationEndpoint, id, action="update")
    if endpoint.address:
        endpoint.address = endpoint.secret = ""
        endpoint.dropped_at, endpoint.dropped_reason = uow.at, reason
        uow.save(endpoint)
    return endpoint


async def endpoints_of(uow: UnitOfWork, user_id: str) -> list[NotificationEndpoint]:
    """Return where a person is to be told by webhook, those that can be reached."""
    found = await uow.find(NotificationEndpoint, {"owner_id": user_id})
    return [endpoint for endpoint in found if endpoint.is_reachable]
