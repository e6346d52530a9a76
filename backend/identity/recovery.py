"""The way in without a password: accepting an invitation, and setting a new password by a link."""

from backend.core.access import system_actor
from backend.core.errors import FieldError, InvalidInput
from backend.core.store import Store
from backend.identity.credentials import check_new_password, find_credential, set_password
from backend.identity.documents import User
from backend.identity.mail_documents import Purpose
from backend.identity.one_time_tokens import look_at_token, spend_token
from backend.identity.outbox import Outbox
from backend.identity.sessions import end_sessions_of
from backend.identity.sign_in import folded
from backend.identity.tries import count_try, unlock_address

MOST_ASKED = 5  # links for one address in a quarter of an hour
MOST_ASKED_PER_NETWORK = 30


async def forgot_password(outbox: Outbox, *, email: str, network: str) -> None:
    """Let a link go to an address, if anybody signs in with it: in equal time, with equal answers.

    Raise RateLimited after too many, Unavailable when no mail server is set.
    """
    clock, address = outbox.store.clock, folded(email)
    await count_try(f"forgot-network:{network}", MOST_ASKED_PER_NETWORK, clock)
    await count_try(f"forgot:{address}", MOST_ASKED, clock)
    await outbox.ask_for_reset(address)


async def accept_invitation(store: Store, *, token: str, password: str) -> User:
    """Set somebody's first password. Raise InvalidInput for a spent link or a poor password."""
    user = await _redeem(store, Purpose.INVITATION, token, password)
    await store.note(system_actor(user.workspace_id), "invitation.accepted", kind=User.kind, id=user.id)
    return user


async def reset_password(store: Store, *, token: str, password: str) -> list[str]:
    """Set a new password by a link and lift a lock; return the ids of the user's sessions, which all end."""
    user = await _redeem(store, Purpose.RESET, token, password)
    await unlock_address(user.email)
    house = system_actor(user.workspace_id)
    ended = await end_sessions_of(store, user.workspace_id, user.id, reason="password reset")
    await store.note(house, "password.reset", kind=User.kind, id=user.id)
    return ended


async def _redeem(store: Store, purpose: Purpose, secret: str, password: str) -> User:
    """Set the password that a link allows. A password that is refused leaves the link to try again."""
    token = await look_at_token(purpose, secret, now=store.clock.now())
    user = await store.reader.get(User, token.user_id)
    if user is None or user.deleted_at or not user.is_active:
        raise InvalidInput(FieldError("token", "is for an account that is not active; ask an admin"))
    if purpose is Purpose.INVITATION and await find_credential(user.email) is not None:
        raise InvalidInput(FieldError("token", "is for an account that has a password; sign in with it"))
    await check_new_password(store, user, password)
    await spend_token(token)
    await set_password(user, password)
    return user
