"""Tickets over GraphQL: the promised interface."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from backend.core.ids import new_id
from backend.core.ledger import LEDGER, entries_of
from backend.service.documents import Ticket
from tests.crew import Crew

FIELDS = """id version number subject status priority assigneeId contactId accountId conversationId
    resolvedAt reopenCount tags"""
ONE = "query($id: ID!) { ticket(id: $id) { id status assigneeId version } }"
LIST = "query($filter: TicketFilter) { tickets(filter: $filter) { nodes { id } } }"


async def _events(crew: Crew, record_id: str) -> list[tuple[str, dict[str, Any]]]:
    rows = crew.house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).sort("seq", 1)
    return [
        (entry.event, entry.data)
        for row in await rows.to_list()
        for commit in row["commits"]
        for entry in entries_of(commit, crew.workspace_id)
        if entry.record_id == record_id
    ]


async def test_a_ticket_is_created_read_updated_listed_and_deleted(crew: Crew) -> None:
    ticket_id = new_id()
    made = await crew.agent.do(
        "ticketCreate",
        {
            "id": ticket_id,
            "subject": " 网关掉线 ",
            "priority": "HIGH",
            "contactId": crew.contact_id,
            "tags": ["gateway"],
        },
        FIELDS,
    )
    assert made == {
        "__typename": "Ticket",
        "id": ticket_id,
        "version": made["version"],
        "number": "T-000001",
        "subject": "网关掉线",
        "status": "NEW",
        "priority": "HIGH",
        "assigneeId": None,
        "contactId": crew.contact_id,
        "accountId": None,
        "conversationId": None,
        "resolvedAt": None,
        "reopenCount": 0,
        "tags": ["gateway"],
    }
    changed = await crew.agent.do("ticketUpdate", {"id": ticket_id, "status": "OPEN", "tags": []}, FIELDS)
    assert changed == made | {"status": "OPEN", "tags": [], "version": changed["version"]}
    for found, condition in (
        ([{"id": ticket_id}], {"status": {"in": ["OPEN", "NEW"]}, "number": {"eq": "T-000001"}}),
        ([], {"priority": {"eq": "LOW"}}),
    ):
        assert await crew.agent.ask(LIST, filter=condition) == {"tickets": {"nodes": found}}
    assert (await crew.manager.do("ticketDelete", {"id": ticket_id}))["__typename"] == "Deleted"
    answer = await crew.agent.post(ONE, id=ticket_id)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]


async def test_tickets_made_at_once_have_distinct_consecutive_numbers(crew: Crew) -> None:
    made = await asyncio.gather(
        *(crew.agent.do("ticketCreate", {"subject": f"Question {n}"}, "number") for n in range(30))
    )
    assert sorted(ticket["number"] for ticket in made) == [f"T-{n:06d}" for n in range(1, 31)]


@pytest.mark.parametrize("mutation", ["ticketAssign", "ticketUpdate"])
async def test_an_assignment_is_announced_once_however_it_is_made(crew: Crew, mutation: str) -> None:
    ticket = await crew.agent.do("ticketCreate", {"subject": "Who takes it?"}, "id number")
    wanted = {"id": ticket["id"], "assigneeId": crew.agent.user_id}
    for _ in range(2):
        given = await crew.manager.do(mutation, wanted, "assigneeId")
        assert given == {"__typename": "Ticket", "assigneeId": crew.agent.user_id}
    assert [data for name, data in await _events(crew, ticket["id"]) if name == "TicketAssigned"] == [
        {
            "ticket_id": ticket["id"],
            "assignee_id": crew.agent.user_id,
            "number": ticket["number"],
            "by": crew.manager.user_id,
        }
    ]
    assert await crew.agent.ask(LIST, filter={"assigneeId": {"eq": crew.agent.user_id}}) == {
        "tickets": {"nodes": [{"id": ticket["id"]}]}
    }


async def test_a_refused_change_leaves_the_ticket_as_it_was(crew: Crew) -> None:
    ticket = await crew.rep.do("ticketCreate", {"subject": "Mine"}, "id version")
    before = (await crew.agent.ask(ONE, id=ticket["id"]))["ticket"]
    known = {"id": ticket["id"]}
    refusals = [
        (crew.agent, {**known, "status": "CLOSED"}, "INVALID_INPUT", "status cannot go from new to closed"),
        (crew.agent, {**known, "subject": "  "}, "INVALID_INPUT", "subject is not right"),
        (crew.agent, {**known, "csat": 6}, "INVALID_INPUT", "csat is not right"),
        (crew.agent, {**known, "assigneeId": crew.customer.user_id}, "INVALID_INPUT", "no active member of"),
        (crew.agent, {**known, "assigneeId": "x"}, "INVALID_INPUT", "it must be the id of a record"),
        (crew.agent, {**known, "teamId": new_id()}, "INVALID_INPUT", "is no team of this workspace"),
        (crew.agent, {**known, "subject": "x", "expectedVersion": 1}, "CONFLICT", "Read it again"),
        (crew.rep, {**known, "assigneeId": crew.rep.user_id}, "FORBIDDEN", "allow you to assign"),
        (crew.stranger, {**known, "subject": "x"}, "NOT_FOUND", "check the id"),
        (crew.customer, {**known, "subject": "x"}, "NOT_FOUND", "check the id"),
    ]
    for person, change, code, words in refusals:
        refused = await person.do("ticketUpdate", change)
        assert (refused["code"], words in refused["message"]) == (code, True), refused
    assert (await crew.agent.ask(ONE, id=ticket["id"]))["ticket"] == before
    for mutation in ("ticketCreate", "conversationCreate"):
        fields = {"subject": "For another", "assigneeId": crew.colleague.user_id}
        assert (await crew.rep.do(mutation, fields))["code"] == "FORBIDDEN"
    assert [name for name, _ in await _events(crew, ticket["id"])] == ["RecordCreated", "TicketCreated"]


async def test_readers_are_the_customer_the_assignee_and_the_owner_of_the_account(crew: Crew) -> None:
    account = await crew.rep.do("accountCreate", {"name": "青原生物"})
    fields = {"subject": "发票", "contactId": crew.contact_id, "accountId": account["id"]}
    ticket_id = (await crew.agent.do("ticketCreate", fields))["id"]

    async def readers() -> set[str]:
        answers = {name: await person.post(ONE, id=ticket_id) for name, person in crew.people.items()}
        return {name for name, answer in answers.items() if answer["data"]["ticket"]}

    everybody = {"admin", "manager", "agent"}
    assert await readers() == everybody | {"rep", "customer"}
    moved = await crew.manager.do("accountUpdate", {"id": account["id"], "ownerId": crew.stranger.user_id})
    assert moved["__typename"] == "Account"
    await crew.house.relay.settle()
    assert await readers() == everybody | {"stranger", "customer"}
    await crew.manager.do("ticketAssign", {"id": ticket_id, "assigneeId": crew.colleague.user_id})
    assert await readers() == everybody | {"stranger", "colleague", "customer"}


async def test_a_customer_may_neither_create_nor_change_nor_delete_a_ticket(crew: Crew) -> None:
    fields = {"subject": "Theirs", "contactId": crew.contact_id}
    ticket = await crew.agent.do("ticketCreate", fields, "id version")
    for mutation, change in (
        ("ticketCreate", fields),
        ("ticketUpdate", {"id": ticket["id"], "priority": "URGENT"}),
        ("ticketAssign", {"id": ticket["id"], "assigneeId": crew.agent.user_id}),
        ("ticketDelete", {"id": ticket["id"]}),
    ):
        assert (await crew.customer.do(mutation, change))["code"] == "FORBIDDEN", mutation
    listed = await crew.customer.ask("{ tickets { nodes { id version } } }")
    assert listed == {"tickets": {"nodes": [{"id": ticket["id"], "version": ticket["version"]}]}}


async def test_a_reply_within_seven_days_reopens_the_ticket_and_its_conversation(crew: Crew) -> None:
    opened = {"channel": "EMAIL", "contactId": crew.contact_id}
    conversation = await crew.agent.do("conversationCreate", opened)
    linked = {"subject": "掉线", "conversationId": conversation["id"], "assigneeId": crew.agent.user_id}
    ticket = await crew.agent.do("ticketCreate", linked, "id contactId channel: channel")
    assert ticket["contactId"] == crew.contact_id
    state = "query($id: ID!) { conversation(id: $id) { state handledBy assigneeId ticketId } }"
    standing = {"handledBy": "HUMAN", "assigneeId": crew.agent.user_id, "ticketId": ticket["id"]}
    for status, stands in (("RESOLVED", "RESOLVED"), (None, "WAITING_HUMAN"), ("RESOLVED", "RESOLVED")):
        if status:
            await crew.agent.do("ticketUpdate", {"id": ticket["id"], "status": status})
        else:
            said = {"conversationId": conversation["id"], "body": "又掉了"}
            assert (await crew.customer.do("messageCreate", said))["__typename"] == "Message"
            again = await crew.agent.ask(
                "query($id: ID!) { ticket(id: $id) { status reopenCount resolvedAt } }", id=ticket["id"]
            )
            assert again["ticket"] == {"status": "OPEN", "reopenCount": 1, "resolvedAt": None}
        found = await crew.agent.ask(state, id=conversation["id"])
        assert found == {"conversation": {**standing, "state": stands}}
    await _resolve_earlier(crew, ticket["id"], timedelta(days=8))
    await crew.customer.do("messageCreate", {"conversationId": conversation["id"], "body": "谢谢"})
    assert (await crew.agent.ask(ONE, id=ticket["id"]))["ticket"]["status"] == "RESOLVED"


async def _resolve_earlier(crew: Crew, ticket_id: str, by: timedelta) -> None:
    async def set_back(uow: Any) -> None:
        ticket = await uow.access(Ticket, ticket_id, action="update")
        ticket.resolved_at -= by
        uow.save(ticket)

    await crew.house.store.write(crew.system, set_back)
