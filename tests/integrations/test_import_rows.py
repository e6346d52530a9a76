"""What rows become: compared with what is there, joined to it, refused one by one."""

import random
from typing import Any

import pytest

from backend.core.ids import new_id
from backend.integrations import runs
from tests.crew import Crew
from tests.integrations.importing import ask, begun, done, names
from tests.notifications.test_occasions import lines

PEOPLE = "姓名,邮箱,职位\n林悦,LIN@anhe.example,经理\n新人,new@anhe.example,顾问\n"
FOUND = "{ contacts { nodes { fullName email title } } }"


async def titles(crew: Crew) -> dict[str, str]:
    found = (await crew.rep.ask(FOUND))["contacts"]["nodes"]
    return {one["email"]: one["title"] for one in found}


async def there(crew: Crew) -> str:
    made = await crew.rep.do(
        "contactCreate", {"fullName": "林悦", "email": "lin@anhe.example", "title": "主管"}
    )
    return str(made["id"])


async def test_rows_that_are_there_are_skipped_updated_or_made_again(crew: Crew) -> None:
    await there(crew)
    for policy, counted, after in (
        ("SKIP", {"created": 1, "updated": 0, "skipped": 1}, {"lin@anhe.example": "主管"}),
        ("UPDATE", {"created": 0, "updated": 2, "skipped": 0}, {"lin@anhe.example": "经理"}),
    ):
        job = await begun(crew.rep, PEOPLE, matchBy="email", onMatch=policy)
        tried = await done(crew, crew.rep, "importValidate", job["id"])
        ended = await done(crew, crew.rep, "importStart", job["id"])
        for rows in (tried["dryRun"], ended["rows"]):
            assert {name: rows[name] for name in counted} == counted, policy
        assert await titles(crew) == {"new@anhe.example": "顾问"} | after
    job = await begun(crew.rep, PEOPLE)
    assert (await done(crew, crew.rep, "importStart", job["id"]))["rows"]["created"] == 2
    assert await names(crew.rep) == ["新人", "新人", "林悦", "林悦"]


async def test_rows_of_one_file_are_compared_with_each_other(crew: Crew) -> None:
    text = "姓名,手机,职位\nA,13800138000,1\nB,+86 138 0013 8000,2\nC,138-0013-8000,3\nD,,4\nE,,5\n"
    job = await begun(crew.rep, text, matchBy="phone", onMatch="SKIP")
    tried = await done(crew, crew.rep, "importValidate", job["id"])
    ended = await done(crew, crew.rep, "importStart", job["id"])
    for rows in (tried["dryRun"], ended["rows"]):
        assert (rows["created"], rows["skipped"], rows["warned"]) == (3, 2, 2)
    assert [one["message"] for one in ended["errors"]["nodes"]] == [
        "is empty; the row was compared with nothing"
    ] * 2
    assert await names(crew.rep) == ["A", "D", "E"]
    job = await begun(crew.rep, text, matchBy="phone", onMatch="UPDATE")
    tried = await done(crew, crew.rep, "importValidate", job["id"])
    ended = await done(crew, crew.rep, "importStart", job["id"])
    for rows in (tried["dryRun"], ended["rows"]):
        assert (rows["created"], rows["updated"]) == (2, 3)
    assert await names(crew.rep) == ["C", "D", "D", "E", "E"]  # the last row of a key has the last word


