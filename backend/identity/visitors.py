"""Visitors of a web site: how they get in without signing in, and whether they still count."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import DuplicateKeyError

from backend.core.errors import FieldError, Forbidden, InvalidInput, NotFound, Unauthenticated
from backend.core.ids import new_id
from backend.core.store import Store
from backend.identity.sign_in import TokenPolicy
from backend.identity.tokens import Claims, digest, make_access_token
from backend.identity.tries import count_try
from backend.identity.visitor_documents import ChatKey, Visitor

VISITOR = "visitor"  # the built-in role; nobody can be given it
VISITOR_SESSION = "visitor:"  # before the id of a visitor, where a session's id stands otherwise
LIFE = timedelta(days=30)  # after which a browser that did not come back has lost its conversation
SHORTEST_SECRET, LONGEST_SECRET = 43, 200  # characters; 43 hold 256 random bits in base64
MOST_NEW_PER_NETWORK = 40  # visitors in a quarter of an hour: a whole office may sit behind an address
TOO_MANY = "Too many new conversations began from your network; wait some minutes, then try again."


class OriginRefused(Forbidden):
    """The page is not one that may embed this chat."""

    code = "ORIGIN_REFUSED"

    def __init__(self, origin: str) -> None:
        super().__init__("use", "chat key")
        page = origin or "(which says no origin)"
        self.args = (
            f"The page {page} may not embed this chat; an admin of the workspace adds it to its `origins`.",
        )


@dataclass(frozen=True, kw_only=True)
class Knock:
    """Somebody at the door: the key they name, the secret their browser made, and where they come from."""

    key_id: str
    secret: str
    origin: str
    own_origin: str
    network: str
    locale: str


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A visitor who is in, with an access token that lives as long as anybody's."""

    visitor: Visitor
    key: ChatKey
    access_token: str
    expires_in: timedelta


async def admit_visitor(policy: TokenPolicy, store: Store, knock: Knock) -> Admitted:
    """Let a visitor in, or in again: the same secret is the same visitor, so a repeat does nothing more.

    Raise NotFound for a key that does not count, OriginRefused for a page that may not embed it,
    InvalidInput for a secret that is too short, RateLimited for too many new visitors from one network.
    """
    if not SHORTEST_SECRET <= len(knock.secret) <= LONGEST_SECRET or not knock.secret.isascii():
        raise InvalidInput(
            FieldError("secret", f"is not of {SHORTEST_SECRET} to {LONGEST_SECRET} characters")
        )
    key = await store.reader.get(ChatKey, knock.key_id)
    if key is None or key.deleted_at or not key.is_active:
        raise NotFound("chat_key", knock.key_id)
    at_home = key.on_own_page and knock.origin == knock.own_origin
    if not at_home and knock.origin not in key.origins:
        raise OriginRefused(knock.origin)
    visitor = await _known(store, key, knock.secret) or await _new(store, key, knock)
    claims = Claims(
        user_id=visitor.id, workspace_id=key.workspace_id, session_id=VISITOR_SESSION + visitor.id
    )
    token = make_access_token(claims, policy.key, now=store.clock.now(), lifetime=policy.access)
    return Admitted(visitor=visitor, key=key, access_token=token, expires_in=policy.access)


async def counting_visitor(session_id: str, *, now: datetime) -> Visitor:
    """Return the visitor of a session; raise Unauthenticated when the time is over."""
    visitor = await Visitor.get(session_id.removeprefix(VISITOR_SESSION))
    if visitor is None or visitor.expires_at <= now:
        raise Unauthenticated("This conversation has ended; start a new one.")
    return visitor


async def _known(store: Store, key: ChatKey, secret: str) -> Visitor | None:
    """Return who came with this secret before, and keep them for another while."""
    now = store.clock.now()
    visitor = await Visitor.find_one({"secret_digest": digest(secret)})
    if visitor is None:
        return None
    if visitor.key_id != key.id or visitor.expires_at <= now:
        raise Unauthenticated("This conversation has ended; start a new one.")
    visitor.last_seen_at, visitor.expires_at = now, now + LIFE
    await Visitor.get_pymongo_collection().update_one(
        {"_id": visitor.id}, {"$set": {"last_seen_at": now, "expires_at": now + LIFE}}
    )
    return visitor


async def _new(store: Store, key: ChatKey, knock: Knock) -> Visitor:
    await count_try(f"visitors:{knock.network}", MOST_NEW_PER_NETWORK, store.clock, refusal=TOO_MANY)
    now = store.clock.now()
    visitor = Visitor(
        id=new_id(),
        workspace_id=key.workspace_id,
        key_id=key.id,
        secret_digest=digest(knock.secret),
        locale=knock.locale,
        created_at=now,
        last_seen_at=now,
        expires_at=now + LIFE,
    )
    try:
        await visitor.insert()
    except DuplicateKeyError:  # two tabs at once: the first counts
        return await _known(store, key, knock.secret) or visitor
    return visitor
