"""Who is told over which channel, and why not: set over GraphQL, read from the log."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.core.access import system_actor
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from notifications import windows
from notifications.catalogue import MESSAGE_RECEIVED, TASK_ASSIGNED, NotificationType
from notifications.content import content_of, told_by
from notifications.delivery import deliveries_of
from notifications.documents import (
    Delivery,
    DeliverySort,
    DeliveryState,
    Notification,
    NotificationChannel,
)
from notifications.inbox import notify
from notifications.planning import plan_deliveries
from notifications.queueing import add_deliveries, drop_expired
from tests.crew import Crew, Person
from tests.notifications.pushing import PostOffice, register, second_sign_in

PREFER = """mutation($input: NotificationPreferencesSetInput!) { notificationPreferencesSet(input: $input) {
    __typename ... on InvalidInput { fields { field message } } } }"""
POLICY = """mutation($input: NotificationPolicySetInput!) { notificationPolicySet(input: $input) {
    __typename ... on InvalidInput { fields { field message } } } }"""
BODY = ("id", "revision_id")
LOG = """query($user: ID, $notification: ID, $subject: ID, $first: Int, $after: String) {
    notificationLog(userId: $user, notificationId: $notification, subjectId: $subject,
        first: $first, after: $after) {
        __typename ... on Error { code }
        ... on NotificationLog { endCursor hasNextPage entries {
            channel state reason rule explanation type userId subjectId } } } }"""


async def prefer(person: Person, **input: Any) -> str:
    answer: str = (await person.ask(PREFER, input=input))["notificationPreferencesSet"]["__typename"]
    return answer


async def policy(person: Person, **input: Any) -> str:
    answer: str = (await person.ask(POLICY, input=input))["notificationPolicySet"]["__typename"]
    return answer


async def raised(
    crew: Crew, type: NotificationType = MESSAGE_RECEIVED, who: str = "rep", subject: str = "Battery"
) -> Notification:
    words = {"subject": subject, "by": "Li"}

    async def write(uow: UnitOfWork) -> Notification | None:
        return await notify(uow, type, recipient_id=crew.people[who].user_id, key=new_id(), words=words)

    made = await crew.house.store.write(crew.system, write)
    assert made is not None
    return made


async def rows(notification: Notification) -> dict[str, tuple[str, str, str]]:
    """Return state, reason and rule by channel."""
    found = await deliveries_of(notification.id)
    return {one.channel.value: (one.state.value, one.reason, one.rule) for one in found}


async def log_of(person: Person, **variables: Any) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await person.ask(LOG, **variables))["notificationLog"]["entries"]
    return entries


def around_now(**spans: int) -> dict[str, str]:
    """Return quiet hours from an hour ago for ``hours`` hours, by the clock in UTC."""
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=1), now + timedelta(hours=spans["hours"])
    return {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}


async def test_every_way_has_a_row_and_the_log_says_why(crew: Crew, post: PostOffice) -> None:
    await register(crew.rep, f"ok-{new_id()}")
    assert await prefer(
        crew.rep, choices=[{"type": "message_received", "channel": "EMAIL", "handling": "AT_ONCE"}]
    )
    told = await raised(crew)
    await post.plan()
    assert await rows(told) == {
        "in_app": ("sent", "", ""),
        "push": ("due", "", ""),
        "email": ("due", "", ""),
    }
    without = await raised(crew, who="colleague")
    await post.plan()
    assert await rows(without) == {
        "in_app": ("sent", "", ""),
        "push": ("dropped", "no_registration", ""),
        "email": ("dropped", "preference", "usual"),
    }
    [push] = [
        one
        for one in await log_of(crew.admin, user=crew.colleague.user_id, notification=without.id)
        if one["channel"] == "PUSH"
    ]
    assert push == {
        "channel": "PUSH",
        "state": "DROPPED",
        "reason": "no_registration",
        "rule": "",
        "explanation": "There is no device or address to reach.",
        "type": "message_received",
        "userId": crew.colleague.user_id,
        "subjectId": None,
    }


async def test_workspace_team_and_person_decide_in_this_order(crew: Crew, post: PostOffice) -> None:
    await register(crew.rep, f"ok-{new_id()}")
    off = [{"type": "*", "channel": "PUSH", "handling": "OFF"}]
    at_once = [{"type": "*", "channel": "PUSH", "handling": "AT_ONCE"}]

    assert await policy(crew.admin, choices=off) == "NotificationPolicy"
    await post.plan()
    told = await raised(crew)
    await post.plan()
    assert (await rows(told))["push"] == ("dropped", "preference", "workspace")

    assert await policy(crew.manager, teamId=crew.teams["east"], choices=at_once) == "NotificationPolicy"
    told = await raised(crew)
    await post.plan()
    assert (await rows(told))["push"] == ("due", "", "")

    assert await prefer(crew.rep, choices=off) == "NotificationPreferences"
    told = await raised(crew)
    await post.plan()
    assert (await rows(told))["push"] == ("dropped", "preference", "user")
    types = (await crew.rep.ask("{ notificationTypes { key rulings { channel handling rule } } }"))[
        "notificationTypes"
    ]
    [of_mine] = [one for one in types if one["key"] == "message_received"]
    assert {"channel": "PUSH", "handling": "OFF", "rule": "user"} in of_mine["rulings"]
    assert {"channel": "EMAIL", "handling": "OFF", "rule": "usual"} in of_mine["rulings"]


async def test_only_who_decides_for_others_sets_their_policy(crew: Crew) -> None:
    private = {"isPrivate": True}
    assert await policy(crew.rep, **private) == "Forbidden"
    assert await policy(crew.manager, **private) == "Forbidden"  # the whole workspace is not theirs
    assert await policy(crew.manager, teamId=crew.teams["support"], **private) == "Forbidden"
    assert await policy(crew.customer, **private) == "Forbidden"
    asked = """query($team: ID) { notificationPolicy(teamId: $team) {
        __typename ... on NotificationPolicy { version isPrivate teamId } } }"""
    for team in (None, crew.teams["support"]):
        assert (await crew.admin.ask(asked, team=team))["notificationPolicy"] == {
            "__typename": "NotificationPolicy",
            "version": 0,
            "isPrivate": None,
            "teamId": team,
        }
    assert (await crew.customer.ask(asked))["notificationPolicy"] == {"__typename": "Forbidden"}
    assert await policy(crew.admin, teamId=new_id(), **private) == "NotFound"
    assert await policy(crew.manager, teamId=crew.teams["west"], **private) == "NotificationPolicy"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"choices": [{"type": "typo", "channel": "PUSH", "handling": "OFF"}]}, "choices"),
        ({"choices": [{"type": "*", "channel": "PUSH", "handling": "OFF"}] * 2}, "choices"),
        ({"choices": [{"type": "*", "channel": "IN_APP", "handling": "DIGEST"}]}, "choices"),
        ({"digestAt": ["09:00", "25:00"]}, "digestAt.1"),
        ({"throttles": [{"type": "*", "most": 0, "minutes": 5}]}, "throttles.0.most"),
        ({"ahead": [{"type": "task_due", "minutes": -1}]}, "ahead.0.minutes"),
        ({"quietHours": {"start": "22:00", "end": "07:00"}, "isNeverQuiet": True}, "isNeverQuiet"),
    ],
)
async def test_settings_that_mean_nothing_are_refused_and_change_nothing(
    crew: Crew, given: dict[str, Any], field: str
) -> None:
    for mutation, name, who in (
        (PREFER, "notificationPreferencesSet", crew.rep),
        (POLICY, "notificationPolicySet", crew.admin),
    ):
        answer = (await who.ask(mutation, input=given))[name]
        assert answer["__typename"] == "InvalidInput"
        assert [one["field"] for one in answer["fields"]] == [field]
    kept = "{ version choices { type } digestAt throttles { type } ahead { type } isNeverQuiet }"
    assert (await crew.rep.ask(f"{{ notificationPreferences {kept} }}"))["notificationPreferences"] == {
        "version": 0,
        "choices": [],
        "digestAt": [],
        "throttles": [],
        "ahead": [],
        "isNeverQuiet": False,
    }


async def test_quiet_hours_hold_a_push_until_they_end_and_the_log_says_until_when(
    crew: Crew, post: PostOffice
) -> None:
    await register(crew.rep, f"ok-{new_id()}")
    quiet = around_now(hours=3)
    assert await policy(crew.admin, quietHours=quiet) == "NotificationPolicy"
    told = await raised(crew)
    await post.plan()
    [push] = [one for one in await deliveries_of(told.id) if one.channel is NotificationChannel.PUSH]
    assert (push.state, push.reason, push.rule) == (DeliveryState.DUE, "quiet_hours", "workspace")
    assert push.not_before == push.next_at
    assert f"{push.not_before:%H:%M}" == quiet["end"]
    [entry] = [one for one in await log_of(crew.rep, notification=told.id) if one["channel"] == "PUSH"]
    assert entry["explanation"].startswith("It waits until ")
    assert quiet["end"] in entry["explanation"]
    assert "by the workspace" in entry["explanation"]
    # Whoever wants no quiet hours has none, whatever the workspace says.
    await prefer(crew.rep, isNeverQuiet=True)
    told = await raised(crew)
    await post.plan()
    assert (await rows(told))["push"] == ("due", "", "")


async def test_a_digest_tells_what_was_gathered_in_one_and_leaves_out_what_was_read(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    at = datetime.now(UTC) + timedelta(hours=2)
    await prefer(
        crew.rep,
        digestAt=[f"{at:%H:%M}"],
        choices=[{"type": "message_received", "channel": "PUSH", "handling": "DIGEST"}],
    )
    told = [await raised(crew, subject=f"Battery {place}") for place in range(3)]
    await post.plan()
    gathered = [one for row in told for one in await deliveries_of(row.id) if one.digest_id]
    assert len({one.digest_id for one in gathered}) == 1
    assert {(one.state, one.reason, one.rule) for one in gathered} == {
        (DeliveryState.GATHERED, "digest", "user")
    }
    await post.send()
    assert post.received(value) == []

    read = """mutation($id: ID!) { notificationRead(input: {id: $id}) { __typename } }"""
    await crew.rep.ask(read, id=told[0].id)
    post.clock.advance(timedelta(hours=3))
    await post.house.relay.settle()
    await post.worker.work()
    [received] = post.received(value)
    assert received.message["notification"] == {
        "title": "2 new notifications",
        "body": "Customer replied: Battery 2 · Customer replied: Battery 1",
    }
    assert received.message["data"] == {"type": "digest", "count": "2"}
    assert (await rows(told[0]))["push"] == ("dropped", "already_read", "")

    # What comes after the digest has left goes with another.
    later = await raised(crew, subject="Late")
    await post.plan()
    [row] = [one for one in await deliveries_of(later.id) if one.digest_id]
    assert row.digest_id != gathered[0].digest_id


async def test_what_comes_too_often_is_gathered_and_nothing_is_lost(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    await prefer(crew.rep, throttles=[{"type": "message_received", "most": 2, "minutes": 10}])
    told = [await raised(crew, subject=f"Battery {place}") for place in range(5)]
    await post.plan()
    for one in told[:2]:
        assert (await rows(one))["push"] == ("due", "", "")
    for one in told[2:]:
        assert (await rows(one))["push"] == ("gathered", "throttled", "user")
    # Planned again, nothing moves: the turn was taken by who has it.
    uow = crew.house.store.unit_of_work(system_actor(crew.workspace_id))
    for one in told:
        assert one.created_at is not None
        assert await add_deliveries(await plan_deliveries(uow, one.id, at=one.created_at)) == []
    await post.send()
    assert len(post.received(value)) == 2
    post.clock.advance(timedelta(minutes=6))
    await post.worker.work()
    assert post.received(value)[-1].message["notification"]["title"] == "3 new notifications"


async def test_the_newest_of_one_matter_takes_the_place_of_what_still_waits(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    subject_id = new_id()
    told = []
    for _ in range(3):

        async def write(uow: UnitOfWork) -> Notification | None:
            return await notify(
                uow,
                MESSAGE_RECEIVED,
                recipient_id=crew.rep.user_id,
                key=new_id(),
                subject_id=subject_id,
                words={"subject": "Battery"},
            )

        told.append(await crew.house.store.write(crew.system, write))
        await post.plan()
    pushes = [(await rows(one))["push"] for one in told if one]
    assert pushes == [("dropped", "superseded", "")] * 2 + [("due", "", "")]
    await post.send()
    assert len(post.received(value)) == 1


async def test_what_leaves_the_house_may_say_that_there_is_something_and_not_what(
    crew: Crew, post: PostOffice
) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    await policy(crew.admin, isPrivate=True)
    told = await raised(crew, subject="Secret merger")
    await post.send()
    [received] = post.received(value)
    assert received.message["notification"] == {
        "title": "New notification",
        "body": "Open the app to read it.",
    }
    assert received.message["data"]["notificationId"] == told.id
    assert "Secret" not in str(received.message)
    # Nor a letter.
    uow = crew.house.store.unit_of_work(crew.system)
    mail = Delivery(
        **{
            **(await deliveries_of(told.id))[0].model_dump(),
            "id": new_id(),
            "channel": NotificationChannel.EMAIL,
            "sort": DeliverySort.TELL,
        }
    )
    content = await content_of(
        uow, mail, await told_by(uow, mail), await crew.user("rep"), link="https://x.example/app/"
    )
    assert content.letter is not None
    assert content.letter.subject == "New notification"
    assert "Secret" not in content.letter.text + content.letter.html


async def test_what_is_not_wanted_in_the_inbox_is_not_in_it(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    await prefer(crew.rep, choices=[{"type": "message_received", "channel": "IN_APP", "handling": "OFF"}])
    told = await raised(crew)
    await post.send()
    assert len(post.received(value)) == 1
    assert (await rows(told))["in_app"] == ("dropped", "preference", "user")
    assert await crew.rep.ask("{ unreadCount notifications { nodes { id } } }") == {
        "unreadCount": 0,
        "notifications": {"nodes": []},
    }


async def test_the_log_is_ones_own_and_an_admins_and_says_nothing_of_what_one_may_not_see(
    crew: Crew, post: PostOffice
) -> None:
    made = await crew.rep.do("taskCreate", {"title": "Call", "description": "-"})
    text = f"@[Stranger](user:{crew.stranger.user_id}) @[Colleague](user:{crew.colleague.user_id}) please"
    await crew.rep.do("taskUpdate", {"id": made["id"], "description": text})
    await crew.rep.do("taskUpdate", {"id": made["id"], "description": text + "!"})
    await post.plan()

    assert (await crew.rep.ask(LOG, user=crew.admin.user_id))["notificationLog"]["code"] == "FORBIDDEN"
    assert await log_of(crew.stranger, subject=made["id"]) == []
    everybody = await log_of(crew.admin, subject=made["id"])
    [withheld] = [one for one in everybody if one["userId"] == crew.stranger.user_id]
    assert (withheld["reason"], withheld["explanation"]) == (
        "no_permission",
        "The person may not read what it is about.",
    )
    mine = await log_of(crew.colleague, subject=made["id"])
    assert {one["channel"]: one["reason"] for one in mine} == {
        "IN_APP": "",
        "PUSH": "no_registration",
        "EMAIL": "preference",
    }
    lines = (await crew.colleague.ask("{ notifications { nodes { title } } }"))["notifications"]["nodes"]
    assert lines == [{"title": "Rep mentioned you: Call"}]
    assert await log_of(crew.customer) == []


async def test_the_log_is_read_page_by_page(crew: Crew, post: PostOffice) -> None:
    for _ in range(3):
        await raised(crew)
    await post.plan()
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await crew.rep.ask(LOG, first=2, after=after))["notificationLog"]
        found += page["entries"]
        after = page["endCursor"]
        if not page["hasNextPage"]:
            break
    assert len(found) == len(await log_of(crew.rep, first=100)) == 9
    for wrong in ({"first": 0}, {"first": 101}, {"after": "nonsense"}):
        assert (await crew.rep.ask(LOG, **wrong))["notificationLog"]["code"] == "INVALID_INPUT"


async def test_after_an_outage_what_has_outlived_its_use_is_given_up_with_a_reason(
    crew: Crew, post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of long ago are given up in the store itself; what is still worth it stays."""
    now = datetime.now(UTC)
    await register(crew.rep, f"ok-{new_id()}")
    device = (await crew.rep.ask("{ myDevices { id } }"))["myDevices"][0]["id"]

    def row(place: int, *, lives: timedelta) -> Delivery:
        at = now - timedelta(days=3) + timedelta(minutes=place)
        return Delivery(
            id=new_id(),
            workspace_id=crew.workspace_id,
            type="message_received",
            user_id=crew.rep.user_id,
            device_id=device,
            notification_id=new_id(),
            collapse_key=new_id(),
            raised_at=at,
            not_before=at,
            next_at=at,
            expires_at=at + lives,
        )

    late = [row(place, lives=timedelta(days=1)) for place in range(200)]
    useful = [row(place, lives=timedelta(days=30)) for place in range(5)]
    queue = Delivery.get_pymongo_collection()
    await queue.insert_many([{**one.model_dump(exclude={*BODY}), "_id": one.id} for one in late])
    await add_deliveries(useful)

    monkeypatch.setattr(windows, "ENOUGH", 64)
    assert await drop_expired(now=now) >= 200
    mine = {"workspace_id": crew.workspace_id}
    assert await queue.count_documents({**mine, "state": "dead", "reason": "expired"}) == 200
    assert await queue.count_documents({**mine, "state": "due"}) == 5
    assert await drop_expired(now=now) == 0
    # A notification that is planned only now is given up with the same reason.
    old = await raised(crew)
    planned = await plan_deliveries(
        crew.house.store.unit_of_work(crew.system), old.id, at=now - timedelta(days=2)
    )
    assert {one.channel.value: one.reason for one in planned if one.state is DeliveryState.DEAD} == {
        "push": "expired"
    }


