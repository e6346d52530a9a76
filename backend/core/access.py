"""The one access predicate: who may do what to which record.

Every record carries ``acl``, the principals that may read it (``u:<user>``, ``t:<team>``,
``c:<contact>``, ``p:<audience>``); every actor carries the principals it may use at each level.
``predicate`` compiles both to one MongoDB filter, ``allows`` decides the same about one record in
memory (a test holds the two equal). The strings are also the scopes of delta sync: one source.

Sharing, territories and sharing rules will add principals; field rules have their place in ``Grant``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Action = Literal["create", "read", "update", "delete", "assign"]
HOUSE = "system"  # the user id of the house itself
EVERYONE = "w"  # the scope of a whole workspace: what a role with level `all` reads
NOTHING: Mapping[str, Any] = {"_id": {"$in": []}}


class Level(StrEnum):
    """How far a role reaches, from nothing to the whole workspace."""

    NONE = "none"
    OWN = "own"
    TEAM = "team"
    SUBORDINATES = "subordinates"
    ALL = "all"


REACH = {Level.NONE: 0, Level.OWN: 1, Level.TEAM: 2, Level.SUBORDINATES: 3, Level.ALL: 4}


@dataclass(frozen=True)
class Grant:
    """What a role allows on one kind: a level per action."""

    levels: Mapping[str, Level] = field(default_factory=dict)

    def level(self, action: Action) -> Level:
        return self.levels.get(action, Level.NONE)


ANY_KIND = "*"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who acts in one workspace: a person, or the house itself on nobody's behalf."""

    workspace_id: str
    user_id: str
    session_id: str = ""
    roles: tuple[str, ...] = ()
    grants: Mapping[str, Grant] = field(default_factory=dict)
    team_ids: tuple[str, ...] = ()
    subordinate_ids: tuple[str, ...] = ()
    contact_id: str | None = None
    audiences: tuple[str, ...] = ()
    locale: str = "en"
    time_zone: str = "UTC"

    @property
    def is_customer(self) -> bool:
        """True for a portal identity: a customer, not staff."""
        return self.contact_id is not None

    def level(self, kind: str, action: Action) -> Level:
        """Return how far this actor reaches; a rule for the kind itself beats the one for any kind."""
        grant = self.grants.get(kind) or self.grants.get(ANY_KIND)
        return grant.level(action) if grant else Level.NONE

    def principals(self, level: Level) -> tuple[str, ...]:
        """Return the acl entries that this actor matches at ``level`` (below ALL), sorted."""
        found = {f"u:{self.user_id}"} | {f"p:{audience}" for audience in self.audiences}
        if self.contact_id:
            found.add(f"c:{self.contact_id}")
        if REACH[level] >= REACH[Level.TEAM]:
            found |= {f"t:{team}" for team in self.team_ids}
        if REACH[level] >= REACH[Level.SUBORDINATES]:
            found |= {f"u:{user}" for user in self.subordinate_ids}
        return tuple(sorted(found))

    def scopes(self, kind: str) -> tuple[str, ...]:
        """Return the sync scopes in which this actor reads ``kind``."""
        level = self.level(kind, "read")
        if level is Level.NONE:
            return ()
        return (EVERYONE,) if level is Level.ALL else self.principals(level)


def system_actor(workspace_id: str) -> Actor:
    """Return the house itself: listeners and jobs act as it, with all rights in one workspace."""
    everything = Grant(dict.fromkeys(("create", "read", "update", "delete", "assign"), Level.ALL))
    audiences = ("public", "customers", "internal")
    return Actor(
        workspace_id=workspace_id,
        user_id=HOUSE,
        roles=("system",),
        grants={ANY_KIND: everything},
        audiences=audiences,
    )


def predicate(actor: Actor, kind: str, action: Action = "read") -> dict[str, Any]:
    """Compile what ``actor`` may ``action`` among records of ``kind`` to a MongoDB filter."""
    level = actor.level(kind, action)
    if level is Level.NONE:
        return {"workspace_id": actor.workspace_id, **NOTHING}
    if level is Level.ALL:
        return {"workspace_id": actor.workspace_id}
    return {"workspace_id": actor.workspace_id, "acl": {"$in": list(actor.principals(level))}}


def allows(actor: Actor, kind: str, action: Action, *, workspace_id: str, acl: Sequence[str]) -> bool:
    """Decide in memory what ``predicate`` decides in the database, about one record."""
    if workspace_id != actor.workspace_id:
        return False
    level = actor.level(kind, action)
    if level in (Level.NONE, Level.ALL):
        return level is Level.ALL
    return not set(acl).isdisjoint(actor.principals(level))


def grant(
    *,
    read: Level,
    create: Level = Level.NONE,
    update: Level = Level.NONE,
    delete: Level = Level.NONE,
    assign: Level = Level.NONE,
) -> Grant:
    """Return a grant by action, the way rooms write their built-in roles."""
    return Grant({"read": read, "create": create, "update": update, "delete": delete, "assign": assign})


def merge_grants(roles: Sequence[Mapping[str, Grant]]) -> dict[str, Grant]:
    """Merge roles most-permissively: per kind and action the furthest level wins.

    A role's rule for any kind (``*``) counts for kinds that another role names.
    """
    kinds = {kind for role in roles for kind in role}
    merged: dict[str, Grant] = {}
    for kind in kinds:
        levels: dict[str, Level] = {}
        for role in roles:
            grant = role.get(kind) or role.get(ANY_KIND) or Grant()
            for action, level in grant.levels.items():
                if REACH[level] > REACH[levels.get(action, Level.NONE)]:
                    levels[action] = level
        merged[kind] = Grant(levels)
    return merged
