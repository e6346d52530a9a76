"""The peers, each driven as its own clients do; docs/benchmarks.md says how each is set up."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from bench.sync.contenders import PAGE, Contender, Http, http_to, record
from bench.sync.starting import node_peer, pocketbase, postgres

PARSE_HEADERS = {"X-Parse-Application-Id": "bench", "X-Parse-Master-Key": "bench"}


class Peer:
    """What the peers have in common: a delta is news from the start, and nothing new is news again."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.bytes = 0
        self.start_again()

    def start_again(self) -> None:
        """Forget what was read so far."""
        raise NotImplementedError

    async def read(self) -> list[Any]:
        """Read the next ``PAGE`` changes and go on behind them; note the bytes of the answer."""
        raise NotImplementedError

    async def get(self, method: str, path: str, body: Any = None) -> Any:
        """Return a parsed answer, its size noted."""
        raw = await self.http.raw(method, path, body)
        self.bytes = len(raw)
        return orjson.loads(raw)

    async def delta(self) -> int:
        self.start_again()
        return sum([len(page) async for page in self._pages()])

    async def nothing_new(self) -> int:
        assert not await self.read()
        return self.bytes

    async def _pages(self) -> AsyncIterator[list[Any]]:
        page = await self.read()
        while page:
            yield page
            page = await self.read() if len(page) >= PAGE else []

    async def news(self) -> Mapping[str, int]:
        return {id: value for page in [p async for p in self._pages()] for id, value in map(self.value, page)}

    async def everything(self) -> Mapping[str, int]:
        return await type(self)(self.http).news()

    def value(self, row: Any) -> tuple[str, int]:
        """Return the id and the value of a row."""
        raise NotImplementedError


class ParseRest(Peer):
    """parse-server over REST: a cursor of the last ``updatedAt`` and id."""

    name = "parse-server REST"
    rows_in_one_push = 50  # of a batch

    def start_again(self) -> None:
        self._since, self._id = "", ""

    async def create(self, number: int) -> None:
        await self.http.call("POST", "/parse/classes/Account", record(number))

    async def push(self, first: int, count: int) -> None:
        requests = [
            {"method": "POST", "path": "/parse/classes/Account", "body": record(number)}
            for number in range(first, first + count)
        ]
        await self.http.call("POST", "/parse/batch", {"requests": requests})

    async def page(self, number: int, size: int) -> int:
        path = f"/parse/classes/Account?order=createdAt&skip={number * size}&limit={size}"
        return len((await self.get("GET", path))["results"])

    async def read(self) -> list[Any]:
        since = {"__type": "Date", "iso": self._since}
        later = {"updatedAt": {"$gt": since}}
        same = {"updatedAt": since, "objectId": {"$gt": self._id}}
        where = orjson.dumps({"$or": [later, same]} if self._since else {}).decode()
        path = f"/parse/classes/Account?order=updatedAt,objectId&limit={PAGE}&where={quote(where)}"
        rows: list[Any] = (await self.get("GET", path))["results"]
        if rows:
            self._since, self._id = rows[-1]["updatedAt"], rows[-1]["objectId"]
        return rows

    async def make(self, key: str) -> str:
        made = await self.http.call("POST", "/parse/classes/Account", {"name": key, "amount": 0})
        return str(made["objectId"])

    async def change(self, id: str, value: int) -> bool:
        return await self.http.is_accepted("PUT", f"/parse/classes/Account/{id}", {"amount": value})

    def value(self, row: Any) -> tuple[str, int]:
        return row["objectId"], row["amount"]


class ParseGraphQL(ParseRest):
    """parse-server over GraphQL. Its delta goes by id: on PostgreSQL it refuses to compare times."""

    name = "parse-server GraphQL"

    CREATE = "mutation($i: CreateAccountInput!) { createAccount(input: $i) { account { objectId } } }"
    READ = """query($w: AccountWhereInput, $n: Int, $s: Int, $o: [AccountOrder!]) {
        accounts(where: $w, first: $n, skip: $s, order: $o) {
            edges { node { objectId name stage amount updatedAt } } } }"""

    async def create(self, number: int) -> None:
        await self._ask(self.CREATE, {"i": {"fields": record(number)}})

    async def page(self, number: int, size: int) -> int:
        order = ["createdAt_ASC"]
        return len(await self._edges({"w": {}, "n": size, "s": number * size, "o": order}))

    async def read(self) -> list[Any]:
        where = {"objectId": {"greaterThan": self._id}} if self._id else {}
        rows = [edge["node"] for edge in await self._edges({"w": where, "n": PAGE, "o": ["objectId_ASC"]})]
        if rows:
            self._id = rows[-1]["objectId"]
        return rows

    async def _edges(self, variables: dict[str, Any]) -> list[Any]:
        found: list[Any] = (await self._ask(self.READ, variables))["accounts"]["edges"]
        return found

    async def _ask(self, query: str, variables: dict[str, Any]) -> Any:
        found = await self.get("POST", "/graphql", {"query": query, "variables": variables})
        if found.get("errors"):
            raise RuntimeError(found["errors"])
        return found["data"]


