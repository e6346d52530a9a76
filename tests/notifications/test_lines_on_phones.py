"""Lines of the inbox on phones of each protocol: their words come, go and come back with the access."""

import asyncio
import json
from typing import Any

import pytest
import svcs

from backend.core.unit_of_work import UnitOfWork
from backend.crm.synced import TASKS
from backend.identity.actors import Actors
from backend.identity.documents import User
from backend.service.documents import Ticket
from mobile_sync.stream import changes
from notifications.synced import NOTIFICATIONS
from notifications.wording import private_wording
from tests.counting import count_lookups
from tests.crew import Crew
from tests.identity.seeing import mutate, share, unshare
from tests.mobile_sync.native_wire import NativePhone, patched
from tests.mobile_sync.three_phones import PROTOCOLS, AnyPhone
from tests.mobile_sync.watermelon_wire import WatermelonPhone
from tests.mobile_sync.wire import WirePhone
from tests.notifications.pushing import PostOffice
from tests.notifications.test_inbox import TEST, socket_of
from tests.notifications.test_pushes import assign, ticket_for

Protocol = type[AnyPhone]
every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
COVERED = private_wording("en")
SAID = ("Ticket for you: Acme's leak", "Manager assigned it to you.")
HIDDEN = (COVERED.title, COVERED.body)


def note_to_the_rep(crew: Crew) -> dict[str, Any]:
    """Return an activity of the rep's team that mentions the rep."""
    return {
        "type": "NOTE",
        "subject": "Acme's leak",
        "summary": f"@[Rep](user:{crew.rep.user_id}) please call",
        "teamIds": [crew.teams["east"]],
    }


async def leave_teams(crew: Crew) -> None:
    async def leave(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.rep.user_id, action="update")
        user.team_ids = []
        uow.save(user)

    await crew.house.store.write(crew.system, leave)


def said(phone: AnyPhone, ticket_id: str) -> tuple[str, str]:
    """Return title and body of the phone's only line about a ticket."""
    [line] = [one for one in phone.held().values() if one["subjectId"] == ticket_id]
    return line["title"], line["body"]


@every_protocol
async def test_what_is_pulled_after_the_access_went_says_nothing(
    crew: Crew, post: PostOffice, protocol: Protocol
) -> None:
    """Also where the line's bytes are kept ready, made for its owner before."""
    lost_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    kept_id = await ticket_for(crew, crew.rep, subject="Sensor offline")
    await post.plan()
    early = protocol(crew.rep, NOTIFICATIONS)
    await early.pull()
    assert said(early, lost_id) == SAID

    await assign(crew, lost_id, crew.agent)  # and nothing of the house has heard of it yet
    late = protocol(crew.rep, NOTIFICATIONS)
    await late.pull()
    assert said(late, lost_id) == HIDDEN
    assert said(late, kept_id) == ("Ticket for you: Sensor offline", "Manager assigned it to you.")
    assert "Acme" not in str(late.held())


@every_protocol
async def test_what_a_phone_holds_is_covered_when_its_owner_loses_the_record_and_said_again_later(
    crew: Crew, post: PostOffice, protocol: Protocol
) -> None:
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await ticket_for(crew, crew.rep, subject="Sensor offline")
    await post.plan()
    phone = protocol(crew.rep, NOTIFICATIONS)
    await phone.pull()
    line_id = next(id for id, one in phone.held().items() if one["subjectId"] == ticket_id)

    await assign(crew, ticket_id, crew.agent)
    await post.plan()
    assert await phone.pull() == [line_id]  # and not the other one
    assert said(phone, ticket_id) == HIDDEN
    await assign(crew, ticket_id, crew.colleague)  # nothing of it changes for the rep
    await post.plan()
    assert await phone.pull() == []

    await assign(crew, ticket_id, crew.rep)
    await post.plan()
    assert line_id in await phone.pull()
    lines = [one for one in phone.held().values() if one["subjectId"] == ticket_id]
    assert {(one["title"], one["body"]) for one in lines} == {SAID}


@every_protocol
async def test_who_leaves_a_team_pulls_its_inbox_again(
    crew: Crew, post: PostOffice, protocol: Protocol
) -> None:
    """No record has moved: it is the reader who reads less."""
    await mutate(crew.admin, "activityCreate", note_to_the_rep(crew), "... on Activity { id }")
    await crew.rep.ask(TEST)
    await post.plan()
    phone = protocol(crew.rep, NOTIFICATIONS)
    await phone.pull()
    titles = {one["type"]: one["title"] for one in phone.held().values()}
    assert titles["test"] == "Test notification"
    assert "Acme" in titles["mentioned"]

    await leave_teams(crew)
    assert len(await phone.pull()) == 2
    titles = {one["type"]: one["title"] for one in phone.held().values()}
    assert titles == {"test": "Test notification", "mentioned": COVERED.title}
    assert await phone.pull() == []


@every_protocol
async def test_a_share_that_is_taken_back_takes_its_words_along(
    crew: Crew, post: PostOffice, protocol: Protocol
) -> None:
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await post.plan()
    phone, to = protocol(crew.rep, NOTIFICATIONS), {"userId": crew.rep.user_id}
    await share(crew.admin, ticket_id, to, kind="ticket")
    await assign(crew, ticket_id, crew.agent)
    await post.plan()
    await phone.pull()
    assert said(phone, ticket_id) == SAID
    await unshare(crew.admin, ticket_id, to, kind="ticket")
    await post.plan()
    await phone.pull()
    assert said(phone, ticket_id) == HIDDEN


