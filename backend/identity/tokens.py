"""Access and refresh tokens. Pure: no database, no web.

An access token is a short JWT that names a session; a refresh token is ``<session>.<secret>``, of
which the server keeps only a digest. Source: RFC 9700 §4.14.2 (rotation with reuse detection).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from backend.core.errors import Unauthenticated

ALGORITHM = "HS256"
AUDIENCE = "rapport"


@dataclass(frozen=True)
class Claims:
    """Who an access token speaks for."""

    user_id: str
    workspace_id: str
    session_id: str
    expires_at: float = 0.0


def make_access_token(claims: Claims, key: str, *, now: datetime, lifetime: timedelta) -> str:
    """Return a signed JWT that lives for ``lifetime``."""
    payload = {
        "sub": claims.user_id,
        "ws": claims.workspace_id,
        "sid": claims.session_id,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(payload, key, algorithm=ALGORITHM)


def read_access_token(token: str, key: str, *, now: datetime) -> Claims:
    """Return the claims of a token that counts at ``now``; raise Unauthenticated otherwise."""
    try:
        payload = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["sub", "ws", "sid", "exp"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        raise Unauthenticated("This access token is not valid; sign in again.") from None
    if payload["exp"] <= now.timestamp():
        raise Unauthenticated("This access token has expired; get a new one from POST /auth/refresh.")
    return Claims(
        user_id=payload["sub"],
        workspace_id=payload["ws"],
        session_id=payload["sid"],
        expires_at=payload["exp"],
    )


def make_secret() -> str:
    """Return a new refresh secret of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """Return what the server stores of a secret (a plain hash will do: the secret is random)."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same_digest(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one, other)


def refresh_token(session_id: str, secret: str) -> str:
    """Join a session and its secret to what the client keeps."""
    return f"{session_id}.{secret}"


def split_refresh_token(token: str) -> tuple[str, str]:
    """Return session and secret; raise Unauthenticated when it is not of that form."""
    session_id, dot, secret = token.partition(".")
    if not dot or not session_id or not secret:
        raise Unauthenticated("This is not a refresh token; sign in again.")
    return session_id, secret
