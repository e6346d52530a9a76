"""Imports that are broken off: by failures, by others at the work, by ``kill -9``, by rights that end."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import svcs

from backend.core.ledger import LEDGER, entries_of
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Contact
from backend.house import House
from backend.integrations import rows, runs
from backend.integrations.documents import ImportJob, ImportStatus
from backend.integrations.imports import start_import
from backend.integrations.runs import ImportRunner
from backend.integrations.tables import Row
from tests.crew import Crew
from tests.integrations.importing import ask, begun, done, job_of, names
from tests.notifications.test_occasions import lines

COUNT = 43
TEXT = "Name,E-mail\n" + "".join(f"C{n:02},c{n}@x.example\n" for n in range(COUNT))
WANTED = [f"C{n:02}" for n in range(COUNT)]


async def runner_of(house: House) -> ImportRunner:
    async with svcs.Container(house.registry) as services:
        return await services.aget(ImportRunner)


async def events_of(crew: Crew) -> list[tuple[str, str]]:
    """Return (event, kind) of everything that was ever announced in the workspace."""
    found = crew.house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).sort("seq", 1)
    return [
        (entry.event, entry.kind)
        async for row in found
        for commit in row["commits"]
        for entry in entries_of(commit, crew.workspace_id)
    ]


async def all_is_there_once(crew: Crew, id: str) -> None:
    """Assert that the import is done, that every row is in once, and that this was said once."""
    ended = await job_of(crew.rep, id)
    assert (ended["status"], ended["rows"]["created"], ended["rows"]["ok"]) == ("DONE", COUNT, COUNT)
    assert await names(crew.rep) == WANTED
    events = await events_of(crew)
    assert events.count(("RecordCreated", "contact")) == COUNT
    assert events.count(("ImportFinished", "import_job")) == 1
    await crew.house.relay.settle()
    assert await lines(crew.rep) == [("import_finished", "Import finished: people.csv")]


async def test_a_run_that_fails_in_the_middle_goes_on_where_it_was(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "STRETCH", 5)
    calls, whole = 0, rows.RowTaker.take

    async def failing(taker: rows.RowTaker, uow: UnitOfWork, some: Sequence[Row]) -> rows.Taken:
        nonlocal calls
        taken = await whole(taker, uow, some)
        calls += 1
        if calls in (3, 6):
            raise RuntimeError("the power is gone")
        return taken

    monkeypatch.setattr(rows.RowTaker, "take", failing)
    job = await begun(crew.rep, TEXT)
    await ask(crew.rep, "importStart", {"id": job["id"]})
    async with asyncio.timeout(60):
        while (await job_of(crew.rep, job["id"]))["status"] == "RUNNING":
            await asyncio.sleep(0.05)
    assert calls == 2 + -(-COUNT // 5)  # no stretch but the two that failed was taken twice
    await all_is_there_once(crew, job["id"])


async def test_several_that_work_at_once_take_no_row_twice(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "STRETCH", 4)
    runner = await runner_of(crew.house)
    job = await begun(crew.rep, TEXT)
    await crew.house.store.write(crew.rep.actor, lambda uow: start_import(uow, job["id"]))
    await asyncio.gather(
        *(runner.run(crew.workspace_id, job["id"]) for _ in range(4)), crew.house.relay.settle()
    )
    await all_is_there_once(crew, job["id"])
    await runner.run(crew.workspace_id, job["id"])
    await all_is_there_once(crew, job["id"])


async def test_an_undo_that_is_broken_off_goes_on(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "STRETCH", 4)
    job = await begun(crew.rep, TEXT)
    await done(crew, crew.rep, "importStart", job["id"])
    runner = await runner_of(crew.house)
    await ask(crew.rep, "importUndo", {"id": job["id"]})
    first = asyncio.create_task(runner.run(crew.workspace_id, job["id"]))
    while not (await job_of(crew.rep, job["id"]))["rows"]["undone"]:
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.gather(*(runner.run(crew.workspace_id, job["id"]) for _ in range(2)))
    await crew.house.relay.settle()
    undone = await job_of(crew.rep, job["id"])
    assert (undone["status"], undone["rows"]["undone"], undone["rows"]["left"]) == ("UNDONE", COUNT, 0)
    assert await names(crew.rep) == []


async def test_rights_that_end_meanwhile_end_the_import(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is suspended while it runs gets nothing more done, and the house says so."""
    monkeypatch.setattr(runs, "STRETCH", 10)
    calls, whole = 0, rows.RowTaker.take

    async def suspending(taker: rows.RowTaker, uow: UnitOfWork, some: Sequence[Row]) -> rows.Taken:
        nonlocal calls
        calls += 1
        if calls == 2:
            suspend = "mutation($id: ID!) { userSuspend(input: {id: $id}) { __typename } }"
            await crew.admin.ask(suspend, id=crew.rep.user_id)
        return await whole(taker, uow, some)

    monkeypatch.setattr(rows.RowTaker, "take", suspending)
    job = await begun(crew.rep, TEXT)
    await ask(crew.rep, "importStart", {"id": job["id"]})
    async with asyncio.timeout(60):
        while (await job_of(crew.admin, job["id"]))["status"] == "RUNNING":
            await asyncio.sleep(0.05)
    ended = await job_of(crew.admin, job["id"])
    assert (ended["status"], ended["rows"]["created"]) == ("PARTIAL", 20)
    assert ended["reason"] == "This account is not active any more; ask an admin of the workspace."
    assert await names(crew.admin) == WANTED[:20]


