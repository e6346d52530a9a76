"""Contacts over GraphQL: the promised interface."""

from backend.core.ids import new_id
from tests.crew import Crew

FIELDS = "id version fullName email phone otherPhones accountId account { id name }"
ONE = "query($id: ID!) { contact(id: $id) { id } }"


async def test_a_contact_is_created_read_updated_listed_and_deleted(crew: Crew) -> None:
    account = await crew.rep.do("accountCreate", {"name": "清源生物"})
    contact_id = new_id()
    made = await crew.rep.do(
        "contactCreate",
        {
            "id": contact_id,
            "givenName": "悦",
            "familyName": "林",
            "email": " Lin.Yue@Qingyuan.example",
            "phone": "138 0013 8000",
            "otherPhones": ["0512-5555 1234"],
            "address": {"country": "CN"},
            "accountId": account["id"],
        },
        FIELDS,
    )
    assert made == {
        "__typename": "Contact",
        "id": contact_id,
        "version": made["version"],
        "fullName": "林悦",
        "email": "lin.yue@qingyuan.example",
        "phone": "+8613800138000",
        "otherPhones": ["+8651255551234"],
        "accountId": account["id"],
        "account": {"id": account["id"], "name": "清源生物"},
    }
    changed = await crew.rep.do("contactUpdate", {"id": contact_id, "givenName": "月"}, FIELDS)
    assert changed == made | {"fullName": "林月", "version": changed["version"]}
    query = "query($filter: ContactFilter) { contacts(filter: $filter) { nodes { id fullName } } }"
    for found, condition in (
        ([{"id": contact_id, "fullName": "林月"}], {"accountId": {"eq": account["id"]}}),
        ([], {"email": {"eq": "nobody@qingyuan.example"}}),
    ):
        assert await crew.rep.ask(query, filter=condition) == {"contacts": {"nodes": found}}
    assert (await crew.rep.do("contactDelete", {"id": contact_id}))["__typename"] == "Deleted"
    answer = await crew.rep.post(ONE, id=contact_id)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


async def test_a_number_without_country_belongs_to_the_workspace_or_is_refused(crew: Crew) -> None:
    made = await crew.rep.do("contactCreate", {"fullName": "高志远", "phone": "13800138000"}, "id phone")
    assert made["phone"] == "+8613800138000"  # the crew's workspace speaks Chinese
    refused = await crew.rep.do("contactUpdate", {"id": made["id"], "phone": "not known"})
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert refused["message"].startswith("phone is not a phone number; write it with its country code")
    kept = await crew.rep.ask("query($id: ID!) { contact(id: $id) { phone } }", id=made["id"])
    assert kept == {"contact": {"phone": "+8613800138000"}}


async def test_bad_input_names_the_field_and_creates_nothing(crew: Crew) -> None:
    for data, message in (
        ({"email": "x@y.example"}, "full_name is missing; give it, or a given or family name"),
        (
            {"fullName": "A", "email": "nowhere"},
            "email is not an e-mail address; write it as name@company.example",
        ),
        ({"fullName": "A", "accountId": "acme"}, "account_id is not right: it must be the id of a record"),
    ):
        refused = await crew.rep.do("contactCreate", data)
        assert refused["__typename"] == "InvalidInput"
        assert refused["message"].startswith(message)
    assert await crew.rep.ask("{ contacts { nodes { id } } }") == {"contacts": {"nodes": []}}


async def test_a_stranger_neither_sees_nor_changes_and_an_agent_only_reads(crew: Crew) -> None:
    made = await crew.rep.do("contactCreate", {"fullName": "Beth", "teamIds": [crew.teams["east"]]})
    for mutation, data in (("contactUpdate", {"fullName": "Eve"}), ("contactDelete", {})):
        refused = await crew.stranger.do(mutation, {"id": made["id"], **data})
        assert refused["__typename"] == "NotFound"
        refused = await crew.agent.do(mutation, {"id": made["id"], **data})
        assert refused["__typename"] == "Forbidden"
    assert (await crew.stranger.post(ONE, id=made["id"]))["data"] == {"contact": None}
    kept = await crew.colleague.ask(
        "query($id: ID!) { contact(id: $id) { fullName version } }", id=made["id"]
    )
    assert kept == {"contact": {"fullName": "Beth", "version": made["version"]}}
    assert await crew.agent.ask(ONE, id=made["id"]) == {"contact": {"id": made["id"]}}


async def test_an_account_that_is_not_visible_is_not_shown_through_its_contact(crew: Crew) -> None:
    account = await crew.stranger.do("accountCreate", {"name": "Theirs"})
    made = await crew.rep.do("contactCreate", {"fullName": "Guess", "accountId": account["id"]}, FIELDS)
    assert (made["accountId"], made["account"]) == (account["id"], None)
