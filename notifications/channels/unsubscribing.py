"""Ending mails by the link that each of them carries: one click, nobody signs in.

Mailboxes show it as a button of their own and post to it (RFC 8058); a person who opens it in a browser is
asked first, since programs that look into mails follow links, too. It is good for one thing: to stop mails
of one type to the person it was sent to.
"""

import html
from dataclasses import dataclass

import jwt
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.core.errors import Unauthenticated
from backend.core.settings import Settings
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.http import Services
from backend.identity.sign_in import TokenPolicy
from notifications.catalogue import CATALOGUE, DIGEST
from notifications.choosing import ANY_TYPE, Handling
from notifications.documents import NotificationChannel
from notifications.preferences import preferences_of, set_preferences

ALGORITHM = "HS256"
AUDIENCE = "rapport-mail"
PATH = "/notifications/unsubscribe"
PAGE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
WORDS = {
    "zh": ("不再收到此类邮件？", "停止发送", "已停止。您可以在通知设置中重新开启。"),
    "en": ("Stop mails of this sort?", "Stop them", "Done. The notification settings turn them on again."),
}

router = APIRouter(tags=["notifications"])


@dataclass(frozen=True, kw_only=True)
class MailLink:
    """Whose mails of which type a link ends."""

    workspace_id: str
    user_id: str
    type: str


@dataclass(frozen=True)
class MailLinks:
    """Make and read links, signed with ``key``. They count for ever: old letters lie in mailboxes."""

    key: str
    begin_with: str

    def make(self, workspace_id: str, user_id: str, type: str) -> str:
        """Return the address that ends mails of ``type`` to a person."""
        payload = {"aud": AUDIENCE, "ws": workspace_id, "sub": user_id, "type": type}
        return f"{self.begin_with}{PATH}?token={jwt.encode(payload, self.key, algorithm=ALGORITHM)}"

    def read(self, token: str) -> MailLink:
        """Return what a link says; raise Unauthenticated when it was not made here."""
        try:
            payload = jwt.decode(
                token,
                self.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["ws", "sub", "aud"]},
            )
            return MailLink(workspace_id=payload["ws"], user_id=payload["sub"], type=payload["type"])
        except (jwt.PyJWTError, KeyError):
            raise Unauthenticated("This link is not valid; turn mails off in the settings instead.") from None


async def stop_mails(uow: UnitOfWork, type: str) -> None:
    """Let the actor get no more mails of ``type``; of a digest's, of none that is not chosen by itself."""
    type = ANY_TYPE if type == DIGEST.key or type not in CATALOGUE else type
    known = await preferences_of(uow, uow.actor.user_id)
    mail = NotificationChannel.EMAIL
    kept = [one.model_dump() for one in known.choices if (one.type, one.channel) != (type, mail)]
    await set_preferences(
        uow, {"choices": [*kept, {"type": type, "channel": mail, "handling": Handling.OFF}]}
    )


@router.get(PATH, include_in_schema=False)
async def ask(token: str, request: Request, services: Services) -> HTMLResponse:
    """Ask whether the mails are to end."""
    (await _links(services)).read(token)
    question, button, _ = _words(request)
    action = f"{PATH}?token={html.escape(token, quote=True)}"
    form = f'<form method="post" action="{action}"><button>{button}</button></form>'
    return _page(f"<p>{question}</p>{form}")


@router.post(PATH)
async def stop(token: str, request: Request, services: Services) -> HTMLResponse:
    """End the mails that the link is for. Done twice, it is done once."""
    link = (await _links(services)).read(token)
    store, actors = await services.aget(Store, Actors)
    actor = await actors.of_user(link.workspace_id, link.user_id)
    await store.write(actor, lambda uow: stop_mails(uow, link.type))
    return _page(f"<p>{_words(request)[2]}</p>")


async def _links(services: Services) -> MailLinks:
    policy, settings = await services.aget(TokenPolicy, Settings)
    return MailLinks(policy.key, settings.links_begin_with)


def _words(request: Request) -> tuple[str, str, str]:
    accepted = request.headers.get("Accept-Language", "")
    return WORDS["zh" if accepted.lower().startswith("zh") else "en"]


def _page(inside: str) -> HTMLResponse:
    page = f'<!doctype html><meta charset="utf-8"><meta name="robots" content="noindex">{inside}'
    headers = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    return HTMLResponse(page, headers=headers)
