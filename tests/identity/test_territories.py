"""Territories: a tree of markets; who works in one reaches what lies in it and below."""

from typing import Any

from backend.core.ids import new_id
from backend.crm.documents import Account
from tests.crew import Crew
from tests.identity.seeing import accounts_of, is_hidden, make_account, mutate, phone_of

SHOWN = "... on Territory { id version revision parentId memberIds }"
TREE = "{ territories { nodes { name parentId memberIds access rules { objectKind condition { field } } } } }"


def city(name: str) -> list[dict[str, Any]]:
    return [
        {"objectKind": "account", "condition": {"field": "billingAddress.city", "values": [name]}},
    ]


async def make(crew: Crew, name: str, **fields: Any) -> str:
    made = await mutate(crew.admin, "territoryCreate", {"name": name, **fields}, SHOWN)
    assert made["__typename"] == "Territory", made
    await crew.house.relay.settle()
    return str(made["id"])


async def change(crew: Crew, id: str, *, settle: bool = True, **fields: Any) -> dict[str, Any]:
    changed = await mutate(crew.admin, "territoryUpdate", {"id": id, **fields}, SHOWN)
    if settle:
        await crew.house.relay.settle()
    return changed


async def test_members_reach_what_lies_in_their_territory_and_below(crew: Crew) -> None:
    nanjing = await make_account(crew.rep, "Nanjing", billingAddress={"city": "Nanjing"})
    suzhou = await make_account(crew.rep, "Suzhou", billingAddress={"city": "Suzhou"})
    await make_account(crew.rep, "Beijing", billingAddress={"city": "Beijing"})
    phone = phone_of(crew.stranger)
    await phone.pull()
    jiangsu = await make(crew, "Jiangsu", memberIds=[crew.stranger.user_id], rules=city("Nanjing"))
    below = await make(crew, "Suzhou", parentId=jiangsu, memberIds=[crew.colleague.user_id])
    assert await accounts_of(crew.stranger) == {nanjing}
    assert await accounts_of(crew.colleague) == set()
    await change(crew, below, rules=city("Suzhou"))
    assert await accounts_of(crew.stranger) == {nanjing, suzhou}
    assert await accounts_of(crew.colleague) == {suzhou}
    await phone.pull()
    assert set(phone.rows) == {nanjing, suzhou}
    refused = await crew.colleague.do("accountUpdate", {"id": suzhou, "name": "No"})
    assert refused["__typename"] == "Forbidden"
    await change(crew, below, settle=False, access="EDIT")
    changed = await crew.colleague.do("accountUpdate", {"id": suzhou, "name": "Yes"})
    assert changed["__typename"] == "Account"
    # A record that moves to another city moves to another territory.
    await crew.rep.do("accountUpdate", {"id": suzhou, "billingAddress": {"city": "Nanjing"}})
    assert await accounts_of(crew.colleague) == set()
    assert await accounts_of(crew.stranger) == {nanjing, suzhou}


async def test_place_and_members_count_at_once_and_rules_close_at_once(crew: Crew) -> None:
    suzhou = await make_account(crew.rep, "Suzhou", billingAddress={"city": "Suzhou"})
    above = await make(crew, "Jiangsu", memberIds=[crew.stranger.user_id])
    below = await make(crew, "Suzhou", rules=city("Suzhou"), memberIds=[crew.colleague.user_id])
    assert await is_hidden(crew.stranger, suzhou)
    moved = await change(crew, below, settle=False, parentId=above)
    assert moved["revision"] == 1
    assert await accounts_of(crew.stranger) == {suzhou}
    await change(crew, above, settle=False, memberIds=[])
    assert await is_hidden(crew.stranger, suzhou)
    assert await accounts_of(crew.colleague) == {suzhou}
    changed = await change(crew, below, settle=False, rules=city("Wuxi"))
    assert changed["revision"] == 2
    assert await is_hidden(crew.colleague, suzhou)
    await crew.house.relay.settle()
    found = await crew.house.store.reader.get(Account, suzhou)
    assert found is not None
    assert found.acl == ["w", f"u:{crew.rep.user_id}"]


async def test_a_deleted_territory_closes_at_once(crew: Crew) -> None:
    suzhou = await make_account(crew.rep, "Suzhou", billingAddress={"city": "Suzhou"})
    above = await make(crew, "Jiangsu")
    below = await make(
        crew, "Suzhou", parentId=above, rules=city("Suzhou"), memberIds=[crew.stranger.user_id]
    )
    refused = await crew.admin.do("territoryDelete", {"id": above})
    assert refused["__typename"] == "InvalidInput"
    assert "Suzhou" in refused["message"]
    assert await accounts_of(crew.stranger) == {suzhou}
    assert (await crew.admin.do("territoryDelete", {"id": below}))["__typename"] == "Deleted"
    assert await is_hidden(crew.stranger, suzhou)
    assert (await crew.admin.do("territoryDelete", {"id": above}))["__typename"] == "Deleted"


async def test_wrong_territories_are_refused_and_nothing_changes(crew: Crew) -> None:
    top = await make(crew, "Top", memberIds=[crew.rep.user_id])
    below = await make(crew, "Below", parentId=top, rules=city("Suzhou"))
    before = await crew.admin.ask(TREE)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"parentId": below}, "parentId"),
        ({"parentId": top}, "parentId"),
        ({"parentId": new_id()}, "parentId"),
        ({"memberIds": [crew.customer.user_id]}, "memberIds"),
        ({"memberIds": [new_id()]}, "memberIds"),
        ({"rules": [{"objectKind": "message"}]}, "rules.0.objectKind"),
        (
            {"rules": [{"objectKind": "account", "condition": {"field": "nothing"}}]},
            "rules.0.condition",
        ),
    ]
    for fields, field in wrong:
        refused = await change(crew, top, settle=False, **fields)
        assert refused["__typename"] == "InvalidInput", fields
        assert [one["field"] for one in refused["fields"]] == [field]
    for person in (crew.manager, crew.rep, crew.customer):
        refused = await mutate(person, "territoryCreate", {"name": "Mine"}, "")
        assert refused["__typename"] == "Forbidden"
        assert (await person.ask(TREE)) == {"territories": {"nodes": []}}
    assert await crew.admin.ask(TREE) == before
    assert len(before["territories"]["nodes"]) == 2
