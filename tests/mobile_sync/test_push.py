"""Push over GraphQL: the same rules as every mutation, merged by column, once each, none blocks another."""

import asyncio
import json
from typing import Any

import bson

from backend.core.audit import AUDIT
from backend.core.ids import new_id
from backend.crm.documents import Account
from backend.crm.synced import ACCOUNTS
from mobile_sync.rejections import REJECTIONS
from tests.crew import Crew
from tests.mobile_sync.test_pull import make_account
from tests.mobile_sync.wire import WirePhone


async def stored(crew: Crew, id: str) -> Account | None:
    return await crew.house.store.reader.get(Account, id)


async def rejections(crew: Crew, name: str) -> list[dict[str, Any]]:
    return await WirePhone(crew.people[name], REJECTIONS).pull()


async def test_a_phone_creates_changes_and_deletes(crew: Crew) -> None:
    phone, id = WirePhone(crew.rep, ACCOUNTS), new_id()
    # What the house adds to a new record (defaults, the owner) is told at once.
    (row,) = await phone.push(phone.insert(id, name="苏州江南鲜达", annualRevenue="99.5", employees=12))
    await phone.pull()
    assert phone.rows[id] == row
    assert (row["name"], row["annualRevenue"], row["employees"]) == ("苏州江南鲜达", "99.5", 12)
    assert (row["type"], row["ownerId"]) == ("prospect", crew.rep.user_id)

    assert await phone.push(phone.edit(id, type="customer", employees=None)) == []
    await phone.pull()
    assert (phone.rows[id]["type"], phone.rows[id]["employees"]) == ("customer", None)

    assert await phone.push(phone.edit(id, _deleted=True)) == []
    await phone.pull()
    assert phone.rows == {}
    assert await rejections(crew, "rep") == []


async def test_edits_of_different_fields_both_survive(crew: Crew) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    await crew.colleague.do("accountUpdate", {"id": id, "type": "CUSTOMER"})
    (told,) = await phone.push(phone.edit(id, annualRevenue="250"))
    # The phone is told at once what it did not know; nothing is lost, so nobody is bothered.
    assert (told["type"], told["annualRevenue"]) == ("customer", "250")
    assert await rejections(crew, "rep") == []


async def test_the_loser_of_a_field_is_kept_for_its_author(crew: Crew) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    await crew.colleague.do("accountUpdate", {"id": id, "name": "Beta"})
    edit = phone.edit(id, name="Gamma", industry="food", updatedAt="2020-01-01T00:00:00.000Z", version=1)
    (told,) = await phone.push(edit)
    assert (told["name"], told["industry"]) == ("Beta", "food")
    assert told["updatedAt"] > "2020-01-01T00:00:00.000Z"
    (kept,) = await rejections(crew, "rep")
    assert (kept["collectionName"], kept["recordId"], kept["reason"]) == ("account", id, "conflict")
    assert json.loads(kept["lost"]) == {"name": "Gamma"}
    assert kept["message"].startswith("Somebody else changed name before your edit arrived")
    # Nobody else sees it, whatever their role; pushing the same again tells the same and adds nothing.
    assert await rejections(crew, "admin") == await rejections(crew, "colleague") == []
    (again,) = await phone.push(edit)
    assert again == told
    assert len(await rejections(crew, "rep")) == 1
    # Its author dismisses it.
    box = WirePhone(crew.rep, REJECTIONS)
    await box.pull()
    assert await box.push(box.edit(kept["id"], _deleted=True)) == []
    assert await rejections(crew, "rep") == []


async def test_conflicts_and_refusals_are_audited_without_their_values(crew: Crew) -> None:
    id = await make_account(crew.rep, "Alpha", teamIds=[crew.teams["east"]])
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    await crew.colleague.do("accountUpdate", {"id": id, "name": "Beta"})
    await phone.push(phone.edit(id, name="Gamma"))
    poison = new_id()
    await phone.push(phone.insert(poison, name="Delta", employees="a dozen"))
    trail = await crew.house.store.database[AUDIT].find({"workspace_id": crew.workspace_id}).to_list()
    noted = [a for row in trail for e in row["entries"] for a in e["actions"] if "sync." in a["action"]]
    assert noted == [
        {
            "action": "sync.conflict",
            "kind": "account",
            "id": id,
            "details": {"reason": "conflict", "fields": ["name"]},
        },
        {
            "action": "sync.refused",
            "kind": "account",
            "id": poison,
            "details": {"reason": "invalid_input", "fields": ["employees", "name"]},
        },
    ]
    assert b"Gamma" not in bson.encode({"trail": trail})


async def test_one_poison_row_in_fifty_does_not_stop_the_others(crew: Crew) -> None:
    phone = WirePhone(crew.rep, ACCOUNTS)
    rows = [phone.insert(new_id(), name=f"Account {number}") for number in range(50)]
    rows[17]["newDocumentState"] |= {"name": "", "employees": "a dozen"}
    poison = rows[17]["newDocumentState"]["id"]
    told = await phone.push(*rows)
    assert [row["id"] for row in told if row["_deleted"]] == [poison]
    await phone.pull()
    assert len(phone.rows) == 49
    assert await stored(crew, poison) is None
    (rejection,) = await rejections(crew, "rep")
    assert (rejection["recordId"], rejection["reason"]) == (poison, "invalid_input")
    assert rejection["message"] == "employees must be a whole number"
    assert json.loads(rejection["lost"]) == {"employees": "a dozen", "name": ""}


