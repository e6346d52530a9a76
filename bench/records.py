"""Records over GraphQL: created one by one, read in pages; beside the embedded database's own ceiling."""

import time

from backend.core.database_directory import DatabaseDirectory
from bench.ceiling import bare_creates_per_second
from bench.figures import AtLeast, AtMost, Figure, Section
from bench.load import CONNECTIONS, Ask, at, load, timed
from bench.stage import Stage

CREATES = 2_000
WARM_UP = 100
PAGES = 60

CREATE = "mutation($i: AccountCreateInput!) { accountCreate(input: $i) { __typename ... on Account { id } } }"
PAGE = """query($a: String) { accounts(first: 100, after: $a) {
    edges { node { id name type lifecycle ownerId updatedAt } } pageInfo { hasNextPage endCursor } } }"""


async def measure(stage: Stage) -> list[Figure]:
    house = await stage.demo_house()
    async with load(house.base, await house.sign_in("manager")) as ask:
        figures = [*await _creates(ask), *await _pages(ask)]
    endpoint = DatabaseDirectory(house.data_dir).read_endpoint()
    assert endpoint is not None
    bare = await bare_creates_per_second(endpoint.port, batch=CONNECTIONS)
    note = "the same transactions by hand, without house or HTTP, on the same database"
    return [*figures, Figure(name="the database's ceiling", ours=bare, unit="creates/s", note=note)]


async def _creates(ask: Ask) -> list[Figure]:
    async def create(number: int) -> None:
        data = {"name": f"Account {number} of the bench", "mutationId": f"{time.time_ns()}-{number}"}
        made = await ask(CREATE, {"i": data})
        assert made["accountCreate"]["__typename"] == "Account"

    await timed(WARM_UP, CONNECTIONS, create)
    total, each = await timed(CREATES, CONNECTIONS, create)
    return [
        Figure(name="creates, 16 connections", ours=CREATES / total, unit="/s", target=AtLeast(300)),
        Figure(name="create p50", ours=at(each, 0.5), unit="ms"),
        Figure(name="create p99", ours=at(each, 0.99), unit="ms"),
    ]


async def _pages(ask: Ask) -> list[Figure]:
    async def page(_: int) -> None:
        found = await ask(PAGE, {})
        assert len(found["accounts"]["edges"]) == 100

    _, each = await timed(PAGES, 1, page)
    return [
        Figure(name="page of 100 p50", ours=at(each, 0.5), unit="ms", target=AtMost(30)),
        Figure(name="page of 100 p95", ours=at(each, 0.95), unit="ms"),
    ]


SECTION = Section(name="records", about="creates and pages over GraphQL", minutes=1, run=measure)
