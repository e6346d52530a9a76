"""From an access token to the actor: who it is, and what the roles, teams and hierarchy allow now."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakValueDictionary

from backend.core.access import Actor, Grant, merge_grants
from backend.core.errors import Unauthenticated, Wiped
from backend.core.records import REGISTRY
from backend.core.sharing import Policy
from backend.core.store import Store
from backend.identity.documents import User
from backend.identity.policies import RoleBook, RoleGrants, groups_of, held_stamps, opened, policy_reader
from backend.identity.presented_tokens import token_of_id, token_of_text
from backend.identity.scopes import TOKEN_SESSION, KindsByScope, narrowed
from backend.identity.sessions import check_session, find_session, note_wiped
from backend.identity.token_documents import ApiToken, TokenSort
from backend.identity.token_texts import PREFIX
from backend.identity.tokens import read_access_token
from backend.identity.visitor_documents import ChatKey
from backend.identity.visitors import VISITOR, VISITOR_SESSION, counting_visitor

MOST_REMEMBERED = 10_000
REMEMBERED_SECONDS = 5.0  # how long another process may still honour a session that was just ended

AUDIENCES = {True: ("public", "customers"), False: ("public", "customers", "internal")}


@dataclass(frozen=True)
class _Known:
    """The actor of a token that was checked a moment ago; ``until`` is monotonic."""

    actor: Actor
    until: float


class Actors:
    """Find the actor behind a token; remembers each for a few seconds."""

    def __init__(
        self, store: Store, key: str, built_in: RoleGrants, token_scopes: KindsByScope | None = None
    ) -> None:
        self._store, self._key = store, key
        self._visitor = built_in.get(VISITOR, {})
        self._built_in = {name: role for name, role in built_in.items() if name != VISITOR}
        self._token_scopes = token_scopes or {}
        store.policies.read = policy_reader(store.reader)
        store.bell.on_policy.append(lambda _: self.forget())
        self._remembered: dict[str, _Known] = {}
        self._forgotten = 0  # how often: who was looked up before the last time is not remembered
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of_token(self, token: str) -> Actor:
        """Return who an access token speaks for; raise Unauthenticated when nobody any more."""
        known = self._remembered.get(token)
        if known is not None and known.until > time.monotonic():
            return known.actor
        # Of many requests with one token, one asks the store and the others wait for it.
        async with self._asking.setdefault(token, asyncio.Lock()):
            known = self._remembered.get(token)
            if known is not None and known.until > time.monotonic():
                return known.actor
            now, forgotten = self._store.clock.now(), self._forgotten
            actor, expires_at = await self._spoken_for(token, now)
            seconds = min(REMEMBERED_SECONDS, expires_at - now.timestamp())
            self._remember(token, actor, seconds, forgotten)
            return actor

    async def _spoken_for(self, token: str, now: datetime) -> tuple[Actor, float]:
        """Return who a token of any sort speaks for, and until when (seconds since 1970)."""
        if token.startswith(PREFIX):
            found = await token_of_text(self._store.clock, token)
            return await self._of_api_token(found), found.expires_at.timestamp()
        claims = read_access_token(token, self._key, now=now)
        try:
            actor = await self.of_session(claims.workspace_id, claims.user_id, session_id=claims.session_id)
        except Wiped:
            await note_wiped(claims.session_id, now=now)
            raise
        return actor, claims.expires_at

    async def _of_api_token(self, token: ApiToken) -> Actor:
        whole = await self.of_user(token.workspace_id, token.user_id, session_id=TOKEN_SESSION + token.id)
        if token.sort is TokenSort.KEY:
            whole = replace(whole, api_key_id=token.id)
        return narrowed(whole, token.scopes, REGISTRY, self._token_scopes)

    async def renewed(self, actor: Actor) -> Actor:
        """Return who ``actor``, signed in before, is now; raise Unauthenticated when its session has ended.

        For what outlives an access token: an open stream asks again and again.
        """
        known = self._remembered.get(actor.session_id)
        if known is not None and known.until > time.monotonic():
            return known.actor
        forgotten = self._forgotten
        now = await self.of_session(actor.workspace_id, actor.user_id, session_id=actor.session_id)
        self._remember(actor.session_id, now, REMEMBERED_SECONDS, forgotten)
        return now

    async def of_session(self, workspace_id: str, user_id: str, *, session_id: str) -> Actor:
        """Return the actor of a session as of now, never from memory; raise Unauthenticated when it ended."""
        if session_id.startswith(TOKEN_SESSION):
            return await self._of_api_token(
                await token_of_id(self._store.clock, session_id.removeprefix(TOKEN_SESSION))
            )
        if session_id.startswith(VISITOR_SESSION):
            return await self._of_visitor(workspace_id, session_id)
        await check_session(await find_session(session_id), now=self._store.clock.now())
        return await self.of_user(workspace_id, user_id, session_id=session_id)

    async def _of_visitor(self, workspace_id: str, session_id: str) -> Actor:
        """Return a web site's visitor: a customer of whom nothing is known, who reads what is public."""
        visitor = await counting_visitor(session_id, now=self._store.clock.now())
        key = await self._store.reader.get(ChatKey, visitor.key_id)
        if key is None or key.deleted_at or not key.is_active or key.workspace_id != workspace_id:
            raise Unauthenticated("This chat is not open any more; reload the page.")
        return Actor(
            workspace_id=workspace_id,
            user_id=visitor.id,
            session_id=session_id,
            roles=(VISITOR,),
            grants=self._visitor,
            contact_id=visitor.id,
            audiences=("public",),
            locale=visitor.locale,
        )

    async def of_user(self, workspace_id: str, user_id: str, *, session_id: str = "") -> Actor:
        """Return the actor of a user as of now; raise Unauthenticated for a suspended one."""
        user = await self._store.reader.get(User, user_id)
        if user is None or user.deleted_at or user.workspace_id != workspace_id or not user.is_active:
            raise Unauthenticated("This account is not active any more; ask an admin of the workspace.")
        policy = await self._store.policies.of(workspace_id)
        grants = merge_grants(self._roles(policy, user.role_keys))
        return Actor(
            workspace_id=workspace_id,
            user_id=user.id,
            session_id=session_id,
            roles=tuple(user.role_keys),
            grants=grants,
            team_ids=tuple(user.team_ids),
            subordinate_ids=await self._subordinates(user),
            contact_id=user.contact_id,
            audiences=AUDIENCES[user.contact_id is not None],
            stamps=held_stamps(policy, sorted(groups_of(user))),
            openness={} if user.contact_id is not None else opened(policy, grants),
            locale=user.locale,
            time_zone=user.time_zone,
        )

    async def roles(self, workspace_id: str) -> RoleBook:
        """Return every role of a workspace."""
        return RoleBook(self._built_in, (await self._store.policies.of(workspace_id)).roles)

    def forget(self, session_id: str | None = None) -> None:
        """Look afresh at the next request: one session, or all (roles, teams or users changed)."""
        self._forgotten += 1
        self._remembered = {
            token: known
            for token, known in self._remembered.items()
            if session_id is not None and known.actor.session_id != session_id
        }

    def _remember(self, token: str, actor: Actor, seconds: float, forgotten: int) -> None:
        """Remember who was looked up after ``forgotten`` times of forgetting: what was read before is old."""
        if forgotten != self._forgotten:
            return
        if len(self._remembered) >= MOST_REMEMBERED:
            now = time.monotonic()
            self._remembered = {t: known for t, known in self._remembered.items() if known.until > now}
        self._remembered[token] = _Known(actor, time.monotonic() + seconds)

    def _roles(self, policy: Policy, keys: Sequence[str]) -> list[Mapping[str, Grant]]:
        book = RoleBook(self._built_in, policy.roles)
        found = (book.get(key) for key in keys)
        return [role for role in found if role is not None]

    async def _subordinates(self, user: User) -> tuple[str, ...]:
        """Return everybody below ``user`` in the hierarchy, however deep; a loop ends the walk."""
        found: set[str] = set()
        above = [user.id]
        while above:
            rows = User.find(
                {"workspace_id": user.workspace_id, "manager_id": {"$in": above}, "deleted_at": None}
            )
            above = [row.id async for row in rows if row.id not in found and row.id != user.id]
            found.update(above)
        return tuple(sorted(found))
