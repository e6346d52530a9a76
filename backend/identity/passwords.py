"""Passwords, hashed with argon2id off the event loop (one hash takes tens of milliseconds)."""

import asyncio
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher


@cache
def _hasher() -> PasswordHash:
    # OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane.
    # Source: OWASP Password Storage Cheat Sheet.
    return PasswordHash((Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("no one signs in with this")


async def hash_password(password: str) -> str:
    """Return the argon2id hash of ``password``."""
    return await asyncio.to_thread(_hasher().hash, password)


async def password_matches(password: str, hashed: str | None) -> bool:
    """Compare; for an unknown user (None) spend the same time on nobody's hash, then say no."""
    matches = await asyncio.to_thread(_hasher().verify, password, hashed or _nobodys_hash())
    return matches and hashed is not None
