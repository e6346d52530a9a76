"""A phone that sends the requests of RxDB 17 and keeps what RxDB keeps, in this process.

As RxDB does it: a pulled row is passed over while the phone holds an unpushed edit of it; a request
without an answer is sent again before anything newer; a row of a push's answer replaces the phone's,
unless it was edited meanwhile; what the answer leaves out is taken for the server's state.
"""

import asyncio
import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.core.sync import SyncedCollection
from mobile_sync.rows import columns as all_columns
from mobile_sync.wording import camel, pascal
from tests.crew import Person, Refused
from tests.sync_proof.phone import Edit, Fault, Key, Row, columns


@dataclass
class _Document:
    """``now`` as the person sees it, ``assumed`` as the server had it (None: never); ``edits`` counts."""

    now: Row
    assumed: Row | None
    waits: bool = False
    edits: int = 0


@dataclass(frozen=True)
class _Request:
    """A push as it was sent: rows of one collection, each with the count of edits in it."""

    collection: str
    rows: list[Row]
    edits: list[Edit]
    counts: list[int]


@dataclass
class RxdbWirePhone:
    name: str
    person: Person
    collections: dict[str, SyncedCollection]
    ahead: timedelta = timedelta(0)
    documents: dict[Key, _Document] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    under_way: list[_Request] = field(default_factory=list)
    kept: list[_Request] = field(default_factory=list)
    count: int = 0  # edits ever made: one after a fresh start is none of those before it

    # ── what the person does ─────────────────────────────────────────────────────────────────────

    def held(self) -> dict[Key, Row]:
        return {
            key: columns(key[0], one.now) for key, one in self.documents.items() if not one.now["_deleted"]
        }

    def waiting(self) -> set[Key]:
        return {key for key, one in self.documents.items() if one.waits}

    def create(self, key: Key, values: Row) -> None:
        row = {"id": key[1], "_deleted": False, **values, "updatedAt": self._clock()}
        self.count += 1
        self.documents[key] = _Document(row, None, waits=True, edits=self.count)

    def change(self, key: Key, values: Row) -> None:
        one = self.documents[key]
        one.now = {**one.now, **values, "updatedAt": self._clock()}
        self.count += 1
        one.waits, one.edits = True, self.count

    def delete(self, key: Key) -> None:
        self.change(key, {"_deleted": True})

    def _clock(self) -> str:
        return (datetime.now(UTC) + self.ahead).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    # ── pull ─────────────────────────────────────────────────────────────────────────────────────

    async def pull(
        self, *, size: int = 100, pages: int | None = None, dies_after: int | None = None
    ) -> list[tuple[Key, Row | None]]:
        parts = [
            await self._pull_one(name, size=size, pages=pages, dies_after=dies_after)
            for name in self.collections
        ]
        return [one for part in parts for one in part]

    async def _pull_one(
        self, name: str, *, size: int, pages: int | None, dies_after: int | None
    ) -> list[tuple[Key, Row | None]]:
        came: list[tuple[Key, Row | None]] = []
        done = 0
        while True:
            try:
                rows, cursor = await self._page(name, size)
            except Refused as refused:
                if "CHECKPOINT_EXPIRED" not in str(refused):
                    raise
                self._start_again(name)
                continue
            done += 1
            came += [((name, row["id"]), None if row["_deleted"] else row) for row in rows]
            dies = dies_after is not None and done == pages
            # Without a place yet nothing is kept: what a phone keeps of a first page and is deleted before
            # it asks again, it is not told of (docs/sync-protocol.md).
            stored = rows if not dies else rows[:dies_after] if name in self.cursors else []
            for row in stored:
                self._take((name, row["id"]), row)
            if dies:
                return came
            if rows and cursor:
                self.cursors[name] = cursor
            if len(rows) < size or done == pages:
                return came

    def _start_again(self, name: str) -> None:
        """Empty the collection, but for what waits to be pushed, and forget its place."""
        del self.cursors[name]
        gone = [key for key, one in self.documents.items() if key[0] == name and not one.waits]
        for key in gone:
            del self.documents[key]

    async def _page(self, name: str, size: int) -> tuple[list[Row], str | None]:
        x = pascal(name)
        answer = await self.person.ask(
            f"""query Pull{x}($checkpoint: {x}InputCheckpoint, $limit: Int!) {{
                pull{x}(checkpoint: $checkpoint, limit: $limit) {{
                    documents {{ {self._columns(name)} }} checkpoint {{ cursor }} }} }}""",
            limit=size,
            **({"checkpoint": {"cursor": self.cursors[name]}} if name in self.cursors else {}),
        )
        bulk = answer[f"pull{x}"]
        return bulk["documents"], (bulk["checkpoint"] or {}).get("cursor")

    def _take(self, key: Key, row: Row) -> None:
        one = self.documents.get(key)
        if one is not None and one.waits:
            return
        if row["_deleted"]:
            self.documents.pop(key, None)
        else:
            self.documents[key] = _Document(row, row, edits=one.edits if one else 0)

    def _columns(self, name: str) -> str:
        names = (camel(one.name) for one in all_columns(self.collections[name]))
        return " ".join(["id", "version", *names, "_deleted"])

    # ── push ─────────────────────────────────────────────────────────────────────────────────────

    async def push(self, fault: Fault) -> list[Edit]:
        arrived: list[Edit] = []
        if self.cursors.keys() != self.collections.keys():
            await self.pull()  # RxDB pushes nothing before it has pulled to the end once
        # What waits for its answer goes first; then, with newer edits, the rest.
        while requests := self._requests():
            if fault is Fault.REVERSED:
                requests = [single for request in requests for single in _singly(request)][::-1]
            self.under_way = requests
            if fault is Fault.KEPT:
                self.kept = list(requests)
            for request in requests:
                times = 2 if fault is Fault.TWICE else 1
                answers = await asyncio.gather(*(self._send(request) for _ in range(times)))
                arrived += request.edits * times
                if fault is Fault.LOST:
                    return arrived
                self._settle(request, answers[-1])
            self.under_way = []
        return arrived

    async def replay(self) -> list[Edit]:
        requests, self.kept = self.kept, []
        for request in requests:
            await self._send(request)
        return [edit for request in requests for edit in request.edits]

    def relaunch(self) -> None:
        self.under_way = []

    def _requests(self) -> list[_Request]:
        if self.under_way:
            return self.under_way
        waiting: dict[str, list[Key]] = {}
        for key in sorted(self.waiting()):
            waiting.setdefault(key[0], []).append(key)
        return [self._request(name, keys) for name, keys in waiting.items()]

    def _request(self, name: str, keys: list[Key]) -> _Request:
        documents = [self.documents[key] for key in keys]
        rows: list[Row] = []
        for one in documents:
            row = {"newDocumentState": copy.copy(one.now)}
            rows.append(row if one.assumed is None else row | {"assumedMasterState": copy.copy(one.assumed)})
        edits = [self._edit(key, one) for key, one in zip(keys, documents, strict=True)]
        return _Request(name, rows, edits, [one.edits for one in documents])

    def _edit(self, key: Key, one: _Document) -> Edit:
        is_new = one.assumed is None
        return Edit(
            serial=f"{self.name}/{key[1]}/{one.edits}",
            user_id=self.person.user_id,
            key=key,
            deed="delete" if one.now["_deleted"] else "create" if is_new else "change",
            was=columns(key[0], one.assumed or {}),
            becomes={name: value for name, value in columns(key[0], one.now).items() if name in one.now},
        )

    async def _send(self, request: _Request) -> list[Row]:
        x = pascal(request.collection)
        rows = f"{camel(request.collection)}PushRow"
        variables: dict[str, Any] = {rows: request.rows}
        answer = await self.person.ask(
            f"""mutation Push{x}(${rows}: [{x}InputPushRow!]) {{
                push{x}({rows}: ${rows}) {{ {self._columns(request.collection)} }} }}""",
            **variables,
        )
        told: list[Row] = answer[f"push{x}"]
        return told

    def _settle(self, request: _Request, told: list[Row]) -> None:
        by_id = {row["id"]: row for row in told}
        for row, count in zip(request.rows, request.counts, strict=True):
            key = (request.collection, row["newDocumentState"]["id"])
            one = self.documents[key]
            edited_since = one.edits != count
            answer = by_id.get(key[1])
            if edited_since:
                one.assumed = row["newDocumentState"] if answer is None else one.assumed
            elif (answer or row["newDocumentState"])["_deleted"]:
                del self.documents[key]
            else:
                now = answer or row["newDocumentState"]
                self.documents[key] = _Document(now, now, edits=count)


def _singly(request: _Request) -> list[_Request]:
    parts = zip(request.rows, request.edits, request.counts, strict=True)
    return [_Request(request.collection, [row], [edit], [count]) for row, edit, count in parts]
