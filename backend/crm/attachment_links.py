"""Links to the bytes of attachments: signed, short-lived, good for one file and one purpose. Pure.

A link says who asked for it; whether that person still may is asked again each time it is used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import jwt

from backend.core.access import Actor
from backend.core.errors import Unauthenticated

ALGORITHM = "HS256"
AUDIENCE = "rapport-files"
MEND = "ask the API for a new one"


class Purpose(StrEnum):
    """What a link is good for."""

    UPLOAD = "upload"
    DOWNLOAD = "download"


LIFE = {Purpose.UPLOAD: timedelta(hours=24), Purpose.DOWNLOAD: timedelta(minutes=10)}


@dataclass(frozen=True, kw_only=True)
class FileLink:
    """What a link says."""

    attachment_id: str
    purpose: Purpose
    workspace_id: str
    user_id: str
    session_id: str


@dataclass(frozen=True)
class FileLinks:
    """Make and read links, signed with ``key`` (HMAC-SHA-256). Source: RFC 7519."""

    key: str

    def make(self, actor: Actor, attachment_id: str, purpose: Purpose, *, now: datetime) -> str:
        """Return the path and query under which ``actor`` reaches the file until ``now`` + ``LIFE``."""
        payload = {
            "aud": AUDIENCE,
            "jti": attachment_id,
            "for": purpose.value,
            "ws": actor.workspace_id,
            "sub": actor.user_id,
            "sid": actor.session_id,
            "exp": now + LIFE[purpose],
        }
        return f"/files/{attachment_id}?token={jwt.encode(payload, self.key, algorithm=ALGORITHM)}"

    def read(self, token: str, attachment_id: str, *, now: datetime) -> FileLink:
        """Return what a link for this file says; raise Unauthenticated when it does not count (any more)."""
        try:
            payload = jwt.decode(
                token,
                self.key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["jti", "ws", "sub", "exp"], "verify_exp": False},
            )
        except jwt.PyJWTError:
            raise Unauthenticated(f"This link is not valid; {MEND}.") from None
        if payload["jti"] != attachment_id:
            raise Unauthenticated(f"This link is for another file; {MEND}.")
        if payload["exp"] <= now.timestamp():
            raise Unauthenticated(f"This link has expired; {MEND}.")
        return FileLink(
            attachment_id=attachment_id,
            purpose=Purpose(payload["for"]),
            workspace_id=payload["ws"],
            user_id=payload["sub"],
            session_id=payload["sid"],
        )
