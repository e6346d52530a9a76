"""Retention: a preview changes nothing, a rule does what it said, a hold is stronger than both."""

from datetime import timedelta
from typing import Any

import pytest
import svcs

from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Activity, Contact
from backend.crm.privacy.documents import Erasure, ErasureState, RetentionRule
from backend.crm.privacy.pseudonyms import ERASED_TEXT, pseudonym_of
from backend.crm.privacy.retention import apply_due_rules, apply_rule
from backend.service.documents import Ticket
from backend.service.rules import TicketStatus
from backend.service.tickets import move_ticket
from tests.crew import Crew

RULE = "id version name objectKind since statuses days action active lastRunAt lastCount"
OLD = {"name": "Old tickets", "objectKind": "ticket", "since": "CLOSED", "days": 30, "action": "ERASE_TEXT"}
PREVIEW = "query($id: ID!) { retentionPreview(id: $id) { count held ids } }"
HOLD = "mutation($input: LegalHoldSetInput!) { legalHoldSet(input: $input) { __typename } }"
TOLD = """query($id: ID!) { ticket(id: $id) { subject number status version
    conversation { messages(first: 9) { nodes { body } } } } }"""


async def matter(crew: Crew, subject: str, *, days_ago: int) -> str:
    """Make a ticket with a conversation that was resolved so long ago; return its id."""
    talk = await crew.agent.do("conversationCreate", {"contactId": crew.contact_id})
    said = {"conversationId": talk["id"], "body": "I am ill", "direction": "INBOUND"}
    await crew.agent.do("messageCreate", said)
    ticket = await crew.agent.do("ticketCreate", {"subject": subject, "conversationId": talk["id"]})
    await crew.house.relay.settle()
    at = crew.house.store.clock.now() - timedelta(days=days_ago)

    async def resolve(uow: UnitOfWork) -> Ticket:
        await move_ticket(uow, ticket["id"], TicketStatus.OPEN, at=at)
        return await move_ticket(uow, ticket["id"], TicketStatus.RESOLVED, at=at)

    await crew.house.store.write(crew.system, resolve)
    await crew.house.relay.settle()
    return str(ticket["id"])


async def rule_of(crew: Crew, **fields: Any) -> RetentionRule:
    made = await crew.admin.do("retentionRuleCreate", fields, RULE)
    assert made["__typename"] == "RetentionRule", made
    found = await crew.house.store.reader.get(RetentionRule, made["id"])
    assert found is not None
    return found


async def age(crew: Crew, collection: str, id: str, days: int) -> None:
    """Let a record have been last changed so long ago."""
    then = crew.house.store.clock.now() - timedelta(days=days)
    aged = await crew.house.store.database[collection].update_one({"_id": id}, {"$set": {"updated_at": then}})
    assert aged.matched_count == 1


async def test_a_preview_changes_nothing_and_the_rule_then_does_that(crew: Crew) -> None:
    old = await matter(crew, "My illness", days_ago=40)
    held = await matter(crew, "My lawsuit", days_ago=40)
    fresh = await matter(crew, "My order", days_ago=3)
    await crew.manager.ask(HOLD, input={"kind": "ticket", "id": held, "reason": "lawsuit 7"})
    before = {id: await crew.agent.ask(TOLD, id=id) for id in (old, held, fresh)}
    rule = await rule_of(crew, **OLD, statuses=["resolved"])
    await crew.house.relay.settle()  # no listener's commit comes between
    version = await crew.house.store.reader.newest_version(crew.workspace_id)
    preview = (await crew.admin.ask(PREVIEW, id=rule.id))["retentionPreview"]
    assert preview == {"count": 1, "held": 1, "ids": [old]}
    assert await crew.house.store.reader.newest_version(crew.workspace_id) == version

    assert await apply_rule(crew.house.store, rule) == 1
    kept = (await crew.agent.ask(TOLD, id=old))["ticket"]
    assert (kept["subject"], kept["status"]) == (ERASED_TEXT, "RESOLVED")
    assert kept["number"] == before[old]["ticket"]["number"]
    assert kept["conversation"]["messages"]["nodes"] == [{"body": ERASED_TEXT}]
    for id in (held, fresh):
        assert await crew.agent.ask(TOLD, id=id) == before[id]
    assert await apply_rule(crew.house.store, rule) == 0
    again = (await crew.admin.ask(PREVIEW, id=rule.id))["retentionPreview"]
    assert again == {"count": 0, "held": 1, "ids": []}


