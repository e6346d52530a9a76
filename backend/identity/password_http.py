"""Passwords over HTTP: invitations, forgotten passwords, and the two pages that the links in mails open."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from backend.core.store import Store
from backend.identity import recovery
from backend.identity.actors import Actors
from backend.identity.http import Services
from backend.identity.letters import page_file, word_page
from backend.identity.mail_documents import Purpose
from backend.identity.outbox import Outbox

router = APIRouter(prefix="/auth", tags=["passwords"])

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
POSTS = {Purpose.INVITATION: "/auth/accept-invitation", Purpose.RESET: "/auth/reset-password"}


class LinkBody(BaseModel):
    token: str = Field(max_length=500, repr=False)
    password: str = Field(max_length=10_000, repr=False)


class ForgotBody(BaseModel):
    email: str = Field(max_length=320)


@router.post("/accept-invitation", status_code=204)
async def accept_invitation(body: LinkBody, services: Services) -> None:
    """Set the first password, by the link of an invitation; then sign in with it."""
    await recovery.accept_invitation(await services.aget(Store), token=body.token, password=body.password)


@router.post("/forgot-password", status_code=202)
async def forgot_password(body: ForgotBody, request: Request, services: Services) -> None:
    """Send a link for a new password, if anybody signs in with this address: the answer does not tell."""
    network = request.client.host if request.client else "unknown"
    await recovery.forgot_password(await services.aget(Outbox), email=body.email, network=network)


@router.post("/reset-password", status_code=204)
async def reset_password(body: LinkBody, services: Services) -> None:
    """Set a new password, by the link of a mail. All sessions end."""
    store, actors = await services.aget(Store, Actors)
    for id in await recovery.reset_password(store, token=body.token, password=body.password):
        actors.forget(id)


@router.get("/invitation", include_in_schema=False)
async def invitation_page(request: Request, lang: str = "") -> Response:
    """Show where to choose the first password."""
    return _page(Purpose.INVITATION, request, lang)


@router.get("/reset", include_in_schema=False)
async def reset_page(request: Request, lang: str = "") -> Response:
    """Show where to choose a new password."""
    return _page(Purpose.RESET, request, lang)


@router.get("/page.js", include_in_schema=False)
async def page_script() -> Response:
    """Give the script of the two pages."""
    return Response(page_file("page.js"), media_type="text/javascript")


@router.get("/page.css", include_in_schema=False)
async def page_style() -> Response:
    """Give the style of the two pages."""
    return Response(page_file("page.css"), media_type="text/css")


def _page(purpose: Purpose, request: Request, lang: str) -> Response:
    locale = lang or request.headers.get("accept-language", "")
    return Response(
        word_page(purpose, locale, post=POSTS[purpose]),
        media_type="text/html",
        headers={
            "Content-Security-Policy": PAGE_POLICY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )
