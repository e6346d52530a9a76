"""The paths beside GraphQL's lists and RxDB's pulls: lines, tables, streams, and the export of a person."""

import asyncio
import io
import json
import zipfile
from collections.abc import Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from backend.core.access import system_actor
from backend.core.records import REGISTRY
from backend.core.unit_of_work import UnitOfWork
from backend.crm.attachment_files import AttachmentFiles
from backend.crm.documents import Attachment
from tests.leaks.canaries import places, token
from tests.leaks.probe import Asker, json_columns, unpacked
from tests.leaks.reference import Item
from tests.leaks.shapes import Shape, plain, shape_of
from tests.leaks.world import KINDS, World

PAGE = 300
PATIENCE_SECONDS = 60.0
START = datetime(1970, 1, 1, tzinfo=UTC)


def synced() -> list[Shape]:
    """Return the kinds of the world that phones hold."""
    return [shape for shape in map(shape_of, KINDS) if shape.row]


def compared(shape: Shape) -> dict[str, str]:
    return {name: column for name, column in shape.row.items() if name != "version"}


# ── one cursor for everything, as lines of JSON ──────────────────────────────────────────────────


async def lines(asker: Asker) -> None:
    """Pull everything as a native phone does over HTTP; compare every column of every row."""
    rows: dict[str, dict[str, Any]] = {}
    cursor: str | None = None
    while True:
        parameters = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
        answer = await asker.person.http.get("/sync/v1/pull", params=parameters, headers=asker.person.headers)
        assert answer.status_code == 200, answer.text
        *changes, end = (json.loads(line) for line in answer.text.splitlines())
        asker.scan("sync/v1/pull", changes)
        for change in changes:
            rows.pop(change["id"], None)
            rows |= {} if "x" in change else {change["id"]: {**change["d"], "id": change["id"]}}
        cursor = end["cursor"]
        if not end["hasMore"]:
            break
    _compare(asker, "sync/v1/pull", rows)


def _compare(asker: Asker, path: str, rows: dict[str, dict[str, Any]]) -> None:
    for shape in synced():
        items, names = asker._of(shape.kind), compared(shape)
        ids = {item.id for item in items}
        whole = {
            id: {column: unpacked(shape.kind, row).get(column) for column in names.values()}
            for id, row in rows.items()
            if id in ids
        }
        asker.compare(f"{path} {shape.kind}", items, whole, names, plain)


# ── WatermelonDB's tables ────────────────────────────────────────────────────────────────────────


