"""The files of imports: sent in whole or afterwards, in whatever shape; what is refused leaves nothing."""

import csv
import io
from typing import Any

import httpx
import pytest

from tests.crew import Crew
from tests.crm.filing import NOTHING, bytes_kept
from tests.integrations.importing import ask, begun, done, job_of, names

PEOPLE = "姓名,邮箱\n林悦,lin@anhe.example\n韩国栋,han@anhe.example\n"
NEW = {"name": "people.csv", "kind": "contact"}
JOBS = "{ importJobs { nodes { id status } } }"


async def nothing_is_there(crew: Crew) -> bool:
    """Tell whether no import, no record and no byte of a file is in the workspace."""
    await crew.house.relay.settle()
    found = (await crew.admin.ask(JOBS))["importJobs"]["nodes"]
    return found == [] and await names(crew.admin) == [] and await bytes_kept(crew) == NOTHING


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
async def test_a_file_is_put_where_the_answer_says(
    crew: Crew, http: httpx.AsyncClient, encoding: str
) -> None:
    data = PEOPLE.encode(encoding)
    job = await ask(crew.rep, "importCreate", NEW | {"size": len(data)})
    assert (job["status"], job["mapping"]) == ("ANNOUNCED", [])
    early = await ask(crew.rep, "importStart", {"id": job["id"]})
    assert early["fields"][0]["field"] == "status"
    sent = await http.put(job["uploadUrl"], content=data)
    assert sent.status_code == 204, sent.text
    await crew.house.relay.settle()
    there = await job_of(crew.rep, job["id"])
    assert (there["status"], there["encoding"], there["uploadUrl"]) == ("MAPPED", encoding, None)
    assert [one["field"] for one in there["mapping"]] == ["fullName", "email"]
    assert (await done(crew, crew.rep, "importStart", job["id"]))["status"] == "DONE"
    assert await names(crew.rep) == ["林悦", "韩国栋"]
    assert await bytes_kept(crew) == NOTHING  # it is not kept for longer than it is needed


