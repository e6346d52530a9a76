"""The one access compiler: who may do what to which record, and which of its fields.

Every record carries ``acl``, the principals that reach it (``u:<user>``, ``t:<team>``, ``c:<contact>``,
``p:<audience>``; ``s:`` and ``e:`` before a user, team or role: a share to read or to edit; ``g:<id>.<n>``:
a sharing rule or territory that holds for it). Every actor carries the principals it may use for each
action. ``compile_access`` turns (actor, kind, action) into one MongoDB filter and a field mask;
``allows`` decides the same about one record in memory (a test holds the two equal). The strings are
also the scopes of delta sync: one source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, get_args

from backend.core.field_rules import CLEAR, FieldAccess, Mask, merge_fields
from backend.core.records import REGISTRY

Action = Literal["create", "read", "update", "delete", "export", "assign", "approve"]
ACTIONS: tuple[Action, ...] = get_args(Action)
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
    """What a role allows on one kind: a level per action, and how much of each field.

    ``other_fields`` holds for the fields that ``fields`` does not name: ``hidden`` makes it an allow-list,
    ``edit`` a deny-list.
    """

    levels: Mapping[str, Level] = field(default_factory=dict)
    fields: Mapping[str, FieldAccess] = field(default_factory=dict)
    other_fields: FieldAccess = FieldAccess.EDIT

    def level(self, action: Action) -> Level:
        return self.levels.get(action, Level.NONE)


ANY_KIND = "*"
NO_GRANT = Grant()


@dataclass(frozen=True)
class Stamps:
    """What is shared with an actor, beside what its level reaches: principals, by the action they give.

    Shares (``s:``, ``e:``) are named only where there are any: each name costs the feed a query.
    """

    read: frozenset[str] = frozenset()
    update: frozenset[str] = frozenset()


NO_STAMPS = Stamps()


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody who acts in one workspace: a person, or the house itself on nobody's behalf.

    ``openness`` are the workspace's defaults by kind: ``read`` or ``edit`` opens a kind to every role that
    has it at all. Customers are never widened by defaults, shares or rules: they see what is their own.
    """

    workspace_id: str
    user_id: str
    session_id: str = ""
    api_key_id: str = ""  # the API key that it came with; a person's own tokens are none
    roles: tuple[str, ...] = ()
    grants: Mapping[str, Grant] = field(default_factory=dict)
    team_ids: tuple[str, ...] = ()
    subordinate_ids: tuple[str, ...] = ()
    contact_id: str | None = None
    audiences: tuple[str, ...] = ()
    stamps: Mapping[str, Stamps] = field(default_factory=dict)
    openness: Mapping[str, str] = field(default_factory=dict)
    locale: str = "en"
    time_zone: str = "UTC"
    _compiled: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def is_customer(self) -> bool:
        """True for a portal identity: a customer, not staff."""
        return self.contact_id is not None

    @property
    def is_visitor(self) -> bool:
        """True for somebody on a web site who has not signed in."""
        return "visitor" in self.roles

    def grant(self, kind: str) -> Grant:
        """Return what the roles allow on ``kind``; a rule for the kind itself beats the one for any kind."""
        return self.grants.get(kind) or self.grants.get(ANY_KIND) or NO_GRANT

    def level(self, kind: str, action: Action) -> Level:
        """Return how far this actor reaches, the workspace's defaults included."""
        level = self.grant(kind).level(action)
        if level is Level.ALL and follows_any(kind) and self.user_id != HOUSE:
            return Level.SUBORDINATES  # as far as each parent's kind: a level cannot say so
        if level is Level.NONE or self.is_customer:
            return level
        opened = self.openness.get(kind) if self._has_what_it_follows(kind) else None
        if action in ("read", "update") and (opened == "edit" or (opened == "read" and action == "read")):
            return Level.ALL
        return level

    def _has_what_it_follows(self, kind: str) -> bool:
        """Tell whether this actor has the kind that ``kind`` follows at all: by that alone it is opened."""
        record = REGISTRY.get(kind)
        parent = record.follows[0] if record and record.follows else None
        return parent is None or self.grant(parent).level("read") is not Level.NONE

    def principals(self, kind: str, action: Action = "read") -> frozenset[str]:
        """Return the acl entries that let this actor ``action`` a record of ``kind``, levels below ALL."""
        key = ("principals", kind, action)
        if key not in self._compiled:
            self._compiled[key] = self._principals(kind, action)
        found: frozenset[str] = self._compiled[key]
        return found

    def _principals(self, kind: str, action: Action) -> frozenset[str]:
        level = self.level(kind, action)
        if level is Level.NONE:
            return frozenset()
        if follows_any(kind):
            return self._parents_principals(action)
        found = {f"u:{self.user_id}"} | {f"p:{audience}" for audience in self.audiences}
        if self.contact_id:
            return frozenset(found | {f"c:{self.contact_id}"})
        if REACH[level] >= REACH[Level.TEAM]:
            found |= {f"t:{team}" for team in self.team_ids}
        if REACH[level] >= REACH[Level.SUBORDINATES]:
            found |= {f"u:{user}" for user in self.subordinate_ids}
        if action in ("read", "update"):
            found |= getattr(self.stamps.get(kind, NO_STAMPS), action)
        return frozenset(found)

    def _parents_principals(self, action: Action) -> frozenset[str]:
        """Return the acl entries of what follows records of any kind: who changes the parent changes this."""
        action = action if action == "read" else "update"
        found: set[str] = set()
        for parent in (kind for kind in REGISTRY if not follows_any(kind)):
            level = self.level(parent, action)
            reach = (EVERYONE,) if level is Level.ALL else self.principals(parent, action)
            found |= {parents_entry(parent, one) for one in reach}
        return frozenset(found)

    def scopes(self, kind: str) -> tuple[str, ...]:
        """Return the sync scopes in which this actor reads ``kind``, sorted."""
        if self.level(kind, "read") is Level.ALL:
            return (EVERYONE,)
        return tuple(sorted(self.principals(kind)))

    def mask(self, kind: str) -> Mask:
        """Return which fields of ``kind`` are hidden from this actor, masked, or not its to edit."""
        key = ("mask", kind)
        if key not in self._compiled:
            record, grant = REGISTRY.get(kind), self.grant(kind)
            self._compiled[key] = Mask.of(record, grant.fields, grant.other_fields) if record else CLEAR
        found: Mask = self._compiled[key]
        return found


