"""Signing in at a provider, over HTTP: two stops for the browser, one for the app."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from pydantic import Field

from backend.core.errors import CRMError
from backend.core.settings import Settings
from backend.core.store import Store
from backend.identity import oidc
from backend.identity.documents import DeviceInfo
from backend.identity.http import Body, Services, SignInAnswer, answer_of
from backend.identity.oidc_directory import ProviderDirectory
from backend.identity.sign_in import TokenPolicy
from backend.identity.tokens import digest

router = APIRouter(prefix="/auth/oidc", tags=["sign-in"])


class ExchangeBody(Body):
    code: str = Field(max_length=200)
    verifier: str = Field(default="", max_length=200, description="of the challenge given at the start")
    device: DeviceInfo = Field(default_factory=DeviceInfo)


@router.get("/{provider_id}/start")
async def start(
    provider_id: str, redirect: str, request: Request, services: Services, challenge: str = ""
) -> RedirectResponse:
    """Send the browser to the provider. An app gives the S256 `challenge` of a verifier that it keeps."""
    store, directory, settings = await services.aget(Store, ProviderDirectory, Settings)
    landing = oidc.Landing(
        callback=str(request.url_for("callback", provider_id=provider_id)),
        redirect=redirect,
        challenge=challenge,
    )
    allowed = settings.sign_in_redirects
    begun = await oidc.begin(store, directory, provider_id, landing, allowed=allowed)
    answer = RedirectResponse(begun.url, status_code=303)
    answer.set_cookie(
        _cookie(begun.state),
        begun.browser,
        max_age=int(oidc.SIGN_IN_LIFE.total_seconds()),
        path=router.prefix,
        httponly=True,
        samesite="lax",  # the way back is a link from the provider
        secure=request.url.scheme == "https",
    )
    return answer


@router.get("/{provider_id}/callback")
async def callback(
    provider_id: str,
    request: Request,
    services: Services,
    state: str = "",
    code: str = "",
    iss: str = "",
    error: str = "",
) -> RedirectResponse:
    """Take the browser back from the provider, and send it to the app with a one-time code, or an error."""
    policy, store, directory = await services.aget(TokenPolicy, Store, ProviderDirectory)
    held = request.cookies.get(_cookie(state), "")
    back = oidc.CameBack(state=state, browser=held, code=code, issuer=iss, error=error)
    begun = await oidc.take_up(store, provider_id, back)
    try:
        outcome = {"code": await oidc.finish(store, directory, policy.key, begun, back)}
    except CRMError as refused:
        outcome = {"error": refused.code.lower(), "error_description": str(refused)}
    mark = "&" if "?" in begun.redirect else "?"
    answer = RedirectResponse(f"{begun.redirect}{mark}{urlencode(outcome)}", status_code=303)
    answer.delete_cookie(_cookie(state), path=router.prefix)
    return answer


@router.post("/exchange")
async def exchange(body: ExchangeBody, services: Services) -> SignInAnswer:
    """Exchange the one-time code for a session."""
    policy, store = await services.aget(TokenPolicy, Store)
    return answer_of(
        await oidc.exchange(policy, store, code=body.code, verifier=body.verifier, device=body.device)
    )


def _cookie(state: str) -> str:
    """Return the cookie's name: one for each sign-in, so that two windows do not disturb one another."""
    return f"sign_in_{digest(state)[:16]}"