KILLED_AFTER = 200
MANY = 1_500


async def _killed_in_the_middle(crew: Crew, file: Path) -> None:
    """Import ``file`` by the command, as the rep, and kill it with signal 9 when some rows are in."""
    host, port = await crew.house.store.client.address or ("127.0.0.1", 0)
    environment = os.environ | {
        "MONGODB_URI": f"mongodb://{host}:{port}/?directConnection=true",
        "RAPPORT_DATA_DIR": str(crew.house.settings.data_dir),
        "RAPPORT_DATABASE_NAME": crew.house.settings.database_name,
    }
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "main", "import", str(file), "--kind", "contact"),
        *("--workspace", crew.workspace_id, "--for", (await crew.user("rep")).email),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(200):
            while (await _job(crew)).rows.taken < KILLED_AFTER:
                assert command.returncode is None
                await asyncio.sleep(0.02)
    finally:
        command.kill()
        await command.wait()


async def _job(crew: Crew) -> ImportJob:
    found = await crew.house.store.unit_of_work(crew.system).find_one(ImportJob, {})
    return found or ImportJob(name="-", target_kind="contact")


@pytest.mark.timeout(400)  # the start of a process, and some thousand rows
async def test_a_process_that_is_killed_loses_no_row_and_another_repeats_none(
    crew: Crew, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_dead, whole = asyncio.Event(), ImportRunner.run

    async def waiting(runner: ImportRunner, workspace_id: str, job_id: str) -> None:
        await is_dead.wait()
        await whole(runner, workspace_id, job_id)

    monkeypatch.setattr(ImportRunner, "run", waiting)  # the house's own would help the command
    file = tmp_path / "people.csv"
    file.write_text("Name,E-mail\n" + "".join(f"K{n:04},k{n}@x.example\n" for n in range(MANY)))
    await _killed_in_the_middle(crew, file)
    house, left = crew.house.store.unit_of_work(crew.system), await _job(crew)
    assert left.status is ImportStatus.RUNNING
    assert KILLED_AFTER <= left.rows.taken < MANY
    assert await house.count(Contact) == left.rows.taken
    is_dead.set()
    await crew.house.relay.settle()
    ended = await job_of(crew.rep, left.id)
    assert (ended["status"], ended["rows"]["created"]) == ("DONE", MANY)
    people = await house.find(Contact)
    assert sorted(one.full_name for one in people) == [f"K{n:04}" for n in range(MANY)]
    assert {one.owner_id for one in people} == {crew.rep.user_id}
    await crew.house.relay.settle()
    assert await lines(crew.rep) == [("import_finished", "Import finished: people.csv")]
