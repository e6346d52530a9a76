"""Personal access tokens and API keys: making, listing, revoking.

They are credentials and no records: the operations here are the only ones that read or write them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.core.access import Actor, Grant, Level
from backend.core.clock import Clock
from backend.core.errors import FieldError, Forbidden, InvalidInput, NotFound
from backend.core.ids import new_id
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.documents import User
from backend.identity.people import create_user
from backend.identity.scopes import Scope, covers, require_session
from backend.identity.token_documents import ApiToken, TokenSort
from backend.identity.token_texts import SHOWN_LENGTH, make_token
from backend.identity.tokens import digest

LONGEST_LIFE = timedelta(days=366)
LONGEST_NAME = 100
MOST_TOKENS = {TokenSort.PERSONAL: 50, TokenSort.KEY: 200}  # that count, of one person and of one workspace
KEY = "api_key"  # no kind of record: the name under which roles grant the right to work with API keys
SERVICE_DOMAIN = "keys.invalid"  # no mail ever goes there. Source: RFC 2606 §2


@dataclass(frozen=True, kw_only=True)
class TokenInput:
    """What a new token is to be."""

    name: str
    scopes: Sequence[str]
    expires_at: datetime


@dataclass(frozen=True)
class MadeToken:
    """A new token; ``text`` is shown once and kept nowhere."""

    token: ApiToken
    text: str


async def create_access_token(store: Store, actor: Actor, wanted: TokenInput) -> MadeToken:
    """Make a token with which a program acts as ``actor``, within the scopes.

    Raise SessionRequired for who came with a token, Forbidden for a customer, InvalidInput for what is wrong.
    """
    require_session(actor)
    if actor.is_customer:
        raise Forbidden("create", "access token")
    _check(wanted, store.clock.now())
    mine = {"workspace_id": actor.workspace_id, "user_id": actor.user_id}
    await _check_room(store.clock, TokenSort.PERSONAL, mine)
    return await _make(store, actor, TokenSort.PERSONAL, wanted, user_id=actor.user_id, role="")


async def create_api_key(
    store: Store, actor: Actor, wanted: TokenInput, role_key: str, role: Mapping[str, Grant] | None
) -> MadeToken:
    """Make a key with which a program acts as a service identity of its own, in one role.

    ``role`` is what the role grants, None for an unknown one. Raise Forbidden for who may not make keys.
    """
    require_session(actor)
    if actor.level(KEY, "create") is not Level.ALL:
        raise Forbidden("create", "API key")
    _check(wanted, store.clock.now())
    if role is None:
        raise InvalidInput(FieldError("roleKey", "is no role of this workspace; take the key of one"))
    if not covers(actor, role):
        raise InvalidInput(FieldError("roleKey", "allows more than your own roles do; take a lesser role"))
    keys = {"workspace_id": actor.workspace_id, "sort": TokenSort.KEY}
    await _check_room(store.clock, TokenSort.KEY, keys)
    identity = await store.write(actor, lambda uow: _create_service_identity(uow, wanted.name, role_key))
    return await _make(store, actor, TokenSort.KEY, wanted, user_id=identity.id, role=role_key)


async def list_access_tokens(actor: Actor) -> list[ApiToken]:
    """Return one's own tokens, newest first, those that no longer count included."""
    mine = {"workspace_id": actor.workspace_id, "user_id": actor.user_id}
    return await _newest(mine | {"sort": TokenSort.PERSONAL})


async def list_api_keys(actor: Actor) -> list[ApiToken]:
    """Return the workspace's keys, newest first. Raise Forbidden for who may not read them."""
    if actor.level(KEY, "read") is not Level.ALL:
        raise Forbidden("read", "API key")
    return await _newest({"workspace_id": actor.workspace_id, "sort": TokenSort.KEY})


async def revoke_access_token(store: Store, actor: Actor, id: str) -> ApiToken:
    """Let a token never count again: one's own, or anybody's for who may change every user."""
    require_session(actor)
    found = await _found(actor, id, TokenSort.PERSONAL)
    if found.user_id != actor.user_id and actor.level("user", "update") is not Level.ALL:
        raise NotFound("access token", id)
    return await _revoke(store, actor, found)


