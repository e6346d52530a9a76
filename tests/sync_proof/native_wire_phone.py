"""A phone that speaks the native protocol as its documentation tells it to, in this process.

Each edit is a mutation with an id of its own, of the columns that it set and what they held before; a phone
keeps its mutations until it has their verdicts, and what it is told of a record below them.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from mobile_sync.wording import camel
from tests.crew import Person
from tests.mobile_sync.native_wire import PULL, PUSH
from tests.sync_proof.phone import COLUMNS, Edit, Fault, Key, Row, columns

DEEDS: dict[str, Literal["create", "change", "delete"]] = {
    "CREATE": "create",
    "PATCH": "change",
    "DELETE": "delete",
}


@dataclass(frozen=True)
class _Mutation:
    """One edit that the server has not answered."""

    key: Key
    op: str
    number: int
    base: Row
    patch: Row


@dataclass
class NativeWirePhone:
    name: str
    person: Person
    collections: list[str]
    cursor: str | None = None
    known: dict[Key, Row] = field(default_factory=dict)  # as the server told them
    mutations: dict[Key, _Mutation] = field(default_factory=dict)  # one a record: later edits join it
    sent: dict[Key, _Mutation] = field(default_factory=dict)  # under way, to be repeated as they are
    kept: list[_Mutation] = field(default_factory=list)
    count: int = 0

    # ── what the person does ─────────────────────────────────────────────────────────────────────

    def held(self) -> dict[Key, Row]:
        rows: dict[Key, Row] = {key: columns(key[0], row) for key, row in self.known.items()}
        for key, one in (*self.sent.items(), *self.mutations.items()):
            if one.op == "DELETE":
                rows.pop(key, None)
            else:
                rows[key] = columns(key[0], rows.get(key, {}) | one.patch)
        return rows

    def waiting(self) -> set[Key]:
        return {*self.sent, *self.mutations}

    def create(self, key: Key, values: Row) -> None:
        self._note(key, "CREATE", values)

    def change(self, key: Key, values: Row) -> None:
        self._note(key, "PATCH", values)

    def delete(self, key: Key) -> None:
        self._note(key, "DELETE", {})

    def _note(self, key: Key, op: str, values: Row) -> None:
        before, held = self.mutations.get(key), self.held().get(key, COLUMNS[key[0]])
        self.count += 1
        base, patch = {name: held[name] for name in values}, values
        if before is not None and op != "DELETE":
            op, base, patch = before.op, base | before.base, before.patch | values
        # What is set back to what it was is no edit.
        patch = {name: value for name, value in patch.items() if base[name] != value}
        self.mutations[key] = _Mutation(key, op, self.count, {name: base[name] for name in patch}, patch)
        if op == "PATCH" and not patch:
            del self.mutations[key]

    # ── pull ─────────────────────────────────────────────────────────────────────────────────────

    async def pull(
        self, *, size: int = 500, pages: int | None = None, dies_after: int | None = None
    ) -> list[tuple[Key, Row | None]]:
        came: list[tuple[Key, Row | None]] = []
        done = 0
        while True:
            asked = {"cursor": self.cursor, "collections": self.collections, "limit": size}
            page: dict[str, Any] = (await self.person.ask(PULL, **asked))["syncPull"]
            done += 1
            came += [((line["c"], line["id"]), line.get("d")) for line in page["changes"]]
            if dies_after is not None and done == pages:
                return came  # rows and cursor are stored in one transaction: of this page nothing is
            self._take(page)
            if not page["hasMore"] or done == pages:
                return came

    def _take(self, page: dict[str, Any]) -> None:
        if page["resync"]:
            self.known.clear()
        for line in page["changes"]:
            if "x" in line:
                self.known.pop((line["c"], line["id"]), None)
            else:
                self.known[line["c"], line["id"]] = line["d"]
        self.cursor = page["cursor"]

    # ── push ─────────────────────────────────────────────────────────────────────────────────────

    async def push(self, fault: Fault) -> list[Edit]:
        arrived: list[Edit] = []
        if self.cursor is None:
            await self.pull()  # what is deleted before its first pull, a phone is not told of
        while requests := self._requests():
            self.sent = {one.key: one for one in requests}
            self.mutations = {k: one for k, one in self.mutations.items() if one not in requests}
            if fault is Fault.KEPT:
                self.kept = list(requests)
            batches = [[one] for one in requests[::-1]] if fault is Fault.REVERSED else [requests]
            for batch in batches:
                times = 2 if fault is Fault.TWICE else 1
                answers = await asyncio.gather(*(self._send(batch) for _ in range(times)))
                arrived += [self._edit(one) for one in batch] * times
                if fault is Fault.LOST:
                    return arrived
                self._settle(batch, answers[-1])
        return arrived

    async def replay(self) -> list[Edit]:
        kept, self.kept = self.kept, []
        if kept:
            await self._send(kept)
        return [self._edit(one) for one in kept]

    def relaunch(self) -> None:
        """Mutations are stored with the rows: nothing is forgotten."""

    def _requests(self) -> list[_Mutation]:
        return list((self.sent or self.mutations).values())

    async def _send(self, batch: list[_Mutation]) -> list[dict[str, Any]]:
        mutations = [
            {
                "id": str(one.number),
                "c": camel(one.key[0]),
                "docId": one.key[1],
                "op": one.op,
                "base": one.base if one.op == "PATCH" else None,
                "patch": one.patch,
            }
            for one in batch
        ]
        data = {"clientId": self.name, "schemaVersion": 1, "mutations": mutations}
        answer = await self.person.ask(PUSH, input=data)
        verdicts: list[dict[str, Any]] = answer["syncPush"]["verdicts"]
        return verdicts

    def _settle(self, batch: list[_Mutation], verdicts: list[dict[str, Any]]) -> None:
        """Take each record as the verdict shows it: null is to be forgotten."""
        by_id = {verdict["id"]: verdict for verdict in verdicts}
        for one in batch:
            verdict = by_id[str(one.number)]
            del self.sent[one.key]
            if verdict["doc"] is None:
                self.known.pop(one.key, None)
            else:
                self.known[one.key] = verdict["doc"]

    def _edit(self, one: _Mutation) -> Edit:
        return Edit(
            serial=f"{self.name}/{one.key[1]}/{one.number}",
            user_id=self.person.user_id,
            key=one.key,
            deed=DEEDS[one.op],
            was=columns(one.key[0], {}) if one.op == "CREATE" else one.base,
            becomes=one.patch,
            repeats="told",
        )
