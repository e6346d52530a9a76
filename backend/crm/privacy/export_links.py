"""Links to the export of one person: signed and short-lived. Pure.

A link says who asked for whom; whether that person still may is asked again when it is used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from backend.core.access import Actor
from backend.core.errors import Unauthenticated
from backend.core.ids import new_id

ALGORITHM = "HS256"
AUDIENCE = "rapport-person-export"
LIFE = timedelta(minutes=30)  # long enough to hand it to a download manager


@dataclass(frozen=True, kw_only=True)
class ExportLink:
    """What a link says."""

    id: str
    contact_id: str
    workspace_id: str
    user_id: str
    session_id: str
    expires_at: datetime


def make_link(actor: Actor, contact_id: str, *, now: datetime) -> ExportLink:
    """Return a new link for ``actor`` to the export of ``contact_id``."""
    return ExportLink(
        id=new_id(),
        contact_id=contact_id,
        workspace_id=actor.workspace_id,
        user_id=actor.user_id,
        session_id=actor.session_id,
        expires_at=now + LIFE,
    )


def url_of(link: ExportLink, key: str) -> str:
    """Return path and query of ``link``, signed with ``key`` (HMAC-SHA-256). Source: RFC 7519."""
    payload = {
        "aud": AUDIENCE,
        "jti": link.id,
        "for": link.contact_id,
        "ws": link.workspace_id,
        "sub": link.user_id,
        "sid": link.session_id,
        "exp": link.expires_at,
    }
    return f"/privacy/export/{link.id}?token={jwt.encode(payload, key, algorithm=ALGORITHM)}"


def read_link(token: str, id: str, key: str, *, now: datetime) -> ExportLink:
    """Return what a link says; raise Unauthenticated when it does not count (any more)."""
    try:
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["jti", "for", "ws", "sub", "exp"], "verify_exp": False},
        )
    except jwt.PyJWTError:
        raise Unauthenticated("This link is not valid; ask the API for a new one.") from None
    if payload["jti"] != id or payload["exp"] <= now.timestamp():
        raise Unauthenticated("This link has expired or is for another export; ask the API for a new one.")
    return ExportLink(
        id=id,
        contact_id=payload["for"],
        workspace_id=payload["ws"],
        user_id=payload["sub"],
        session_id=payload["sid"],
        expires_at=datetime.fromtimestamp(payload["exp"], tz=now.tzinfo),
    )