async def revoke_api_key(store: Store, actor: Actor, id: str) -> ApiToken:
    """Let a key never count again, and suspend its service identity."""
    require_session(actor)
    if actor.level(KEY, "delete") is not Level.ALL:
        raise Forbidden("delete", "API key")
    found = await _found(actor, id, TokenSort.KEY)
    revoked = await _revoke(store, actor, found)
    await store.write(actor, lambda uow: _suspend_service_identity(uow, found.user_id))
    return revoked


async def _make(
    store: Store, actor: Actor, sort: TokenSort, wanted: TokenInput, *, user_id: str, role: str
) -> MadeToken:
    text = make_token(sort)
    token = ApiToken(
        id=new_id(),
        workspace_id=actor.workspace_id,
        user_id=user_id,
        sort=sort,
        name=wanted.name.strip(),
        digest=digest(text),
        prefix=text[:SHOWN_LENGTH],
        scopes=sorted(set(wanted.scopes)),
        created_at=store.clock.now(),
        created_by=actor.user_id,
        expires_at=wanted.expires_at,
    )
    await token.insert()
    await _note(store, actor, token, "created", role=role)
    return MadeToken(token, text)


async def _revoke(store: Store, actor: Actor, found: ApiToken) -> ApiToken:
    now = store.clock.now()
    revoked = await ApiToken.get_pymongo_collection().update_one(
        {"_id": found.id, "revoked_at": None}, {"$set": {"revoked_at": now}}
    )
    if revoked.modified_count == 1:
        found.revoked_at = now
        await _note(store, actor, found, "revoked")
    return found


async def _note(store: Store, actor: Actor, token: ApiToken, what: str, *, role: str = "") -> None:
    kind = "access_token" if token.sort is TokenSort.PERSONAL else KEY
    details = {"name": token.name, "prefix": token.prefix, "scopes": token.scopes, "acts_as": token.user_id}
    await store.note(
        actor, f"{kind}.{what}", kind=kind, id=token.id, details=details | ({"role": role} if role else {})
    )


async def _create_service_identity(uow: UnitOfWork, name: str, role_key: str) -> User:
    id = new_id()
    fields = {"email": f"{id}@{SERVICE_DOMAIN}", "name": name.strip(), "role_keys": [role_key]}
    return await create_user(uow, fields | {"is_service": True}, id=id)


async def _suspend_service_identity(uow: UnitOfWork, user_id: str) -> User:
    user = await uow.access(User, user_id, action="update")
    user.is_active = False
    uow.save(user)
    return user


async def _found(actor: Actor, id: str, sort: TokenSort) -> ApiToken:
    found = await ApiToken.get(id)
    if found is None or found.workspace_id != actor.workspace_id or found.sort is not sort:
        raise NotFound("access token" if sort is TokenSort.PERSONAL else "API key", id)
    return found


async def _newest(where: Mapping[str, object]) -> list[ApiToken]:
    found = await ApiToken.find(where).to_list()
    return sorted(found, key=lambda token: token.id, reverse=True)


async def _check_room(clock: Clock, sort: TokenSort, where: Mapping[str, object]) -> None:
    counting = [one for one in await _newest({**where, "sort": sort}) if not one.is_over(clock.now())]
    if len(counting) >= MOST_TOKENS[sort]:
        raise InvalidInput(FieldError("name", f"would be one of more than {len(counting)}; revoke one first"))


def _check(wanted: TokenInput, now: datetime) -> None:
    """Raise InvalidInput for all that is wrong with what a new token is to be."""
    wrong: list[FieldError] = []
    if not 0 < len(wanted.name.strip()) <= LONGEST_NAME:
        wrong.append(FieldError("name", f"must have 1 to {LONGEST_NAME} characters; say what uses it"))
    if not wanted.scopes or not set(wanted.scopes) <= set(Scope):
        wrong.append(FieldError("scopes", f"must be one or more of {', '.join(Scope)}"))
    if not now < wanted.expires_at <= now + LONGEST_LIFE:
        wrong.append(FieldError("expiresAt", f"must lie in the next {LONGEST_LIFE.days} days"))
    if wrong:
        raise InvalidInput(*wrong)
