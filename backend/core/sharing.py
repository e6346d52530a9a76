"""How records get their acl: owners and teams, the parent, shares, and the rules that hold for them.

A *policy* is what a workspace's admins decided about sharing, compiled. Rules and territories put a
stamp (``g:<id>.<revision>``) on the records they hold for; who may use a stamp is the actor's side
(``Actor.stamps``). So a rule that is taken back, or given to others, works at once, before any record
is rewritten; a changed condition makes a new revision, whose stamps appear as records are rewritten.

The policy has a version, kept with the workspace's counter and compared in every commit: no record is
ever stored under an outdated policy.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from weakref import WeakValueDictionary

from backend.core.access import EVERYONE, Action, Actor, Grant, allows, follows_any, parents_entry
from backend.core.conditions import Test
from backend.core.records import REGISTRY, Record, Share

BELIEVED_SECONDS = 5.0  # how long another process may still read by a policy that was just changed


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A sharing rule or a territory: whom it is for, what it gives, and for which records it holds.

    ``owned_by`` (when not None) are the owners whose records it holds for.
    """

    id: str
    name: str
    stamp: str
    grantees: frozenset[str]
    edits: bool
    tests: Mapping[str, Test]
    owned_by: frozenset[str] | None = None
    is_territory: bool = False

    def holds_for(self, record: Record) -> bool:
        test = self.tests.get(record.kind)
        if test is None or (self.owned_by is not None and record.owner_id not in self.owned_by):
            return False
        return test(record)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One workspace's decisions about who sees what, compiled.

    ``shared_with`` says of which kinds single records were ever shared with somebody (``t:<team>``).
    """

    version: int
    rules: Sequence[Rule] = ()
    openness: Mapping[str, str] = field(default_factory=dict)
    shared_with: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, Grant]] = field(default_factory=dict)
    stamped: set[str] = field(default_factory=set, compare=False)  # kinds whose records all have its stamps

    def stamps_of(self, record: Record) -> list[str]:
        """Return the stamps of the rules that hold for ``record``."""
        return [rule.stamp for rule in self.rules if rule.holds_for(record)] if record.shareable else []


ReadPolicy = Callable[[str, int], Awaitable[Policy]]


class Policies:
    """The policies of this process's workspaces, read when they have moved."""

    def __init__(self, read_version: Callable[[str], Awaitable[int]]) -> None:
        self._read_version = read_version
        self.read: ReadPolicy = _no_rules  # the identity room knows better
        self._known: dict[str, tuple[Policy, float]] = {}
        self._forgotten = 0
        self._stamping: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._reading: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of(self, workspace_id: str) -> Policy:
        """Return a policy that was current at most some seconds ago."""
        if (known := self._believed(workspace_id)) is not None:
            return known
        # One reads for all who ask meanwhile: a phone's push asks once for each of its rows.
        async with self._reading.setdefault(workspace_id, asyncio.Lock()):
            return self._believed(workspace_id) or await self._look(workspace_id)

    def _believed(self, workspace_id: str) -> Policy | None:
        known = self._known.get(workspace_id)
        return known[0] if known is not None and known[1] > time.monotonic() else None

    async def _look(self, workspace_id: str) -> Policy:
        known, forgotten = self._known.get(workspace_id), self._forgotten
        version = await self._read_version(workspace_id)
        if known is None or known[0].version != version:
            # Numbered before it is read: what changes meanwhile makes it outdated, never wrongly current.
            known = (await self.read(workspace_id, version), 0.0)
        # What moved while it was read must be looked at again by the next.
        believed = BELIEVED_SECONDS if forgotten == self._forgotten else 0.0
        self._known[workspace_id] = (known[0], time.monotonic() + believed)
        return known[0]

    def forget(self, workspace_id: str) -> None:
        """Look afresh the next time."""
        self._forgotten += 1
        known = self._known.get(workspace_id)
        if known is not None:
            self._known[workspace_id] = (known[0], 0.0)

    def stamping(self, workspace_id: str) -> asyncio.Lock:
        """Return the lock of who restamps a workspace's records: two would write each of them twice."""
        return self._stamping.setdefault(workspace_id, asyncio.Lock())


async def _no_rules(workspace_id: str, version: int) -> Policy:
    return Policy(version=version)


def reaches(actor: Actor, action: Action, record: Record, now: datetime) -> bool:
    """Tell whether ``actor`` may ``action`` this very record now."""
    acl = live_acl(record, now) if record.shares else record.acl
    return allows(actor, record.kind, action, workspace_id=record.workspace_id, acl=acl)


def own_acl(record: Record, policy: Policy, now: datetime) -> list[str]:
    """Return the acl of a record that follows no other."""
    shared = [
        principal for share in record.shares if not share.is_over(now) for principal in share.principals()
    ]
    return [EVERYONE, *dict.fromkeys([*record.principals(), *shared, *policy.stamps_of(record)])]


def followed_acl(record: Record, parent: Record | None) -> list[str]:
    """Return the acl of a record that has its parent's readers; of an orphan, only what is its own."""
    if parent is not None and follows_any(record.kind):
        return [EVERYONE, *(parents_entry(parent.kind, one) for one in record.inherited(parent.acl))]
    inherited = record.inherited([one for one in parent.acl if one != EVERYONE]) if parent else []
    return [EVERYONE, *dict.fromkeys([*record.principals(), *inherited])]


def ending_shares(parent: Record | None) -> list[Share]:
    """Return the shares of a parent that end by themselves: what follows it must know when."""
    return [share for share in parent.shares if share.until is not None] if parent else []


def opens_otherwise(record: Record, before: Mapping[str, Any]) -> bool:
    """Tell whether what follows ``record`` gets other readers, or the same until another time."""
    ends = {(share.to, share.until) for share in ending_shares(record)}
    ended = {(one["to"], one["until"]) for one in before.get("shares", ()) if one["until"] is not None}
    return set(before["acl"]) != set(record.acl) or ends != ended


class Opened(Protocol):
    """What has an acl, and shares that may have ended since it was written."""

    @property
    def acl(self) -> Sequence[str]: ...

    @property
    def shares(self) -> Sequence[Share]: ...


def live_acl(record: Opened, now: datetime) -> Sequence[str]:
    """Return the acl without the shares that have ended since it was written."""
    over = [share for share in record.shares if share.is_over(now)]
    if not over:
        return record.acl
    lasting = {one for share in record.shares if share not in over for one in share.principals()}
    ended = {one for share in over for one in share.principals()} - lasting
    # What follows records of any kind has its parent's entries behind the parent's kind.
    return [one for one in record.acl if one.rpartition("/")[2] not in ended]


def parent_of(record: Record) -> tuple[type[Record], str] | None:
    """Return the kind and id of the record that ``record`` follows, if it follows one now."""
    if record.follows is None:
        return None
    kind, id_field = record.follows
    if kind.startswith("@"):
        kind = str(getattr(record, kind[1:]))
    id = getattr(record, id_field)
    return (REGISTRY[kind], id) if id and kind in REGISTRY else None


def kinds_that_follow(kind: str) -> list[tuple[type[Record], dict[str, str]]]:
    """Return the kinds whose records may follow one of ``kind``, each with what its filter must add."""
    found: list[tuple[type[Record], dict[str, str]]] = []
    for record in REGISTRY.values():
        if record.follows is not None:
            parent = record.follows[0]
            if parent == kind:
                found.append((record, {}))
            elif parent.startswith("@"):
                found.append((record, {parent[1:]: kind}))
    return found
