"""The comparison: what each path gives each person of each record's fields, and what the reference says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson

import main
from backend.core.sync import JSON_TEXTS
from mobile_sync.wording import camel
from tests.crew import Person
from tests.leaks.canaries import places, tokens_in
from tests.leaks.reference import Item, Reference, Town
from tests.leaks.shapes import Shape, plain, read, shape_of, shown
from tests.leaks.world import KINDS, World

SINGLES_AT_ONCE = 10
PAGE = 100


@dataclass
class Found:
    """What was compared, and what differed: each difference is a sentence that leads to it."""

    probes: int = 0
    leaks: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Found") -> "Found":
        self.probes += other.probes
        self.leaks += other.leaks
        self.hidden += other.hidden
        return self


@dataclass
class Asker:
    """One person, what they may see, and what was found so far."""

    world: World
    town: Town
    person: Person
    found: Found

    def __post_init__(self) -> None:
        shapes = [shape_of(kind) for kind in KINDS]
        ruled = [shape for shape in shapes if shape.hideable]
        self.reference = Reference(
            self.town,
            {shape.kind: shape.always_shown for shape in ruled},
            datetime.now(UTC),
        )
        self.who = self.town.people[self.person.user_id]
        self.readable = {
            item.id for item in self.world.items.values() if self.reference.may(self.who, "read", item)
        }

    def __str__(self) -> str:
        return f"seed {self.world.seed}, {'+'.join(self.who.role_keys)} {self.who.id}"

    def sight(self, item: Item, name: str) -> str:
        """Return how much of a field the reference gives."""
        return self.reference.sight(self.who, item.kind, name) if item.id in self.readable else "hidden"

    def leak(self, path: str, item: Item, name: str, why: str = "") -> None:
        self.found.leaks.append(f"{self}: {path} gives {item.kind} {item.number}.{name} {why}")

    def withheld(self, path: str, item: Item, name: str, why: str = "") -> None:
        self.found.hidden.append(f"{self}: {path} withholds {item.kind} {item.number}.{name} {why}")

    # ── any answer: no token of what is not to be seen ───────────────────────────────────────────

    def scan(self, path: str, answer: Any) -> None:
        """Look for tokens in an answer's text: each must be of a field that the person sees in clear."""
        for number, place in set(tokens_in(json.dumps(answer, ensure_ascii=False))):
            item = self.world.items.get(number)
            names = places(type(item.record)) if item else []
            if item is None:
                continue
            self.found.probes += 1
            name = names[place] if place < len(names) else "number"
            if item.id not in self.readable or self.sight(item, name) in ("hidden", "masked"):
                self.leak(path, item, name, "(its canary is in the answer)")

    # ── complete paths: everything that may be seen, and nothing else ────────────────────────────

    def compare(
        self, path: str, items: list[Item], nodes: dict[str, Any], names: dict[str, str], how: Any
    ) -> None:
        """Compare what a path gave of some records with what the reference says of every field of them."""
        for item in items:
            node = nodes.get(item.id)
            for name, column in names.items():
                self.found.probes += 1
                if node is None:
                    if item.id in self.readable:
                        self.withheld(path, item, name, "(with the whole record)")
                elif item.id not in self.readable:
                    self.leak(path, item, name, "(with the whole record)")
                else:
                    self._compare_field(path, item, name, node[column], how)

    def _compare_field(self, path: str, item: Item, name: str, given: Any, how: Any) -> None:
        if name not in item.record.model_fields_set:
            return  # the store's own, such as its version
        value, sight = how(getattr(item.record, name)), self.sight(item, name)
        same = read(given, value) == value
        if sight == "hidden" and given is not None:
            self.leak(path, item, name, f"(hidden, and {given!r})")
        elif sight == "masked" and same and getattr(item.record, name) != usual(item, name):
            self.leak(path, item, name, f"(masked, and {given!r})")
        elif sight in ("read", "edit") and not same:
            self.withheld(path, item, name, f"({given!r} for {value!r})")

    # ── the paths ────────────────────────────────────────────────────────────────────────────────

    async def lists(self, kind: str) -> None:
        """Walk a connection page by page; compare records, fields, count and what is said to be hidden."""
        shape = shape_of(kind)
        if any(name.startswith("target") for name in self._arguments(shape)):
            return await self._lists_at_targets(shape)
        answer = await self._pages(shape, "")
        self._compare_nodes(f"{shape.several}", shape, self._of(kind), answer)
        return None

    async def _lists_at_targets(self, shape: Shape) -> None:
        targets: dict[str, list[Item]] = {}
        for item in self._of(shape.kind):
            targets.setdefault(item.record.target_id, []).append(item)
        for id, items in targets.items():
            kind = items[0].record.target_kind
            nodes = await self._pages(shape, f'targetKind: "{kind}", targetId: "{id}", ')
            self._compare_nodes(shape.several, shape, items, nodes)

    async def _pages(self, shape: Shape, arguments: str) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = []
        after = "null"
        while True:
            query = f"""{{ {shape.several}({arguments}first: {PAGE}, after: {after}) {{ totalCount
                pageInfo {{ hasNextPage endCursor }} nodes {shape.selection()} }} }}"""
            body = await self.person.post(query)
            if (body.get("data") or {}).get(shape.several) is None:
                return nodes
            page = body["data"][shape.several]
            nodes += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                self._compare_count(shape, page["totalCount"], len(nodes))
                return nodes
            after = json.dumps(page["pageInfo"]["endCursor"])

    def _compare_count(self, shape: Shape, total: int | None, seen: int) -> None:
        self.found.probes += 1
        if total is not None and total != seen:
            self.found.leaks.append(f"{self}: {shape.several} counts {total} and shows {seen}")

    def _compare_nodes(self, path: str, shape: Shape, items: list[Item], nodes: list[dict[str, Any]]) -> None:
        self.scan(path, nodes)
        by_id = {node["id"]: node for node in nodes}
        names = {name: shown for name, shown in shape.fields.items() if name != "version"}
        self.compare(path, items, by_id, names, shown)
        known = {item.id for item in items}
        self.found.leaks += [f"{self}: {path} gives a stranger {id}" for id in by_id if id not in known]
        for item in items:
            if item.id in by_id and item.id in self.readable:
                self._compare_veil(path, shape, item, by_id[item.id])
                self._compare_related(path, shape, item, by_id[item.id])

    def _compare_veil(self, path: str, shape: Shape, item: Item, node: dict[str, Any]) -> None:
        for list_, sight in (("hiddenFields", "hidden"), ("maskedFields", "masked")):
            if list_ not in node:
                continue
            wanted = {shape.fields[name] for name in shape.hideable if self.sight(item, name) == sight}
            said = set(node[list_]) & {shape.fields[name] for name in shape.hideable}
            if said != wanted:
                self.found.hidden.append(
                    f"{self}: {path} {item.kind} {item.number} says {list_} {said} for {wanted}"
                )

    def _compare_related(self, path: str, shape: Shape, item: Item, node: dict[str, Any]) -> None:
        for name, (key, kind) in shape.related.items():
            if kind not in KINDS or name not in node:
                continue
            other = self.town.items.get(getattr(item.record, key) or "")
            seen = self.sight(item, key) in ("read", "edit")
            expected = [other] if other and seen else []
            related = shape_of(kind)
            nodes = {node[name]["id"]: node[name]} if node[name] else {}
            asked = {
                one: column
                for one, column in related.fields.items()
                if column in next(iter(nodes.values()), {column: 0})
            }
            asked.pop("version", None)
            self.compare(f"{path}.{name}", expected, nodes, asked, shown)
            if set(nodes) - {one.id for one in expected}:
                self.leak(f"{path}.{name}", item, key, "(by what it leads to)")

    async def singles(self, items: list[Item]) -> None:
        """Ask for records one by one: what may not be seen is as if it did not exist."""
        for start in range(0, len(items), SINGLES_AT_ONCE):
            part = items[start : start + SINGLES_AT_ONCE]
            shapes = [shape_of(item.kind) for item in part]
            asked = [
                f'a{place}: {shape.single}(id: "{item.id}") {shape.selection()}'
                for place, (item, shape) in enumerate(zip(part, shapes, strict=True))
            ]
            body = await self.person.post("{ " + " ".join(asked) + " }")
            if body.get("data") is None:
                raise AssertionError(f"{self}: {body['errors'][:2]}")
            for place, (item, shape) in enumerate(zip(part, shapes, strict=True)):
                node = body["data"][f"a{place}"]
                self._compare_nodes(shape.single, shape, [item], [node] if node else [])

    async def pulls(self, kind: str) -> None:
        """Pull a collection as a phone does; compare every row's columns."""
        shape = shape_of(kind)
        field, cursor = f"pull{shape.type.name}", None
        if not shape.row:
            return
        rows: dict[str, Any] = {}
        columns = " ".join(["id", "_deleted", *{*shape.row.values()} - {"id"}])
        while True:
            query = f"""query($checkpoint: {shape.type.name}InputCheckpoint) {{ {field}(limit: {PAGE},
                checkpoint: $checkpoint) {{ documents {{ {columns} }} checkpoint {{ cursor }} }} }}"""
            bulk = (await self.person.ask(query, checkpoint=cursor and {"cursor": cursor}))[field]
            self.scan(field, bulk)
            for row in bulk["documents"]:
                rows.pop(row["id"], None)
                rows |= {} if row["_deleted"] else {row["id"]: unpacked(kind, row)}
            if len(bulk["documents"]) < PAGE:
                break
            cursor = bulk["checkpoint"]["cursor"]
        names = {name: column for name, column in shape.row.items() if name != "version"}
        self.compare(field, self._of(kind), rows, names, plain)

    def _of(self, kind: str) -> list[Item]:
        """Return the records of a kind, the other tenant's with them."""
        return [item for item in self.world.items.values() if item.kind == kind]

    @staticmethod
    def _arguments(shape: Shape) -> list[str]:
        from tests.leaks.shapes import QUERY

        return list(QUERY.fields[shape.several].args)


def usual(item: Item, name: str) -> Any:
    """Return what a field holds when nobody says otherwise: that it holds it tells nothing of a record."""
    return type(item.record).model_fields[name].get_default(call_default_factory=True)


def askers(world: World, found: Found) -> Iterator[Asker]:
    """Yield everybody of both workspaces."""
    for town, crew in zip(world.towns, world.crews, strict=True):
        for person in crew.people.values():
            yield Asker(world, town, person, found)


@cache
def json_columns(kind: str) -> frozenset[str]:
    """Return the columns of a kind on phones that hold lists and objects, as JSON text."""
    declared = (one for module in main.MODULES for one in module.synced if one.record.kind == kind)
    return frozenset(
        camel(field.name) for one in declared for field in one.fields if field.type in JSON_TEXTS
    )


def unpacked(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a phone's row with its lists and objects read: they travel as JSON text."""
    packed = {name for name in json_columns(kind) if row.get(name) is not None}
    return row | {name: orjson.loads(row[name]) for name in packed}
