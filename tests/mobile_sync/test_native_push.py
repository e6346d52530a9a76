"""The native push: a verdict for each edit, once each, and none blocks another."""

import asyncio
import json
from typing import Any

import pytest

from backend.core.ids import new_id
from backend.crm.documents import Account
from tests.crew import Crew
from tests.mobile_sync.native_wire import PUSH, NativePhone, create, delete, patched
from tests.mobile_sync.test_pull import make_account


async def stored(crew: Crew, id: str) -> Account | None:
    return await crew.house.store.reader.get(Account, id)


async def rejections(crew: Crew, name: str) -> list[dict[str, Any]]:
    changes = await NativePhone(crew.people[name]).pull(collections=["syncRejection"])
    return [line["d"] for line in changes]


async def test_a_phone_creates_changes_and_deletes(crew: Crew) -> None:
    phone = NativePhone(crew.rep)
    made = create("account", name="苏州江南鲜达", annualRevenue="99.5", employees=12)
    (verdict,) = await phone.push(made)
    account = await stored(crew, made["docId"])
    assert account is not None
    assert (verdict["status"], verdict["version"], verdict["error"]) == ("APPLIED", account.version, None)
    # What the house adds comes with the verdict.
    assert (verdict["doc"]["type"], verdict["doc"]["ownerId"]) == ("prospect", crew.rep.user_id)
    await phone.pull()
    held = phone.rows["account", made["docId"]]
    assert (held["d"], held["v"]) == (verdict["doc"], verdict["version"])

    (verdict,) = await phone.push(patched(held, tier="A", employees=None))
    assert (verdict["status"], verdict["doc"]["tier"], verdict["doc"]["employees"]) == ("APPLIED", "A", None)
    (verdict,) = await phone.push(delete("account", made["docId"]))
    assert (verdict["status"], verdict["doc"]) == ("APPLIED", None)
    account = await stored(crew, made["docId"])
    assert account is not None
    assert account.deleted_at is not None
    # What is gone may be deleted again, and not be changed.
    again, edit = await phone.push(delete("account", made["docId"]), patched(held, tier="B"))
    assert (again["status"], again["version"]) == ("APPLIED", None)
    assert (edit["status"], edit["error"]["code"]) == ("REJECTED", "NOT_FOUND")
    await phone.pull()
    assert phone.ids("account") == set()


async def test_edits_are_merged_column_by_column(crew: Crew) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    phone = NativePhone(crew.rep)
    await phone.pull()
    held = phone.rows["account", id]
    await crew.colleague.do("accountUpdate", {"id": id, "name": "Beta"})

    (verdict,) = await phone.push(patched(held, industry="food"))
    assert (verdict["status"], verdict["error"]) == ("MERGED", None)
    assert (verdict["doc"]["name"], verdict["doc"]["industry"]) == ("Beta", "food")
    assert await rejections(crew, "rep") == []

    await crew.colleague.do("accountUpdate", {"id": id, "name": "Gamma"})
    (verdict,) = await phone.push(patched(held, name="Delta", tier="A"))
    account = await stored(crew, id)
    assert account is not None
    assert (account.name, account.tier) == ("Gamma", "A")
    assert (verdict["status"], verdict["version"]) == ("CONFLICT", account.version)
    assert (verdict["error"]["code"], verdict["error"]["field"]) == ("CONFLICT", "name")
    assert verdict["error"]["message"].startswith("Somebody else changed name before your edit arrived")
    (kept,) = await rejections(crew, "rep")
    assert (kept["recordId"], kept["reason"], json.loads(kept["lost"])) == (id, "conflict", {"name": "Delta"})
    assert await rejections(crew, "colleague") == []


@pytest.mark.parametrize("knows", ["version", "base", "nothing"])
async def test_an_edit_counts_as_far_as_it_says_what_the_phone_had(crew: Crew, knows: str) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    phone = NativePhone(crew.rep)
    await phone.pull()
    await crew.colleague.do("accountUpdate", {"id": id, "name": "Beta"})
    edit = patched(phone.rows["account", id], name="Gamma", website="https://gamma.example")
    for name in {"version": ["base"], "base": ["baseVersion"], "nothing": ["base", "baseVersion"]}[knows]:
        del edit[name]
    (verdict,) = await phone.push(edit)
    account = await stored(crew, id)
    assert account is not None
    assert account.website == "https://gamma.example"
    if knows == "nothing":
        assert (verdict["status"], account.name) == ("APPLIED", "Gamma")
    else:
        assert (verdict["status"], account.name) == ("CONFLICT", "Beta")


