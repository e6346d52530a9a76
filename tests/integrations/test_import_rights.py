"""Whose rights count: of roles that do not see every field, of tokens, and as they are while it runs."""

import asyncio
from datetime import timedelta

import pytest
import svcs

from backend.integrations import runs
from backend.integrations.runs import ImportRunner
from tests.crew import Crew
from tests.identity.test_api_keys import bearer, make, revoke
from tests.identity.test_roles import give, level, make_role
from tests.integrations.importing import ask, begun, done, job_of, names

PEOPLE = "姓名,邮箱,手机\n林悦,lin@anhe.example,13800138000\n"


async def test_a_field_that_is_not_somebodys_is_neither_set_nor_compared(crew: Crew) -> None:
    work = {"read": "ALL", "create": "ALL", "update": "ALL"}
    await make_role(
        crew.admin,
        "typist",
        levels=[*level("contact", **work), *level("import_job", **work), *level("import_issue", read="ALL")],
        fields=[
            {"kind": "contact", "field": "email", "access": "READ"},
            {"kind": "contact", "field": "phone", "access": "HIDDEN"},
        ],
    )
    await give(crew, "stranger", "typist")
    new = {"name": "people.csv", "kind": "contact", "text": PEOPLE}
    for field in ("email", "phone"):
        mapped = {"mapping": [{"column": "邮箱", "field": field}]}
        refused = await ask(crew.stranger, "importCreate", new | mapped)
        assert refused["fields"][0]["message"].startswith(f"names {field}, which is not yours to change")
    job = await begun(crew.stranger, PEOPLE, matchBy="fullName", onMatch="UPDATE")
    assert [one["field"] for one in job["mapping"]] == ["fullName", None, None]
    assert (await done(crew, crew.stranger, "importStart", job["id"]))["status"] == "DONE"
    assert await names(crew.admin) == ["林悦"]


async def test_a_token_imports_only_what_its_scopes_let_through(crew: Crew) -> None:
    new = {"name": "people.csv", "kind": "contact", "text": PEOPLE}
    reader = await bearer(crew.rep, ["READ"])
    assert (await ask(reader, "importCreate", new))["__typename"] == "Forbidden"
    writer = await bearer(crew.rep, ["WRITE"])
    job = await begun(writer, PEOPLE)
    assert (await ask(reader, "importStart", {"id": job["id"]}))["__typename"] == "Forbidden"
    assert (await done(crew, writer, "importStart", job["id"]))["status"] == "DONE"


async def test_a_token_that_is_revoked_ends_its_import(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    is_revoked, whole = asyncio.Event(), ImportRunner.run

    async def waiting(runner: ImportRunner, workspace_id: str, job_id: str) -> None:
        await is_revoked.wait()
        await whole(runner, workspace_id, job_id)

    monkeypatch.setattr(ImportRunner, "run", waiting)
    made = await make(crew.rep, ["WRITE"])
    crew.people["program"] = type(crew.rep)(crew.rep.user_id, made["token"], crew.rep.actor, crew.rep.http)
    job = await begun(crew.program, PEOPLE)
    assert (await ask(crew.program, "importStart", {"id": job["id"]}))["status"] == "RUNNING"
    await revoke(crew.rep, made["accessToken"]["id"])
    is_revoked.set()
    await crew.house.relay.settle()
    ended = await job_of(crew.rep, job["id"])
    assert (ended["status"], ended["rows"]["created"]) == ("FAILED", 0)
    assert ended["reason"]
    assert await names(crew.rep) == []


async def test_an_import_whose_file_is_gone_says_so(crew: Crew) -> None:
    job = await begun(crew.rep, PEOPLE)
    query = """query($id: ID!) { attachments(targetKind: "import_job", targetId: $id) { nodes { id } } }"""
    (file,) = (await crew.rep.ask(query, id=job["id"]))["attachments"]["nodes"]
    assert (await crew.rep.do("attachmentDelete", {"id": file["id"]}))["__typename"] == "Deleted"
    ended = await done(crew, crew.rep, "importValidate", job["id"])
    assert (ended["status"], ended["reason"][:16]) == ("MAPPED", "file is not here")
    ended = await done(crew, crew.rep, "importStart", job["id"])
    assert (ended["status"], ended["reason"][:16]) == ("FAILED", "file is not here")
    assert (await crew.rep.ask("{ notifications { nodes { body } } }"))["notifications"]["nodes"] == [
        {"body": "0 rows are in."}
    ]


async def test_an_import_that_was_left_is_picked_up_and_one_that_cannot_be_done_given_up(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ImportRunner.run

    async def left_alone(runner: ImportRunner, workspace_id: str, job_id: str) -> None:
        return

    async def failing(runner: ImportRunner, workspace_id: str, job_id: str) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(ImportRunner, "run", left_alone)
    job = await begun(crew.rep, PEOPLE)
    await done(crew, crew.rep, "importStart", job["id"])

    async def look(run: object) -> str:
        monkeypatch.setattr(ImportRunner, "run", run)
        async with svcs.Container(crew.house.registry) as services:
            await runs.continue_imports(services)
        return str((await job_of(crew.rep, job["id"]))["status"])

    assert await look(whole) == "RUNNING"  # it was touched a moment ago
    monkeypatch.setattr(runs, "FORGOTTEN_AFTER", -timedelta(seconds=1))
    assert await look(failing) == "RUNNING"
    assert await look(whole) == "DONE"
    monkeypatch.setattr(ImportRunner, "run", left_alone)
    job = await begun(crew.rep, PEOPLE)
    await done(crew, crew.rep, "importStart", job["id"])
    monkeypatch.setattr(runs, "GIVEN_UP_AFTER", -timedelta(seconds=1))
    assert await look(failing) == "FAILED"
    assert "given up" in (await job_of(crew.rep, job["id"]))["reason"]
    assert await look(whole) == "FAILED"
    assert await names(crew.rep) == ["林悦"]
