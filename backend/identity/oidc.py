"""Signing in at a provider: there (``begin``), back (``finish``), and from the app's code to a session.

The authorization code flow with PKCE, state and nonce. Source: OpenID Connect Core 1.0 §3.1, RFC 7636,
RFC 8252 (apps on phones and desktops), RFC 9700 (best current practice).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from backend.core.errors import FieldError, InvalidInput, NotFound, Unauthenticated
from backend.core.store import Store
from backend.identity.documents import DeviceInfo
from backend.identity.external_identities import user_of_claims
from backend.identity.oidc_directory import ProviderDirectory, TokenRequest
from backend.identity.oidc_tokens import LOOPBACK, Expected, UnknownKey, read_id_token, refusal
from backend.identity.provider_documents import IdentityProvider, ProviderSignIn
from backend.identity.providers import client_secret
from backend.identity.second_factor_documents import TicketPurpose
from backend.identity.second_step import demand_second_factor
from backend.identity.sign_in import SignedIn, TokenPolicy, start_session
from backend.identity.tickets import EXCHANGE_LIFE, issue_ticket, read_ticket, use_ticket
from backend.identity.tokens import digest, make_secret, same_digest

SIGN_IN_LIFE = timedelta(minutes=10)


@dataclass(frozen=True)
class Begun:
    """Where to send the browser, and what it must bring back in a cookie."""

    url: str
    state: str
    browser: str


@dataclass(frozen=True, kw_only=True)
class CameBack:
    """What a browser brings from a provider."""

    state: str
    browser: str
    code: str = ""
    issuer: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Where a sign-in comes back to us and where it ends; ``challenge`` is the S256 of the app's verifier."""

    callback: str
    redirect: str
    challenge: str = ""


async def begin(
    store: Store, directory: ProviderDirectory, provider_id: str, landing: Landing, *, allowed: Sequence[str]
) -> Begun:
    """Begin a sign-in at a provider; it ends at the landing's ``redirect``, which must be allowed.

    Raise NotFound for an unknown provider, InvalidInput for a redirect that is not allowed.
    """
    check_redirect(landing.redirect, allowed)
    provider = await _active(store, provider_id)
    metadata = await directory.metadata(provider.issuer)
    state, browser, nonce, verifier = (make_secret() for _ in range(4))
    await ProviderSignIn(
        id=digest(state),
        workspace_id=provider.workspace_id,
        provider_id=provider.id,
        browser=digest(browser),
        nonce=nonce,
        verifier=verifier,
        callback=landing.callback,
        redirect=landing.redirect,
        challenge=landing.challenge,
        expires_at=store.clock.now() + SIGN_IN_LIFE,
    ).insert()
    url = prepare_grant_uri(
        metadata["authorization_endpoint"],
        provider.client_id,
        "code",
        redirect_uri=landing.callback,
        scope="openid email profile",
        state=state,
        nonce=nonce,
        code_challenge=create_s256_code_challenge(verifier),
        code_challenge_method="S256",
    )
    return Begun(url, state, browser)


async def take_up(store: Store, provider_id: str, back: CameBack) -> ProviderSignIn:
    """Return the sign-in that a browser comes back with; it counts once, and in the browser it began in.

    Raise Unauthenticated for another.
    """
    found = await ProviderSignIn.get(digest(back.state))
    wrong = found is None or found.provider_id != provider_id or found.expires_at <= store.clock.now()
    if found is None or wrong or not _is_of(found.browser, back.browser, digest):
        raise refusal("this browser began none such in the last 10 minutes (state)")
    taken = await ProviderSignIn.get_pymongo_collection().delete_one({"_id": found.id})
    if taken.deleted_count != 1:
        raise refusal("it came back twice")
    return found


