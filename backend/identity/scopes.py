"""What tokens narrow: scopes say which of the rights of its identity a token may use. Pure.

Scopes never widen: each right is the identity's own or none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum

from backend.core.access import ACTIONS, ANY_KIND, REACH, Action, Actor, Grant, Level
from backend.core.errors import Forbidden
from backend.core.field_rules import FieldAccess

TOKEN_SESSION = "token:"  # before the id of a token, where a session's id stands otherwise


class Scope(StrEnum):
    """A part of what an identity may do.

    ``read``: read every kind. ``write``: also change records, those of the administration excepted.
    ``sync`` and ``knowledge``: work with the kinds that phones sync, and with articles and answers.
    ``admin``: everything that the identity may do, the administration and exports included.
    """

    READ = "read"
    WRITE = "write"
    SYNC = "sync"
    KNOWLEDGE = "knowledge"
    ADMIN = "admin"


READING: frozenset[Action] = frozenset({"read"})
WORKING: frozenset[Action] = frozenset({"create", "read", "update", "delete", "assign", "approve"})

KindsByScope = Mapping[str, frozenset[str]]
"""By scope the kinds that the rooms put under it (``Module.token_scopes``)."""


class SessionRequired(Forbidden):
    """A token may not do this: somebody must have signed in."""

    code = "SESSION_REQUIRED"

    def __init__(self) -> None:
        super().__init__("change", "way of signing in")
        self.args = ("No token may do this: sign in, and do it with the session's access token.",)


def require_session(actor: Actor) -> None:
    """Raise SessionRequired for who came with a personal access token or an API key."""
    if actor.session_id.startswith(TOKEN_SESSION):
        raise SessionRequired


def narrowed(actor: Actor, scopes: Iterable[str], kinds: Iterable[str], under: KindsByScope) -> Actor:
    """Return ``actor`` with only the rights that ``scopes`` let through; ``kinds`` are all there are."""
    held = frozenset(scopes)
    if Scope.ADMIN in held:
        return actor
    names = {*kinds, *actor.grants} - {ANY_KIND}
    # Every kind by name: what stays under "any kind" would open the kinds that nobody thought of.
    return replace(
        actor, grants={kind: _kept(actor.grant(kind), _actions(kind, held, under)) for kind in names}
    )


def covers(actor: Actor, grants: Mapping[str, Grant]) -> bool:
    """Tell whether ``actor`` may do at least all that ``grants`` allow: nobody hands out more than he has."""
    kinds = {*grants, *actor.grants} if ANY_KIND in grants else {*grants}
    return all(_reaches(actor.grant(kind), grants.get(kind) or grants[ANY_KIND]) for kind in kinds)


def _reaches(mine: Grant, given: Grant) -> bool:
    """Tell whether one grant holds another. Of rules on fields it must have none, or the very same."""
    open_fields = not mine.fields and mine.other_fields is FieldAccess.EDIT
    same_fields = (mine.fields, mine.other_fields) == (given.fields, given.other_fields)
    further = all(REACH[mine.level(action)] >= REACH[given.level(action)] for action in ACTIONS)
    return further and (open_fields or same_fields)


def _actions(kind: str, held: frozenset[str], under: KindsByScope) -> frozenset[Action]:
    """Return what the scopes let through of a kind."""
    allowed: frozenset[Action] = frozenset()
    if Scope.READ in held or Scope.WRITE in held:
        allowed |= READING
    if Scope.WRITE in held and kind not in under.get(Scope.ADMIN, frozenset()):
        allowed |= WORKING
    for scope in (Scope.SYNC, Scope.KNOWLEDGE):
        if scope in held and kind in under.get(scope, frozenset()):
            allowed |= WORKING
    return allowed


def _kept(grant: Grant, actions: frozenset[Action]) -> Grant:
    levels: dict[str, Level] = {action: grant.level(action) for action in ACTIONS if action in actions}
    return replace(grant, levels=levels)