async def test_read_on_one_device_it_goes_from_the_others(crew: Crew, post: PostOffice) -> None:
    here, there = f"ok-here-{new_id()}", f"ok-there-{new_id()}"
    await register(crew.rep, here)
    tablet = await second_sign_in(crew, "rep")
    await register(tablet, there)
    told = await raised(crew, TASK_ASSIGNED)
    await post.send()
    assert len(post.received(here)) == len(post.received(there)) == 1

    read = """mutation($id: ID!) { notificationRead(input: {id: $id}) { __typename } }"""
    await crew.rep.ask(read, id=told.id)
    await crew.rep.ask(read, id=told.id)
    await post.send()
    assert len(post.received(here)) == 1
    [_, back] = post.received(there)
    assert "notification" not in back.message
    assert back.message["data"] == {
        "type": "retract",
        "notificationId": told.id,
        "tag": f"task_assigned:{told.id}",
    }


async def test_all_lines_are_read_at_once(crew: Crew, post: PostOffice) -> None:
    for _ in range(3):
        await raised(crew)
    all_read = """mutation { notificationReadAll { marked left } }"""
    assert (await crew.rep.ask(all_read))["notificationReadAll"] == {"marked": 3, "left": 0}
    assert (await crew.rep.ask(all_read))["notificationReadAll"] == {"marked": 0, "left": 0}
    assert (await crew.rep.ask("{ unreadCount }"))["unreadCount"] == 0


async def test_a_clock_that_goes_back_sends_nothing_twice(crew: Crew, post: PostOffice) -> None:
    value = f"ok-{new_id()}"
    await register(crew.rep, value)
    told = await raised(crew)
    await post.send()
    post.clock.advance(timedelta(days=-2))
    await post.worker.work()
    await drop_expired(now=post.clock.now())
    assert len(post.received(value)) == 1
    assert await post.ends(told.id) == [("sent", "")]
