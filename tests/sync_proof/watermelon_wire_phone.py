"""A phone that does what WatermelonDB 0.28's ``synchronize`` does, in this process.

As the client does it: it pulls before it pushes; a pulled row keeps the columns that were changed here and,
by the documented resolver, its version; what the server deletes goes, edited or not; what was pushed is taken
for accepted, whatever came of it, and the next pull corrects it. So every push is followed by a pull.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from backend.core.sync import SyncedCollection
from mobile_sync.rejections import REJECTIONS
from mobile_sync.watermelon_rows import table_of
from mobile_sync.wording import camel, snake
from tests.crew import Person
from tests.sync_proof.phone import COLUMNS, Edit, Fault, Key, Row, columns


@dataclass
class _Record:
    """``raw`` as the phone shows it, ``base`` as the server had it at ``version``."""

    raw: Row
    base: Row
    version: int | None
    status: str = "synced"  # or created, updated, deleted
    changed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Request:
    body: dict[str, Any]
    edits: list[Edit]
    states: dict[Key, tuple[str, Row]]  # status and raw of each record when it was sent


@dataclass
class WatermelonWirePhone:
    name: str
    person: Person
    collections: dict[str, SyncedCollection]
    last: int | None = None
    records: dict[Key, _Record] = field(default_factory=dict)
    kept: list[_Request] = field(default_factory=list)

    # ── what the person does ─────────────────────────────────────────────────────────────────────

    def held(self) -> dict[Key, Row]:
        return {key: columns(key[0], one.raw) for key, one in self.records.items() if one.status != "deleted"}

    def waiting(self) -> set[Key]:
        return {key for key, one in self.records.items() if one.status != "synced"}

    def create(self, key: Key, values: Row) -> None:
        self.records[key] = _Record(columns(key[0], values), dict(COLUMNS[key[0]]), None, "created")

    def change(self, key: Key, values: Row) -> None:
        one = self.records[key]
        one.raw = one.raw | values
        if one.status == "created":
            return
        # What is set back is no edit: the client would still send it.
        one.changed = {name for name in one.changed | set(values) if one.raw[name] != one.base[name]}
        one.status = "updated" if one.changed else "synced"

    def delete(self, key: Key) -> None:
        self.records[key].status = "deleted"

    # ── pull ─────────────────────────────────────────────────────────────────────────────────────

    async def pull(
        self, *, size: int = 10_000, pages: int | None = None, dies_after: int | None = None
    ) -> list[tuple[Key, Row | None]]:
        came: list[tuple[Key, Row | None]] = []
        done = 0
        while True:
            # What was refused is told with its note: without that table no record would be put right.
            tables = [table_of(one) for one in (*self.collections.values(), REJECTIONS)]
            page = await self._sent(
                "pull",
                lastPulledAt=self.last,
                schemaVersion=1,
                migration=None,
                tables=tables,
                limit=size,
            )
            done += 1
            rows = list(self._rows(page))
            came += [(key, row) for key, row in rows]
            if dies_after is not None and done == pages:
                return came  # a page and its place are stored in one transaction
            self._store(page, rows)
            if not page["hasMore"] or done == pages:
                return came

    def _rows(self, page: dict[str, Any]) -> list[tuple[Key, Row | None]]:
        names = {table_of(one): name for name, one in self.collections.items()}
        rows: list[tuple[Key, Row | None]] = []
        for table, changes in page["changes"].items():
            if table not in names:
                continue
            rows += [
                ((names[table], raw["id"]), {camel(name): one for name, one in raw.items()})
                for raw in changes["updated"]
            ]
            rows += [((names[table], id), None) for id in changes["deleted"]]
        return rows

    def _store(self, page: dict[str, Any], rows: list[tuple[Key, Row | None]]) -> None:
        if page.get("experimentalStrategy") == "replacement":
            named = {key for key, _ in rows}
            self.records = {
                k: one for k, one in self.records.items() if k in named or one.status == "created"
            }
        for key, row in rows:
            if row is None:
                self.records.pop(key, None)
            else:
                self._take(key, row)
        self.last = page["timestamp"]

    def _take(self, key: Key, row: Row) -> None:
        """Store a pulled row; of one that was edited here, the edited columns and the version stay."""
        one, theirs = self.records.get(key), columns(key[0], row)
        if one is None or one.status == "synced" or one.status == "created":
            self.records[key] = _Record(theirs, theirs, row["version"])
        elif one.status == "updated":
            one.raw = theirs | {name: one.raw[name] for name in one.changed}

    # ── push ─────────────────────────────────────────────────────────────────────────────────────

    async def push(self, fault: Fault) -> list[Edit]:
        await self.pull()
        arrived: list[Edit] = []
        request = self._request()
        if request is not None:
            if fault is Fault.KEPT:
                self.kept = [request]
            times = 2 if fault is Fault.TWICE else 1
            await asyncio.gather(*(self._sent("push", **request.body) for _ in range(times)))
            arrived = request.edits * times
            if fault is Fault.LOST:
                return arrived
            self._settle(request)
            await self.pull()
        return arrived

    async def replay(self) -> list[Edit]:
        requests, self.kept = self.kept, []
        for request in requests:
            await self._sent("push", **request.body)
        return [edit for request in requests for edit in request.edits]

    def relaunch(self) -> None:
        """Everything is stored: nothing is forgotten."""

    def _request(self) -> _Request | None:
        changes: dict[str, dict[str, list[Any]]] = {}
        edits: list[Edit] = []
        for key in sorted(self.waiting()):
            one = self.records[key]
            table = changes.setdefault(
                table_of(self.collections[key[0]]), {"created": [], "updated": [], "deleted": []}
            )
            if one.status == "deleted":
                table["deleted"].append(key[1])
            else:
                named = {snake(name): value for name, value in one.raw.items()}
                changed = ",".join(sorted(map(snake, one.changed)))
                raw = {"id": key[1], "_status": one.status, "_changed": changed, "version": one.version}
                table[one.status].append(raw | named)
            edits.append(self._edit(key, one))
        if not edits:
            return None
        states = {key: (self.records[key].status, dict(self.records[key].raw)) for key in self.waiting()}
        return _Request({"lastPulledAt": self.last, "changes": changes}, edits, states)

    def _edit(self, key: Key, one: _Record) -> Edit:
        becomes: Row = {}
        if one.status == "created":
            becomes = {name: value for name, value in one.raw.items() if value not in (None, "")}
        elif one.status == "updated":
            becomes = {name: one.raw[name] for name in one.changed}
        said = json.dumps([self.last, one.status, becomes], sort_keys=True)
        return Edit(
            serial=f"{self.name}/{key[1]}/{said}",
            user_id=self.person.user_id,
            key=key,
            deed={"created": "create", "updated": "change", "deleted": "delete"}[one.status],  # type: ignore[arg-type]
            was=dict(one.base),
            becomes=becomes,
            repeats="told",
            by_version=True,
        )

    def _settle(self, request: _Request) -> None:
        """Take everything for accepted that was not edited since."""
        for key, state in request.states.items():
            one = self.records[key]
            if (one.status, one.raw) != state:
                continue
            if one.status == "deleted":
                del self.records[key]
            else:
                one.status, one.changed = "synced", set()

    async def _sent(self, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.person.http.post(
            f"/sync/watermelon/{path}", json=body, headers=self.person.headers
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found
