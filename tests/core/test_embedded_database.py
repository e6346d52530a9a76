"""The embedded database: found, shared, restarted, stopped; and refused with a cause and a mend."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from structlog.testing import capture_logs

from backend.core.database_directory import DatabaseDirectory, Endpoint
from backend.core.database_process import ask_process_id
from backend.core.embedded_database import (
    DatabaseUnavailable,
    EmbeddedDatabase,
    check_deployment,
    run_embedded_database,
)
from backend.core.ports import find_free_port

OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from backend.core.embedded_database import run_embedded_database

async def main():
    async with run_embedded_database(Path(sys.argv[1])) as database:
        print(database.port, database.is_owner, flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""


async def start_other_process(data_dir: Path) -> tuple[asyncio.subprocess.Process, int, bool]:
    """Run the database of ``data_dir`` in another Python; return it, its port and its ownership."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", OTHER_PROCESS, str(data_dir)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    while not (words := (await process.stdout.readline()).split()[:2]) or not words[0].isdigit():
        assert not process.stdout.at_eof()
    return process, int(words[0]), words[1] == b"True"


async def wait_until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_stopped_database_keeps_its_data(tmp_path: Path) -> None:
    async with run_embedded_database(tmp_path) as database, AsyncMongoClient[Any](database.uri) as client:
        await client.shop.tea.insert_one({"_id": "龙井"})
        await check_deployment(client)
        first_port, first_process = database.port, database.process_id
        assert await ask_process_id(first_port) == first_process
    assert database.process_id is None
    assert await ask_process_id(first_port) is None
    assert not (tmp_path / "database.json").exists()

    with capture_logs() as logs:
        async with run_embedded_database(tmp_path) as database, AsyncMongoClient[Any](database.uri) as client:
            assert await client.shop.tea.find({}).to_list() == [{"_id": "龙井"}]
    # Nothing was stale after a clean stop, so nothing is said about it.
    told = [entry["event"] for entry in logs if entry["event"].startswith("database_")]
    assert told == ["database_started", "database_stopped"]  # the suite's own house may say other things


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    async with (
        run_embedded_database(tmp_path) as database,
        AsyncMongoClient[Any](database.uri, serverSelectionTimeoutMS=20_000) as client,
    ):
        await client.bank.create_collection("singles")
        await client.bank.create_collection("pairs")
        acknowledged: list[str] = []

        async def write(writer: int) -> None:
            for number in range(100_000):
                name = f"{writer}-{number}"
                async with client.start_session() as session, await session.start_transaction():
                    await client.bank.pairs.insert_one({"_id": f"{name}-debit"}, session=session)
                    await client.bank.pairs.insert_one({"_id": f"{name}-credit"}, session=session)
                await client.bank.singles.insert_one({"_id": name})
                acknowledged.append(name)

        writers = [asyncio.create_task(write(writer)) for writer in range(4)]
        await wait_until(lambda: len(acknowledged) >= 200)
        port, killed = database.port, database.process_id
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        await wait_until(lambda: database.restarts == 1)
        for writer in writers:
            writer.cancel()
        outcomes = await asyncio.gather(*writers, return_exceptions=True)
        assert all(isinstance(outcome, PyMongoError | asyncio.CancelledError) for outcome in outcomes)

        # The same client goes on, on the same port, with another process.
        singles = {row["_id"] async for row in client.bank.singles.find({})}
        pairs = {row["_id"] async for row in client.bank.pairs.find({})}
        assert set(acknowledged) <= singles
        assert {f"{name}-{side}" for name in acknowledged for side in ("debit", "credit")} <= pairs
        assert {name.removesuffix("-debit") for name in pairs if name.endswith("-debit")} == {
            name.removesuffix("-credit") for name in pairs if name.endswith("-credit")
        }
        assert database.port == port
        assert database.process_id not in (None, killed)


async def test_two_processes_share_one_database_and_the_second_takes_over(tmp_path: Path) -> None:
    owner, owners_port, is_owner = await start_other_process(tmp_path)
    assert is_owner
    try:
        async with run_embedded_database(tmp_path) as database, AsyncMongoClient[Any](database.uri) as client:
            assert (database.is_owner, database.port, database.process_id) == (False, owners_port, None)
            await client.shop.tea.insert_one({"_id": 1})

            with pytest.raises(DatabaseUnavailable, match=f"runs on port {owners_port}, not on 1; set"):
                await EmbeddedDatabase(tmp_path, port=1).start()

            await owner.communicate(b"\n")  # the owner ends in order, and its server with it
            await wait_until(lambda: database.restarts == 1)
            assert (database.is_owner, database.port) == (True, owners_port)
            assert await client.shop.tea.count_documents({}) == 1

            sharer, port, is_owner = await start_other_process(tmp_path)
            assert (port, is_owner) == (owners_port, False)
            await sharer.communicate(b"\n")
            # One that only shares stops nothing when it goes.
            assert await ask_process_id(owners_port) == database.process_id
    finally:
        if owner.returncode is None:
            owner.kill()
            await owner.wait()


