"""Imports over GraphQL: mapped, tried, run, undone; and who is told."""

from typing import Any

import pytest

from backend.integrations import runs
from tests.crew import Crew
from tests.integrations.importing import ask, begun, done, job_of, names
from tests.notifications.test_occasions import lines

PEOPLE = """姓名,邮箱,手机,职位,爱好
林悦,Lin.Yue@Anhe.example,13800138000,采购经理,茶
Beth Larson,beth@larson.example,+14155552671,CTO,😀
"""
WRONG = """Name;E-mail;Is active;Owner;Company
Ann;ann@one.example;yes;;
;nobody@one.example;yes;;
Bob;bob at one;maybe;;

"Carl";carl@one.example;no;nobody@test.example;Nowhere Ltd
Dora;dora@one.example;yes;;;surplus
Emil;emil@one.example
"""
ROWS = {"total": 2, "ok": 2, "warned": 0, "failed": 0, "created": 2, "updated": 0, "skipped": 0}


async def test_a_file_is_mapped_by_its_headings_tried_and_imported(crew: Crew) -> None:
    job = await begun(crew.rep, PEOPLE)
    assert (job["status"], job["encoding"], job["delimiter"]) == ("MAPPED", "utf-8", ",")
    assert [(one["column"], one["field"]) for one in job["mapping"]] == [
        ("姓名", "fullName"),
        ("邮箱", "email"),
        ("手机", "phone"),
        ("职位", "title"),
        ("爱好", None),
    ]
    tried = await done(crew, crew.rep, "importValidate", job["id"])
    assert (tried["status"], tried["dryRun"], tried["errors"]["nodes"]) == ("VALIDATED", ROWS, [])
    assert await names(crew.rep) == []  # a dry run keeps nothing
    ended = await done(crew, crew.rep, "importStart", job["id"])
    assert (ended["status"], ended["rows"]) == ("DONE", ROWS | {"undone": 0, "left": 0})
    found = await crew.rep.ask("{ contacts { nodes { fullName email phone title ownerId } } }")
    assert sorted(found["contacts"]["nodes"], key=lambda one: str(one["fullName"])) == [
        {
            "fullName": "Beth Larson",
            "email": "beth@larson.example",
            "phone": "+14155552671",
            "title": "CTO",
            "ownerId": crew.rep.user_id,
        },
        {
            "fullName": "林悦",
            "email": "lin.yue@anhe.example",
            "phone": "+8613800138000",
            "title": "采购经理",
            "ownerId": crew.rep.user_id,
        },
    ]


async def test_who_started_it_is_told_once_how_it_ended_and_nobody_else(crew: Crew) -> None:
    job = await begun(crew.rep, "姓名,邮箱\n林悦,lin@anhe.example\n韩国栋,no address\n")
    await done(crew, crew.rep, "importValidate", job["id"])
    assert await lines(crew.rep) == []  # a dry run is nobody's news
    ended = await done(crew, crew.rep, "importStart", job["id"])
    assert ended["status"] == "PARTIAL"
    assert await lines(crew.rep) == [("import_finished", "Import finished: people.csv")]
    said = await crew.rep.ask("{ notifications(first: 1) { nodes { body subjectKind subjectId } } }")
    (line,) = said["notifications"]["nodes"]
    assert line == {
        "body": "1 rows are in, 1 could not be taken.",
        "subjectKind": "import_job",
        "subjectId": job["id"],
    }
    for person in (crew.colleague, crew.stranger, crew.manager, crew.admin):
        assert await lines(person) == []
    assert (await ask(crew.rep, "importStart", {"id": job["id"]}))["__typename"] == "InvalidInput"
    await crew.house.relay.settle()
    assert len(await lines(crew.rep)) == 1