async def test_the_same_push_five_times_at_once_is_one_effect(crew: Crew) -> None:
    phone, id = WirePhone(crew.rep, ACCOUNTS), new_id()
    insert = phone.insert(id, name="Once", description="typed on the train")
    inserted = await asyncio.gather(*(phone.push(insert) for _ in range(5)))
    await phone.pull()
    assert inserted == [[phone.rows[id]]] * 5
    version = phone.rows[id]["version"]
    edit = phone.edit(id, name="Twice")
    edited = await asyncio.gather(*(phone.push(edit) for _ in range(5)))
    # One was the first. To the others the record is shown as it is: their phone may have pulled past it.
    assert [row["name"] for told in edited for row in told] == ["Twice"] * 4
    account = await stored(crew, id)
    assert account is not None
    assert account.name == "Twice"
    # One commit each: the creation, then the change.
    assert account.field_versions == {"name": account.version}
    assert account.version > version
    assert await rejections(crew, "rep") == []
    # The answer was lost, others went on, and the phone sends it again: they are not undone.
    await crew.manager.do("accountUpdate", {"id": id, "name": "Thrice"})
    (told,) = await phone.push(edit)
    assert told["name"] == "Thrice"
    account = await stored(crew, id)
    assert account is not None
    assert account.name == "Thrice"


async def test_an_edit_made_again_before_the_first_was_heard_of_counts(crew: Crew) -> None:
    id = await make_account(crew.rep, "Toggled", tier="A")
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    there = phone.edit(id, tier="B")
    back = {"newDocumentState": there["assumedMasterState"], "assumedMasterState": there["newDocumentState"]}
    for edit, tier in ((there, "B"), (back, "A"), (there, "B"), (back, "A")):
        assert await phone.push(edit) == []
        account = await stored(crew, id)
        assert account is not None
        assert account.tier == tier


async def test_a_repeat_does_not_undo_what_another_phone_of_the_same_person_did_since(crew: Crew) -> None:
    id = await make_account(crew.rep, "Two phones", tier="A")
    phone, other = WirePhone(crew.rep, ACCOUNTS), WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    edit = phone.edit(id, tier="B")
    await phone.push(edit)  # and the answer is lost
    await other.pull()
    assert await other.push(other.edit(id, tier="C")) == []
    (told,) = await phone.push(edit)
    assert told["tier"] == "C"
    account = await stored(crew, id)
    assert account is not None
    assert account.tier == "C"


async def test_typing_on_before_the_answer_is_no_conflict(crew: Crew) -> None:
    phone, id = WirePhone(crew.rep, ACCOUNTS), new_id()
    await phone.push(phone.insert(id, name="Al"))
    # The phone has not seen the answer: to it the record is still new.
    (told,) = await phone.push(phone.insert(id, name="Alpha", tier="A"))
    assert (told["name"], told["tier"], told["ownerId"]) == ("Alpha", "A", crew.rep.user_id)
    assert await rejections(crew, "rep") == []


async def test_what_may_not_be_done_is_refused_row_by_row(crew: Crew) -> None:
    hidden = await make_account(crew.stranger, "West's", teamIds=[crew.teams["west"]])
    shared = await make_account(crew.colleague, "Team's", teamIds=[crew.teams["east"]])
    phone, boss = WirePhone(crew.rep, ACCOUNTS), WirePhone(crew.manager, ACCOUNTS)
    await phone.pull()
    await boss.pull()
    told = await phone.push(
        boss.edit(hidden, name="Taken"),
        phone.edit(shared, _deleted=True),  # a rep deletes its own alone
        phone.insert(hidden, name="Same id"),
        phone.insert("not-a-uuid", name="Odd"),
    )
    assert [(row["id"], row["_deleted"], row["name"]) for row in told] == [
        (hidden, True, ""),
        (shared, False, "Team's"),
        (hidden, True, ""),
        ("not-a-uuid", True, ""),
    ]
    for id, name in ((hidden, "West's"), (shared, "Team's")):
        account = await stored(crew, id)
        assert account is not None
        assert (account.name, account.deleted_at) == (name, None)
    found = await rejections(crew, "rep")
    assert sorted((row["recordId"], row["reason"]) for row in found) == sorted(
        [(hidden, "not_found"), (shared, "forbidden"), (hidden, "conflict"), ("not-a-uuid", "invalid_input")]
    )
    # Nothing in a refusal tells what is hidden.
    assert "West's" not in json.dumps(found)


async def test_an_old_token_refuses_the_whole_batch_and_changes_nothing(crew: Crew) -> None:
    id = new_id()
    answer = await crew.rep.http.post(
        "/graphql",
        json={
            "query": "mutation($r: [AccountInputPushRow!]) { pushAccount(accountPushRow: $r) { id } }",
            "variables": {"r": [{"newDocumentState": {"id": id, "name": "Nobody's"}}]},
        },
    )
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert await stored(crew, id) is None