async def test_the_server_of_a_killed_owner_is_taken_over(tmp_path: Path) -> None:
    owner, port, _ = await start_other_process(tmp_path)
    async with AsyncMongoClient[Any]("127.0.0.1", port, directConnection=True) as client:
        await client.shop.tea.insert_one({"_id": 1})
    left_over = await ask_process_id(port)
    owner.kill()
    await owner.communicate()
    assert await ask_process_id(port) == left_over

    with capture_logs() as logs:
        async with run_embedded_database(tmp_path) as database, AsyncMongoClient[Any](database.uri) as client:
            assert await client.shop.tea.count_documents({}) == 1
            assert (database.is_owner, database.port) == (True, port)
            assert database.process_id != left_over
    told = {entry["event"]: entry for entry in logs}
    assert told["database_taken_over"]["former_process"] == str(owner.pid)
    assert told["database_leftover_stopped"]["process"] == left_over


async def test_a_stale_endpoint_is_replaced(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    port = find_free_port()
    stale = DatabaseDirectory(tmp_path)
    stale.make()
    stale.write_endpoint(Endpoint(pid=dead.pid, port=port, started_at="2026-01-01T00:00:00+00:00"))
    with capture_logs() as logs:
        async with run_embedded_database(tmp_path) as database:
            assert json.loads((tmp_path / "database.json").read_text())["pid"] == database.process_id
    told = [(entry["event"], entry.get("process")) for entry in logs]
    assert told[0] == ("database_endpoint_stale", dead.pid)


async def test_a_directory_held_by_a_live_process_without_a_server_is_refused(tmp_path: Path) -> None:
    holder = DatabaseDirectory(tmp_path)
    holder.make()
    assert holder.acquire_lock()
    try:
        with pytest.raises(
            DatabaseUnavailable, match=rf"Process {os.getpid()} holds .* stop that process, or set"
        ):
            await EmbeddedDatabase(tmp_path, start_timeout=timedelta(seconds=0.2)).start()
        assert not (tmp_path / "database").exists()
        assert holder.read_holder() == str(os.getpid())
    finally:
        holder.release_lock()


async def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other_program:
        port = other_program.getsockname()[1]
        database = EmbeddedDatabase(tmp_path, port=port)
        with pytest.raises(DatabaseUnavailable, match=f"Port {port} on 127.0.0.1.*RAPPORT_DATABASE_PORT"):
            await database.start()
    assert not database.is_owner
    assert not (tmp_path / "database").exists()


async def test_a_store_that_another_server_has_open_is_refused(tmp_path: Path) -> None:
    async with run_embedded_database(tmp_path / "first"):
        second = tmp_path / "second"
        second.mkdir()
        (second / "database").symlink_to(tmp_path / "first" / "database")
        with pytest.raises(
            DatabaseUnavailable, match=r"second/database open; stop it, or set RAPPORT_DATA_DIR"
        ):
            await EmbeddedDatabase(second).start()
        assert not (second / "database.json").exists()


async def test_an_unwritable_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnavailable, match=r"Cannot write to the data directory .* make it writable"):
        await EmbeddedDatabase(tmp_path / "file" / "data").start()


async def test_a_standalone_server_is_refused(tmp_path: Path) -> None:
    port = find_free_port()
    program = Path(sys.executable).with_name("secantusd-py")
    server = subprocess.Popen(
        [program, "--standalone", "--port", str(port), "--storage-path", tmp_path], stderr=subprocess.DEVNULL
    )
    try:
        async with AsyncMongoClient[Any]("127.0.0.1", port) as client:
            with pytest.raises(
                DatabaseUnavailable, match=r"standalone .* --replSet rs0 and run rs.initiate\(\)"
            ):
                await check_deployment(client)
    finally:
        server.terminate()
        server.wait()


async def test_a_mongodb_that_does_not_answer_is_refused() -> None:
    async with AsyncMongoClient[Any]("127.0.0.1", find_free_port(), serverSelectionTimeoutMS=100) as client:
        with pytest.raises(DatabaseUnavailable, match=r"does not answer .* check MONGODB_URI"):
            await check_deployment(client)
        await asyncio.sleep(0.1)  # a client closed in mid-connection leaks its socket (PyMongo 4.20)