def follows_any(kind: str) -> bool:
    """Tell whether records of ``kind`` may follow records of any kind, as attachments do."""
    record = REGISTRY.get(kind)
    return bool(record and record.follows and record.follows[0].startswith("@"))


def parents_entry(parent: str, entry: str) -> str:
    """Return an acl entry of a parent as a child has it whose parent may be of any kind."""
    return f"{parent}/{entry}"


def system_actor(workspace_id: str) -> Actor:
    """Return the house itself: listeners and jobs act as it, with all rights in one workspace."""
    audiences = ("public", "customers", "internal")
    return Actor(
        workspace_id=workspace_id,
        user_id=HOUSE,
        roles=("system",),
        grants={ANY_KIND: Grant(dict.fromkeys(ACTIONS, Level.ALL))},
        audiences=audiences,
    )


@dataclass(frozen=True)
class Access:
    """What the compiler makes of (actor, kind, action): a MongoDB filter and a field mask."""

    where: dict[str, Any]
    mask: Mask


def compile_access(actor: Actor, kind: str, action: Action = "read") -> Access:
    """Compile what ``actor`` may ``action`` among records of ``kind``, and how much of each it sees."""
    return Access(predicate(actor, kind, action), actor.mask(kind))


def predicate(actor: Actor, kind: str, action: Action = "read") -> dict[str, Any]:
    """Compile what ``actor`` may ``action`` among records of ``kind`` to a MongoDB filter."""
    level = actor.level(kind, action)
    if level is Level.NONE:
        return {"workspace_id": actor.workspace_id, **NOTHING}
    if level is Level.ALL:
        return {"workspace_id": actor.workspace_id}
    return {"workspace_id": actor.workspace_id, "acl": {"$in": sorted(actor.principals(kind, action))}}


def allows(actor: Actor, kind: str, action: Action, *, workspace_id: str, acl: Sequence[str]) -> bool:
    """Decide in memory what ``predicate`` decides in the database, about one record."""
    if workspace_id != actor.workspace_id:
        return False
    level = actor.level(kind, action)
    if level in (Level.NONE, Level.ALL):
        return level is Level.ALL
    return not actor.principals(kind, action).isdisjoint(acl)


def reads(actor: Actor, kind: str) -> Callable[[Sequence[str]], bool]:
    """Return ``allows`` for reading, compiled: for many records of ``kind`` in the actor's own workspace."""
    level = actor.level(kind, "read")
    if level in (Level.NONE, Level.ALL):
        return lambda acl: level is Level.ALL
    principals = actor.principals(kind)
    return lambda acl: not principals.isdisjoint(acl)


def grant(
    *,
    read: Level,
    create: Level = Level.NONE,
    update: Level = Level.NONE,
    delete: Level = Level.NONE,
    export: Level = Level.NONE,
    assign: Level = Level.NONE,
    approve: Level = Level.NONE,
) -> Grant:
    """Return a grant by action, the way rooms write their built-in roles."""
    given = (create, read, update, delete, export, assign, approve)
    return Grant(dict(zip(ACTIONS, given, strict=True)))


def merge_grants(roles: Sequence[Mapping[str, Grant]]) -> dict[str, Grant]:
    """Merge roles most-permissively: per kind, action and field the furthest wins.

    A role's rule for any kind (``*``) counts for kinds that another role names. A field is as open as the
    most open of the roles that let the kind be read at all.
    """
    kinds = {kind for role in roles for kind in role}
    merged: dict[str, Grant] = {}
    for kind in kinds:
        found = [role.get(kind) or role.get(ANY_KIND) or NO_GRANT for role in roles]
        levels: dict[str, Level] = {}
        for action, level in (pair for one in found for pair in one.levels.items()):
            if REACH[level] > REACH[levels.get(action, Level.NONE)]:
                levels[action] = level
        seeing = [one for one in found if one.level("read") is not Level.NONE] or found
        fields, others = merge_fields([(one.fields, one.other_fields) for one in seeing])
        merged[kind] = Grant(levels, fields, others)
    return merged