class RxdbServer(Peer):
    """rxdb-server: the replication endpoint of its own client; one row in memory is not durable."""

    name = "rxdb-server (memory)"
    rows_in_one_push = 100

    def __init__(self, http: Http) -> None:
        self._states: dict[str, Any] = {}
        super().__init__(http)

    def start_again(self) -> None:
        self._checkpoint = {"id": "", "lwt": 0}

    async def create(self, number: int) -> None:
        await self._put([{"newDocumentState": _rxdb(f"a{number}", record(number))}])

    async def push(self, first: int, count: int) -> None:
        numbers = range(first, first + count)
        await self._put([{"newDocumentState": _rxdb(f"a{number}", record(number))} for number in numbers])

    async def page(self, number: int, size: int) -> int:
        query = {"selector": {}, "sort": [{"id": "asc"}], "skip": number * size, "limit": size}
        return len((await self.get("POST", "/rest/0/query", query))["documents"])

    async def read(self) -> list[Any]:
        at = self._checkpoint
        found = await self.get("GET", f"/accounts/0/pull?id={at['id']}&lwt={at['lwt']}&limit={PAGE}")
        if found["documents"]:
            self._checkpoint = found["checkpoint"]
        rows: list[Any] = found["documents"]
        return rows

    async def make(self, key: str) -> str:
        self._states[key] = _rxdb(key, {"name": key, "amount": 0})
        await self._put([{"newDocumentState": self._states[key]}])
        return key

    async def change(self, id: str, value: int) -> bool:
        assumed, new = self._states[id], {**self._states[id], "amount": value}
        edit = [{"assumedMasterState": assumed, "newDocumentState": new}]
        if await self.http.call("POST", "/accounts/0/push", edit):
            return False
        self._states[id] = new
        return True

    async def _put(self, rows: list[Any]) -> None:
        if conflicts := await self.http.call("POST", "/accounts/0/push", rows):
            raise RuntimeError(f"not accepted: {conflicts[:1]}")

    def value(self, row: Any) -> tuple[str, int]:
        return row["id"], row["amount"]


class Pouch(Peer):
    """express-pouchdb on LevelDB: CouchDB's changes feed."""

    name = "express-pouchdb"
    rows_in_one_push = 100

    def __init__(self, http: Http) -> None:
        self._revisions: dict[str, str] = {}
        super().__init__(http)

    def start_again(self) -> None:
        self._since = 0

    async def create(self, number: int) -> None:
        await self.http.call("PUT", f"/accounts/a{number:06}", record(number))

    async def push(self, first: int, count: int) -> None:
        documents = [{"_id": f"a{n:06}", **record(n)} for n in range(first, first + count)]
        await self.http.call("POST", "/accounts/_bulk_docs", {"docs": documents})

    async def page(self, number: int, size: int) -> int:
        start = quote(f'"a{number * size:06}"')
        path = f"/accounts/_all_docs?include_docs=true&limit={size}&startkey={start}"
        return len((await self.get("GET", path))["rows"])

    async def read(self) -> list[Any]:
        path = f"/accounts/_changes?include_docs=true&limit={PAGE}&since={self._since}"
        found = await self.get("GET", path)
        self._since = found["last_seq"]
        rows: list[Any] = found["results"]
        return rows

    async def make(self, key: str) -> str:
        made = await self.http.call("PUT", f"/accounts/{key}", {"name": key, "amount": 0})
        self._revisions[key] = made["rev"]
        return key

    async def change(self, id: str, value: int) -> bool:
        body = {"name": id, "amount": value, "_rev": self._revisions[id]}
        made = await self.http.call("PUT", f"/accounts/{id}", body)
        self._revisions[id] = made["rev"]
        return True

    def value(self, row: Any) -> tuple[str, int]:
        return row["id"], row["doc"]["amount"]


