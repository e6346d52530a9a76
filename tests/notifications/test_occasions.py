"""Who is told of what, and who is not and why: assignments of records, mentions, reasons in the log."""

from functools import partial
from typing import Any

import pytest

from backend.service.documents import AuthorKind, MessageDirection
from backend.service.messages import add_message
from tests.crew import Crew, Person
from tests.notifications.test_planning import log_of


async def lines(person: Person, *types: str) -> list[tuple[str, str]]:
    """Return type and title of somebody's lines of some types (all), the newest first."""
    found = (await person.ask("{ notifications(first: 100) { nodes { type title } } }"))["notifications"]
    return [(one["type"], one["title"]) for one in found["nodes"] if not types or one["type"] in types]


RECORDS: dict[str, dict[str, Any]] = {
    "account": {"name": "Acme"},
    "lead": {"fullName": "Acme", "company": "Acme"},
    "opportunity": {"name": "Acme"},
    "quote": {"name": "Acme"},
    "contract": {"name": "Acme"},
}


@pytest.mark.parametrize("kind", RECORDS)
async def test_who_is_given_a_record_is_told_once_and_nobody_else(crew: Crew, kind: str) -> None:
    await crew.settle()
    made = await crew.manager.do(f"{kind}Create", RECORDS[kind] | {"ownerId": crew.rep.user_id})
    assert made["__typename"] == kind.title()

    async def give(person: Person, to: Person, **also: Any) -> None:
        given = await person.do(f"{kind}Update", {"id": made["id"], "ownerId": to.user_id, **also})
        assert given["__typename"] == kind.title()
        await crew.house.relay.settle()

    await give(crew.manager, crew.colleague)
    assert await lines(crew.colleague, "record_assigned") == [("record_assigned", "Now yours: Acme")]
    assert await lines(crew.rep, "record_assigned") == []  # made theirs, or taken away: nothing to do
    await give(crew.manager, crew.colleague)  # whose it was already
    await crew.manager.do(f"{kind}Update", {"id": made["id"], "teamIds": [crew.teams["east"]]})
    await crew.house.relay.settle()
    assert len(await lines(crew.colleague, "record_assigned")) == 1
    await give(crew.manager, crew.manager)
    assert await lines(crew.manager, "record_assigned") == []  # their own doing
    await give(crew.manager, crew.colleague)
    assert len(await lines(crew.colleague, "record_assigned")) == 2  # another time


async def written(crew: Crew, text: str) -> dict[str, str]:
    """Let the manager write a text in every place where somebody can be mentioned; return the ids."""
    say = crew.manager.do
    team = {"teamIds": [crew.teams["east"]]}
    activity = await say("activityCreate", {"type": "NOTE", "subject": "A", "summary": text, **team})
    task = await say("taskCreate", {"title": "T", "description": text, **team})
    ticket = await say("ticketCreate", {"subject": "K", "description": text, "assigneeId": crew.rep.user_id})
    talk = await say("conversationCreate", {"subject": "C", "assigneeId": crew.rep.user_id})
    message = await say(
        "messageCreate", {"conversationId": talk["id"], "body": text, "direction": "INTERNAL"}
    )
    for one in (activity, task, ticket, talk, message):
        assert one["__typename"] not in ("InvalidInput", "Forbidden", "NotFound"), one
    return {"activity": activity["id"], "task": task["id"], "ticket": ticket["id"], "message": message["id"]}


async def test_who_is_mentioned_in_any_of_our_texts_is_told_once_a_record(crew: Crew) -> None:
    text = f"@[Rep](user:{crew.rep.user_id}) and @[Manager](user:{crew.manager.user_id}), please look"
    ids = await written(crew, text)
    await crew.house.relay.settle()
    assert len(await lines(crew.rep, "mentioned")) == 4
    assert await lines(crew.manager, "mentioned") == []  # wrote it
    await crew.manager.do("taskUpdate", {"id": ids["task"], "description": f"{text} at once"})
    await crew.manager.do("activityUpdate", {"id": ids["activity"], "summary": f"Again: {text}"})
    await crew.house.relay.settle()
    assert len(await lines(crew.rep, "mentioned")) == 4
    # Somebody who is only now in the text hears of it.
    too = f"{text} @[Colleague](user:{crew.colleague.user_id})"
    await crew.manager.do("taskUpdate", {"id": ids["task"], "description": too})
    await crew.house.relay.settle()
    assert len(await lines(crew.colleague, "mentioned")) == 1


