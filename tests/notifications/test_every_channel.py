"""What must hold on each channel alike: private mode, and read in one place, gone from the others."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from backend.house import House
from notifications.delivery import deliveries_of
from notifications.documents import Notification
from notifications.synced import NOTIFICATIONS
from notifications.wording import LANGUAGES, private_wording
from tests.crew import Crew
from tests.mobile_sync.wire import WirePhone
from tests.notifications.everywhere import LEAVING, ROBOTS, Everywhere
from tests.notifications.pushing import PostOffice
from tests.notifications.test_planning import around_now, policy, prefer
from tests.notifications.test_pushes import assign, ticket_for

READ = "mutation($id: ID!) { notificationRead(input: {id: $id}) { __typename } }"
RECEIVERS = ("phone", "tablet", "browser", "mail", *ROBOTS, "sms")


@pytest.fixture
async def rep(crew: Crew, post: PostOffice, house: House) -> AsyncIterator[Everywhere]:
    async with Everywhere.reached(crew, post, house) as rep:
        yield rep


def counts(got: dict[str, list[Any]]) -> dict[str, int]:
    return {receiver: len(found) for receiver, found in got.items() if found}


async def states(notification: Notification) -> dict[str, set[tuple[str, str]]]:
    """Return the states and reasons of what tells of a notification, by channel."""
    found: dict[str, set[tuple[str, str]]] = {}
    for one in await deliveries_of(notification.id):
        if one.sort.value == "tell":
            found.setdefault(one.channel.value, set()).add((one.state.value, one.reason))
    return found


async def test_without_private_mode_every_channel_says_what_it_is_about(rep: Everywhere) -> None:
    """So that the next test fails when nothing is hidden."""
    await rep.raised("Secret merger")
    got = await rep.send()
    assert counts(got) == dict.fromkeys(RECEIVERS, 1)
    for receiver, [said] in got.items():
        assert "Secret merger" in str(said), receiver
        assert "Lindqvist" in str(said), receiver


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("who", ["workspace", "person"])
async def test_in_private_mode_no_channel_says_what_it_is_about_and_the_inbox_does(
    rep: Everywhere, locale: str, who: str
) -> None:
    await rep.speak(locale)
    if who == "workspace":
        assert await policy(rep.crew.admin, isPrivate=True) == "NotificationPolicy"
    else:
        at_once = [{"type": "*", "channel": one, "handling": "AT_ONCE"} for one in LEAVING]
        assert await prefer(rep.person, choices=at_once, isPrivate=True) == "NotificationPreferences"
    told = await rep.raised("Secret merger")
    got = await rep.send()
    assert counts(got) == dict.fromkeys(RECEIVERS, 1)
    neutral = private_wording(locale)
    for receiver, [said] in got.items():
        assert "Secret" not in str(said), receiver
        assert "Lindqvist" not in str(said), receiver
        assert neutral.title in str(said), receiver
    # Ids are there, for the app to fetch the words with.
    for receiver in ("phone", "tablet", "browser", "standard"):
        [said] = got[receiver]
        assert said["data"]["notificationId"] == told.id
    # The inbox is inside the app, and reads as ever: listed, and on a phone that pulls it.
    [line] = (await rep.person.ask("{ notifications { nodes { title body } } }"))["notifications"]["nodes"]
    assert "Secret merger" in line["title"]
    assert "Lindqvist" in line["body"]
    phone = WirePhone(rep.person, NOTIFICATIONS)
    [row] = await phone.pull()
    assert (row["title"], row["body"]) == (line["title"], line["body"])


async def test_a_digest_in_private_mode_names_none_of_what_it_gathers(rep: Everywhere) -> None:
    at = rep.post.clock.now() + timedelta(hours=2)
    gathered = [{"type": "*", "channel": one, "handling": "DIGEST"} for one in LEAVING]
    assert (
        await prefer(rep.person, choices=gathered, digestAt=[f"{at:%H:%M}"], isPrivate=True)
        == "NotificationPreferences"
    )
    for subject in ("Secret merger", "Secret sale"):
        await rep.raised(subject)
    assert counts(await rep.send()) == {}
    rep.post.clock.advance(timedelta(hours=3))
    got = await rep.send()
    assert counts(got) == dict.fromkeys(RECEIVERS, 1)
    for receiver, [said] in got.items():
        assert "Secret" not in str(said), receiver
        assert private_wording("en").title in str(said), receiver


async def test_what_was_read_before_it_left_leaves_over_no_channel(rep: Everywhere) -> None:
    quiet = around_now(hours=2)
    at_once = [{"type": "*", "channel": one, "handling": "AT_ONCE"} for one in LEAVING]
    await prefer(rep.person, choices=at_once, quietHours=quiet)
    read, kept = await rep.raised("Read meanwhile"), await rep.raised("Kept")
    assert counts(await rep.send()) == {}
    await rep.person.ask(READ, id=read.id)
    await rep.post.house.relay.settle()
    rep.post.clock.advance(timedelta(hours=3))
    got = await rep.send()
    assert counts(got) == dict.fromkeys(RECEIVERS, 1)
    for receiver, [said] in got.items():
        assert "Kept" in str(said), receiver
    assert await states(read) == {
        "in_app": {("sent", "")},
        **{one.lower(): {("dropped", "already_read")} for one in LEAVING},
    }
    assert (await states(kept))["webhook"] == {("sent", "")}


async def test_read_on_the_phone_it_goes_from_the_tablet_and_the_browser_and_nothing_else_is_written(
    rep: Everywhere,
) -> None:
    told = await rep.raised("Call Chen")
    assert counts(await rep.send()) == dict.fromkeys(RECEIVERS, 1)
    await rep.person.ask(READ, id=told.id)  # the session of the phone
    got = await rep.send()
    assert counts(got) == {"tablet": 1, "browser": 1}
    back = {"type": "retract", "notificationId": told.id, "tag": f"task_assigned:{told.id}"}
    [on_tablet], [in_browser] = got["tablet"], got["browser"]
    assert on_tablet["data"] == in_browser["data"] == back
    assert "notification" not in on_tablet
    assert (in_browser["title"], in_browser["body"]) == ("", "")
    assert "Chen" not in str(on_tablet) + str(in_browser)
    # Read again, or from elsewhere: once is enough.
    await rep.person.ask(READ, id=told.id)
    assert counts(await rep.send()) == {}


async def test_taken_out_of_the_inbox_on_a_phone_it_goes_from_every_other_screen(rep: Everywhere) -> None:
    """Offline, over sync: the phone that did it is known by its session, too."""
    told = await rep.raised("Call Chen")
    await rep.send()
    phone = WirePhone(rep.person, NOTIFICATIONS)
    await phone.pull()
    await phone.push(phone.edit(told.id, _deleted=True))
    assert counts(await rep.send()) == {"tablet": 1, "browser": 1}


async def test_what_names_a_record_goes_from_every_screen_when_its_reader_loses_sight_of_it(
    rep: Everywhere,
) -> None:
    """What was mailed or posted is out of the house; a screen can still be cleared."""
    ticket_id = await ticket_for(rep.crew, rep.person, subject="Acme's leak")
    other_id = await ticket_for(rep.crew, rep.person, subject="Sensor offline")
    got = await rep.send()
    assert counts(got) == dict.fromkeys(RECEIVERS, 2)
    await assign(rep.crew, ticket_id, rep.crew.agent)
    got = await rep.send()
    assert counts(got) == {"phone": 1, "tablet": 1, "browser": 1}
    told = await Notification.find_one({"subject_id": ticket_id, "owner_id": rep.person.user_id})
    kept = await Notification.find_one({"subject_id": other_id, "owner_id": rep.person.user_id})
    assert told is not None
    assert kept is not None
    for receiver in ("phone", "tablet", "browser"):
        [said] = got[receiver]
        assert said["data"]["type"] == "retract"
        assert said["data"]["notificationId"] == told.id
        assert "Acme" not in str(said), receiver
    # Twice is as good as once, and who never lost sight of theirs is told nothing.
    await assign(rep.crew, ticket_id, rep.crew.colleague)
    assert counts(await rep.send()) == {}
    assert (await states(kept))["push"] == {("sent", "")}


async def test_a_digest_that_names_a_record_goes_whole_when_its_reader_loses_sight_of_it(
    rep: Everywhere,
) -> None:
    at = rep.post.clock.now() + timedelta(hours=2)
    gathered = [{"type": "*", "channel": "PUSH", "handling": "DIGEST"}]
    assert await prefer(rep.person, choices=gathered, digestAt=[f"{at:%H:%M}"]) == "NotificationPreferences"
    ticket_id = await ticket_for(rep.crew, rep.person, subject="Acme's leak")
    await ticket_for(rep.crew, rep.person, subject="Sensor offline")
    await rep.send()
    rep.post.clock.advance(timedelta(hours=3))
    got = await rep.send()
    assert counts({name: got[name] for name in ("phone", "tablet")}) == {"phone": 1, "tablet": 1}
    assert "Acme" in str(got["phone"])
    await assign(rep.crew, ticket_id, rep.crew.agent)
    got = await rep.send()
    assert counts({name: got[name] for name in ("phone", "tablet")}) == {"phone": 1, "tablet": 1}
    for receiver in ("phone", "tablet"):
        [said] = got[receiver]
        assert said["data"]["type"] == "retract"
        assert "Acme" not in str(said)
