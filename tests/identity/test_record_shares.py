"""Shares of single records: at once for lists, single reads and phones; and at once gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import svcs

from backend.core.ids import new_id
from backend.core.records import Share, ShareAccess
from backend.core.sharing import reaches
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.identity.actors import Actors
from backend.identity.sharing_documents import ShareExpiry
from backend.service.documents import Message
from tests.crew import Crew, Person
from tests.identity.seeing import accounts_of, end_shares, is_hidden, make_account, phone_of, share, unshare

SHARES = """query($kind: String!, $id: ID!) {
    recordShares(kind: $kind, id: $id) { userId teamId roleKey access until reason by } }"""


def to(person: Person) -> dict[str, str]:
    return {"userId": person.user_id}


async def stored(crew: Crew, id: str) -> Account:
    found = await crew.house.store.reader.get(Account, id)
    assert found is not None
    return found


async def test_a_share_shows_a_record_at_once_and_its_end_hides_it_at_once(crew: Crew) -> None:
    account = await make_account(crew.rep)
    phone = phone_of(crew.stranger)
    assert await accounts_of(crew.stranger) == set()
    assert await phone.pull() == []
    before = await stored(crew, account)

    given = await share(crew.rep, account, to(crew.stranger), reason="Covers my holiday")
    assert given["shares"] == [
        {
            "userId": crew.stranger.user_id,
            "teamId": None,
            "roleKey": None,
            "access": "READ",
            "until": None,
            "reason": "Covers my holiday",
            "by": crew.rep.user_id,
        }
    ]
    assert await accounts_of(crew.stranger) == {account}
    assert [(row["id"], row["_deleted"]) for row in await phone.pull()] == [(account, False)]
    after = await stored(crew, account)
    assert (after.updated_at, after.updated_by) == (before.updated_at, before.updated_by)
    assert await accounts_of(crew.colleague) == set()

    refused = await crew.stranger.do("accountUpdate", {"id": account, "name": "Mine now"})
    assert (refused["__typename"], refused["code"]) == ("Forbidden", "FORBIDDEN")
    assert (await stored(crew, account)).name == "Acme"

    assert (await unshare(crew.rep, account, to(crew.stranger)))["shares"] == []
    assert await is_hidden(crew.stranger, account)
    assert await accounts_of(crew.stranger) == set()
    assert [(row["id"], row["_deleted"]) for row in await phone.pull()] == [(account, True)]
    assert phone.rows == {}


async def test_an_edit_share_lets_change_but_neither_share_on_nor_delete(crew: Crew) -> None:
    account = await make_account(crew.rep)
    await share(crew.rep, account, to(crew.stranger), access="EDIT")
    changed = await crew.stranger.do("accountUpdate", {"id": account, "name": "Acme, called"})
    assert changed["__typename"] == "Account"
    for refused in (
        await share(crew.stranger, account, to(crew.colleague)),
        await unshare(crew.stranger, account, to(crew.stranger)),
        await crew.stranger.do("accountDelete", {"id": account}),
    ):
        assert refused["__typename"] == "Forbidden"
    assert [one.to for one in (await stored(crew, account)).shares] == [f"u:{crew.stranger.user_id}"]
    assert await accounts_of(crew.colleague) == set()


async def test_sharing_again_replaces_and_a_repeat_has_no_effect(crew: Crew) -> None:
    account, mutation = await make_account(crew.rep), new_id()
    first = await share(crew.rep, account, to(crew.stranger), access="EDIT", mutationId=mutation)
    again = await share(crew.rep, account, to(crew.stranger), access="EDIT", mutationId=mutation)
    assert first == again
    await share(crew.rep, account, to(crew.stranger), access="READ")
    assert [one.access for one in (await stored(crew, account)).shares] == [ShareAccess.READ]
    refused = await crew.stranger.do("accountUpdate", {"id": account, "name": "No more"})
    assert refused["__typename"] == "Forbidden"


async def test_teams_and_roles_share_with_all_who_are_in_them(crew: Crew) -> None:
    by_team, by_role = await make_account(crew.rep, "To west"), await make_account(crew.rep, "To agents")
    await share(crew.rep, by_team, {"teamId": crew.teams["west"]})
    await share(crew.rep, by_role, {"roleKey": "rep"})
    assert await accounts_of(crew.stranger) == {by_team, by_role}
    assert await accounts_of(crew.colleague) == {by_role}
    assert await accounts_of(crew.customer) == set()


async def test_a_share_ends_by_itself_for_reads_at_once_and_for_phones_soon(crew: Crew) -> None:
    lasting, ending = await make_account(crew.rep, "Lasting"), await make_account(crew.rep, "Ending")
    tomorrow = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    await share(crew.rep, lasting, to(crew.stranger))
    await share(crew.rep, ending, to(crew.stranger), until=tomorrow)
    phone = phone_of(crew.stranger)
    await phone.pull()
    assert set(phone.rows) == {lasting, ending}
    # Time passes: the share's end is moved into the past, and nothing else.
    over = datetime.now(UTC) - timedelta(seconds=1)

    async def let_time_pass(uow: UnitOfWork) -> None:
        account = await uow.access(Account, ending, action="update")
        acl = list(account.acl)
        account.shares = [account.shares[0].model_copy(update={"until": over})]
        uow.restamp(account)
        (expiry,) = [one for one in await uow.entailed(ShareExpiry, {}) if one.record_id == ending]
        assert expiry.due_at == tomorrow
        expiry.due_at = over
        uow.entail(expiry)
        assert f"s:u:{crew.stranger.user_id}" in acl

    await crew.house.store.write(crew.system, let_time_pass)
    assert await is_hidden(crew.stranger, ending)
    assert await accounts_of(crew.stranger) == {lasting}

    await end_shares(crew)
    await end_shares(crew)  # nothing is due any more
    account = await stored(crew, ending)
    assert account.shares == []
    assert account.acl == ["w", f"u:{crew.rep.user_id}"]
    await phone.pull()
    assert set(phone.rows) == {lasting}
    assert await accounts_of(crew.stranger) == {lasting}


async def test_a_stored_acl_of_a_share_that_is_over_opens_nothing(crew: Crew) -> None:
    """Between a share's end and the house's next look the acl still names it."""
    account = await make_account(crew.rep)
    await share(crew.rep, account, to(crew.stranger), until=datetime.now(UTC) + timedelta(days=1))
    over = datetime.now(UTC) - timedelta(seconds=1)
    collection = Account.get_pymongo_collection()
    await collection.update_one({"_id": account}, {"$set": {"shares.0.until": over}})
    assert f"s:u:{crew.stranger.user_id}" in (await stored(crew, account)).acl
    assert await is_hidden(crew.stranger, account)
    assert await accounts_of(crew.stranger) == set()
    phone = phone_of(crew.stranger)
    assert [(row["id"], row["_deleted"], row["name"]) for row in await phone.pull()] == [(account, True, "")]


async def test_messages_follow_the_share_of_their_conversation(crew: Crew) -> None:
    opened = await crew.agent.do("conversationCreate", {"contactId": crew.contact_id, "subject": "Lift"})
    conversation = opened["id"]
    said = await crew.agent.do("messageCreate", {"conversationId": conversation, "body": "It stands still."})
    message = said["id"]
    query = """query($id: ID!) { conversation(id: $id) { id messages(first: 5) { nodes { id } } } }"""
    answer = await crew.stranger.post(query, id=conversation)
    assert answer["data"] == {"conversation": None}
    await share(crew.manager, conversation, to(crew.stranger), kind="conversation")
    seen = await crew.stranger.ask(query, id=conversation)
    assert seen["conversation"]["messages"]["nodes"] == [{"id": message}]
    # What is said later follows, too.
    await crew.agent.do("messageCreate", {"conversationId": conversation, "body": "It runs again."})
    seen = await crew.stranger.ask(query, id=conversation)
    assert len(seen["conversation"]["messages"]["nodes"]) == 2
    await unshare(crew.manager, conversation, to(crew.stranger), kind="conversation")
    assert (await crew.stranger.post(query, id=conversation))["data"] == {"conversation": None}


async def test_what_cannot_be_shared_is_refused_and_nothing_changes(crew: Crew) -> None:
    account = await make_account(crew.rep)
    before = await stored(crew, account)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"to": {}}, "to"),
        ({"to": {"userId": "x", "teamId": "y"}}, "to"),
        ({"to": {"roleKey": "customer"}}, "to"),
        ({"to": {"roleKey": "nobody"}}, "to"),
        ({"to": {"teamId": new_id()}}, "to"),
        ({"to": to(crew.customer)}, "to"),
        ({"kind": "message"}, "kind"),
        ({"kind": "user"}, "kind"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"reason": "x" * 201}, "reason"),
    ]
    for input, field in wrong:
        wanted = {"to": to(crew.stranger), **input}
        refused = await share(crew.rep, account, **wanted)
        assert refused["__typename"] == "InvalidInput", input
        assert [one["field"] for one in refused["fields"]] == [field]
    assert await stored(crew, account) == before


async def test_customers_and_those_who_cannot_see_a_record_share_nothing(crew: Crew) -> None:
    account = await make_account(crew.rep)
    assert (await share(crew.stranger, account, to(crew.stranger)))["__typename"] == "NotFound"
    assert (await share(crew.agent, account, to(crew.agent)))["__typename"] == "Forbidden"
    assert (await stored(crew, account)).shares == []
    answer = await crew.stranger.post(SHARES, kind="account", id=account)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["NOT_FOUND"]
    assert (await crew.agent.ask(SHARES, kind="account", id=account)) == {"recordShares": []}


async def test_a_record_has_at_most_a_hundred_shares(crew: Crew) -> None:
    account = await make_account(crew.rep)

    async def fill(uow: UnitOfWork) -> None:
        record = await uow.access(Account, account, action="update")
        record.shares = [Share(to=f"u:{new_id()}") for _ in range(100)]
        uow.restamp(record)

    await crew.house.store.write(crew.system, fill)
    refused = await share(crew.rep, account, to(crew.stranger))
    assert [one["field"] for one in refused["fields"]] == ["to"]
    assert len((await stored(crew, account)).shares) == 100


async def test_what_is_shared_with_a_role_that_is_deleted_opens_nothing_ever_again(crew: Crew) -> None:
    account = await make_account(crew.rep)
    made = await crew.admin.do(
        "roleCreate",
        {
            "key": "scout",
            "name": "Scout",
            "levels": [{"kind": "account", "action": "READ", "level": "OWN"}],
        },
    )
    await share(crew.rep, account, {"roleKey": "scout"})
    assert (await crew.admin.do("roleDelete", {"id": made["id"]}))["__typename"] == "Deleted"
    again = await crew.admin.do("roleCreate", {"key": "scout", "name": "Scout again"})
    assert again["__typename"] == "Conflict"
    assert (await share(crew.rep, account, {"roleKey": "scout"}))["__typename"] == "InvalidInput"


async def test_messages_close_with_their_conversation_when_its_share_is_over(crew: Crew) -> None:
    opened = await crew.agent.do("conversationCreate", {"contactId": crew.contact_id, "subject": "Lift"})
    said = await crew.agent.do("messageCreate", {"conversationId": opened["id"], "body": "It stands still."})
    start = datetime.now(UTC).replace(microsecond=0)
    query = "query($id: ID!) { message(id: $id) { id } }"
    # Shared for a day, then for two: what follows must know of the later end.
    for days in (1, 2):
        until = start + timedelta(days=days)
        await share(crew.manager, opened["id"], to(crew.stranger), kind="conversation", until=until)
        assert await crew.stranger.ask(query, id=said["id"]) == {"message": {"id": said["id"]}}
        message = await crew.house.store.reader.get(Message, said["id"])
        assert message is not None
        assert [one.until for one in message.shares] == [until]
        async with svcs.Container(crew.house.registry) as services:
            actors = await services.aget(Actors)
        actor = await actors.of_user(crew.workspace_id, crew.stranger.user_id)
        assert reaches(actor, "read", message, until - timedelta(seconds=1))
        assert not reaches(actor, "read", message, until)
    await unshare(crew.manager, opened["id"], to(crew.stranger), kind="conversation")
    message = await crew.house.store.reader.get(Message, said["id"])
    assert message is not None
    assert message.shares == []
    assert f"s:u:{crew.stranger.user_id}" not in message.acl