async def test_one_poison_row_in_fifty_does_not_stop_the_others(crew: Crew) -> None:
    phone = NativePhone(crew.rep)
    rows = [create("account", name=f"Account {number}") for number in range(50)]
    rows[17]["patch"] = {"name": "", "employees": "a dozen"}
    verdicts = await phone.push(*rows)
    assert [verdict["id"] for verdict in verdicts] == [row["id"] for row in rows]
    assert {verdict["status"] for verdict in verdicts} == {"APPLIED", "REJECTED"}
    poison = verdicts.pop(17)
    assert {verdict["status"] for verdict in verdicts} == {"APPLIED"}
    assert poison["error"] == {
        "code": "INVALID_INPUT",
        "message": "employees must be a whole number",
        "field": "employees",
    }
    await phone.pull()
    assert phone.ids("account") == {row["docId"] for row in rows} - {rows[17]["docId"]}
    assert [(one["recordId"], one["reason"]) for one in await rejections(crew, "rep")] == [
        (rows[17]["docId"], "invalid_input")
    ]


async def test_what_refers_to_each_other_may_come_in_any_order(crew: Crew) -> None:
    phone = NativePhone(crew.rep)
    account = create("account", name="Typed on the train")
    contact = create("contact", fullName="王芳", accountId=account["docId"])
    task = create("task", title="Call", contactId=contact["docId"])
    verdicts = await phone.push(task, contact, account)
    assert [verdict["status"] for verdict in verdicts] == ["APPLIED"] * 3


async def test_five_repeats_at_once_are_one_effect_and_five_equal_verdicts(crew: Crew) -> None:
    shared = await make_account(crew.colleague, "Team's", teamIds=[crew.teams["east"]])
    phone = NativePhone(crew.rep)
    await phone.pull()
    held = phone.rows["account", shared]
    await crew.colleague.do("accountUpdate", {"id": shared, "name": "Renamed"})
    edits = [
        create("account", name="Once"),
        create("account", name="Wrong", employees=-3),
        patched(held, name="Lost", tier="A"),
        delete("account", shared) | {"docId": shared},
    ]
    for edit in edits:
        answers = await asyncio.gather(*(phone.push(edit) for _ in range(5)))
        assert all(answer == answers[0] for answer in answers)
        # Later, too, whatever became of the record meanwhile.
        (late,) = await phone.push(edit)
        assert late == answers[0][0]
    statuses = [(await phone.push(edit))[0]["status"] for edit in edits]
    assert statuses == ["APPLIED", "REJECTED", "CONFLICT", "FORBIDDEN"]
    assert len(await rejections(crew, "rep")) == 3
    account = await stored(crew, edits[0]["docId"])
    assert account is not None
    assert account.field_versions == {}  # made once, never changed
    # Another phone's mutation of the same id is another mutation.
    (verdict,) = await NativePhone(crew.rep, "other").push(
        edits[0] | {"docId": new_id(), "patch": {"name": "Theirs"}}
    )
    assert verdict["status"] == "APPLIED"


async def test_a_mutation_id_used_for_another_edit_is_refused(crew: Crew) -> None:
    phone = NativePhone(crew.rep)
    first = create("account", name="First")
    await phone.push(first)
    other = create("account", name="Second") | {"id": first["id"]}
    (verdict,) = await phone.push(other)
    assert (verdict["status"], verdict["error"]["code"]) == ("REJECTED", "INVALID_INPUT")
    assert "was used for another change" in verdict["error"]["message"]
    assert await stored(crew, other["docId"]) is None