@pytest.mark.parametrize("seed", range(6))
async def test_a_dry_run_says_what_the_import_then_does(
    crew: Crew, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever the rows are, whatever is there, and however the file is divided into stretches."""
    dice = random.Random(seed)
    monkeypatch.setattr(runs, "STRETCH", dice.choice([1, 3, 100]))
    for _ in range(2):
        drawn = [
            ",".join(
                (
                    dice.choice(["甲", "乙", "Ann", ""]),
                    dice.choice(["", "a@x.example", "b@x.example", "B@X.example", "none"]),
                    dice.choice(["", "13800138000", "+86 138 0013 8001", "12"]),
                    dice.choice(["", "yes", "maybe"]),
                )[: dice.choice([3, 4])]
            )
            for _ in range(25)
        ]
        policy = dice.choice(["CREATE", "SKIP", "UPDATE"])
        more = {"matchBy": dice.choice(["email", "phone", "fullName"]), "onMatch": policy}
        columns = [{"column": "在职", "field": "isActive"}]
        text = "\n".join(("姓名,邮箱,手机,在职", *drawn))
        job = await begun(crew.rep, text, mapping=columns, **more)
        before = await names(crew.rep)
        tried = await done(crew, crew.rep, "importValidate", job["id"])
        assert await names(crew.rep) == before
        ended = await done(crew, crew.rep, "importStart", job["id"])
        assert tried["dryRun"] == {name: ended["rows"][name] for name in tried["dryRun"]}, more

        def told(one: dict[str, Any]) -> list[tuple[Any, ...]]:
            return [
                tuple(issue[name] for name in ("sort", "line", "field", "message"))
                for issue in one["errors"]["nodes"]
            ]

        assert told(tried) == told(ended)
        rows = ended["rows"]
        assert rows["created"] + rows["updated"] + rows["skipped"] + rows["failed"] == rows["total"]
        assert len(await names(crew.rep)) == len(before) + rows["created"]


async def test_a_row_that_fits_several_records_is_refused_not_guessed(crew: Crew) -> None:
    await there(crew)
    await there(crew)
    job = await begun(crew.rep, PEOPLE, matchBy="email", onMatch="UPDATE")
    ended = await done(crew, crew.rep, "importStart", job["id"])
    assert (ended["status"], ended["rows"]["failed"], ended["rows"]["created"]) == ("PARTIAL", 1, 1)
    assert ended["errors"]["nodes"][0]["message"].startswith("is that of 2 records")


async def test_ids_from_elsewhere_bring_the_same_rows_again(crew: Crew) -> None:
    for name in ("Acme", "Acme Ltd"):
        job = await begun(
            crew.rep, f"编号,名称\nK-1,{name}\n", "account", matchBy="externalId", onMatch="UPDATE"
        )
        assert (await done(crew, crew.rep, "importStart", job["id"]))["status"] == "DONE"
    assert await names(crew.rep, "accounts") == ["Acme Ltd"]


async def test_rows_name_accounts_people_and_owners_and_an_unknown_one_is_refused(crew: Crew) -> None:
    acme = await crew.rep.do("accountCreate", {"name": "Acme"})
    for _ in range(2):
        await crew.rep.do("accountCreate", {"name": "Twin"})
    colleague = (await crew.user("colleague")).email
    text = (
        "Name,Company,Owner,Amount,Close date,Contact\n"
        f'A,Acme,{colleague.upper()},"1,200.50",2026/12/1,\n'
        f"B,{acme['id']},,,,\n"
        "C,Nobody,,,,\n"
        "D,Twin,,,,\n"
        "E,,,,,unknown@x.example\n"
        "F,,,12.3.4,1.12.2026,\n"
    )
    await crew.settle()
    job = await begun(crew.rep, text, "opportunity")
    ended = await done(crew, crew.rep, "importStart", job["id"])
    found = await crew.rep.ask(
        "{ opportunities { nodes { name accountId ownerId amount expectedCloseDate stage } } }"
    )
    made: dict[str, Any] = {one.pop("name"): one for one in found["opportunities"]["nodes"]}
    assert made["A"] == {
        "accountId": acme["id"],
        "ownerId": crew.colleague.user_id,
        "amount": "1200.50",
        "expectedCloseDate": "2026-12-01",
        "stage": "qualification",
    }
    assert (made["B"]["accountId"], made["B"]["ownerId"]) == (acme["id"], crew.rep.user_id)
    assert made.keys() == {"A", "B"}
    wrong = [(one["line"], one["field"]) for one in ended["errors"]["nodes"]]
    assert wrong == [
        (4, "accountId"),
        (5, "accountId"),
        (6, "contactId"),
        (7, "amount"),
        (7, "expectedCloseDate"),
    ]


async def test_a_thousand_records_of_others_are_given_to_nobody(crew: Crew) -> None:
    """Neither made nor updated records tell their owners, and an update never moves one."""
    to = (await crew.user("colleague")).email
    text = "Name,Owner\n" + "".join(f"Acme {n},{to}\n" for n in range(30))
    job = await begun(crew.manager, text, "account")
    assert (await done(crew, crew.manager, "importStart", job["id"]))["status"] == "DONE"
    mine = text.replace(to, (await crew.user("rep")).email)
    job = await begun(crew.manager, mine, "account", matchBy="name", onMatch="UPDATE")
    ended = await done(crew, crew.manager, "importStart", job["id"])
    assert (ended["rows"]["updated"], ended["rows"]["warned"]) == (30, 30)
    owners = (await crew.manager.ask("{ accounts(first: 100) { nodes { ownerId } } }"))["accounts"]["nodes"]
    assert {one["ownerId"] for one in owners} == {crew.colleague.user_id}
    for person in (crew.colleague, crew.rep):
        assert await lines(person) == []
    assert await lines(crew.manager) == [("import_finished", "Import finished: people.csv")] * 2


async def test_what_somebody_does_not_see_is_neither_matched_nor_named(crew: Crew) -> None:
    await crew.stranger.do("contactCreate", {"fullName": "秘密", "email": "lin@anhe.example"})
    secret = await crew.stranger.do("accountCreate", {"name": "Hidden Ltd"})
    text = "姓名,邮箱,公司\n林悦,lin@anhe.example,\n韩,h@anhe.example,Hidden Ltd\n"
    job = await begun(crew.rep, text, matchBy="email", onMatch="SKIP")
    ended = await done(crew, crew.rep, "importStart", job["id"])
    assert (ended["rows"]["created"], ended["rows"]["skipped"], ended["rows"]["failed"]) == (1, 0, 1)
    (error,) = ended["errors"]["nodes"]
    assert error["message"].startswith("is the name of no account that you see")
    assert secret["id"] not in str(ended)


async def test_a_kind_that_somebody_may_not_create_is_refused_and_nothing_is_written(crew: Crew) -> None:
    for person in (crew.agent, crew.customer):
        refused = await ask(person, "importCreate", {"name": "a.csv", "kind": "contact", "text": PEOPLE})
        assert refused["__typename"] == "Forbidden"
    assert (await crew.admin.ask("{ importJobs { nodes { id } } }"))["importJobs"]["nodes"] == []
    job = await begun(crew.rep, PEOPLE)
    for person in (crew.colleague, crew.stranger, crew.agent, crew.customer):
        for mutation in ("importStart", "importValidate", "importUndo", "importUpdate"):
            assert (await ask(person, mutation, {"id": job["id"]}))["__typename"] == "NotFound"
        seen = await person.post("query($id: ID!) { importJob(id: $id) { id } }", id=job["id"])
        assert seen["data"]["importJob"] is None
    assert (await ask(crew.rep, "importStart", {"id": new_id()}))["__typename"] == "NotFound"
    assert await names(crew.admin) == []
