"""Counting tries at secrets that can be guessed: passwords, codes of a second factor.

Tries are counted before the secret is looked at, so that many guesses at once count like guesses in turn.
"""

import contextlib
from datetime import timedelta

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend.core.clock import Clock
from backend.core.errors import RateLimited
from backend.identity.documents import SignInTries

TRIES_FORGOTTEN_AFTER = timedelta(minutes=15)
TOO_MANY = "Too many failed sign-ins; wait, then try again, or ask an admin for a new password."

MOST_BEFORE_LOCK = 20
LOCK_COUNTS_FOR = timedelta(hours=24)
LOCKED = (
    "This address is locked after too many failed sign-ins: set a new password by the link that "
    "POST /auth/forgot-password sends, or ask an admin of the workspace to unlock it."
)


class TooManyTries(RateLimited):
    """The tries under a key are used up; ``is_first`` for the one that finds it so, of all that follow."""

    def __init__(self, message: str, *, retry_after: timedelta, is_first: bool) -> None:
        super().__init__(message, retry_after=retry_after)
        self.is_first = is_first


async def count_try(
    key: str,
    most: int,
    clock: Clock,
    *,
    within: timedelta = TRIES_FORGOTTEN_AFTER,
    refusal: str = TOO_MANY,
) -> None:
    """Count one more try under ``key``; raise TooManyTries when there were more than ``most`` of late."""
    now = clock.now()
    collection = SignInTries.get_pymongo_collection()
    await collection.delete_one({"_id": key, "expires_at": {"$lte": now}})
    tries = None
    while tries is None:
        tries = await collection.find_one_and_update(
            {"_id": key}, {"$inc": {"tries": 1}}, return_document=ReturnDocument.AFTER
        )
        if tries is None:
            # Not an upsert: of two at once, some servers answer neither with what it wrote.
            with contextlib.suppress(DuplicateKeyError):
                first = {"_id": key, "tries": 0, "first_at": now, "expires_at": now + within}
                await collection.insert_one(first)
    if tries["tries"] > most:
        is_first = tries["tries"] == most + 1
        raise TooManyTries(refusal, retry_after=tries["expires_at"] - now, is_first=is_first)


async def count_towards_lock(address: str, clock: Clock) -> None:
    """Count one more guess at an address, whether or not anybody signs in with it.

    Raise RateLimited once there were more than 20 in 24 hours: then the right password counts no more either.
    """
    await count_try(f"lock:{address}", MOST_BEFORE_LOCK, clock, within=LOCK_COUNTS_FOR, refusal=LOCKED)


async def unlock_address(address: str) -> None:
    """Forget every failed sign-in with an address."""
    await forget_tries(f"lock:{address}")
    await forget_tries(f"email:{address}")


async def forget_tries(key: str) -> None:
    """Forget what was counted under ``key``: the secret was right."""
    await SignInTries.get_pymongo_collection().delete_one({"_id": key})


async def forget_one_try(key: str) -> None:
    """Take one try off ``key``, which others share: this one was no guess."""
    await SignInTries.get_pymongo_collection().update_one({"_id": key}, {"$inc": {"tries": -1}})
