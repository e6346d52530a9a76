"""Conversations and messages over GraphQL: the promised interface, and who hears what."""

from typing import Any

import pytest

from backend.core.access import Actor
from backend.core.errors import InvalidInput
from backend.core.ids import new_id
from backend.core.sync import phone_row, phone_value
from backend.core.unit_of_work import UnitOfWork
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind, Conversation, Message
from backend.service.hand_off import hand_off_to_ticket
from backend.service.messages import add_message
from backend.service.rules import HandledBy
from backend.service.synced import CONVERSATIONS, MESSAGES
from tests.crew import Crew, Person

SAID = "id conversationId direction authorKind authorId body at"
HEARD = "{ messages { nodes { id } } }"
IN_ONE = """query($id: ID!) { conversation(id: $id) { state handledBy version
    messages(first: 10) { nodes { direction authorKind body } } } }"""
MESSAGE = "query($id: ID!) { message(id: $id) { id } }"


async def _open(person: Person, **fields: Any) -> str:
    made = await person.do("conversationCreate", fields)
    assert made["__typename"] == "Conversation", made
    return str(made["id"])


async def test_a_conversation_goes_to_and_fro(crew: Crew) -> None:
    id = await _open(crew.customer, subject="退货", language="zh")
    asked = await crew.customer.do("messageCreate", {"conversationId": id, "body": "可以退吗？"}, SAID)
    assert asked == {
        "__typename": "Message",
        "id": asked["id"],
        "conversationId": id,
        "direction": "INBOUND",
        "authorKind": "CUSTOMER",
        "authorId": crew.contact_id,
        "body": "可以退吗？",
        "at": asked["at"],
    }
    answered = await crew.agent.do("messageCreate", {"conversationId": id, "body": "可以。"}, SAID)
    assert (answered["direction"], answered["authorKind"]) == ("OUTBOUND", "AGENT")
    assert answered["authorId"] == crew.agent.user_id
    assert answered["at"] > asked["at"]
    for person in (crew.customer, crew.agent):
        found = (await person.ask(IN_ONE, id=id))["conversation"]
        assert (found["state"], found["handledBy"]) == ("HUMAN", "HUMAN")
        assert [said["body"] for said in found["messages"]["nodes"]] == ["可以退吗？", "可以。"]
    closed = await crew.agent.do("conversationUpdate", {"id": id, "state": "CLOSED"}, "state")
    assert closed == {"__typename": "Conversation", "state": "CLOSED"}
    refused = await crew.agent.do("conversationUpdate", {"id": id, "state": "HUMAN"})
    assert (
        refused["message"] == "state cannot go from closed to human; this is its end; open a new one instead"
    )
    listed = "query($filter: ConversationFilter) { conversations(filter: $filter) { nodes { id } } }"
    assert await crew.agent.ask(listed, filter={"state": {"eq": "CLOSED"}}) == {
        "conversations": {"nodes": [{"id": id}]}
    }
    assert (await crew.manager.do("conversationDelete", {"id": id}))["__typename"] == "Deleted"
    assert await crew.customer.ask(HEARD) == {"messages": {"nodes": []}}


async def test_a_customer_never_gets_an_internal_note_by_any_way(crew: Crew) -> None:
    id = await _open(crew.customer)
    said = await crew.customer.do("messageCreate", {"conversationId": id, "body": "Hello"})
    before = (await crew.customer.ask(IN_ONE, id=id))["conversation"]
    fields = {"conversationId": id, "body": "Difficult customer", "direction": "INTERNAL"}
    note = await crew.agent.do("messageCreate", fields)
    # By lists, through the conversation (whose version does not tell either), by id, by sync scopes.
    assert await crew.customer.ask(HEARD) == {"messages": {"nodes": [{"id": said["id"]}]}}
    assert (await crew.customer.ask(IN_ONE, id=id))["conversation"] == before
    query = "query($filter: MessageFilter) { messages(filter: $filter) { totalCount nodes { id } } }"
    searched = await crew.customer.ask(query, filter={"body": {"contains": "difficult"}})
    assert searched == {"messages": {"totalCount": 0, "nodes": []}}
    answer = await crew.customer.post(MESSAGE, id=note["id"])
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
    assert await _synced(crew, crew.customer.actor) == {said["id"]}
    assert await _synced(crew, crew.agent.actor) == {said["id"], note["id"]}
    # Nor when the readers are worked out again.
    await crew.manager.do("conversationUpdate", {"id": id, "assigneeId": crew.rep.user_id})
    assert await _synced(crew, crew.customer.actor) == {said["id"]}
    assert await _synced(crew, crew.rep.actor) == {said["id"], note["id"]}


