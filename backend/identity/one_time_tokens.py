"""Secrets that count once: made for a mail, kept as digests, spent by whoever brings them first."""

from datetime import datetime, timedelta

from backend.core.errors import FieldError, InvalidInput
from backend.identity.mail_documents import OneTimeToken, Purpose
from backend.identity.tokens import digest, make_secret

COUNTS_FOR = {Purpose.INVITATION: timedelta(hours=72), Purpose.RESET: timedelta(hours=1)}


async def issue_token(purpose: Purpose, workspace_id: str, user_id: str, *, now: datetime) -> str:
    """Return a new secret of 256 random bits for ``user_id``; it counts once, for as long as its purpose."""
    secret = make_secret()
    token = OneTimeToken(
        id=digest(secret),
        purpose=purpose,
        workspace_id=workspace_id,
        user_id=user_id,
        expires_at=now + COUNTS_FOR[purpose],
    )
    await token.insert()
    return secret


async def look_at_token(purpose: Purpose, secret: str, *, now: datetime) -> OneTimeToken:
    """Return what a secret stands for, without spending it. Raise InvalidInput when it counts no more."""
    token = await OneTimeToken.get(digest(secret))
    if token is None or token.purpose is not purpose or token.expires_at <= now:
        raise _spent()
    return token


async def spend_token(token: OneTimeToken) -> None:
    """Let a token, and every other link to the same person, count no more.

    Raise InvalidInput when somebody else was first.
    """
    collection = OneTimeToken.get_pymongo_collection()
    spent = await collection.delete_one({"_id": token.id})
    if spent.deleted_count != 1:
        raise _spent()
    await collection.delete_many({"workspace_id": token.workspace_id, "user_id": token.user_id})


def _spent() -> InvalidInput:
    return InvalidInput(
        FieldError("token", "does not count, or counts no more; ask for another link and open the newest")
    )
