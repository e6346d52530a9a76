"""Rapport as a contender: GraphQL creates, the native push, the fast pull; and RxDB's typed pull."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from backend.core.ids import new_id
from bench.sync.contenders import PAGE, Http, http_to, record
from tests.e2e.served import serving, sign_in

READY_WITHIN_S = 300
# A push of 500 rows costs 5,000 points of a phone's budget; here one phone does the work of thousands.
NO_BUDGET = {"RAPPORT_COST_BUCKET": "1000000000", "RAPPORT_COST_RESTORE": "100000000"}

CREATE = "mutation($i: AccountCreateInput!) { accountCreate(input: $i) { __typename ... on Account { id } } }"
PAGES = """query($n: Int!, $a: String) { accounts(first: $n, after: $a) {
    edges { node { id name industry annualRevenue updatedAt } } pageInfo { endCursor } } }"""
TYPED = """query($c: AccountInputCheckpoint, $n: Int!) { pullAccount(checkpoint: $c, limit: $n) {
    documents { id name industry annualRevenue updatedAt _deleted } checkpoint { cursor } } }"""
PUSH = """mutation($i: SyncPushInput!) { syncPush(input: $i) { verdicts { id status error { message } } } }"""


def columns(number: int) -> dict[str, Any]:
    """Return the record of the bench in the columns of an account."""
    it = record(number)
    return {"name": it["name"], "industry": it["stage"], "annualRevenue": f"{it['amount']:.2f}"}


class Ours:
    """One signed-in phone that keeps accounts."""

    name = "rapport"
    rows_in_one_push = 500

    def __init__(self, http: Http) -> None:
        self.http = http
        self.cursor = ""
        self._after: str | None = None
        self._client = new_id()

    async def ask(self, query: str, **variables: Any) -> Any:
        found = await self.http.call("POST", "/graphql", {"query": query, "variables": variables})
        if found.get("errors"):
            raise RuntimeError(found["errors"])
        return found["data"]

    async def create(self, number: int) -> None:
        data = {**columns(number), "mutationId": f"{self._client}-{number}"}
        made = await self.ask(CREATE, i=data)
        assert made["accountCreate"]["__typename"] == "Account", made

    async def push(self, first: int, count: int) -> None:
        await self.push_all([created(new_id(), columns(number)) for number in range(first, first + count)])

    async def push_all(self, mutations: list[dict[str, Any]]) -> None:
        """Push edits; raise RuntimeError unless all of them are applied."""
        body = {"clientId": self._client, "schemaVersion": 1, "mutations": mutations}
        verdicts = (await self.ask(PUSH, i=body))["syncPush"]["verdicts"]
        if any(one["status"] not in ("APPLIED", "MERGED") for one in verdicts):
            raise RuntimeError(verdicts)

    async def page(self, number: int, size: int) -> int:
        found = (await self.ask(PAGES, n=size, a=self._after if number else None))["accounts"]
        self._after = found["pageInfo"]["endCursor"]
        return len(found["edges"])

    async def delta(self) -> int:
        return await self.pull_all(PAGE)

    async def pull_all(self, limit: int, *, collections: str = "account") -> int:
        """Pull everything the fast way, as a new phone; return how many rows came."""
        self.cursor, rows = "", 0
        while True:
            found, end = await self.pull(limit, collections=collections)
            rows += len(found)
            if not end["hasMore"]:
                return rows

    async def pull(self, limit: int, *, collections: str = "account") -> tuple[list[Any], dict[str, Any]]:
        """Pull one page the fast way."""
        named = f"&collections={collections}" if collections else ""
        path = f"/sync/v1/pull?limit={limit}&cursor={self.cursor}{named}"
        body = await self.http.raw("GET", path)
        *found, end = orjson.loads(b"[" + body.rstrip().replace(b"\n", b",") + b"]")
        self.cursor = end["cursor"]
        return found, end

    async def typed_delta(self) -> int:
        """Pull everything as RxDB does: typed fields."""
        checkpoint, rows = None, 0
        while True:
            found = (await self.ask(TYPED, c=checkpoint, n=PAGE))["pullAccount"]
            checkpoint = found["checkpoint"]
            rows += len(found["documents"])
            if len(found["documents"]) < PAGE:
                return rows

    async def nothing_new(self) -> int:
        path = f"/sync/v1/pull?limit={PAGE}&cursor={self.cursor}&collections=account"
        return len(await self.http.raw("GET", path))

    async def make(self, key: str) -> str:
        id = new_id()
        await self.push_all([created(id, {"name": key, "employees": 0})])
        return id

    async def change(self, id: str, value: int) -> bool:
        edit = {"id": new_id(), "c": "account", "docId": id, "op": "PATCH", "patch": {"employees": value}}
        await self.push_all([edit])
        return True

    async def news(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        while True:
            rows, end = await self.pull(PAGE)
            found |= {
                row["id"]: row["d"]["employees"]
                for row in rows
                if row.get("d", {}).get("employees") is not None
            }
            if not end["hasMore"]:
                return found

    async def everything(self) -> Mapping[str, int]:
        fresh = Ours(self.http)
        return await fresh.news()


def created(id: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the edit that creates an account."""
    return {"id": new_id(), "c": "account", "docId": id, "op": "CREATE", "patch": values}


@dataclass(frozen=True, kw_only=True)
class OurServer:
    """The demo company, served, and a phone of one of its people."""

    phone: Ours
    base: str
    token: str
    data_dir: Path


@asynccontextmanager
async def our_server(data_dir: Path, **settings: str) -> AsyncIterator[OurServer]:
    """Serve the demo company from ``data_dir``, with a phone of its manager, who reads everything."""
    async with serving("up", data_dir, **NO_BUDGET, **settings) as base:
        async with httpx.AsyncClient(base_url=base, timeout=60) as http:
            if settings.get("RAPPORT_PROCESSES") != "web":
                await _ready(http)
            headers = await sign_in(http, "manager@demo.example")
        async with http_to(base, headers) as session:
            token = headers["Authorization"].removeprefix("Bearer ")
            yield OurServer(phone=Ours(session), base=base, token=token, data_dir=data_dir)


async def _ready(http: httpx.AsyncClient) -> None:
    """Wait until the knowledge index is built: it would take a core from what is measured."""
    async with asyncio.timeout(READY_WITHIN_S):
        while (await http.get("/healthz")).json()["checks"]["knowledge"] != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.5)
