"""What providers publish about themselves, remembered for a while, and the calls to them.

Source: OpenID Connect Discovery 1.0; RFC 6749 §4.1.3 (token request).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import svcs
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from backend.core.errors import Unavailable
from backend.core.outbound import OutboundRules, outbound_client
from backend.core.settings import Settings
from backend.identity.oidc_tokens import is_confidential, refusal

REMEMBERED_SECONDS = 3_600.0
KEYS_ASKED_ANEW_AFTER_SECONDS = 10.0  # at the soonest: a made-up key name must not let us flood a provider
MOST_REMEMBERED = 1_000
SLOWEST_SECONDS = 10.0
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
CLIENT_AUTH = ("client_secret_basic", "client_secret_post", "none")


@dataclass(frozen=True)
class _Page:
    """Something that was fetched at ``at`` (monotonic)."""

    body: Mapping[str, Any]
    at: float


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """What a code is redeemed with."""

    client_id: str
    client_secret: str
    code: str
    verifier: str
    callback: str


class ProviderDirectory:
    """Ask providers; one per process."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._pages: dict[str, _Page] = {}

    async def metadata(self, issuer: str) -> Mapping[str, Any]:
        """Return what the provider publishes. Raise Unauthenticated when it speaks for another issuer."""
        found = await self._page(issuer.rstrip("/") + "/.well-known/openid-configuration", REMEMBERED_SECONDS)
        if found.get("issuer") != issuer:
            raise refusal(f"what {issuer} publishes is of another issuer, {found.get('issuer')!r}")
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(is_confidential(str(found.get(name))) for name in wanted):
            raise refusal(f"{issuer} does not publish {', '.join(wanted)} with https")
        return found

    async def keys(self, issuer: str, *, anew: bool = False) -> Mapping[str, Any]:
        """Return the provider's keys (a JWK set); ``anew`` asks again, though not more than now and then."""
        metadata = await self.metadata(issuer)
        age = KEYS_ASKED_ANEW_AFTER_SECONDS if anew else REMEMBERED_SECONDS
        return await self._page(metadata["jwks_uri"], age)

    async def redeem(self, issuer: str, request: TokenRequest) -> Mapping[str, Any]:
        """Exchange an authorization code for tokens. Raise Unauthenticated when the provider refuses."""
        metadata = await self.metadata(issuer)
        body = prepare_token_request(
            "authorization_code",
            code=request.code,
            code_verifier=request.verifier,
            redirect_uri=request.callback,
        )
        auth = ClientAuth(request.client_id, request.client_secret, _auth_method(metadata, request))
        url, headers, body = auth.prepare("POST", metadata["token_endpoint"], dict(FORM), body)
        answer = await self._send("POST", url, headers=headers, content=body)
        if answer.status_code != httpx.codes.OK:
            said = _json(answer).get("error", "")
            raise refusal(f"the provider refused the code ({answer.status_code} {said})")
        return _json(answer)

    async def user_info(self, issuer: str, access_token: str) -> Mapping[str, Any]:
        """Return the provider's claims about the holder of an access token; none when it has no such page."""
        url = (await self.metadata(issuer)).get("userinfo_endpoint")
        if not isinstance(url, str) or not is_confidential(url):
            return {}
        answer = await self._send("GET", url, headers={"Authorization": f"Bearer {access_token}"})
        return _json(answer) if answer.status_code == httpx.codes.OK else {}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _page(self, url: str, oldest: float) -> Mapping[str, Any]:
        page = self._pages.get(url)
        if page is None or time.monotonic() - page.at > oldest:
            answer = await self._send("GET", url, headers={"Accept": "application/json"})
            if answer.status_code != httpx.codes.OK:
                raise refusal(f"{url} answered {answer.status_code}")
            if len(self._pages) >= MOST_REMEMBERED:
                self._pages.clear()
            page = self._pages[url] = _Page(_json(answer), time.monotonic())
        return page.body

    async def _send(self, method: str, url: str, **given: Any) -> httpx.Response:
        try:
            return await self._client.request(method, url, **given)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The sign-in provider does not answer ({type(error).__name__}); try again in a moment."
            ) from error


def provide_directory(registry: svcs.Registry) -> None:
    """Give the house what it knows of providers, which are called like all that others name: checked."""
    with svcs.Container(registry) as services:
        rules = OutboundRules.of(services.get(Settings))
    directory = ProviderDirectory(outbound_client(rules, seconds=SLOWEST_SECONDS))
    registry.register_value(ProviderDirectory, directory, on_registry_close=directory.close)


def _auth_method(metadata: Mapping[str, Any], request: TokenRequest) -> str:
    """Return how the client proves itself: the first way that both sides know."""
    if not request.client_secret:
        return "none"
    offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return next((one for one in CLIENT_AUTH if one in offered), "client_secret_basic")


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise refusal(f"{answer.url.host} did not answer with a JSON object")
    return found