class PocketBase(Peer):
    """PocketBase: a filter on ``updated`` and id, by its index."""

    name = "PocketBase"
    rows_in_one_push = 100

    RECORDS = "/api/collections/accounts/records"

    def start_again(self) -> None:
        self._since, self._id = "", ""

    async def create(self, number: int) -> None:
        await self.http.call("POST", self.RECORDS, record(number))

    async def push(self, first: int, count: int) -> None:
        numbers = range(first, first + count)
        requests = [{"method": "POST", "url": self.RECORDS, "body": record(number)} for number in numbers]
        await self.http.call("POST", "/api/batch", {"requests": requests})

    async def page(self, number: int, size: int) -> int:
        path = f"{self.RECORDS}?page={number + 1}&perPage={size}&sort=created&skipTotal=1"
        return len((await self.get("GET", path))["items"])

    async def read(self) -> list[Any]:
        same = f'(updated = "{self._since}" && id > "{self._id}")'
        where = quote(f'updated > "{self._since}" || {same}' if self._since else "")
        path = f"{self.RECORDS}?perPage={PAGE}&skipTotal=1&sort=updated,id&filter={where}"
        rows: list[Any] = (await self.get("GET", path))["items"]
        if rows:
            self._since, self._id = rows[-1]["updated"], rows[-1]["id"]
        return rows

    async def make(self, key: str) -> str:
        return str((await self.http.call("POST", self.RECORDS, {"name": key, "amount": 0}))["id"])

    async def change(self, id: str, value: int) -> bool:
        return await self.http.is_accepted("PATCH", f"{self.RECORDS}/{id}", {"amount": value})

    def value(self, row: Any) -> tuple[str, int]:
        return row["id"], row["amount"]


def _rxdb(id: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, **values, "_deleted": False}


# ── serving ──────────────────────────────────────────────────────────────────────────────────────


def _parse(kind: type[ParseRest]) -> "Serve":
    @asynccontextmanager
    async def serve(folder: Path) -> AsyncIterator[Contender]:
        async with (
            postgres(folder) as url,
            node_peer("parse.mjs", folder, POSTGRES_URL=url) as base,
            http_to(base, PARSE_HEADERS) as http,
        ):
            yield kind(http)

    return serve


@asynccontextmanager
async def _rxdb_server(folder: Path) -> AsyncIterator[Contender]:
    async with node_peer("rxdb_server.mjs", folder) as base, http_to(base) as http:
        yield RxdbServer(http)


@asynccontextmanager
async def _pouch(folder: Path) -> AsyncIterator[Contender]:
    async with node_peer("pouch.mjs", folder, FOLDER=str(folder)) as base, http_to(base) as http:
        await http.call("PUT", "/accounts")
        yield Pouch(http)


@asynccontextmanager
async def _pocketbase(folder: Path) -> AsyncIterator[Contender]:
    async with pocketbase(folder) as (base, email, password), http_to(base) as http:
        who = {"identity": email, "password": password}
        path = "/api/collections/_superusers/auth-with-password"
        token = (await http.call("POST", path, who))["token"]
        async with http_to(base, {"Authorization": token}) as admin:
            await _set_up_pocketbase(admin)
        yield PocketBase(http)


async def _set_up_pocketbase(admin: Http) -> None:
    batch = {"enabled": True, "maxRequests": 100, "timeout": 30}
    await admin.call("PATCH", "/api/settings", {"batch": batch, "rateLimits": {"enabled": False}})
    fields = [
        {"name": "name", "type": "text"},
        {"name": "stage", "type": "text"},
        {"name": "amount", "type": "number"},
        {"name": "created", "type": "autodate", "onCreate": True},
        {"name": "updated", "type": "autodate", "onCreate": True, "onUpdate": True},
    ]
    rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), "")
    index = "CREATE INDEX accounts_updated ON accounts (updated, id)"
    body = {"name": "accounts", "type": "base", "fields": fields, "indexes": [index], **rules}
    await admin.call("POST", "/api/collections", body)


Serve = Callable[[Path], AbstractAsyncContextManager[Contender]]

PEERS: Mapping[str, Serve] = {
    ParseGraphQL.name: _parse(ParseGraphQL),
    ParseRest.name: _parse(ParseRest),
    RxdbServer.name: _rxdb_server,
    Pouch.name: _pouch,
    PocketBase.name: _pocketbase,
}

NO_CHANGES_FEED = frozenset({ParseGraphQL.name})  # its delta goes by id, and never sees a change
