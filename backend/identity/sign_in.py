"""Signing in, staying signed in, signing out.

These operations run before anybody is known, so they read credentials and sessions directly; they are
the only ones that do (tests/architecture holds the list).
"""

from dataclasses import dataclass
from datetime import timedelta

from backend.core.access import Actor
from backend.core.clock import Clock
from backend.core.errors import Unauthenticated, Wiped
from backend.core.ids import new_id
from backend.core.store import Store
from backend.identity.documents import Credential, DeviceInfo, Session, User
from backend.identity.passwords import password_matches
from backend.identity.second_step import demand_enrolment, demand_second_factor
from backend.identity.sessions import check_session, end_session, find_session, note_wiped
from backend.identity.sign_in_audit import note_locked_out, note_sign_in_failed, note_signed_in
from backend.identity.tokens import (
    Claims,
    digest,
    make_access_token,
    make_secret,
    refresh_token,
    same_digest,
    split_refresh_token,
)
from backend.identity.tries import (
    TooManyTries,
    count_towards_lock,
    count_try,
    forget_one_try,
    unlock_address,
)

MOST_TRIES = 8  # wrong passwords of one address before it must wait
MOST_TRIES_PER_NETWORK = 60  # of one network address: a whole office may sit behind it


@dataclass(frozen=True, kw_only=True)
class TokenPolicy:
    """How long tokens live, and the key that signs them."""

    key: str
    access: timedelta
    refresh: timedelta


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """What a successful sign-in or refresh hands to the client."""

    access_token: str
    refresh_token: str
    expires_in: timedelta
    user_id: str
    workspace_id: str
    session_id: str


def folded(email: str) -> str:
    """Return an address as it is looked up: without spaces around it, case folded."""
    return email.strip().casefold()


async def sign_in(
    policy: TokenPolicy, store: Store, *, email: str, password: str, network: str, device: DeviceInfo
) -> SignedIn:
    """Start a session.

    Raise Unauthenticated for a wrong pair, RateLimited after too many of them, SecondFactorRequired and
    SecondFactorEnrolmentRequired, which carry a ticket, when the password is only the first half.
    """
    throttles = {f"email:{folded(email)}": MOST_TRIES, f"network:{network}": MOST_TRIES_PER_NETWORK}
    try:
        for key, most in throttles.items():
            await count_try(key, most, store.clock)
        await count_towards_lock(folded(email), store.clock)
    except TooManyTries as refusal:
        if refusal.is_first:
            note_locked_out(store, folded(email), reason="too many tries")
        raise
    credential = await Credential.get(folded(email))
    if not await password_matches(password, credential.password_hash if credential else None):
        note_sign_in_failed(store, folded(email), reason="wrong password")
        raise Unauthenticated("E-mail or password is wrong; check both, or ask an admin for a new password.")
    assert credential is not None
    await unlock_address(folded(email))
    await forget_one_try(f"network:{network}")
    await demand_second_factor(store.clock, credential.workspace_id, credential.user_id, device)
    return await start_session(policy, store, credential.workspace_id, credential.user_id, device)


async def start_session(
    policy: TokenPolicy,
    store: Store,
    workspace_id: str,
    user_id: str,
    device: DeviceInfo,
    *,
    method: str = "password",
) -> SignedIn:
    """Start a session of somebody who has proven, by ``method``, to be that user, and note it.

    Raise Unauthenticated for a suspended one.
    """
    user = await User.get(user_id)
    if user is None or user.deleted_at or not user.is_active:
        raise Unauthenticated("This account is not active any more; ask an admin of the workspace.")
    now, secret = store.clock.now(), make_secret()
    session = Session(
        id=new_id(),
        workspace_id=workspace_id,
        user_id=user_id,
        device=device,
        secret_hash=digest(secret),
        created_at=now,
        last_seen_at=now,
        expires_at=now + policy.refresh,
    )
    await session.insert()
    await note_signed_in(store, session, user, method=method)
    return _signed_in(policy, store.clock, session, secret)


async def refresh(policy: TokenPolicy, store: Store, *, token: str) -> SignedIn:
    """Exchange a refresh token for new tokens; the old one stops counting at once.

    A token that was exchanged before is a sign of theft: the whole session is revoked.
    """
    session_id, secret = split_refresh_token(token)
    found, now = await find_session(session_id), store.clock.now()
    try:
        session = await check_session(found, now=now)
    except Wiped:
        if found is not None and same_digest(found.secret_hash, digest(secret)):
            await note_wiped(session_id, now=now)
        raise
    if same_digest(session.secret_hash, digest(secret)):
        await demand_enrolment(store.clock, session.workspace_id, session.user_id, session.device)
    fresh = make_secret()
    rotated = await Session.get_pymongo_collection().update_one(
        {"_id": session_id, "secret_hash": digest(secret), "revoked_at": None},
        {
            "$set": {"secret_hash": digest(fresh), "last_seen_at": now, "expires_at": now + policy.refresh},
            "$inc": {"generation": 1},
        },
    )
    if rotated.modified_count != 1:
        await end_session(store, session_id, reason="refresh token used twice")
        raise Unauthenticated(
            "This refresh token was used before, so the session was ended for safety; sign in again."
        )
    return _signed_in(policy, store.clock, session, fresh)


async def sign_out(store: Store, *, token: str) -> str:
    """End the session of a refresh token; return its id. An unknown token is refused."""
    session_id, secret = split_refresh_token(token)
    session = await find_session(session_id)
    if session is None or not same_digest(session.secret_hash, digest(secret)):
        raise Unauthenticated("This refresh token does not count any more; there is nothing to sign out.")
    leaver = Actor(workspace_id=session.workspace_id, user_id=session.user_id, session_id=session_id)
    await end_session(store, session_id, reason="signed out", by=leaver)
    return session_id


def _signed_in(policy: TokenPolicy, clock: Clock, session: Session, secret: str) -> SignedIn:
    claims = Claims(user_id=session.user_id, workspace_id=session.workspace_id, session_id=session.id)
    return SignedIn(
        access_token=make_access_token(claims, policy.key, now=clock.now(), lifetime=policy.access),
        refresh_token=refresh_token(session.id, secret),
        expires_in=policy.access,
        user_id=session.user_id,
        workspace_id=session.workspace_id,
        session_id=session.id,
    )
