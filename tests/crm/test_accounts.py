"""Accounts over GraphQL: the promised interface."""

from backend.core.ids import new_id
from tests.crew import Crew

FIELDS = "id version name type ownerId annualRevenue billingAddress { city country }"


async def test_an_account_is_created_read_updated_listed_and_deleted(crew: Crew) -> None:
    account_id = new_id()
    made = await crew.rep.do(
        "accountCreate",
        {
            "id": account_id,
            "name": "苏州江南鲜达",
            "annualRevenue": "1250000.50",
            "billingAddress": {"city": "苏州", "country": "CN"},
        },
        FIELDS,
    )
    assert made == {
        "__typename": "Account",
        "id": account_id,
        "version": made["version"],
        "name": "苏州江南鲜达",
        "type": "PROSPECT",
        "ownerId": crew.rep.user_id,
        "annualRevenue": "1250000.50",
        "billingAddress": {"city": "苏州", "country": "CN"},
    }
    changed = await crew.rep.do("accountUpdate", {"id": account_id, "type": "CUSTOMER"}, FIELDS)
    assert changed == made | {"type": "CUSTOMER", "version": changed["version"]}
    assert changed["version"] > made["version"]
    listed = await crew.rep.ask("{ accounts(first: 10) { totalCount nodes { id type } } }")
    assert listed == {"accounts": {"totalCount": 1, "nodes": [{"id": account_id, "type": "CUSTOMER"}]}}
    gone = await crew.rep.do("accountDelete", {"id": account_id})
    assert gone["__typename"] == "Deleted"
    answer = await crew.rep.post("query($id: ID!) { account(id: $id) { id } }", id=account_id)
    assert answer["data"] == {"account": None}
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
    assert (await crew.rep.ask("{ accounts { nodes { id } } }")) == {"accounts": {"nodes": []}}
