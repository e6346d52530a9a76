"""Root fields of sessions: who is signed in where, and ending it."""

import strawberry

from backend.core.graphql import Info
from backend.identity import session_keeping
from backend.identity.actors import Actors
from backend.identity.session_types import Session, SessionsRevoked, SessionsRevokedResult


async def _ended(info: Info, ids: list[str], *, wipe: bool) -> SessionsRevoked:
    actors = await info.context.services.aget(Actors)
    for id in ids:
        actors.forget(id)
    return SessionsRevoked(ids=[strawberry.ID(id) for id in ids], wipe=wipe)


@strawberry.type
class SessionQuery:
    @strawberry.field(
        description="Where you are signed in, last seen first; with `userId` another person, for admins."
    )
    async def sessions(self, info: Info, user_id: strawberry.ID | None = None) -> list[Session]:
        found = await session_keeping.list_sessions(info.context.uow, user_id)
        return [Session.of(one, current_id=info.context.actor.session_id) for one in found]


@strawberry.type
class SessionMutation:
    @strawberry.mutation(
        description="End a session: yours, or for admins anybody's. `wipe` erases what its device keeps."
    )
    async def session_revoke(
        self, info: Info, id: strawberry.ID, wipe: bool = False
    ) -> SessionsRevokedResult:
        ended = await session_keeping.revoke_session(info.context.store, info.context.uow, id, wipe=wipe)
        return await _ended(info, ended, wipe=wipe)

    @strawberry.mutation(
        description="End all your sessions but this one; with `userId` all of another person, for admins."
    )
    async def sessions_revoke_all(
        self, info: Info, user_id: strawberry.ID | None = None, wipe: bool = False
    ) -> SessionsRevokedResult:
        ended = await session_keeping.revoke_all_sessions(
            info.context.store, info.context.uow, user_id, wipe=wipe
        )
        return await _ended(info, ended, wipe=wipe)