async def test_only_active_rules_are_applied_and_once_a_day(crew: Crew) -> None:
    old = await matter(crew, "My illness", days_ago=40)
    asleep = await rule_of(crew, **OLD)
    house = crew.house

    async def run() -> RetentionRule:
        async with svcs.Container(house.registry) as services:
            await apply_due_rules(services)
        found = await house.store.reader.get(RetentionRule, asleep.id)
        assert found is not None
        return found

    assert (await run()).last_run_at is None
    await crew.admin.do("retentionRuleUpdate", {"id": asleep.id, "active": True})
    first = await run()
    assert (first.last_count, first.last_run_at is not None) == (1, True)
    assert (await crew.agent.ask(TOLD, id=old))["ticket"]["subject"] == ERASED_TEXT
    assert (await run()).version == first.version
    rows = await house.store.database["audit"].find({"workspace_id": crew.workspace_id}).to_list()
    noted = [
        (action["id"], action["details"])
        for row in rows
        for entry in row["entries"]
        for action in entry["actions"]
        if action["action"] == "retention.applied"
    ]
    assert noted == [(asleep.id, {"records": 1})]


async def test_records_are_deleted_without_their_words_and_people_erased_whole(crew: Crew) -> None:
    person = {"id": crew.contact_id, "fullName": "Lin Yue", "email": "lin@person.example"}
    await crew.manager.do("contactCreate", person)
    call = {"type": "CALL", "at": "2026-05-03T09:00:00Z", "summary": "is ill", "contactId": crew.contact_id}
    activity = await crew.manager.do("activityCreate", call)
    store = crew.house.store
    gone = await rule_of(crew, name="Calls", objectKind="activity", days=90, action="DELETE")
    assert await apply_rule(store, gone) == 0  # it is of today
    await age(crew, "activities", activity["id"], 91)
    assert await apply_rule(store, gone) == 1
    found = await store.reader.get(Activity, activity["id"])
    assert found is not None
    assert (found.deleted_at is not None, found.summary) == (True, ERASED_TEXT)
    people = await rule_of(crew, name="People", objectKind="contact", days=90, action="PSEUDONYMISE")
    assert await apply_rule(store, people) == 0
    await age(crew, "contacts", crew.contact_id, 91)
    assert await apply_rule(store, people) == 1
    contact = await store.reader.get(Contact, crew.contact_id)
    assert contact is not None
    assert (contact.full_name, contact.email) == (pseudonym_of(crew.contact_id), "")
    [erasure] = await store.unit_of_work(crew.system).find(Erasure, {"contact_id": crew.contact_id})
    assert (erasure.state, erasure.reason) == (ErasureState.DONE, f"retention rule {people.id}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objectKind": "user"}, "object_kind is none of account, activity,"),
        ({"objectKind": "conversation"}, "since cannot be CLOSED: a conversation is never closed"),
        ({"statuses": ["won"]}, "statuses has won; a ticket knows closed, new, on_hold, open,"),
        ({"days": 0}, "days is not right"),
        ({"objectKind": "contact", "since": "UPDATED"}, "action must be PSEUDONYMISE for contacts"),
    ],
)
async def test_a_rule_that_its_kind_cannot_follow_is_refused(
    crew: Crew, change: dict[str, Any], message: str
) -> None:
    refused = await crew.admin.do("retentionRuleCreate", OLD | change)
    assert refused["code"] == "INVALID_INPUT"
    assert refused["message"].startswith(message)
    assert (await crew.manager.do("retentionRuleCreate", OLD))["code"] == "FORBIDDEN"
    listed = "{ retentionRules { nodes { id } } }"
    assert await crew.admin.ask(listed) == {"retentionRules": {"nodes": []}}
