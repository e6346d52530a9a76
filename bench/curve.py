"""What sync costs as a workspace grows: the same pulls and pushes at 10,000, 100,000 and a million rows."""

import os
import time
from statistics import median
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import AsyncMongoClient

from backend.core.database_directory import DatabaseDirectory
from backend.core.ids import new_id
from backend.core.settings import Settings
from bench.figures import AtMost, Figure, Section
from bench.load import at, timed
from bench.stage import Stage
from bench.sync.ours import Ours, OurServer, columns, created, our_server
from bench.sync.seeding import Seeder
from bench.sync.work import milliseconds

AS_STORED: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)  # decimals stay the store's own
ROWS_SETTING = "RAPPORT_BENCH_ROWS"
USUAL_ROWS = "10000,100000"  # a million takes some minutes to be written
LOOKS, PUSHES, FIRST_PAGES = 100, 60, 5
SIGNED_IN_MINUTES = "60"  # a phone would renew its token; here it waits while a million rows are written


async def measure(stage: Stage) -> list[Figure]:
    """Grow one workspace. Without relay and jobs: what was seeded is nobody's news."""
    sizes = [int(size) for size in os.environ.get(ROWS_SETTING, USUAL_ROWS).split(",")]
    figures: list[Figure] = []
    data_dir = stage.folder()
    settings = {"RAPPORT_PROCESSES": "web", "RAPPORT_DATABASE_SYNC": "0"}
    async with our_server(data_dir, **settings, RAPPORT_ACCESS_TOKEN_MINUTES=SIGNED_IN_MINUTES) as server:
        seeder, client = await _seeder(server)
        try:
            for size in sizes:
                stage.say(f"growing to {size:,} rows")
                start = time.perf_counter()
                await seeder.fill(size)
                stage.say(f"took {time.perf_counter() - start:.0f} s")
                figures += await _at_size(server.phone, size)
        finally:
            await client.close()
    return figures


async def _seeder(server: OurServer) -> tuple[Seeder, AsyncMongoClient[Any]]:
    endpoint = DatabaseDirectory(server.data_dir).read_endpoint()
    assert endpoint is not None
    address = f"mongodb://127.0.0.1:{endpoint.port}/?directConnection=true"
    client: AsyncMongoClient[Any] = AsyncMongoClient(address)
    id = new_id()
    await server.phone.push_all([created(id, columns(0))])
    database = client.get_database(Settings().database_name, codec_options=AS_STORED)
    account = await database["accounts"].find_one({"_id": id}, {"workspace_id": 1})
    assert account is not None
    return Seeder(database, account["workspace_id"], id), client


async def _at_size(phone: Ours, size: int) -> list[Figure]:
    first_pages = [await milliseconds(lambda: _first_page(phone)) for _ in range(FIRST_PAGES)]
    await _go_to_end(phone)
    _, idle = await timed(LOOKS, 1, lambda _: phone.nothing_new())
    size_of_nothing = await phone.nothing_new()
    pushed: list[float] = []
    pulled: list[float] = []
    for number in range(PUSHES):
        pushed.append(await milliseconds(lambda n=number: phone.push(size + n, 1)))  # type: ignore[misc]
        pulled.append(await milliseconds(lambda: _one_change(phone)))
    rows = f"{size:,} rows"
    nothing = at(idle, 0.5)
    return [
        Figure(name=f"{rows}: nothing new p50", ours=nothing, unit="ms", target=AtMost(5), claim="S9"),
        Figure(name=f"{rows}: nothing new", ours=size_of_nothing, unit="B", target=AtMost(300), claim="S9"),
        Figure(name=f"{rows}: one change p50", ours=median(pulled), unit="ms"),
        Figure(name=f"{rows}: push of one p50", ours=median(pushed), unit="ms"),
        Figure(name=f"{rows}: first page of 1,000, cold", ours=first_pages[0], unit="ms"),
        Figure(name=f"{rows}: first page of 1,000, hot p50", ours=median(first_pages[1:]), unit="ms"),
    ]


async def _first_page(phone: Ours) -> None:
    phone.cursor = ""
    rows, _ = await phone.pull(1_000)
    assert len(rows) >= 1_000


async def _one_change(phone: Ours) -> None:
    rows, _ = await phone.pull(1_000)
    assert len(rows) == 1


async def _go_to_end(phone: Ours) -> None:
    """Bring the phone's cursor to the end as cheaply as can be: it never asked for accounts before."""
    phone.cursor = ""
    end = {"hasMore": True}
    while end["hasMore"]:
        _, end = await phone.pull(10_000)


SECTION = Section(name="curve", about="what sync costs as a workspace grows", minutes=2, run=measure)
