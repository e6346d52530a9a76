"""The inbox, devices and preferences over GraphQL: one's own, and nobody else's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from backend.core.ids import new_id
from backend.identity.sessions import end_session
from backend.service.documents import Ticket
from notifications.documents import Device
from notifications.synced import NOTIFICATIONS
from notifications.wording import private_wording
from tests.counting import count_lookups
from tests.crew import Crew, Person
from tests.mobile_sync.wire import WirePhone
from tests.notifications.pushing import REGISTER, PostOffice, register, second_sign_in
from tests.notifications.test_pushes import assign, ticket_for

TEST = """mutation($input: TestNotificationInput) { testNotification(input: $input) {
    __typename ... on Notification { id title readAt } ... on Error { code } } }"""
READ = """mutation($input: NotificationReadInput!) { notificationRead(input: $input) {
    __typename ... on Notification { id readAt } ... on Error { code } } }"""
READ_WHOLE = """mutation($input: NotificationReadInput!) { notificationRead(input: $input) {
    ... on Notification { title body } } }"""
SET = """mutation($input: NotificationPreferencesSetInput!) { notificationPreferencesSet(input: $input) {
    __typename ... on InvalidInput { fields { field message } } } }"""


async def test_somebodys_lines_are_listed_read_and_counted_by_them_alone(
    crew: Crew, post: PostOffice
) -> None:
    ids = []
    for mutation_id in (None, "once", "once"):
        made = await crew.rep.ask(TEST, input={"mutationId": mutation_id})
        ids.append(made["testNotification"]["id"])
    assert ids[1] == ids[2]
    assert ids[0] != ids[1]

    for nosy in (crew.admin, crew.manager, crew.colleague, crew.customer):
        refused = await nosy.ask(READ, input={"id": ids[0]})
        assert refused["notificationRead"] == {"__typename": "NotFound", "code": "NOT_FOUND"}
        assert await nosy.ask("{ unreadCount notifications { nodes { id } } }") == {
            "unreadCount": 0,
            "notifications": {"nodes": []},
        }
    assert await crew.rep.ask("{ unreadCount }") == {"unreadCount": 2}

    first = await crew.rep.ask(READ, input={"id": ids[0]})
    again = await crew.rep.ask(READ, input={"id": ids[0]})
    assert first == again
    page = """query($after: String) { notifications(first: 1, after: $after) {
        nodes { id } pageInfo { endCursor } } }"""
    newest = (await crew.rep.ask(page))["notifications"]
    oldest = (await crew.rep.ask(page, after=newest["pageInfo"]["endCursor"]))["notifications"]
    assert [newest["nodes"], oldest["nodes"]] == [[{"id": ids[1]}], [{"id": ids[0]}]]
    assert await crew.rep.ask("{ unreadCount notifications(unreadOnly: true) { nodes { id } } }") == {
        "unreadCount": 1,
        "notifications": {"nodes": [{"id": ids[1]}]},
    }


async def test_a_line_says_no_more_of_what_its_reader_may_not_see(crew: Crew, post: PostOffice) -> None:
    """The words go with the access, over each way out, and come back with it."""
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    other_id = await ticket_for(crew, crew.rep, subject="Sensor offline")
    await post.plan()

    async def lines() -> dict[str, dict[str, str]]:
        found = await crew.rep.ask("{ notifications { nodes { id subjectId title body } } }")
        return {one["subjectId"]: one for one in found["notifications"]["nodes"]}

    before = await lines()
    assert before[ticket_id]["title"] == "Ticket for you: Acme's leak"

    await assign(crew, ticket_id, crew.agent)
    after = await lines()
    assert "Acme" not in str(after)
    covered = private_wording("en")
    assert (after[ticket_id]["title"], after[ticket_id]["body"]) == (covered.title, covered.body)
    assert after[other_id] == before[other_id]
    read = await crew.rep.ask(READ_WHOLE, input={"id": before[ticket_id]["id"]})
    assert read["notificationRead"] == {"title": covered.title, "body": covered.body}

    await assign(crew, ticket_id, crew.rep)
    assert (await lines())[ticket_id] == before[ticket_id]


async def test_subjects_of_a_page_are_looked_up_together(
    crew: Crew, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await ticket_for(crew, crew.rep, subject=f"Sensor {number}")
    await post.plan()
    asked = count_lookups(monkeypatch)
    page = "{ notifications(first: 100) { nodes { title } } }"
    assert len((await crew.rep.ask(page))["notifications"]["nodes"]) == 20
    assert [one for one in asked if one[0] is Ticket] == [(Ticket, 20)]


async def test_a_session_has_one_registration_and_its_removal_is_its_owners(
    crew: Crew, post: PostOffice
) -> None:
    old, new = f"ok-{new_id()}", f"ok-{new_id()}"
    first = await register(crew.rep, old)
    assert first == {
        "__typename": "Device",
        "id": first["id"],
        "version": first["version"],
        "platform": "ANDROID",
        "appVersion": "1.0",
        "isReachable": True,
    }
    second = await register(crew.rep, new, kind="TOKEN", platform="IOS")  # the SDK renewed it
    tablet = await register(await second_sign_in(crew, "rep"), f"ok-{new_id()}")

    async def reachable() -> set[str]:
        uow = crew.house.store.unit_of_work(crew.rep.actor)
        return {device.id for device in await uow.find(Device) if device.is_reachable}

    assert await reachable() == {second["id"], tablet["id"]}
    remove = "mutation($id: ID!) { deviceRemove(input: { id: $id }) { __typename } }"
    for nosy in (crew.colleague, crew.admin):
        assert (await nosy.ask(remove, id=second["id"]))["deviceRemove"] == {"__typename": "NotFound"}
    assert await reachable() == {second["id"], tablet["id"]}
    assert (await crew.rep.ask(remove, id=second["id"]))["deviceRemove"] == {"__typename": "Deleted"}
    assert await reachable() == {tablet["id"]}

    refused = await crew.rep.ask(REGISTER, input={"kind": "FID", "value": "", "platform": "WEB"})
    assert refused["deviceRegister"]["code"] == "INVALID_INPUT"
    too_long = await crew.rep.ask(REGISTER, input={"kind": "FID", "value": "x" * 5_000, "platform": "WEB"})
    assert too_long["deviceRegister"]["code"] == "INVALID_INPUT"
    assert await reachable() == {tablet["id"]}


async def test_a_phone_reads_its_inbox_offline_and_nobody_elses(crew: Crew, post: PostOffice) -> None:
    kept = (await crew.rep.ask(TEST))["testNotification"]["id"]
    phone, admins_phone = WirePhone(crew.rep, NOTIFICATIONS), WirePhone(crew.admin, NOTIFICATIONS)
    await phone.pull()
    assert phone.rows[kept]["title"] == "Test notification"
    assert await admins_phone.pull() == []

    # What only the house may write stays as it was, and a made-up line is told to be no line.
    read_at = "2026-03-02T12:00:00.000Z"
    await phone.push(phone.edit(kept, readAt=read_at, title="Pay this man"))
    await phone.pull()
    assert (phone.rows[kept]["title"], phone.rows[kept]["readAt"]) == ("Test notification", read_at)
    made_up = new_id()
    (told,) = await phone.push(phone.insert(made_up, title="Pay this man"))
    assert (told["id"], told["_deleted"]) == (made_up, True)
    await phone.pull()
    assert list(phone.rows) == [kept]
    assert await crew.rep.ask("{ unreadCount notifications { nodes { id title readAt } } }") == {
        "unreadCount": 0,
        "notifications": {
            "nodes": [{"id": kept, "title": "Test notification", "readAt": "2026-03-02T12:00:00+00:00"}]
        },
    }
    await phone.push(phone.edit(kept, _deleted=True))
    assert await crew.rep.ask("{ notifications { nodes { id } } }") == {"notifications": {"nodes": []}}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"quietHours": {"start": "22:00", "end": "22:00"}}, "quietHours"),
        ({"quietHours": {"start": "24:00", "end": "07:00"}}, "quietHours.start"),
        ({"mutedTypes": ["ticket_assigned", "typo"]}, "mutedTypes"),
    ],
)
async def test_preferences_that_mean_nothing_are_refused(
    crew: Crew, given: dict[str, Any], field: str
) -> None:
    before = {"quietHours": {"start": "22:00", "end": "07:00"}, "mutedTypes": ["ticket_assigned"]}
    assert (await crew.rep.ask(SET, input=before))["notificationPreferencesSet"] == {
        "__typename": "NotificationPreferences"
    }
    refused = (await crew.rep.ask(SET, input=given))["notificationPreferencesSet"]
    assert refused["__typename"] == "InvalidInput"
    assert [one["field"] for one in refused["fields"]] == [field]
    kept = await crew.rep.ask("{ notificationPreferences { quietHours { start end } mutedTypes } }")
    assert kept == {"notificationPreferences": before}


@asynccontextmanager
async def socket_of(server: str, person: Person) -> AsyncIterator[ClientConnection]:
    url = server.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        await socket.send(json.dumps({"type": "connection_init", "payload": person.headers}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        query = "subscription { notificationArrived { id type title } }"
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        yield socket


async def test_a_line_arrives_on_an_open_socket_until_sign_out(
    crew: Crew, post: PostOffice, server: str
) -> None:
    phone = await second_sign_in(crew, "rep")
    made: list[str] = []

    async def test_me() -> None:
        made.append((await crew.rep.ask(TEST))["testNotification"]["id"])

    async with socket_of(server, phone) as mine, socket_of(server, crew.colleague) as theirs:
        arrived = asyncio.create_task(mine.recv())
        while not arrived.done():  # nothing tells when a subscription has begun
            await test_me()
            await asyncio.wait([arrived], timeout=0.3)
        first = json.loads(await arrived)
        line = first["payload"]["data"]["notificationArrived"]
        assert first["type"] == "next"
        assert line == {"id": line["id"], "type": "test", "title": "Test notification"}
        assert line["id"] in made

        await end_session(crew.house.store, phone.actor.session_id, reason="signed out")
        await test_me()
        async with asyncio.timeout(5):
            while (last := json.loads(await mine.recv()))["payload"].get("data"):
                assert last["payload"]["data"]["notificationArrived"]["id"] in made[:-1]
        [error] = last["payload"]["errors"] if last["type"] == "next" else last["payload"]
        assert error["extensions"]["code"] == "UNAUTHENTICATED"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await theirs.recv()
