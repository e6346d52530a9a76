"""The unit of work: how operations read and write, and the only way to do either.

Reads always carry the access predicate of the actor. Writes are gathered, with the events that
announce them, and go to the sequencer as one commit. ``save`` accepts only a record that this unit
made or fetched with ``access(…, action="update")``: no write without a permission check.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from backend.core.access import HOUSE, Action, Actor, system_actor
from backend.core.commits import Commit, Write, stale_version
from backend.core.errors import Forbidden, NotFound
from backend.core.events import AccessChanged, DomainEvent, RecordCreated, RecordDeleted, RecordUpdated
from backend.core.field_rules import veil
from backend.core.origin import current_origin
from backend.core.reading import DEAD, Reader, Sort, check_readers
from backend.core.records import ENVELOPE, OPEN, Record
from backend.core.sharing import (
    Policy,
    ending_shares,
    followed_acl,
    kinds_that_follow,
    opens_otherwise,
    own_acl,
    parent_of,
    reaches,
)

R = TypeVar("R", bound=Record)

WRITTEN_MEANWHILE = 100_000  # commits, far more than between two reads of one request


@dataclass
class _Tracked(Generic[R]):
    """A record of this unit; ``original`` is its stored form when it was first fetched for writing."""

    record: R
    is_new: bool = False
    original: dict[str, Any] | None = None
    staged: bool = False
    settled: bool = False

    @property
    def writable(self) -> bool:
        return self.is_new or self.original is not None


class UnitOfWork:
    """One business operation of one actor."""

    def __init__(self, reader: Reader, actor: Actor, at: datetime) -> None:
        self.actor, self.at = actor, at
        self._notes: list[dict[str, Any]] = []
        self._reader = reader
        self._tracked: dict[tuple[str, str], _Tracked[Any]] = {}
        self._absent: set[tuple[str, str]] = set()
        self._entries: list[dict[str, Any]] = []
        self._policy = Policy(version=0)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def find(
        self,
        record: type[R],
        where: Mapping[str, Any] | None = None,
        *,
        sort: Sort = (),
        limit: int = 0,
        skip: int = 0,
    ) -> list[R]:
        """Return what the actor may read of ``record`` where the MongoDB filter holds.

        Sees the store, and for records that this unit has staged their staged state; a record made in
        this unit is found by ``access``, not by ``find``.
        """
        found = await self._reader.find(self.actor, record, where or {}, sort=sort, limit=limit, skip=skip)
        return [self._track(item).record for item in found]

    async def find_deleted(
        self, record: type[R], where: Mapping[str, Any], *, sort: Sort = (), limit: int = 0
    ) -> list[R]:
        """Return the tombstones where the filter holds, to be saved again without what they still say.

        For the house alone: to everybody else what is deleted is gone.
        """
        if self.actor.user_id != HOUSE:
            raise AssertionError("only the house looks at what is deleted; use as_house() or its own unit")
        found = await self._reader.find(self.actor, record, where, sort=sort, limit=limit, state=DEAD)
        for item in found:
            tracked = self._track(item)
            tracked.original = tracked.original or item.stored()
        return [self._track(item).record for item in found]

    def as_house(self) -> "UnitOfWork":
        """Return a unit that reads as the house, for what must hold whatever the actor may see.

        What it finds must not be shown; what it would stage is never committed.
        """
        return UnitOfWork(self._reader, system_actor(self.actor.workspace_id), self.at)

    async def latest(self, record: type[R], *, most: int, below: tuple[int, str] | None = None) -> list[R]:
        """Return up to ``most`` readable records, latest change first, from below ``(version, id)`` on."""
        found: list[R] = []
        until, wanted = (
            below[0] if below else await self._reader.newest_version(self.actor.workspace_id),
            most,
        )
        while len(found) < most:
            beyond = 0 if below or found else WRITTEN_MEANWHILE
            rows = await self._reader.by_version(
                self.actor, record, after=0, until=until, most=wanted, newest_first=True, beyond=beyond
            )
            seen = {item.id for item in found}
            found += [
                self._track(item).record
                for item in rows
                if not item.deleted_at
                and item.id not in seen
                and (below is None or (item.version, item.id) < below)
            ]
            if len(rows) < wanted:
                break
            # One commit may hold many records: go on within it, with room for more of them.
            until, wanted = rows[-1].version, wanted * 2
        return found[:most]

    async def find_one(self, record: type[R], where: Mapping[str, Any], *, sort: Sort = ()) -> R | None:
        """Return the first of ``find``, or None."""
        found = await self.find(record, where, sort=sort, limit=1)
        return found[0] if found else None

    async def count(self, record: type[R], where: Mapping[str, Any] | None = None) -> int:
        """Return how many ``find`` would return."""
        return await self._reader.count(self.actor, record, where or {})

    async def access(
        self, record: type[R], id: str, *, action: Action = "read", expected_version: int | None = None
    ) -> R:
        """Return one record to ``action`` on.

        Raise NotFound when it does not exist or may not be read, Forbidden when it may be read but not
        that, Conflict when ``expected_version`` is given and is not its version.
        """
        held = self._tracked.get((record.kind, id))
        if held is not None and action != "read" and held.record.veil is not OPEN:
            held = None  # fetched for reading: whoever changes a record gets the whole of it
            del self._tracked[record.kind, id]
        found = held.record if held else await self._reader.get(record, id)
        if found is None:
            self._absent.add((record.kind, id))
        if not isinstance(found, record) or found.deleted_at or not self._may(found, "read"):
            raise NotFound(record.kind, id)
        if action != "read" and not self._may(found, action):
            raise Forbidden(action, record.kind)
        if expected_version is not None and found.version != expected_version:
            raise stale_version(found, expected_version)
        tracked, rules = self._track(found), self.actor.mask(record.kind)
        if action != "read" and not tracked.writable:
            tracked.original, found.locked = found.stored(), rules.locked
        if not tracked.writable:
            veil(found, rules)
        return found

    async def look_up(self, record: type[R], id: str) -> R | None:
        """Return what ``access`` returns to read, None for what it does not find.

        Lookups by id that are made at once share a query; ``find_one`` has one of its own.
        """
        try:
            return await self.access(record, id)
        except NotFound:
            return None

    async def is_taken(self, record: type[Record], id: str) -> bool:
        """Tell whether some record of this kind, visible or not, has this id."""
        key = (record.kind, id)
        if key in self._absent and key not in self._tracked:
            return False  # it was looked for a moment ago; who makes it meanwhile makes this commit stale
        return key in self._tracked or await self._reader.get(record, id) is not None

    def may(self, kind: str, action: Action) -> bool:
        """Tell whether the actor may ``action`` at least some records of ``kind``."""
        return self.actor.level(kind, action) != "none"

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def save(self, record: Record, *events: DomainEvent) -> None:
        """Stage ``record`` and announce ``events`` (plain created/updated when none is given).

        A new record needs the right to create its kind. Nothing is announced or written for a record
        that has not changed.
        """
        tracked = self._tracked.get((record.kind, record.id))
        if tracked is None or tracked.is_new:
            if self.actor.level(record.kind, "create") == "none":
                raise Forbidden("create", record.kind)
            if tracked is None:
                tracked = self._track_new(record)
                events = events or (RecordCreated(),)
        else:
            changed = self._changed(tracked, record.stored())
            if not changed and not events:
                return
            events = events or (RecordUpdated(fields=changed),)
        self._stage(tracked, events)

    def delete(self, record: Record, *events: DomainEvent) -> None:
        """Stage the deletion of ``record``: it stays as a tombstone that nobody finds."""
        record.deleted_at = self.at
        self._stage(self._tracked[record.kind, record.id], events or (RecordDeleted(),))

    def note(
        self, action: str, *, kind: str = "", id: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        """Stage an audit entry for what no record's change tells: a reveal, an export, a sign-in.

        ``details`` are stored in clear for ever: ids, counts and reasons, never a personal value.
        """
        self._notes.append({"action": action, "kind": kind, "id": id, "details": dict(details or {})})

    # ── what a permitted change entails: done for the house, whatever the actor may ─────────────

    async def entailed(self, record: type[R], where: Mapping[str, Any]) -> list[R]:
        """Return the whole living records that the change under way moves by itself, ready to be changed.

        For the books that the house keeps and for what a rule of the house demands. Never for what an
        actor asked to see or to change: that needs ``access``. What this unit made is found by its ``_id``.
        """
        made = self._tracked.get((record.kind, str(where.get("_id"))))
        found: list[R] = [made.record] if made is not None and made.is_new else []
        for item in await self._reader.find(system_actor(self.actor.workspace_id), record, where):
            held = self._tracked.get((record.kind, item.id))
            if held is None or not held.writable:
                held = _Tracked(item, original=item.stored())
                self._tracked[record.kind, item.id] = held
            if not held.record.deleted_at:
                found.append(held.record)
        return found

    def entail(self, record: Record) -> None:
        """Stage a record of the house's own books: a new one needs no right to create its kind."""
        tracked = self._tracked.get((record.kind, record.id))
        if tracked is None:
            self._stage(self._track_new(record), (RecordCreated(),))
        elif changed := self._changed(tracked, record.stored()):
            self._stage(tracked, (RecordUpdated(fields=changed),))

    def restamp(self, record: Record, *events: DomainEvent) -> None:
        """Stage ``record`` because others may see it now: its content, and when it last changed, stay."""
        tracked = self._tracked[record.kind, record.id]
        if not tracked.writable:
            raise AssertionError(f"{record.kind} {record.id} was fetched for reading only")
        tracked.staged = True
        self._announce(record, events or (AccessChanged(),))

    @property
    def dirty(self) -> bool:
        """True when there is something to commit."""
        return bool(self._notes) or any(tracked.staged for tracked in self._tracked.values())

    async def settle(self, policy: Policy) -> None:
        """Give every staged record its readers, and those that follow it theirs, in the same commit.

        Raise NotFound when a new record follows a parent that the actor does not see.
        """
        self._policy = policy
        for tracked in [tracked for tracked in self._tracked.values() if tracked.staged]:
            await self._settle(tracked)

    def veil(self) -> None:
        """Show every record of this unit as its actor may see it: the work is done."""
        for tracked in self._tracked.values():
            veil(tracked.record, self.actor.mask(tracked.record.kind))

    def commit(self, *, mutation_key: str | None, result: Record | None, purpose: str = "") -> Commit:
        """Return everything staged, for the sequencer."""
        writes = [self._write(tracked) for tracked in self._tracked.values() if tracked.staged]
        moved = {(one.kind, one.id) for one in writes if one.moves}
        return Commit(
            workspace_id=self.actor.workspace_id,
            at=self.at,
            actor_id=self.actor.user_id,
            session_id=self.actor.session_id,
            origin=current_origin().of_customer() if self.actor.is_customer else current_origin(),
            notes=self._notes,
            mutation_key=mutation_key,
            result={
                "kind": result.kind if result else None,
                "id": result.id if result else None,
                "purpose": purpose,
            },
            writes=writes,
            entries=[
                {**one, "moved": True} if (one["kind"], one["id"]) in moved else one for one in self._entries
            ],
            policy=self._policy.version,
            shapes_access=any(
                tracked.staged and tracked.record.shapes_access for tracked in self._tracked.values()
            ),
        )

    def stamp(self, seq: int) -> None:
        """Give the committed records their new version, as the store has it."""
        for tracked in self._tracked.values():
            if tracked.staged:
                tracked.record.version = seq

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _may(self, record: Record, action: Action) -> bool:
        held = self._tracked.get((record.kind, record.id))
        if held is not None and held.is_new:  # its readers are settled when it is committed
            return self.may(record.kind, action)
        return reaches(self.actor, action, record, self.at)

    def _track(self, record: R) -> "_Tracked[R]":
        key = (record.kind, record.id)
        if key not in self._tracked:
            self._tracked[key] = _Tracked(record)
        return cast("_Tracked[R]", self._tracked[key])

    def _track_new(self, record: R) -> "_Tracked[R]":
        record.workspace_id = self.actor.workspace_id
        record.created_at, record.created_by = self.at, self.actor.user_id
        tracked = _Tracked(record, is_new=True)
        self._tracked[record.kind, record.id] = tracked
        return tracked

    async def _settle(self, tracked: "_Tracked[Any]") -> None:
        if tracked.settled:
            return
        tracked.settled = True
        record = tracked.record
        parent = parent_of(record)
        if parent is None:
            record.acl = own_acl(record, self._policy, self.at)
        else:
            above = await self._parent(tracked, *parent)
            record.acl, record.shares = followed_acl(record, above), ending_shares(above)
        check_readers(record)
        if tracked.original is not None and opens_otherwise(record, tracked.original):
            await self._settle_followers(record)

    async def _parent(self, tracked: "_Tracked[Any]", kind: type[Record], id: str) -> Record | None:
        """Return the parent, settled; of a new record it must be there and visible."""
        held = self._tracked.get((kind.kind, id))
        if held is not None and held.staged:
            await self._settle(held)
            settled: Record = held.record
            return settled
        found: Record | None = held.record if held else await self._reader.get(kind, id)
        same = found is not None and found.workspace_id == self.actor.workspace_id
        if tracked.is_new and (found is None or not same or not self._may(found, "read")):
            raise NotFound(kind.kind, id)
        return found if same else None

    async def _settle_followers(self, parent: Record) -> None:
        for kind, also in kinds_that_follow(parent.kind):
            assert kind.follows is not None
            where = {kind.follows[1]: parent.id, **also}
            for child in await self._reader.children(self.actor.workspace_id, kind, where):
                held = self._tracked.get((kind.kind, child.id))
                if held is None or not held.writable:
                    held = _Tracked(child, original=child.stored())
                    self._tracked[kind.kind, child.id] = held
                if not held.staged:
                    held.staged = True
                    self._announce(child, (AccessChanged(),))
                await self._settle(held)

    def _stage(self, tracked: _Tracked[Any], events: Sequence[DomainEvent]) -> None:
        record = tracked.record
        if not tracked.writable:
            raise AssertionError(f"{record.kind} {record.id} was not fetched with access(action='update')")
        record.updated_at, record.updated_by = self.at, self.actor.user_id
        tracked.staged = True
        self._announce(record, events)

    def _announce(self, record: Record, events: Sequence[DomainEvent]) -> None:
        for event in events:
            self._entries.append(
                {
                    "event": type(event).__name__,
                    "kind": record.kind,
                    "id": record.id,
                    "data": event.model_dump(mode="json"),
                }
            )

    def _changed(self, tracked: _Tracked[Any], after: dict[str, Any]) -> tuple[str, ...]:
        before = tracked.original or {}
        return tuple(
            sorted(
                name for name, value in after.items() if name not in ENVELOPE and before.get(name) != value
            )
        )

    def _write(self, tracked: _Tracked[Any]) -> Write:
        record, original = tracked.record, tracked.original
        body = record.stored()
        return Write(
            collection=type(record).get_collection_name(),
            kind=record.kind,
            id=record.id,
            base_version=original["version"] if original else 0,
            body=body,
            changed=self._changed(tracked, body),
            old_scopes=original["acl"] if original else (),
            new_scopes=record.acl,
            deleted=record.deleted_at is not None,
            before=original,
        )
