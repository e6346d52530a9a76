"""Personal access tokens and API keys as they come in with requests: whose they are, if they count."""

from datetime import timedelta

from backend.core.clock import Clock
from backend.core.errors import Unauthenticated
from backend.identity.token_documents import ApiToken
from backend.identity.token_texts import is_token
from backend.identity.tokens import digest

LAST_USED_EVERY = timedelta(minutes=1)


async def token_of_text(clock: Clock, text: str) -> ApiToken:
    """Return the token that was sent; raise Unauthenticated when it does not count (any more)."""
    found = await ApiToken.find_one({"digest": digest(text)}) if is_token(text) else None
    return await _counting(clock, found)


async def token_of_id(clock: Clock, id: str) -> ApiToken:
    """Return a token by its id, for what was opened with it; raise Unauthenticated as ``token_of_text``."""
    return await _counting(clock, await ApiToken.get(id))


async def _counting(clock: Clock, found: ApiToken | None) -> ApiToken:
    now = clock.now()
    if found is None or found.is_over(now):
        raise Unauthenticated("This token does not count: it was revoked, has expired, or never was one.")
    if found.last_used_at is None or now - found.last_used_at >= LAST_USED_EVERY:
        await ApiToken.get_pymongo_collection().update_one(
            {"_id": found.id, "last_used_at": found.last_used_at}, {"$set": {"last_used_at": now}}
        )
    return found