async def test_errors_say_where_what_and_how_to_mend(crew: Crew) -> None:
    job = await begun(crew.rep, WRONG, mapping=[{"column": "Is active", "field": "isActive"}])
    assert job["delimiter"] == ";"
    tried = await done(crew, crew.rep, "importValidate", job["id"])
    found: list[dict[str, Any]] = tried["errors"]["nodes"]
    assert [(one["sort"], one["line"], one["field"]) for one in found] == [
        ("FAILED", 3, "fullName"),
        ("FAILED", 4, "isActive"),
        ("FAILED", 4, "email"),
        ("FAILED", 6, "accountId"),
        ("FAILED", 6, "ownerId"),
        ("FAILED", 7, ""),
        ("WARNED", 8, ""),
    ]
    assert found[1]["message"] == "is neither yes nor no; write yes or no, 是 or 否"
    assert tried["dryRun"] == ROWS | {"total": 6, "ok": 2, "warned": 1, "failed": 4, "created": 2}
    assert "bob at one" not in str(tried)
    ended = await done(crew, crew.rep, "importStart", job["id"])
    assert ended["errors"]["nodes"] == found
    assert await names(crew.rep) == ["Ann", "Emil"]


async def test_of_endless_errors_some_are_kept_and_all_are_counted(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_ISSUES", 3)
    monkeypatch.setattr(runs, "STRETCH", 2)
    text = "Name,Employees\n" + "".join(f"A{n},{n if n % 2 else 'many'}\n" for n in range(10))
    job = await begun(crew.rep, text, kind="account")
    tried = await done(crew, crew.rep, "importValidate", job["id"])
    there = await done(crew, crew.rep, "importStart", job["id"])
    for errors in (tried["errors"], there["errors"]):
        assert [one["line"] for one in errors["nodes"]] == [2, 4, 6]
    assert (there["status"], there["rows"]["failed"], there["rows"]["created"]) == ("PARTIAL", 5, 5)
    page = "query($id: ID!, $after: String) { importJob(id: $id) { errors(first: 2, after: $after) {"
    page += " nodes { line } pageInfo { hasNextPage endCursor } totalCount } } }"
    first = (await crew.rep.ask(page, id=job["id"]))["importJob"]["errors"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    second = await crew.rep.ask(page, id=job["id"], after=first["pageInfo"]["endCursor"])
    assert second["importJob"]["errors"]["nodes"] == [{"line": 6}]
    for one in (await crew.rep.ask("{ accounts { nodes { id } } }"))["accounts"]["nodes"]:
        await crew.rep.do("accountUpdate", {"id": one["id"], "industry": "Tea"})
    undone = await done(crew, crew.rep, "importUndo", job["id"])
    assert (undone["rows"]["left"], undone["rows"]["undone"]) == (5, 0)
    assert [one["sort"] for one in undone["errors"]["nodes"]] == ["FAILED"] * 3 + ["LEFT"] * 3


async def test_an_undo_deletes_what_nobody_touched_and_names_the_rest(crew: Crew) -> None:
    job = await begun(crew.rep, "Name\nAnn\nBob\nCarl\n", kind="account")
    await done(crew, crew.rep, "importStart", job["id"])
    found = (await crew.rep.ask("{ accounts { nodes { id name } } }"))["accounts"]["nodes"]
    bob = next(one["id"] for one in found if one["name"] == "Bob")
    assert (await crew.rep.do("accountUpdate", {"id": bob, "industry": "Tea"}))["__typename"] == "Account"
    undone = await done(crew, crew.rep, "importUndo", job["id"])
    assert undone["status"] == "UNDONE"
    assert (undone["rows"]["created"], undone["rows"]["undone"], undone["rows"]["left"]) == (3, 2, 1)
    (left,) = undone["errors"]["nodes"]
    assert (left["sort"], left["recordId"]) == ("LEFT", bob)
    assert await names(crew.rep, "accounts") == ["Bob"]
    assert (await ask(crew.rep, "importUndo", {"id": job["id"]}))["__typename"] == "InvalidInput"
    assert (await job_of(crew.rep, job["id"]))["version"] == undone["version"]