async def test_who_may_not_read_what_mentions_them_hears_nothing_and_an_admin_sees_why(crew: Crew) -> None:
    ids = await written(crew, f"@[Stranger](user:{crew.stranger.user_id}) must not know of Acme's leak")
    await crew.house.relay.settle()
    assert await lines(crew.stranger) == []
    for subject in ids.values():
        for_admin = await log_of(crew.admin, user=crew.stranger.user_id, subject=subject)
        assert [(one["state"], one["reason"]) for one in for_admin] == [("DROPPED", "no_permission")]
        assert (
            await log_of(crew.stranger, subject=subject) == []
        )  # that there is something, is told to nobody
        assert "Acme" not in str(for_admin)


async def test_what_a_customer_is_written_mentions_nobody(crew: Crew) -> None:
    """Only internal words do: a customer could write an id, too."""
    talk = await crew.agent.do(
        "conversationCreate",
        {"subject": "Battery", "contactId": crew.contact_id, "assigneeId": crew.agent.user_id},
    )
    text = f"@[Agent](user:{crew.agent.user_id}) @[Admin](user:{crew.admin.user_id})"
    for person in (crew.customer, crew.agent):
        said = await person.do("messageCreate", {"conversationId": talk["id"], "body": text})
        assert said["__typename"] == "Message"
    await crew.house.relay.settle()
    assert await lines(crew.agent, "mentioned") == await lines(crew.admin, "mentioned") == []


async def test_what_the_assistant_notes_mentions_nobody(crew: Crew) -> None:
    """It quotes what it found and was asked: a name in that was not meant as a call."""
    given = {"subject": "Battery", "assigneeId": crew.agent.user_id}
    talk = await crew.manager.do("conversationCreate", given)
    text, internal = f"@[Agent](user:{crew.agent.user_id})", MessageDirection.INTERNAL
    for author in (AuthorKind.BOT, AuthorKind.SYSTEM):
        told = await lines(crew.agent, "mentioned")
        assert told == [], "nothing of what came before"
        say = partial(add_message, conversation_id=talk["id"], body=text, direction=internal)
        await crew.house.store.write(crew.system, partial(say, author_kind=author))
        await crew.house.relay.settle()
    assert len(await lines(crew.agent, "mentioned")) == 1


async def test_the_log_says_why_somebody_was_not_told(crew: Crew) -> None:
    own = await crew.manager.do("ticketCreate", {"subject": "Own", "assigneeId": crew.manager.user_id})
    theirs = {"assigneeId": crew.colleague.user_id}
    done = await crew.rep.do("taskCreate", {"title": "Done", "status": "DONE", **theirs})
    talk = await crew.agent.do(
        "conversationCreate",
        {"subject": "Left", "contactId": crew.contact_id, "assigneeId": crew.agent.user_id},
    )
    await crew.house.relay.settle()

    async def reasons(user: Person, subject: str) -> set[tuple[str, str]]:
        found = await log_of(crew.admin, user=user.user_id, subject=subject)
        return {(one["reason"], one["explanation"]) for one in found}

    assert await reasons(crew.manager, own["id"]) == {("own_doing", "The person did it themselves.")}
    assert {reason for reason, _ in await reasons(crew.colleague, done["id"])} == {"moot"}
    suspend = """mutation($id: ID!) { userSuspend(input: {id: $id}) { __typename } }"""
    assert (await crew.admin.ask(suspend, id=crew.agent.user_id))["userSuspend"]["__typename"] == "User"
    said = await crew.customer.do("messageCreate", {"conversationId": talk["id"], "body": "Hello?"})
    assert said["__typename"] == "Message"
    await crew.house.relay.settle()
    assert {reason for reason, _ in await reasons(crew.agent, talk["id"])} == {"not_active"}