async def _synced(crew: Crew, actor: Actor) -> set[str]:
    newest = await crew.house.store.reader.newest_version(crew.workspace_id)
    found = await crew.house.store.reader.by_version(
        actor, Message, after=0, until=newest, most=100, newest_first=False
    )
    return {message.id for message in found}


async def test_messages_follow_the_readers_of_their_conversation(crew: Crew) -> None:
    id = await _open(crew.agent, contactId=crew.contact_id, assigneeId=crew.rep.user_id)
    said = await crew.rep.do("messageCreate", {"conversationId": id, "body": "Hello"})
    assert (await crew.rep.ask(MESSAGE, id=said["id"]))["message"] == {"id": said["id"]}
    await crew.agent.do("conversationUpdate", {"id": id, "assigneeId": crew.colleague.user_id})
    assert (await crew.colleague.ask(MESSAGE, id=said["id"]))["message"] == {"id": said["id"]}
    for person in (crew.rep, crew.stranger):
        assert (await person.post(MESSAGE, id=said["id"]))["data"] == {"message": None}
        refused = await person.do("messageCreate", {"conversationId": id, "body": "Me, too"})
        assert refused["code"] == "NOT_FOUND"
    assert await _synced(crew, crew.customer.actor) == {said["id"]}


async def test_a_customer_speaks_only_for_themselves(crew: Crew) -> None:
    theirs = await _open(crew.agent, contactId=new_id())
    mine = await _open(crew.customer)
    refusals = [
        ("messageCreate", {"conversationId": theirs, "body": "Hi"}, "NOT_FOUND"),
        ("messageCreate", {"conversationId": mine, "body": "Hi", "direction": "INTERNAL"}, "INVALID_INPUT"),
        ("messageCreate", {"conversationId": mine, "body": "Hi", "direction": "OUTBOUND"}, "INVALID_INPUT"),
        ("conversationCreate", {"contactId": new_id()}, "INVALID_INPUT"),
        ("conversationCreate", {"assigneeId": crew.agent.user_id}, "INVALID_INPUT"),
        ("conversationUpdate", {"id": mine, "state": "CLOSED"}, "FORBIDDEN"),
        ("conversationDelete", {"id": mine}, "FORBIDDEN"),
    ]
    for mutation, fields, code in refusals:
        assert (await crew.customer.do(mutation, fields))["code"] == code, (mutation, fields)
    assert await crew.admin.ask(HEARD) == {"messages": {"nodes": []}}
    listed = await crew.customer.ask("{ conversations { nodes { id state } } }")
    assert listed == {"conversations": {"nodes": [{"id": mine, "state": "OPEN"}]}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "body is blank; write what you want to say"),
        (" \n", "body is blank; write what you want to say"),
        ("x" * 100_000, "body has 100000 characters and may have 20000; shorten it or send it in parts"),
    ],
)
async def test_an_empty_or_huge_message_changes_nothing(crew: Crew, body: str, words: str) -> None:
    id = await _open(crew.customer)
    before = (await crew.customer.ask(IN_ONE, id=id))["conversation"]
    refused = await crew.customer.do("messageCreate", {"conversationId": id, "body": body})
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert words in refused["message"]
    assert (await crew.customer.ask(IN_ONE, id=id))["conversation"] == before


async def test_a_repeated_message_is_said_once(crew: Crew) -> None:
    id = await _open(crew.customer)
    said = {"conversationId": id, "body": "Once", "mutationId": "m-1"}
    first, again = [await crew.customer.do("messageCreate", said, SAID) for _ in range(2)]
    assert first == again
    assert await crew.customer.ask(HEARD) == {"messages": {"nodes": [{"id": first["id"]}]}}