async def tables(asker: Asker) -> None:
    """Pull everything as WatermelonDB does; compare every column of every row."""
    answer = await asker.person.http.post("/sync/watermelon/pull", json={}, headers=asker.person.headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert not body["hasMore"]
    asker.scan("sync/watermelon/pull", body["changes"])
    for shape in synced():
        found = body["changes"].get(str(REGISTRY[shape.kind].Settings.name), {"updated": ()})
        rows = {row["id"]: row for row in found["updated"]}
        names = {name: name for name in compared(shape)}
        whole = {id: {name: row.get(name) for name in names} for id, row in rows.items()}
        packed = {name for name, column in compared(shape).items() if column in json_columns(shape.kind)}
        for row in whole.values():
            row |= {name: json.loads(row[name]) for name in packed if row[name] is not None}
        asker.compare(f"watermelon {shape.kind}", asker._of(shape.kind), whole, names, _raw)


def _raw(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - START) // timedelta(milliseconds=1)
    return value.isoformat() if hasattr(value, "isoformat") else plain(value)


# ── streams: what changes while one listens ──────────────────────────────────────────────────────


async def streams(world: World, listeners: Sequence[Asker], server: str) -> None:
    """Let people listen to every collection, touch every record, and compare what each of them is sent."""
    async with asyncio.TaskGroup() as tasks:
        ready = [asyncio.Event() for _ in listeners]
        for asker, listening in zip(listeners, ready, strict=True):
            tasks.create_task(_listen(asker, server, listening))
        for listening in ready:
            await listening.wait()
        await touch(world, [item for town in world.towns for item in town.items.values()])
        # The last of each collection comes after all the others, to whoever reads it.
        await touch(world, [item for asker in listeners for item in _lasts(asker).values()])


async def touch(world: World, items: Sequence[Item]) -> None:
    """Give records a new version, with the content that they have."""

    async def again(own: list[str], uow: UnitOfWork) -> None:
        for kind in KINDS:
            for record in await uow.entailed(REGISTRY[kind], {"_id": {"$in": own}}):
                uow.restamp(record)

    for town in world.towns:
        own = [item.id for item in items if item.id in town.items]
        await world.house.store.write(system_actor(town.id), partial(again, own))


def _lasts(asker: Asker) -> dict[str, Item]:
    """Return one record of each collection that the person reads, by kind."""
    readable = (item for item in asker.town.items.values() if item.id in asker.readable)
    return {item.kind: item for item in readable if shape_of(item.kind).row}


async def _listen(asker: Asker, server: str, ready: asyncio.Event) -> None:
    """Hear every collection until its last record has come twice; compare what came."""
    lasts, heard = _lasts(asker), dict[str, dict[str, Any]]()
    async with _socket(asker, server) as socket:
        for shape in synced():
            await socket.send(json.dumps(_subscription(shape)))
        await asyncio.sleep(0)
        ready.set()
        waiting = dict.fromkeys(lasts, 2)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(waiting.values()):
                frame = json.loads(await socket.recv())
                if frame["type"] in ("ping", "pong"):
                    continue
                assert frame["type"] == "next", frame
                assert not frame["payload"].get("errors"), frame
                asker.scan("a stream", frame)
                (bulk,) = frame["payload"]["data"].values()
                for row in bulk["documents"]:
                    heard.pop(row["id"], None)
                    heard |= {} if row["_deleted"] else {row["id"]: row}
                    kind = frame["id"]
                    if kind in lasts and row["id"] == lasts[kind].id and not row["_deleted"]:
                        waiting[kind] = max(0, waiting[kind] - 1)
    _compare(asker, "a stream", heard)


@asynccontextmanager
async def _socket(asker: Asker, server: str) -> Any:
    address = f"ws{server.removeprefix('http')}/graphql"
    socket: ClientConnection
    async with connect(
        address,
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
        max_size=None,
    ) as socket:
        payload = {"headers": asker.person.headers}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        yield socket


def _subscription(shape: Shape) -> dict[str, Any]:
    columns = " ".join(["id", "_deleted", *{*shape.row.values()} - {"id"}])
    query = f"subscription {{ stream{shape.type.name} {{ documents {{ {columns} }} }} }}"
    return {"id": shape.kind, "type": "subscribe", "payload": {"query": query}}


# ── the export of a person ───────────────────────────────────────────────────────────────────────

EXPORT = """mutation($id: ID!) { personExport(contactId: $id) { __typename
    ... on PersonExport { url } ... on Error { code message } } }"""


async def fill_files(world: World) -> None:
    """Give every attachment a file that says whose it is."""
    files = AttachmentFiles(world.house.store.database)
    for item in world.items.values():
        if isinstance(item.record, Attachment):
            await files.keep(item.record, token(item.number, places(Attachment).index("name")).encode())


async def exports(asker: Asker, contacts: Sequence[Item]) -> None:
    """Export people: nobody exports whom they may not; the zip holds nothing that they may not read."""
    for item in contacts:
        made = (await asker.person.ask(EXPORT, id=item.id))["personExport"]
        asker.scan("personExport", made)
        asker.found.probes += 1
        may = item.id in asker.readable and asker.reference.may(asker.who, "export", item)
        if (made["__typename"] == "PersonExport") != may:
            found = asker.withheld if may else asker.leak
            found("personExport", item, "id", f"({made})")
            continue
        if not may:
            continue
        answer = await asker.person.http.get(made["url"])
        assert answer.status_code == 200, answer.text
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            for name in archive.namelist():
                asker.scan(f"the export's {name}", archive.read(name).decode(errors="replace"))
            person = json.loads(archive.read("person.json"))
        for record in person["records"]:
            asker.found.probes += 1
            other = asker.world.item(record["id"])
            if other is not None and other.id not in asker.readable:
                asker.leak("the export", other, "id", "(with the whole record)")
        _compare_person(asker, item, person["records"][0])


def _compare_person(asker: Asker, item: Item, record: dict[str, Any]) -> None:
    """Compare the person's own record: what may be read is there, and what is hidden is said to be."""
    shape = shape_of(item.kind)
    for name in shape.hideable & item.record.model_fields_set:
        asker.found.probes += 1
        sight, column = asker.sight(item, name), shape.fields[name]
        given, said = record["fields"].get(column), column in record["hiddenFields"]
        if said != (sight == "hidden") and (sight != "masked" or given is not None):
            asker.withheld("the export", item, name, f"(says hidden {said}, is {sight})")
        if sight == "hidden" and given is not None:
            asker.leak("the export", item, name, f"(hidden, and {given!r})")
        if sight in ("read", "edit") and column not in record["fields"]:
            asker.withheld("the export", item, name)
