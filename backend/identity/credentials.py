"""Credentials: how an address signs in. Global by nature, so no records: who signs in has not said where."""

from pymongo.errors import DuplicateKeyError

from backend.core.access import Actor
from backend.core.errors import FieldError, InvalidInput, Unauthenticated
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Credential, User, Workspace
from backend.identity.password_rules import check_length, check_password
from backend.identity.passwords import hash_password, password_matches
from backend.identity.sessions import check_session, end_sessions_of, find_session
from backend.identity.tries import count_try, forget_tries, unlock_address

MOST_TRIES = 8  # of the present password, before one must wait


async def find_credential(email: str) -> Credential | None:
    """Return how a folded address signs in, in whichever workspace."""
    return await Credential.get(email)


async def set_password(user: User, password: str) -> None:
    """Let ``user`` sign in with ``password``.

    Raise InvalidInput for a short one, and when the address has become somebody else's.
    """
    check_length(password)
    row = {"workspace_id": user.workspace_id, "password_hash": await hash_password(password)}
    try:
        await Credential.get_pymongo_collection().update_one(
            {"_id": user.email, "user_id": user.id}, {"$set": row}, upsert=True
        )
    except DuplicateKeyError:
        raise InvalidInput(
            FieldError("email", "is in use by somebody else; ask an admin for another address")
        ) from None


async def check_new_password(store: Store, user: User, password: str) -> None:
    """Raise InvalidInput for a password that is not good enough for ``user``."""
    workspace = await store.reader.get(Workspace, user.workspace_id)
    await check_password(password, [user.email, user.name, workspace.name if workspace else "", "rapport"])


async def change_password(store: Store, actor: Actor, *, current: str, new: str) -> list[str]:
    """Change the actor's own password; return the ids of its other sessions, which end.

    Raise InvalidInput for a wrong present or a poor new one, RateLimited after too many wrong ones,
    Unauthenticated without a session: an API key changes no password.
    """
    session = await check_session(await find_session(actor.session_id), now=store.clock.now())
    user = await store.reader.get(User, actor.user_id)
    if user is None or session.user_id != user.id:
        raise Unauthenticated("Sign in with your present password, then change it.")
    await _check_current(store, user, current)
    try:
        if new == current:
            raise InvalidInput(FieldError("password", "is the present one; choose another"))
        await check_new_password(store, user, new)
    except InvalidInput as error:
        raise InvalidInput(*(FieldError("new", one.message) for one in error.errors)) from None
    await set_password(user, new)
    ended = await end_sessions_of(
        store, actor.workspace_id, user.id, reason="password changed", but=session.id, by=actor
    )
    await store.note(actor, "password.changed", kind=User.kind, id=user.id)
    return ended


async def unlock_user(store: Store, uow: UnitOfWork, id: str) -> User:
    """Forget the failed sign-ins of somebody whom the actor may change."""
    user = await uow.access(User, id, action="update")
    await unlock_address(user.email)
    await store.note(uow.actor, "user.unlocked", kind=User.kind, id=user.id)
    return user


async def _check_current(store: Store, user: User, current: str) -> None:
    key = f"password:{user.id}"
    await count_try(key, MOST_TRIES, store.clock)
    credential = await find_credential(user.email)
    known = credential.password_hash if credential is not None and credential.user_id == user.id else None
    if not await password_matches(current, known):
        raise InvalidInput(FieldError("current", "is not your present password; check it, or reset it"))
    await forget_tries(key)
