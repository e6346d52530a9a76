"""Run the benchmark: ``python -m bench`` (``make bench``).

Starts real processes on a throw-away data directory, measures what an issue promises, and writes
``bench/results.json``. Figures depend on the machine; ratios to the ceiling of the same run do not.
"""

import asyncio
import json
import platform
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import orjson
from rich.console import Console
from rich.table import Table

from backend.core.database_directory import DatabaseDirectory
from bench.ceiling import bare_creates_per_second
from bench.permissions import measure_permissions
from tests.e2e.served import serving, sign_in

CONNECTIONS = 16
CREATES = 2_000
WARM_UP = 100
PAGES = 60
QUESTIONS_FILE = Path(__file__).parents[1] / "examples" / "demo" / "questions.yaml"
RESULTS = Path(__file__).parent / "results.json"

CREATE = "mutation($i: AccountCreateInput!) { accountCreate(input: $i) { __typename ... on Account { id } } }"
PAGE = """query($a: String) { accounts(first: 100, after: $a) {
    edges { node { id name type lifecycle ownerId updatedAt } } pageInfo { hasNextPage endCursor } } }"""
START = "mutation { startConversation(input: {channel: WEBCHAT}) { id } }"
ASK = "mutation($i: AskInput!) { ask(input: $i) { decision text citations { quote } } }"


Ask = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


async def graphql(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = await http.post("/graphql", json={"query": query, "variables": variables})
    body = answer.json()
    if body.get("errors"):
        raise RuntimeError(body["errors"])
    data: dict[str, Any] = body["data"]
    return data


async def timed(count: int, lanes: int, do: Callable[[int], Awaitable[object]]) -> tuple[float, list[float]]:
    """Do it ``count`` times over ``lanes`` lanes; return the seconds in all and each one's, sorted."""
    numbers = iter(range(count))
    seconds: list[float] = []

    async def lane() -> None:
        for number in numbers:
            start = time.perf_counter()
            await do(number)
            seconds.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    return time.perf_counter() - start, sorted(seconds)


def at(sorted_seconds: list[float], share: float) -> float:
    """Return the given quantile in milliseconds."""
    return sorted_seconds[min(len(sorted_seconds) - 1, int(len(sorted_seconds) * share))] * 1_000


@asynccontextmanager
async def load(base: str, headers: Mapping[str, str]) -> AsyncIterator[Ask]:
    """Give a light client: on two cores the one that loads takes its share from the one that is measured."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(base, headers=headers, connector=connector) as session:

        async def ask(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
            body = orjson.dumps({"query": query, "variables": variables})
            kind = {"Content-Type": "application/json"}
            async with session.post("/graphql", data=body, headers=kind) as answer:
                found = orjson.loads(await answer.read())
            if found.get("errors"):
                raise RuntimeError(found["errors"])
            data: dict[str, Any] = found["data"]
            return data

        yield ask


async def measure_creates(ask: Ask) -> dict[str, float]:
    async def create(number: int) -> None:
        data = {"name": f"Account {number} of the bench", "mutationId": f"{time.time_ns()}-{number}"}
        made = await ask(CREATE, {"i": data})
        assert made["accountCreate"]["__typename"] == "Account"

    await timed(WARM_UP, CONNECTIONS, create)
    total, each = await timed(CREATES, CONNECTIONS, create)
    return {"creates_per_s": CREATES / total, "create_p50_ms": at(each, 0.5), "create_p99_ms": at(each, 0.99)}


async def measure_pages(ask: Ask) -> dict[str, float]:
    async def page(_: int) -> None:
        found = await ask(PAGE, {})
        assert len(found["accounts"]["edges"]) == 100

    _, each = await timed(PAGES, 1, page)
    return {"page_of_100_p50_ms": at(each, 0.5), "page_of_100_p95_ms": at(each, 0.95)}


async def measure_chat(http: httpx.AsyncClient, questions: list[dict[str, Any]]) -> dict[str, float]:
    conversation = (await graphql(http, START))["startConversation"]["id"]

    async def ask(number: int) -> None:
        question = questions[number % len(questions)]["text"]
        data = {"conversationId": conversation, "text": question, "mutationId": f"q{number}-{time.time_ns()}"}
        await graphql(http, ASK, i=data)

    await timed(4, 1, ask)
    _, each = await timed(len(questions), 1, ask)
    return {"answer_p50_ms": at(each, 0.5), "answer_p95_ms": at(each, 0.95), "questions": len(questions)}


async def wait_until_indexed(http: httpx.AsyncClient) -> float:
    """Ask until the help centre is found by meaning and not by words alone; return the seconds it took."""
    start = time.perf_counter()
    while time.perf_counter() - start < 300:
        checks = (await http.get("/healthz")).json()["checks"]
        if checks["knowledge"] == "ready":
            return time.perf_counter() - start
        await asyncio.sleep(0.5)
    raise RuntimeError("the knowledge base did not get ready in 5 minutes")


async def run() -> dict[str, Any]:
    import yaml

    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="rapport-bench-") as folder:
        data_dir = Path(folder)
        start = time.perf_counter()
        async with serving("up", data_dir) as base:
            figures["first_start_s"] = time.perf_counter() - start
            async with httpx.AsyncClient(base_url=base, timeout=60) as http:
                figures["indexed_after_s"] = await wait_until_indexed(http)
        start = time.perf_counter()
        async with serving("up", data_dir) as base:
            figures["second_start_s"] = time.perf_counter() - start
            async with httpx.AsyncClient(base_url=base, timeout=60) as http:
                await wait_until_indexed(http)
                questions = yaml.safe_load(QUESTIONS_FILE.read_text(encoding="utf-8"))["questions"]
                http.headers.update(await sign_in(http, "customer@demo.example"))
                figures |= await measure_chat(http, questions)
                manager = await sign_in(http, "manager@demo.example")
            async with load(base, manager) as ask:
                figures |= await measure_creates(ask)
                figures |= await measure_pages(ask)
            endpoint = DatabaseDirectory(data_dir).read_endpoint()
            assert endpoint is not None
            figures["bare_creates_per_s"] = await bare_creates_per_second(endpoint.port, batch=CONNECTIONS)
    figures["creates_to_bare"] = figures["creates_per_s"] / figures["bare_creates_per_s"]
    figures |= await measure_permissions()
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "figures": {name: round(value, 3) for name, value in figures.items()},
    }


WANTED = {
    "second_start_s": "≤ 15",
    "creates_per_s": "≥ 300",
    "page_of_100_p50_ms": "≤ 30",
    "answer_p95_ms": "≤ 500",
    "rules_to_none": "≤ 1.5",
}


def show(results: dict[str, Any]) -> None:
    table = Table("figure", "measured", "promised")
    for name, value in results["figures"].items():
        table.add_row(name, f"{value:,.2f}", WANTED.get(name, ""))
    Console().print(table)


def main() -> None:
    results = asyncio.run(run())
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(results)


if __name__ == "__main__":
    main()