@every_protocol
async def test_a_deleted_record_is_named_no_more(crew: Crew, post: PostOffice, protocol: Protocol) -> None:
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await post.plan()
    phone = protocol(crew.rep, NOTIFICATIONS)
    await phone.pull()
    assert said(phone, ticket_id) == SAID
    assert (await crew.admin.do("ticketDelete", {"id": ticket_id}))["__typename"] == "Deleted"
    await post.plan()
    await phone.pull()
    assert said(phone, ticket_id) == HIDDEN


async def test_what_a_push_answers_is_covered_too(crew: Crew, post: PostOffice) -> None:
    """A phone that lags behind edits its line: each protocol answers with the record, or brings it after."""
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await post.plan()
    rxdb, native = WirePhone(crew.rep, NOTIFICATIONS), NativePhone(crew.rep)
    melon = WatermelonPhone(crew.rep, ["notifications", "sync_rejections"])
    for phone in (rxdb, native, melon):
        await phone.pull()
    [id] = rxdb.rows
    await assign(crew, ticket_id, crew.agent)

    [verdict] = await native.push(patched(native.rows["notification", id], title="Pay this man"))
    assert (verdict["doc"]["title"], verdict["doc"]["body"]) == HIDDEN
    [row] = await rxdb.push(rxdb.edit(id, title="Pay this man"))  # nothing that it may write: shown as it is
    assert (row["title"], row["body"]) == HIDDEN
    raw = melon.edit("notifications", id, read_at="noon")  # refused, and put right by the next pull
    await melon.push("notifications", updated=[raw])
    await melon.pull()
    held = melon.rows["notifications", id]
    assert (held["title"], held["body"], held["read_at"]) == (*HIDDEN, None)


async def test_a_stream_and_the_fast_way_say_no_more(crew: Crew, post: PostOffice) -> None:
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await post.plan()
    await assign(crew, ticket_id, crew.agent)
    answer = await crew.rep.http.get(
        "/sync/v1/pull", params={"collections": "notification"}, headers=crew.rep.headers
    )
    assert answer.status_code == 200
    assert "Acme" not in answer.text
    assert COVERED.title in answer.text

    async with svcs.Container(crew.house.registry) as services:
        actors = await services.aget(Actors)
    async with asyncio.timeout(10):
        stream = changes(crew.house.store, actors, crew.rep.actor, NOTIFICATIONS)
        rows = await anext(stream)
        await stream.aclose()
    assert [(row["title"], row["body"]) for row in rows if row["subject_id"] == ticket_id] == [HIDDEN]


async def test_an_open_stream_brings_the_inbox_again_when_its_reader_reads_less(
    crew: Crew, post: PostOffice
) -> None:
    """RxDB pulls again only when it connects anew: until then the stream is all that it hears."""
    await mutate(crew.admin, "activityCreate", note_to_the_rep(crew), "... on Activity { id }")
    await post.plan()
    async with svcs.Container(crew.house.registry) as services:
        actors = await services.aget(Actors)
    stream = changes(crew.house.store, actors, crew.rep.actor, NOTIFICATIONS)
    async with asyncio.timeout(20):
        [before] = await anext(stream)
        assert "Acme" in before["title"]
        await leave_teams(crew)
        [after] = await anext(stream)
        await stream.aclose()
    assert (after["id"], after["title"], after["body"]) == (before["id"], *HIDDEN)


async def test_the_words_are_covered_in_the_readers_language(crew: Crew, post: PostOffice) -> None:
    async def speak(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.rep.user_id, action="update")
        user.locale = "zh-CN"
        uow.save(user)

    await crew.house.store.write(crew.system, speak)
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await post.plan()
    await assign(crew, ticket_id, crew.agent)
    phone = WirePhone(crew.rep, NOTIFICATIONS)
    [row] = await phone.pull()
    covered = private_wording("zh")
    assert (row["title"], row["body"]) == (covered.title, covered.body)
    assert covered != COVERED


async def test_subjects_of_a_page_are_looked_up_together_and_other_collections_look_nothing_up(
    crew: Crew, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await ticket_for(crew, crew.rep, subject=f"Sensor {number}")
    await post.plan()
    asked = count_lookups(monkeypatch)
    phones: list[Any] = [protocol(crew.rep, NOTIFICATIONS) for protocol in PROTOCOLS]
    for phone in phones:
        assert len(await phone.pull()) == 20
    assert [one for one in asked if one[0] is Ticket] == [(Ticket, 20)] * 3
    asked.clear()
    for phone in phones:
        assert await phone.pull() == []
    await WirePhone(crew.rep, TASKS).pull()
    assert [one for one in asked if one[0] is Ticket] == []


async def test_a_line_that_is_sent_again_is_no_new_arrival(crew: Crew, post: PostOffice, server: str) -> None:
    ticket_id = await ticket_for(crew, crew.rep, subject="Acme's leak")
    await post.plan()
    async with socket_of(server, crew.rep) as socket:
        arrived = asyncio.create_task(socket.recv())
        while not arrived.done():  # nothing tells when a subscription has begun
            await crew.rep.ask(TEST)
            await asyncio.wait([arrived], timeout=0.3)
        await assign(crew, ticket_id, crew.agent)
        await post.plan()
        last = (await crew.rep.ask(TEST))["testNotification"]["id"]
        async with asyncio.timeout(10):
            while True:
                line = json.loads(await socket.recv())["payload"]["data"]["notificationArrived"]
                assert line["type"] == "test"
                if line["id"] == last:
                    break
