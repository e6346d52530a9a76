"""Sessions: which there are, ending them, and the order to erase that an ended one may carry.

The session's own row is the truth, and stops its tokens at once; ``SessionEnd`` then tells the other
rooms and the audit trail. A crash in between leaves a session that has ended all the same.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from backend.core.access import Actor, Level, grant, system_actor
from backend.core.clock import Clock
from backend.core.errors import Unauthenticated, Wiped
from backend.core.ids import derived_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import Session, SessionEnd
from backend.identity.events import SessionEnded

WIPE_ORDER_KEPT = timedelta(days=400)  # how long a phone that nobody switches on may take to hear of it
_ANY_END = grant(read=Level.ALL, create=Level.ALL, update=Level.ALL)


async def find_session(id: str) -> Session | None:
    """Return a session, ended or not."""
    return await Session.get(id) if id else None


async def live_sessions(workspace_id: str, user_id: str, *, now: datetime) -> list[Session]:
    """Return the sessions of a user that still count, last seen first."""
    rows = Session.find({"workspace_id": workspace_id, "user_id": user_id, "revoked_at": None})
    return sorted(
        [row async for row in rows if row.expires_at > now], key=lambda row: row.last_seen_at, reverse=True
    )


async def check_session(session: Session | None, *, now: datetime) -> Session:
    """Return a session that counts; raise Wiped when its device is to erase itself, else Unauthenticated."""
    if session is not None and session.revoked_at is not None and session.wipe:
        raise Wiped
    if session is None or session.revoked_at is not None or session.expires_at <= now:
        raise Unauthenticated("This session has ended; sign in again.")
    return session


async def note_wiped(session_id: str, *, now: datetime) -> None:
    """Write down that the device of a session was told to erase itself; the first time counts."""
    await Session.get_pymongo_collection().update_one(
        {"_id": session_id, "wiped_at": None}, {"$set": {"wiped_at": now}}
    )


async def end_session(
    store: Store, session_id: str, *, reason: str, wipe: bool = False, by: Actor | None = None
) -> None:
    """End a session: its tokens stop counting, its devices get no more notifications."""
    session = await find_session(session_id)
    if session is not None:
        await end_sessions(store, [session], reason=reason, wipe=wipe, by=by)


async def end_sessions_of(
    store: Store,
    workspace_id: str,
    user_id: str,
    *,
    reason: str,
    but: str = "",
    begun_before: datetime | None = None,
    wipe: bool = False,
    by: Actor | None = None,
) -> list[str]:
    """End the sessions of a user, all ``but`` one, those ``begun_before`` when given; return their ids."""
    found = await live_sessions(workspace_id, user_id, now=store.clock.now())
    ending = [
        one for one in found if one.id != but and (begun_before is None or one.created_at <= begun_before)
    ]
    await end_sessions(store, ending, reason=reason, wipe=wipe, by=by)
    return [one.id for one in ending]


async def end_sessions(
    store: Store, sessions: Sequence[Session], *, reason: str, wipe: bool = False, by: Actor | None = None
) -> None:
    """End sessions of one workspace. With ``wipe`` their devices are told to erase what they keep."""
    if not sessions:
        return
    for session in sessions:
        await _revoke(store.clock, session.id, reason=reason, wipe=wipe)

    async def tell(uow: UnitOfWork) -> None:
        for session in sessions:
            await _tell_end(uow, session, reason=reason, wipe=wipe)

    await store.write(_teller(by or system_actor(sessions[0].workspace_id)), tell)


async def _revoke(clock: Clock, session_id: str, *, reason: str, wipe: bool) -> None:
    collection = Session.get_pymongo_collection()
    now = clock.now()
    if wipe:  # first: from the moment that the session counts no more, its device must hear the order
        kept = {"wipe": True, "expires_at": now + WIPE_ORDER_KEPT}
        await collection.update_one({"_id": session_id}, {"$set": kept})
    await collection.update_one(
        {"_id": session_id, "revoked_at": None}, {"$set": {"revoked_at": now, "revoked_reason": reason}}
    )


def _teller(actor: Actor) -> Actor:
    """Return ``actor`` with the right to tell that a session ended, which no role has of itself."""
    return replace(actor, grants={**actor.grants, SessionEnd.kind: _ANY_END})


async def _tell_end(uow: UnitOfWork, session: Session, *, reason: str, wipe: bool) -> None:
    id = derived_id("session end", session.id)
    event = SessionEnded(session_id=session.id, user_id=session.user_id, wipe=wipe)
    details = {"session_id": session.id, "reason": reason, "wipe": wipe}
    uow.note("session.ended", kind="user", id=session.user_id, details=details)
    if not await uow.is_taken(SessionEnd, id):
        end = SessionEnd(id=id, session_id=session.id, owner_id=session.user_id, reason=reason, wipe=wipe)
        uow.save(end, event)
    elif wipe:
        end = await uow.access(SessionEnd, id, action="update")
        if not end.wipe:
            end.wipe = True
            uow.save(end, event)