async def test_a_note_may_be_rewritten_by_its_author_and_nothing_else_by_anybody(crew: Crew) -> None:
    id = await _open(crew.customer)
    note = {"conversationId": id, "body": "Nte", "direction": "INTERNAL"}
    note_id = (await crew.agent.do("messageCreate", note))["id"]
    sent_id = (await crew.agent.do("messageCreate", {"conversationId": id, "body": "Sent"}))["id"]
    changed = await crew.agent.do("messageUpdate", {"id": note_id, "body": "Note"}, "body")
    assert changed == {"__typename": "Message", "body": "Note"}
    for person, message_id, code in (
        (crew.manager, note_id, "FORBIDDEN"),
        (crew.agent, sent_id, "INVALID_INPUT"),
        (crew.customer, sent_id, "FORBIDDEN"),
        (crew.customer, note_id, "NOT_FOUND"),
    ):
        refused = await person.do("messageUpdate", {"id": message_id, "body": "Other"})
        assert refused["code"] == code
    found = (await crew.agent.ask(IN_ONE, id=id))["conversation"]
    assert [said["body"] for said in found["messages"]["nodes"]] == ["Note", "Sent"]
    assert (await crew.manager.do("messageDelete", {"id": note_id}))["__typename"] == "Deleted"
    assert (await crew.agent.do("messageDelete", {"id": sent_id}))["code"] == "FORBIDDEN"


async def test_phones_add_to_what_was_said_and_change_nothing(crew: Crew) -> None:
    """The operations that a phone's pushes run, as the customer who holds the phone."""
    store, id, message_id = crew.house.store, new_id(), new_id()

    async def push(uow: UnitOfWork) -> None:
        await CONVERSATIONS.create(uow, {"subject": "Offline", "contact_id": crew.contact_id}, id)
        await MESSAGES.create(uow, {"conversation_id": id, "body": "Hello", "direction": None}, message_id)

    await store.write(crew.customer.actor, push)
    message = await store.unit_of_work(crew.customer.actor).access(Message, message_id)
    for collection, record_id in ((CONVERSATIONS, id), (MESSAGES, message_id)):
        for attempt in (
            lambda uow, c=collection, r=record_id: c.update(uow, r, {"subject": "x", "body": "x"}),
            lambda uow, c=collection, r=record_id: c.delete(uow, r),
        ):
            with pytest.raises(InvalidInput, match="what was said"):
                await store.write(crew.admin.actor, attempt)
    assert (await store.unit_of_work(crew.customer.actor).access(Message, message_id)) == message
    assert phone_row(MESSAGES, message) == {
        "conversation_id": id,
        "body": "Hello",
        "direction": "inbound",
        "author_kind": "customer",
        "author_id": crew.contact_id,
        "at": phone_value(message.at),
        "answer_id": None,
    }


async def test_a_hand_off_makes_one_ticket_with_the_whole_conversation(crew: Crew) -> None:
    """The assistant writes as the asking customer: question, answer and ticket, in one unit."""

    async def converse(uow: UnitOfWork) -> Conversation:
        opened = await open_conversation(uow, {"language": "en"}, handled_by=HandledBy.AI)
        await add_message(uow, opened.id, "Do you repair drones?")
        await add_message(uow, opened.id, "I do not know.", author_kind=AuthorKind.BOT, answer_id=new_id())
        return opened

    conversation = await crew.house.store.write(crew.customer.actor, converse)

    async def hand_off(uow: UnitOfWork) -> Any:
        return await hand_off_to_ticket(
            uow, conversation.id, reason="not_in_base", subject="Drone repair", summary="Asks for repairs."
        )

    ticket = await crew.house.store.write(crew.customer.actor, hand_off)
    again = await crew.house.store.write(crew.customer.actor, hand_off)
    assert again.id == ticket.id
    query = """{ tickets { nodes { number status subject description aiOutcome handoffReason contactId
        assigneeId conversation { id state handledBy messages(first: 9) {
            nodes { direction authorKind body } } } } } }"""
    assert await crew.agent.ask(query) == {
        "tickets": {
            "nodes": [
                {
                    "number": "T-000001",
                    "status": "NEW",
                    "subject": "Drone repair",
                    "description": "Asks for repairs.",
                    "aiOutcome": "HANDED_OFF",
                    "handoffReason": "not_in_base",
                    "contactId": crew.contact_id,
                    "assigneeId": None,
                    "conversation": {
                        "id": conversation.id,
                        "state": "WAITING_HUMAN",
                        "handledBy": "NONE",
                        "messages": {
                            "nodes": [
                                {
                                    "direction": "INBOUND",
                                    "authorKind": "CUSTOMER",
                                    "body": "Do you repair drones?",
                                },
                                {"direction": "OUTBOUND", "authorKind": "BOT", "body": "I do not know."},
                            ]
                        },
                    },
                }
            ]
        }
    }
    for status in ("RESOLVED", "CLOSED"):
        await crew.agent.do("ticketUpdate", {"id": ticket.id, "status": status})
    later = await crew.house.store.write(crew.customer.actor, hand_off)
    assert (later.number, later.follows_id) == ("T-000002", ticket.id)
