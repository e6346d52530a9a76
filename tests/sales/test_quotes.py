"""Quotes over GraphQL: the promised interface, what the server computes, and the way to an end."""

from typing import Any

from tests.crew import Crew, Person

FIELDS = """id version number revision status name currency opportunityId accountId contactId
    netTotal taxTotal grossTotal validUntil expiresAt terms sentAt closedAt declineReason
    lines { name description quantity unitPrice discountPercent taxPercent net }"""
ONE = f"query($id: ID!) {{ quote(id: $id) {{ {FIELDS} }} }}"
LINE = {"name": "HL-30", "quantity": "3", "unitPrice": "19.99", "taxPercent": "13"}


async def draft(crew: Crew, **fields: Any) -> dict[str, Any]:
    """Return a new quote of the rep's that could be sent."""
    await crew.settle()
    data = {"name": "冷库监测", "lines": [LINE], "validUntil": "2999-01-31", "accountId": crew.contact_id}
    made = await crew.rep.do("quoteCreate", data | fields, FIELDS)
    assert made.pop("__typename") == "Quote", made
    return made


async def move(person: Person, mutation: str, id: str, **more: Any) -> dict[str, Any]:
    """Run ``quoteSend`` and its like."""
    inputs = {"quoteSubmit": "QuoteSubmitInput", "quoteDecline": "QuoteDeclineInput"}
    query = f"""mutation($input: {inputs.get(mutation, "QuoteMoveInput")}!) {{ {mutation}(input: $input) {{
        __typename ... on Quote {{ {FIELDS} }} ... on Error {{ code message }}
        ... on InvalidInput {{ fields {{ field message }} }} ... on Conflict {{ currentVersion }} }} }}"""
    found: dict[str, Any] = (await person.ask(query, input={"id": id, **more}))[mutation]
    return found


async def test_a_quote_is_drafted_with_a_number_and_the_servers_amounts(crew: Crew) -> None:
    made = await draft(crew)
    assert made == {
        "id": made["id"],
        "version": made["version"],
        "number": "Q-000001",
        "revision": 1,
        "status": "DRAFT",
        "name": "冷库监测",
        "currency": "CNY",
        "opportunityId": None,
        "accountId": crew.contact_id,
        "contactId": None,
        "netTotal": "59.97",
        "taxTotal": "7.80",
        "grossTotal": "67.77",
        "validUntil": "2999-01-31",
        "expiresAt": "2999-01-31T16:00:00+00:00",  # midnight in Shanghai
        "terms": "",
        "sentAt": None,
        "closedAt": None,
        "declineReason": "",
        "lines": [
            {
                "name": "HL-30",
                "description": "",
                "quantity": "3",
                "unitPrice": "19.99",
                "discountPercent": "0",
                "taxPercent": "13",
                "net": "59.97",
            }
        ],
    }
    assert await crew.rep.ask(ONE, id=made["id"]) == {"quote": made}
    assert (await draft(crew))["number"] == "Q-000002"
