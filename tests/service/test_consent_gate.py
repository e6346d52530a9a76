"""What leaves a conversation passes the customer's consent."""

from typing import Any

from tests.crew import Crew, Person

SAID = "query($id: ID!) { conversation(id: $id) { version messages(first: 10) { nodes { body } } } }"


async def withdraw(person: Person, **fields: Any) -> None:
    query = "mutation($input: ConsentWithdrawInput!) { consentWithdraw(input: $input) { __typename } }"
    answer = await person.ask(query, input={"purpose": "SERVICE", **fields})
    assert answer["consentWithdraw"]["__typename"] == "ContactConsents"


async def converse(crew: Crew, channel: str) -> str:
    fields = {"contactId": crew.contact_id, "channel": channel}
    id: str = (await crew.agent.do("conversationCreate", fields))["id"]
    return id


async def reply(crew: Crew, id: str, body: str, **more: Any) -> dict[str, Any]:
    return await crew.agent.do("messageCreate", {"conversationId": id, "body": body, **more})


async def test_a_reply_needs_no_consent_until_the_customer_objects(crew: Crew) -> None:
    await crew.rep.do("contactCreate", {"id": crew.contact_id, "fullName": "Lin Yue"})
    mail, sms = await converse(crew, "EMAIL"), await converse(crew, "SMS")
    assert (await reply(crew, mail, "Shipped today."))["__typename"] == "Message"
    await withdraw(crew.customer, channel="EMAIL")
    before = await crew.agent.ask(SAID, id=mail)
    refused = await reply(crew, mail, "One more thing")
    assert (refused["code"], refused["message"]) == (
        "INVALID_INPUT",
        (
            "contact_id may not be reached for service by email: the person withdrew it; "
            "ask them for consent before you write again"
        ),
    )
    assert await crew.agent.ask(SAID, id=mail) == before
    assert (await reply(crew, sms, "Shipped today."))["__typename"] == "Message"
    assert (await reply(crew, mail, "Do not write to them", direction="INTERNAL"))["__typename"] == "Message"


async def test_who_objects_to_everything_may_still_ask_and_be_answered_by_the_assistant(crew: Crew) -> None:
    await crew.rep.do("contactCreate", {"id": crew.contact_id, "fullName": "Lin Yue"})
    id = (await crew.customer.do("conversationCreate", {}))["id"]
    await withdraw(crew.customer)
    asked = await crew.customer.do("messageCreate", {"conversationId": id, "body": "Still there?"})
    assert asked["__typename"] == "Message"
    assert (await reply(crew, id, "Yes"))["code"] == "INVALID_INPUT"
    give = "mutation($input: ConsentGiveInput!) { consentGive(input: $input) { __typename } }"
    await crew.customer.ask(give, input={"purpose": "SERVICE"})
    assert (await reply(crew, id, "Yes"))["__typename"] == "Message"