async def test_what_was_said_before_the_file_came_holds_or_fails_with_its_reason(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    data = PEOPLE.encode()
    for column, status in (("邮箱", "MAPPED"), ("电话", "FAILED")):
        said = {"mapping": [{"column": column, "field": "description"}]}
        job = await ask(crew.rep, "importCreate", NEW | said | {"size": len(data)})
        assert (await http.put(job["uploadUrl"], content=data)).status_code == 204
        await crew.house.relay.settle()
        there = await job_of(crew.rep, job["id"])
        assert there["status"] == status
        assert ("names the column '电话'" in there["reason"]) == (status == "FAILED")


async def test_a_file_that_is_none_fails_with_its_reason(crew: Crew, http: httpx.AsyncClient) -> None:
    for data, why in (
        (b"Name\nA\0\n", "The file is not text/csv"),
        (b'Name,Note\nA,"open\n', "file cannot be read from line 2 on"),
        (b"Name,E-mail\n", "file holds a header and no rows below it"),
    ):
        job = await ask(crew.rep, "importCreate", NEW | {"size": len(data)})
        await http.put(job["uploadUrl"], content=data)
        await crew.house.relay.settle()
        there = await job_of(crew.rep, job["id"])
        assert (there["status"], there["reason"].startswith(why)) == ("FAILED", True), there
    assert await names(crew.rep) == []


@pytest.mark.parametrize(
    ("data", "field", "said"),
    [
        ({"text": ""}, "text", "is missing or empty"),
        ({}, "text", "is missing or empty"),
        ({"text": " \n \n"}, "file", "is empty; its first line must name the columns"),
        ({"text": "姓名,邮箱\n"}, "file", "holds a header and no rows below it"),
        ({"text": "Name,Name\nA,B\n"}, "file", "names a column twice: Name"),
        ({"text": "Name\nA\0\n"}, "file", "is not text/csv"),
        ({"text": PEOPLE, "kind": "ticket"}, "kind", "is 'ticket', which cannot be imported"),
        ({"text": PEOPLE, "kind": "Contact"}, "kind", "is 'Contact', which cannot be imported"),
        ({"text": PEOPLE, "name": "a/b.csv"}, "name", "holds one of"),
        ({"text": PEOPLE, "name": "x" * 300}, "name", "is longer than 255 bytes"),
        ({"text": PEOPLE, "matchBy": "phone"}, "matchBy", "is phone, which no column fills"),
        ({"text": PEOPLE, "onMatch": "SKIP"}, "matchBy", "is missing"),
        ({"text": PEOPLE, "mapping": [{"column": "邮箱", "field": "version"}]}, "mapping", "names version"),
        ({"text": PEOPLE, "mapping": [{"column": "Tel", "field": "phone"}]}, "mapping", "names the column"),
        *(
            ({"text": PEOPLE, "delimiter": one}, "delimiter", "is not one that is known here")
            for one in ("ab", "\n", '"', "a")
        ),
        ({"text": PEOPLE, "id": "no id"}, "id", "is not a UUID"),
        ({"size": 9, "id": "no id"}, "id", "is not a UUID"),
        ({"text": PEOPLE, "name": ""}, "name", "is not right"),
        ({"size": 0}, "size", "is 0"),
        ({"size": -5}, "size", "is 0"),
        ({"size": 100 * 1024 * 1024}, "size", "is 104857600 bytes, more than"),
    ],
)
async def test_a_bad_beginning_is_refused_and_leaves_nothing(
    crew: Crew, data: dict[str, Any], field: str, said: str
) -> None:
    refused = await ask(crew.rep, "importCreate", NEW | data)
    assert refused["__typename"] == "InvalidInput"
    assert refused["fields"][0]["field"] == field
    assert refused["fields"][0]["message"].startswith(said), refused
    assert await nothing_is_there(crew)


async def test_a_text_larger_than_a_request_is_refused_at_the_door(crew: Crew) -> None:
    text = "Name\n" + "A" * crew.house.settings.body_bytes
    answer = await crew.rep.http.post(
        "/graphql",
        json={
            "query": "mutation($input: ImportCreateInput!) { importCreate(input: $input) { __typename } }",
            "variables": {"input": NEW | {"text": text}},
        },
        headers=crew.rep.headers,
    )
    assert answer.status_code == 413
    assert await nothing_is_there(crew)


async def test_the_same_beginning_twice_is_one_import(crew: Crew) -> None:
    first, again = [
        await begun(crew.rep, PEOPLE, mutationId="import-1", id="0190a8d2-7a00-7000-8000-000000000001")
        for _ in range(2)
    ]
    assert first == again
    other = await ask(crew.rep, "importCreate", NEW | {"text": PEOPLE, "id": first["id"]})
    assert other["__typename"] == "Conflict"
    assert len((await crew.rep.ask(JOBS))["importJobs"]["nodes"]) == 1
    assert (await bytes_kept(crew))["files"] == 1


async def test_an_import_is_changed_before_it_starts_and_never_after(crew: Crew) -> None:
    job = await begun(crew.rep, "姓名;邮箱,备注\n林悦;lin@anhe.example,gut\n")
    assert (job["delimiter"], [one["column"] for one in job["mapping"]]) == (",", ["姓名;邮箱", "备注"])
    changed = await ask(crew.rep, "importUpdate", {"id": job["id"], "delimiter": ";"})
    assert [one["column"] for one in changed["mapping"]] == ["姓名", "邮箱,备注"]
    assert [one["field"] for one in changed["mapping"]] == ["fullName", None]
    refused = await ask(
        crew.rep, "importUpdate", {"id": job["id"], "mapping": [{"column": "姓名", "field": "acl"}]}
    )
    assert refused["__typename"] == "InvalidInput"
    stale = await ask(
        crew.rep, "importUpdate", {"id": job["id"], "name": "x", "expectedVersion": job["version"]}
    )
    assert stale["__typename"] == "Conflict"
    mine = {"id": job["id"], "mapping": [{"column": "姓名", "field": None}, {"column": "邮箱,备注"}]}
    emptied = await ask(crew.rep, "importUpdate", mine)
    assert emptied["status"] == "UPLOADED"
    assert (await ask(crew.rep, "importValidate", {"id": job["id"]}))["__typename"] == "InvalidInput"
    named = {"id": job["id"], "mapping": [{"column": "姓名", "field": "fullName"}]}
    assert (await ask(crew.rep, "importUpdate", named))["status"] == "MAPPED"
    assert (await done(crew, crew.rep, "importStart", job["id"]))["status"] == "DONE"
    late = await ask(crew.rep, "importUpdate", named)
    assert late["fields"][0]["message"].startswith(
        "is done: this import can be changed only before it starts"
    )


async def test_errors_come_as_a_file_that_no_spreadsheet_computes(
    crew: Crew, http: httpx.AsyncClient
) -> None:
    job = await begun(crew.rep, "姓名,邮箱\n=cmd|' /C calc'!A0,=1+1\n林悦,lin@anhe.example\n")
    tried = await done(crew, crew.rep, "importValidate", job["id"])
    assert tried["errorsUrl"] is None
    ended = await done(crew, crew.rep, "importStart", job["id"])
    answer = await http.get(ended["errorsUrl"])
    assert answer.headers["content-disposition"].startswith('attachment; filename="people-errors.csv"')
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows == [
        ["line", "sort", "field", "message"],
        ["2", "failed", "email", "is not an e-mail address; write it as name@company.example"],
    ]
    assert await names(crew.rep) == ["林悦"]


async def test_a_deleted_import_leaves_no_byte_and_what_it_made(crew: Crew) -> None:
    job = await begun(crew.rep, "姓名,邮箱\n林悦,lin@anhe.example\n韩国栋,none\n")
    await done(crew, crew.rep, "importStart", job["id"])
    query = "mutation($id: ID!) { importDelete(input: {id: $id}) { __typename } }"
    assert (await crew.rep.ask(query, id=job["id"]))["importDelete"]["__typename"] == "Deleted"
    await crew.house.relay.settle()
    assert await bytes_kept(crew) == NOTHING
    assert (await crew.admin.ask(JOBS))["importJobs"]["nodes"] == []
    assert await names(crew.rep) == ["林悦"]
