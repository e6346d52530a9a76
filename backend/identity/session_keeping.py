"""What people may do with sessions: look at their own and end them; admins, everybody's."""

from datetime import datetime

import svcs

from backend.core.errors import Forbidden, NotFound
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.identity.documents import Session, User
from backend.identity.sessions import end_sessions, end_sessions_of, find_session, live_sessions


async def list_sessions(uow: UnitOfWork, user_id: str | None) -> list[Session]:
    """Return the living sessions of the actor, or of another person whom it may change."""
    whose = await _whose(uow, user_id)
    return await live_sessions(uow.actor.workspace_id, whose, now=uow.at)


async def revoke_session(store: Store, uow: UnitOfWork, id: str, *, wipe: bool) -> list[str]:
    """End one session; return its id. Raise NotFound for one that is not the actor's to end."""
    session = await find_session(id)
    if session is None or session.workspace_id != uow.actor.workspace_id:
        raise NotFound("session", id)
    try:
        await _whose(uow, session.user_id)
    except (NotFound, Forbidden):
        raise NotFound("session", id) from None
    await end_sessions(store, [session], reason=_reason(uow, session.user_id), wipe=wipe, by=uow.actor)
    return [session.id]


async def revoke_all_sessions(store: Store, uow: UnitOfWork, user_id: str | None, *, wipe: bool) -> list[str]:
    """End all sessions of a person, of the actor all but the present one; return their ids."""
    whose = await _whose(uow, user_id)
    return await end_sessions_of(
        store,
        uow.actor.workspace_id,
        whose,
        reason=_reason(uow, whose),
        but=uow.actor.session_id,
        wipe=wipe,
        by=uow.actor,
    )


async def on_user_suspended(handed: Delivery, services: svcs.Container) -> None:
    """End what sessions a suspended person had then. Handed over twice, it does so once."""
    store, actors = await services.aget(Store, Actors)
    entry = handed.entry
    await _end_all(store, actors, entry.workspace_id, entry.record_id, begun_before=entry.at)


async def end_sessions_of_suspended(store: Store, actors: Actors, user: User) -> None:
    """End the sessions of somebody who was suspended just now, without waiting for the relay."""
    await _end_all(store, actors, user.workspace_id, user.id, begun_before=store.clock.now())


async def _end_all(
    store: Store, actors: Actors, workspace_id: str, user_id: str, *, begun_before: datetime
) -> None:
    ended = await end_sessions_of(store, workspace_id, user_id, reason="suspended", begun_before=begun_before)
    for id in ended:
        actors.forget(id)


async def _whose(uow: UnitOfWork, user_id: str | None) -> str:
    """Return whose sessions are meant; of others than oneself one must be allowed to change the user."""
    if user_id is None or user_id == uow.actor.user_id:
        return uow.actor.user_id
    return (await uow.access(User, user_id, action="update")).id


def _reason(uow: UnitOfWork, user_id: str) -> str:
    return "revoked by its owner" if user_id == uow.actor.user_id else "revoked by an admin"
