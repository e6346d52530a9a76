"""What was written to one customer is suggested for another without their name, and only where it may fit."""

import pytest

from assistant.advice.readdressing import family_name_zh, readdress
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.contacts import create_contact
from backend.crm.documents import Contact
from backend.crm.privacy.pseudonyms import eraser_for
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind
from backend.service.messages import add_message
from backend.service.rules import TicketStatus
from backend.service.tickets import create_ticket, move_ticket
from tests.assistant.conftest import ASK, START, Desk
from tests.assistant.test_advice import file_ticket
from tests.assistant.test_reply_learning import REPLIES, SIMILAR


@pytest.mark.parametrize(
    ("person", "text", "readdressed"),
    [
        (
            {"full_name": "Bram Visser", "given_name": "Bram", "family_name": "Visser"},
            "Hello Bram, open Users > Bram > Reset. Ask Mr Visser's admin.",
            "Open Users > … > Reset. Ask Mr …'s admin.",
        ),
        ({"full_name": "彭燕"}, "彭工您好，我们给彭工寄了电池，彭燕签收。", "我们给…寄了电池，…签收。"),
        ({"full_name": "欧阳娜", "family_name": "欧阳"}, "尊敬的欧阳女士您好！请欧阳总监确认。", "请…确认。"),
        ({"full_name": "Ida Lo"}, "Dear Ida,\nthe order left today.", "The order left today."),
        ({"full_name": "Ida Lo"}, "Hello!", "Hello!"),
        ({"full_name": "工"}, "工程师会在两天内到场。", "工程师会在两天内到场。"),
        ({"full_name": "Amelia Nguyen"}, "Hi 👋 nothing to mend here.", "Hi 👋 nothing to mend here."),
    ],
)
def test_a_reply_loses_its_greeting_and_whom_it_was_for(
    person: dict[str, str], text: str, readdressed: str
) -> None:
    contact = Contact.model_construct(**person)
    family = family_name_zh(contact.full_name, contact.family_name)
    found = readdress(text, eraser_for("x", [contact]), frozenset({family} - {""}))
    assert found == readdressed


async def test_the_answer_to_one_customer_is_suggested_for_another_without_their_name(desk: Desk) -> None:
    crew, other, old = desk.crew, new_id(), new_id()
    words = "The drum of our dryer squeaks at every turn."
    answer = "Hello Ottokar, please oil the drum bearing; Ottokar Zwirn's colleague has the can."

    async def settle(uow: UnitOfWork) -> None:
        await create_contact(uow, {"full_name": "Ottokar Zwirn", "given_name": "Ottokar"}, id=other)
        talk = await open_conversation(uow, {"contact_id": other, "subject": "Drum squeaks"})
        fields = {"subject": "Drum squeaks", "description": words, "conversation_id": talk.id}
        await create_ticket(uow, fields, id=old)
        await add_message(uow, talk.id, words, author_kind=AuthorKind.CUSTOMER)
        by = crew.agent.user_id
        await add_message(uow, talk.id, answer, author_kind=AuthorKind.AGENT, author_id=by)
        await move_ticket(uow, old, TicketStatus.RESOLVED)

    await crew.house.store.write(crew.system, settle)
    new = await file_ticket(desk, "Dryer drum squeaks", "Our dryer's drum squeaks when it turns.")
    found = (await crew.agent.ask(REPLIES, id=new))["suggestReplies"]
    (reply,) = [one for one in found if one["sourceId"] == old]
    assert reply["text"] == "Please oil the drum bearing; …'s colleague has the can."
    assert reply["citations"][0]["quote"] == answer  # where it comes from stays exact
    assert all(one["confidence"] >= 0.15 for one in found)


async def test_what_is_surely_something_else_is_not_suggested(desk: Desk) -> None:
    await file_ticket(desk, "Paint peels off", "The paint of the lid peels off.", answer="We send a new lid.")
    new = await file_ticket(desk, "Parliament", "Which parties sit in the parliament of Iceland this year?")
    assert (await desk.crew.agent.ask(REPLIES, id=new))["suggestReplies"] == []


async def test_tickets_that_the_assistant_filed_are_compared_by_what_was_asked(desk: Desk) -> None:
    """Its own lines below the question (reason, articles, confidence) are alike in all of them."""
    ids = []
    for text in ("Do you sponsor ice hockey teams in Finland?", "Which parties sit in Iceland's parliament?"):
        talk = (await desk.crew.customer.ask(START, input={"subject": "Chat"}))["startConversation"]["id"]
        asked = (await desk.crew.customer.ask(ASK, input={"conversationId": talk, "text": text}))["ask"]
        assert asked["ticket"]["number"]
        ids.append(asked["ticket"]["id"])
    found = (await desk.crew.agent.ask(SIMILAR, id=ids[0]))["similarTickets"]
    chance = {one["ticket"]["id"]: one["probability"] for one in found}
    assert chance.get(ids[1], 0.0) < 0.5