async def finish(
    store: Store, directory: ProviderDirectory, key: str, begun: ProviderSignIn, back: CameBack
) -> str:
    """Return a one-time code with which the app gets its session within a minute.

    Raise Unauthenticated for whatever does not hold of the provider's answer.
    """
    if back.error or not back.code:
        raise refusal(f"the provider said {back.error or 'nothing'}")
    provider = await _active(store, begun.provider_id)
    if back.issuer not in ("", provider.issuer):  # Source: RFC 9207 (mix-up)
        raise refusal("the answer comes from another issuer (iss)")
    claims = await _claims(store, directory, client_secret(provider, key), begun, back.code)
    user = await user_of_claims(store, provider, claims)
    return await issue_ticket(
        store.clock,
        TicketPurpose.PROVIDER_SIGN_IN,
        workspace_id=provider.workspace_id,
        user_id=user.id,
        life=EXCHANGE_LIFE,
        challenge=begun.challenge,
        skips_second_factor=provider.handles_second_factor,
    )


async def exchange(
    policy: TokenPolicy, store: Store, *, code: str, verifier: str, device: DeviceInfo
) -> SignedIn:
    """Start the session that a one-time code stands for.

    Raise Unauthenticated for a code that does not count and for a verifier that is not its challenge's,
    SecondFactorRequired where the house asks for one.
    """
    held = await read_ticket(store.clock, code, TicketPurpose.PROVIDER_SIGN_IN)
    await use_ticket(held)
    if held.challenge and not _is_of(held.challenge, verifier, create_s256_code_challenge):
        raise Unauthenticated("This code belongs to another app (verifier); sign in again from the start.")
    if not held.skips_second_factor:
        await demand_second_factor(store.clock, held.workspace_id, held.user_id, device)
    return await start_session(
        policy, store, held.workspace_id, held.user_id, device, method="identity provider"
    )


def check_redirect(redirect: str, allowed: Sequence[str]) -> None:
    """Raise InvalidInput for where no sign-in may end: only at what the settings name, and on loopback."""
    if redirect in allowed:
        return
    plain = redirect.isascii() and redirect.isprintable() and not set(redirect) & set("\\@# ")
    try:
        parts = urlsplit(redirect)
        loopback = (parts.scheme, parts.hostname in LOOPBACK, parts.port is not None) == ("http", True, True)
    except ValueError:
        loopback = False
    if not (loopback and plain):
        raise InvalidInput(
            FieldError(
                "redirect",
                "is not allowed; name it in RAPPORT_SIGN_IN_REDIRECTS, or use http://127.0.0.1:<port>",
            )
        )


async def _claims(
    store: Store, directory: ProviderDirectory, secret: str, begun: ProviderSignIn, code: str
) -> Mapping[str, Any]:
    """Return what the provider says of who signed in, checked."""
    provider = await _active(store, begun.provider_id)
    request = TokenRequest(
        client_id=provider.client_id,
        client_secret=secret,
        code=code,
        verifier=begun.verifier,
        callback=begun.callback,
    )
    tokens = await directory.redeem(provider.issuer, request)
    expected = Expected(issuer=provider.issuer, client_id=provider.client_id, nonce=begun.nonce)
    claims = await _checked(store, directory, str(tokens.get("id_token", "")), expected)
    if "email" in claims:
        return claims
    # Providers that keep to the letter say the address only on their page of claims.
    more = await directory.user_info(provider.issuer, str(tokens.get("access_token", "")))
    return {**more, **claims} if more.get("sub") == claims["sub"] else claims


async def _checked(
    store: Store, directory: ProviderDirectory, token: str, expected: Expected
) -> Mapping[str, Any]:
    """Return the claims of an ID token; ask for the provider's keys anew when it has another."""
    now = store.clock.now()
    try:
        return read_id_token(token, await directory.keys(expected.issuer), expected, now=now)
    except UnknownKey:
        pass
    try:
        return read_id_token(token, await directory.keys(expected.issuer, anew=True), expected, now=now)
    except UnknownKey:
        raise refusal("the provider's ID token is signed with a key that it does not publish") from None


async def _active(store: Store, provider_id: str) -> IdentityProvider:
    found = await store.reader.get(IdentityProvider, provider_id)
    if found is None or found.deleted_at or not found.is_active:
        raise NotFound("identity provider", provider_id)
    return found


def _is_of(stored: str, given: str, hashed: Callable[[str], str]) -> bool:
    return bool(given) and same_digest(stored, hashed(given))
