"""The second factor of a user: enrolling, checking a code, giving it up.

It is no record: the operations here are the only ones that read or write it.
"""

from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from backend.core.access import Actor, Level
from backend.core.clock import Clock
from backend.core.errors import FieldError, Forbidden, InvalidInput, Unauthenticated
from backend.core.store import Store
from backend.identity.documents import User, Workspace
from backend.identity.scopes import require_session
from backend.identity.sealing import seal, unseal
from backend.identity.second_factor_documents import SecondFactor
from backend.identity.totp import (
    make_recovery_codes,
    make_totp_secret,
    matching_step,
    recovery_digest,
    totp_uri,
)
from backend.identity.tries import count_try, forget_tries

PURPOSE = "totp"
MOST_TRIES = 8  # wrong codes of one user before it must wait; of a million codes three count at a time


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app needs: shown once."""

    secret: str
    uri: str


async def begin_second_factor(store: Store, key: str, user: User) -> Enrolment:
    """Make a secret for ``user``; it asks nothing of anybody before it is confirmed.

    Begun again, it is a new secret. Raise InvalidInput when a second factor is on already.
    """
    workspace = await store.reader.get(Workspace, user.workspace_id)
    secret = make_totp_secret()
    begun = {
        "workspace_id": user.workspace_id,
        "sealed_secret": seal(secret, key, purpose=PURPOSE, owner=user.id),
        "last_step": 0,
        "recovery_digests": [],
    }
    try:
        await SecondFactor.get_pymongo_collection().update_one(
            {"_id": user.id, "confirmed_at": None}, {"$set": begun}, upsert=True
        )
    except DuplicateKeyError:  # there is one, confirmed
        raise InvalidInput(
            FieldError("secondFactor", "is on already; turn it off with a code, then begin anew")
        ) from None
    uri = totp_uri(secret, account=user.email, workspace=workspace.name if workspace else "")
    return Enrolment(secret, uri)


async def confirm_second_factor(store: Store, key: str, actor: Actor, code: str) -> list[str]:
    """Turn on what was begun, by a code from the app; return the recovery codes, shown once.

    Raise InvalidInput for a wrong code and when nothing was begun.
    """
    clock, user_id = store.clock, actor.user_id
    factor = await SecondFactor.get(user_id)
    if factor is None or factor.confirmed_at is not None:
        raise InvalidInput(
            FieldError("code", "has nothing to confirm; begin to turn on a second factor first")
        )
    await count_try(_tries(user_id), MOST_TRIES, clock)
    secret = unseal(factor.sealed_secret, key, purpose=PURPOSE, owner=user_id)
    step = matching_step(secret, code, now=clock.now())
    if step is None:
        raise InvalidInput(
            FieldError(
                "code", "is wrong; give the 6 digits that the app shows now, and check the phone's clock"
            )
        )
    codes = make_recovery_codes()
    confirmed = await SecondFactor.get_pymongo_collection().update_one(
        {"_id": user_id, "confirmed_at": None, "sealed_secret": factor.sealed_secret},
        {
            "$set": {
                "confirmed_at": clock.now(),
                "last_step": step,
                "recovery_digests": [recovery_digest(one) for one in codes],
            }
        },
    )
    if confirmed.modified_count != 1:
        raise InvalidInput(
            FieldError("code", "came too late: it was begun anew meanwhile; use the new secret")
        )
    await forget_tries(_tries(user_id))
    await _note(store, actor, "enabled", user_id)
    return codes


async def begin_own(store: Store, key: str, actor: Actor, user: User) -> Enrolment:
    """Begin to set up one's own second factor; see ``begin_second_factor``. No token may."""
    require_session(actor)
    return await begin_second_factor(store, key, user)


async def confirm_own(store: Store, key: str, actor: Actor, code: str) -> list[str]:
    """Turn one's own second factor on; see ``confirm_second_factor``. No token may."""
    require_session(actor)
    return await confirm_second_factor(store, key, actor, code)


async def disable_own(store: Store, key: str, actor: Actor, code: str) -> None:
    """Turn one's own second factor off, by a code or a recovery code. Raise InvalidInput for a wrong one."""
    require_session(actor)
    try:
        await check_code(store.clock, key, actor.user_id, code)
    except Unauthenticated as error:
        raise InvalidInput(
            FieldError("code", "is wrong or was used before; wait for the next one")
        ) from error
    await drop_second_factor(actor.user_id)
    await _note(store, actor, "disabled", actor.user_id)


async def reset_second_factor(store: Store, actor: Actor, user_id: str) -> None:
    """Take the second factor off somebody who lost phone and recovery codes.

    Raise Forbidden for who may not change every user, InvalidInput for oneself: that takes a code.
    """
    require_session(actor)
    if actor.level("user", "update") is not Level.ALL:
        raise Forbidden("update", "user")
    if actor.user_id == user_id:
        raise InvalidInput(FieldError("userId", "is yourself; turn your own second factor off with a code"))
    await store.unit_of_work(actor).access(User, user_id, action="update")
    await drop_second_factor(user_id)
    await _note(store, actor, "reset", user_id)


async def drop_second_factor(user_id: str) -> None:
    """Forget the second factor of a user, and its recovery codes."""
    await SecondFactor.get_pymongo_collection().delete_one({"_id": user_id})


async def has_second_factor(user_id: str) -> bool:
    """Tell whether a user's sign-in asks for a code."""
    factor = await SecondFactor.get(user_id)
    return factor is not None and factor.confirmed_at is not None


async def recovery_codes_left(user_id: str) -> int | None:
    """Return how many recovery codes still count; None without a second factor."""
    factor = await SecondFactor.get(user_id)
    return len(factor.recovery_digests) if factor and factor.confirmed_at else None


async def check_code(clock: Clock, key: str, user_id: str, code: str) -> None:
    """Accept one code of the app, or one recovery code, once.

    Raise Unauthenticated for a wrong code and for one that was used, RateLimited after too many of them.
    """
    await count_try(_tries(user_id), MOST_TRIES, clock)
    factor = await SecondFactor.get(user_id)
    if factor is None or factor.confirmed_at is None:
        raise Unauthenticated("No second factor is on for this account; sign in again.")
    secret = unseal(factor.sealed_secret, key, purpose=PURPOSE, owner=user_id)
    step = matching_step(secret, code, now=clock.now())
    if not (await _use_step(user_id, step) if step is not None else await _use_recovery(user_id, code)):
        raise Unauthenticated("This code is wrong or was used before; wait for the next one, then try again.")
    await forget_tries(_tries(user_id))


async def _use_step(user_id: str, step: int) -> bool:
    """Count a time step as used; False when it, or a later one, was used already. Source: RFC 6238 §5.2."""
    used = await SecondFactor.get_pymongo_collection().update_one(
        {"_id": user_id, "last_step": {"$lt": step}}, {"$set": {"last_step": step}}
    )
    return used.modified_count == 1


async def _use_recovery(user_id: str, code: str) -> bool:
    """Strike a recovery code off; False when it is none that counts."""
    struck = recovery_digest(code)
    used = await SecondFactor.get_pymongo_collection().update_one(
        {"_id": user_id, "recovery_digests": struck}, {"$pull": {"recovery_digests": struck}}
    )
    return used.modified_count == 1


async def _note(store: Store, actor: Actor, what: str, user_id: str) -> None:
    await store.note(actor, f"second_factor.{what}", kind="user", id=user_id)


def _tries(user_id: str) -> str:
    return f"second-factor:{user_id}"