async def test_every_bad_row_gets_its_verdict_and_the_rest_lands(crew: Crew) -> None:
    hidden = await make_account(crew.stranger, "West's", teamIds=[crew.teams["west"]])
    shared = await make_account(crew.colleague, "Team's", teamIds=[crew.teams["east"]])
    phone = NativePhone(crew.rep)
    await phone.pull()
    good = create("account", name="Good")
    wrong: list[tuple[dict[str, Any], str, str, str | None]] = [
        (create("spaceship", name="x"), "REJECTED", "INVALID_INPUT", "c"),
        (create("account", name="x", colour="red"), "REJECTED", "INVALID_INPUT", "colour"),
        (create("account", name=["x"]), "REJECTED", "INVALID_INPUT", "name"),
        (
            create("account", name="x", description="1" * 5_000_000),
            "REJECTED",
            "INVALID_INPUT",
            "description",
        ),
        (create("account") | {"patch": "name"}, "REJECTED", "INVALID_INPUT", "patch"),
        (create("account", name="x") | {"docId": "not-a-uuid"}, "REJECTED", "INVALID_INPUT", "id"),
        (create("account", name="x") | {"docId": hidden}, "CONFLICT", "CONFLICT", None),
        (delete("account", shared), "FORBIDDEN", "FORBIDDEN", None),
        (
            {"id": new_id(), "c": "account", "docId": hidden, "op": "PATCH", "patch": {"name": "Taken"}},
            "REJECTED",
            "NOT_FOUND",
            None,
        ),
        (create("syncRejection", reason="x"), "FORBIDDEN", "FORBIDDEN", None),
        (
            create("account", name="x", description="y") | {"at": "1999-01-01T00:00:00Z", "docId": shared},
            "CONFLICT",
            "CONFLICT",
            "name",
        ),
    ]
    verdicts = await phone.push(*(row for row, *_ in wrong), good)
    found = [(v["status"], v["error"]["code"], v["error"]["field"]) for v in verdicts[:-1]]
    assert found == [(status, code, field) for _, status, code, field in wrong]
    assert verdicts[-1]["status"] == "APPLIED"
    assert all(len(verdict["error"]["message"]) < 300 for verdict in verdicts[:-1])
    assert "West's" not in json.dumps(verdicts)
    for id, name in ((hidden, "West's"), (shared, "Team's")):
        account = await stored(crew, id)
        assert account is not None
        assert (account.name, account.deleted_at) == (name, None)


async def test_a_phone_from_the_future_and_too_many_rows_are_refused_whole(crew: Crew) -> None:
    rows = [create("account", name="x")]

    async def refusal(**data: Any) -> dict[str, Any]:
        whole = {"clientId": "phone", "schemaVersion": 1, "mutations": rows} | data
        answer = await crew.rep.post(PUSH, input=whole)
        assert answer["data"] is None
        (error,) = answer["errors"]
        return {"message": error["message"], **error["extensions"]}

    future = await refusal(schemaVersion=99)
    assert future["code"] == "INVALID_INPUT"
    assert "schemaVersion 99 is later than this server's 1" in future["message"]
    many = await refusal(mutations=[create("account", name="x") for _ in range(501)])
    assert "mutations are more than 500" in many["message"]
    assert (await refusal(mutations=rows * 10_000))["code"] == "COST_LIMIT"
    assert "have an id twice" in (await refusal(mutations=rows * 2))["message"]
    assert await stored(crew, rows[0]["docId"]) is None


async def test_a_large_push_costs_as_many_writes_as_it_has_rows(crew: Crew) -> None:
    phone = NativePhone(crew.rep)
    rows = [create("account", name=f"Account {number}") for number in range(30)]
    answer = await crew.rep.post(PUSH, input={"clientId": "phone", "schemaVersion": 1, "mutations": rows})
    assert answer["extensions"]["cost"]["requested"] == 300
    await phone.pull()
    assert len(phone.ids("account")) == 30
    # Written out in the query, or as a variable in an object that is: the same.
    row = f'{{id: "1", c: "account", docId: "{rows[0]["docId"]}", op: DELETE}}'
    push = "syncPush(input: {clientId: 1, schemaVersion: 1, mutations: %s}) { __typename }"
    answer = await crew.rep.post(f"mutation {{ {push % f'[{row}]'} }}")
    assert answer["extensions"]["cost"]["requested"] == 10
    query = f"mutation($m: [SyncMutationInput!]!) {{ {push % '$m'} }}"
    answer = await crew.rep.post(query, m=rows[:4])
    assert answer["extensions"]["cost"]["requested"] == 40
