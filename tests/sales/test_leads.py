"""Leads over GraphQL, and how one becomes a customer."""

from typing import Any

from tests.crew import Crew

FIELDS = "id version fullName company email phone status convertedAt accountId contactId opportunityId"
ONE = f"query($id: ID!) {{ lead(id: $id) {{ {FIELDS} }} }}"
CONVERT = """mutation($input: LeadConvertInput!) { leadConvert(input: $input) { __typename
    ... on Lead { id version status convertedAt ownerId
        account { id name ownerId billingAddress { country } }
        contact { id fullName email phone accountId }
        opportunity { id name amount stage leadId accountId contactId } }
    ... on Error { code message } } }"""
EMPTY = "{ accounts { nodes { id } } contacts { nodes { id } } opportunities { nodes { id } } }"
LEAD = {
    "givenName": "国栋",
    "familyName": "韩",
    "company": "南京安禾诊所",
    "email": "Han@Anhe.example",
    "phone": "13800138000",
    "country": "CN",
}


async def made(crew: Crew, **fields: Any) -> dict[str, Any]:
    lead = await crew.rep.do("leadCreate", LEAD | {"teamIds": [crew.teams["east"]]} | fields, FIELDS)
    assert lead.pop("__typename") == "Lead", lead
    return lead


async def converted(crew: Crew, person: str, **data: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await crew.people[person].ask(CONVERT, input=data))["leadConvert"]
    return found


async def test_a_lead_is_created_read_updated_listed_and_deleted(crew: Crew) -> None:
    lead = await made(crew)
    assert lead == {
        "id": lead["id"],
        "version": lead["version"],
        "fullName": "韩国栋",
        "company": "南京安禾诊所",
        "email": "han@anhe.example",
        "phone": "+8613800138000",
        "status": "OPEN",
        "convertedAt": None,
        "accountId": None,
        "contactId": None,
        "opportunityId": None,
    }
    changed = await crew.rep.do("leadUpdate", {"id": lead["id"], "status": "WORKING"}, FIELDS)
    assert changed["status"] == "WORKING"
    listed = await crew.colleague.ask("{ leads(filter: {status: {in: [WORKING]}}) { nodes { id } } }")
    assert listed == {"leads": {"nodes": [{"id": lead["id"]}]}}
    assert (await crew.rep.do("leadDelete", {"id": lead["id"]}))["__typename"] == "Deleted"
    assert (await crew.rep.post(ONE, id=lead["id"]))["data"] == {"lead": None}


async def test_conversion_makes_account_contact_and_deal_at_once_and_once(crew: Crew) -> None:
    lead = await made(crew)
    data = {"id": lead["id"], "amount": "5000", "mutationId": "convert-1"}
    done = await converted(crew, "colleague", **data)
    account, contact, deal = done["account"], done["contact"], done["opportunity"]
    assert done["status"] == "CONVERTED"
    assert account == {
        "id": account["id"],
        "name": "南京安禾诊所",
        "ownerId": crew.rep.user_id,
        "billingAddress": {"country": "CN"},
    }
    assert contact == {
        "id": contact["id"],
        "fullName": "韩国栋",
        "email": "han@anhe.example",
        "phone": "+8613800138000",
        "accountId": account["id"],
    }
    assert deal == {
        "id": deal["id"],
        "name": "南京安禾诊所",
        "amount": "5000",
        "stage": "qualification",
        "leadId": lead["id"],
        "accountId": account["id"],
        "contactId": contact["id"],
    }
    assert await converted(crew, "colleague", **data) == done  # the same mutation again changes nothing
    everything = await crew.rep.ask(EMPTY)
    assert {kind: len(found["nodes"]) for kind, found in everything.items()} == {
        "accounts": 1,
        "contacts": 1,
        "opportunities": 1,
    }


async def test_a_converted_lead_stays_as_it_is(crew: Crew) -> None:
    lead = await made(crew)
    done = await converted(crew, "rep", id=lead["id"], withOpportunity=False)
    assert (done["status"], done["opportunity"]) == ("CONVERTED", None)
    before = await crew.rep.ask(ONE, id=lead["id"])
    for refused in (
        await crew.rep.do("leadUpdate", {"id": lead["id"], "company": "Other"}),
        await crew.rep.do("leadDelete", {"id": lead["id"]}),
        await converted(crew, "rep", id=lead["id"]),
    ):
        assert refused["__typename"] == "InvalidInput"
        assert refused["message"].startswith("status is converted, so this lead stays as it is")
    by_hand = await crew.rep.do("leadUpdate", {"id": (await made(crew))["id"], "status": "CONVERTED"})
    assert by_hand["message"] == (
        "status becomes converted by `leadConvert` alone; use that, or another status"
    )
    assert await crew.rep.ask(ONE, id=lead["id"]) == before


async def test_conversion_joins_existing_records_and_fills_only_what_is_empty(crew: Crew) -> None:
    account = await crew.rep.do("accountCreate", {"name": "安禾"})
    contact = await crew.rep.do("contactCreate", {"fullName": "韩先生", "phone": "+862155551234"})
    lead = await made(crew)
    done = await converted(crew, "rep", id=lead["id"], accountId=account["id"], contactId=contact["id"])
    assert (done["account"]["id"], done["account"]["name"]) == (account["id"], "安禾")
    assert done["contact"] == {
        "id": contact["id"],
        "fullName": "韩先生",
        "email": "han@anhe.example",
        "phone": "+862155551234",
        "accountId": account["id"],
    }


async def test_conversion_into_what_one_may_not_see_or_by_who_may_not_leaves_nothing(crew: Crew) -> None:
    lead = await made(crew)
    theirs = await crew.stranger.do("accountCreate", {"name": "Theirs"})
    refused = await converted(crew, "rep", id=lead["id"], accountId=theirs["id"])
    assert refused["__typename"] == "NotFound"
    assert (await converted(crew, "stranger", id=lead["id"]))["__typename"] == "NotFound"
    assert (await converted(crew, "agent", id=lead["id"]))["__typename"] == "NotFound"
    assert await crew.rep.ask(EMPTY) == {
        kind: {"nodes": []} for kind in ("accounts", "contacts", "opportunities")
    }
    assert await crew.rep.ask(ONE, id=lead["id"]) == {"lead": lead}
