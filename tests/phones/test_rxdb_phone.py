"""The phone harness itself: two real RxDB phones against a tiny server, and what such a server sees."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.phones.rxdb_phone import PhoneError, RxdbPhone
from tests.phones.tiny_server import OPPORTUNITY_SCHEMA, Opportunity, Store, tiny_server

pytestmark = pytest.mark.phone

SCHEMAS = {"opportunity": OPPORTUNITY_SCHEMA}


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, Store]]:
    async with tiny_server() as served:
        yield served


async def test_two_phones_edit_one_record_and_both_edits_survive(server: tuple[str, Store]) -> None:
    address, store = server
    for number in range(7):
        store.put(Opportunity(id=f"o{number}", stage="new", amount=100.0))

    async with (
        RxdbPhone(address, schemas=SCHEMAS, token="a", name="A") as a,
        RxdbPhone(address, schemas=SCHEMAS, token="b", name="B") as b,
    ):
        await a.start(pull_batch=3)
        await b.start()
        assert await a.count("opportunity") == await b.count("opportunity") == 7

        # A is offline and edits; B moves the same record on; nothing of A's work has left the phone.
        await a.pause()
        await a.patch("opportunity", "o1", {"amount": 250})
        await a.insert("opportunity", {"id": "o9", "stage": "typed on the train"})
        await b.patch("opportunity", "o1", {"stage": "won"})
        await b.in_sync()
        assert "o9" not in store.rows
        assert await a.get("opportunity", "o1") == {"id": "o1", "stage": "new", "amount": 250}

        await a.resume()
        await a.in_sync()
        both = {"id": "o1", "stage": "won", "amount": 250}
        await a.wait_for("opportunity", "o1", **both)
        await b.wait_for("opportunity", "o1", **both)
        assert (await b.wait_for("opportunity", "o9"))["stage"] == "typed on the train"
        assert (await a.counts())["conflicts"] == 0
        assert any("the phone is offline" in error["message"] for error in await a.errors())

        # The stream still works after the cut, and a removal travels as a tombstone.
        await b.remove("opportunity", "o0")
        await b.in_sync()
        assert store.rows["o0"][1].deleted is True
        store.put(Opportunity(id="o2", stage="lost", amount=1.0))
        await a.wait_for("opportunity", "o2", stage="lost")
        assert [document["id"] for document in await a.dump("opportunity")] == [
            f"o{n}" for n in (1, 2, 3, 4, 5, 6, 9)
        ]


async def test_a_phone_shows_its_token_in_three_places(server: tuple[str, Store]) -> None:
    address, store = server
    store.put(Opportunity(id="o1", stage="new"))
    async with RxdbPhone(address, schemas=SCHEMAS, token="first") as phone:
        await phone.start(pull_batch=50)
        await phone.patch("opportunity", "o1", {"amount": 5})
        await phone.in_sync()

        pull, push = (
            store.requests[0],
            next(r for r in store.requests if r["body"]["query"].startswith("mutation")),
        )
        assert pull["headers"]["authorization"] == push["headers"]["authorization"] == "Bearer first"
        assert pull["body"]["operationName"] == "PullOpportunity"
        assert pull["body"]["variables"] == {"limit": 50}  # an undefined checkpoint is left out
        assert (
            "query PullOpportunity($checkpoint: OpportunityInputCheckpoint, $limit: Int!)"
            in pull["body"]["query"]
        )
        assert (
            "mutation PushOpportunity($opportunityPushRow: [OpportunityInputPushRow!])"
            in push["body"]["query"]
        )
        assert push["body"]["variables"] == {
            "opportunityPushRow": [
                {
                    "newDocumentState": {"id": "o1", "stage": "new", "amount": 5, "_deleted": False},
                    "assumedMasterState": {"id": "o1", "stage": "new", "amount": None, "_deleted": False},
                }
            ]
        }
        assert store.streams == [
            {
                "connection_params": {"headers": {"Authorization": "Bearer first"}},
                "authorization_argument": "Bearer first",
                "http_authorization": None,
                "subprotocol": "graphql-transport-ws",
            }
        ]

        # After a reconnect the socket shows the new token; the argument stays that of the first subscription.
        await phone.token("second")
        await phone.pause()
        await phone.resume()
        store.put(Opportunity(id="o2"))
        await phone.wait_for("opportunity", "o2")
        await phone.in_sync()
        assert store.requests[-1]["headers"]["authorization"] == "Bearer second"
        while len(store.streams) < 2:
            await phone.count("opportunity")
        assert store.streams[1]["connection_params"] == {"headers": {"Authorization": "Bearer second"}}
        assert store.streams[1]["authorization_argument"] == "Bearer first"


async def test_a_stream_event_moves_the_cursor_only_when_it_brings_one(server: tuple[str, Store]) -> None:
    """The stream's checkpoint replaces the pull's: an event that runs ahead hides what came between."""
    address, store = server
    store.put(Opportunity(id="o1", stage="new"))
    async with RxdbPhone(address, schemas=SCHEMAS, token="t") as phone:

        async def cursor_of_the_next_pull() -> object:
            before = len(store.requests)
            await phone.resync()
            await phone.in_sync()
            return store.requests[before]["body"]["variables"]["checkpoint"]

        await phone.start()
        while not store.listeners:
            await phone.count("opportunity")
        assert await cursor_of_the_next_pull() == {"cursor": "1"}

        store.announce([], "77")
        store.announce([Opportunity(id="o2")], None)
        await phone.wait_for("opportunity", "o2")
        assert await cursor_of_the_next_pull() == {"cursor": "1"}

        store.announce([Opportunity(id="o3")], "88")
        await phone.wait_for("opportunity", "o3")
        assert await cursor_of_the_next_pull() == {"cursor": "88"}
        assert await phone.errors() == []


async def test_a_silent_phone_fails_with_its_last_words(server: tuple[str, Store]) -> None:
    address, _ = server
    async with RxdbPhone(address, schemas=SCHEMAS, token="t", timeout=timedelta(seconds=2)) as phone:
        with pytest.raises(PhoneError, match="no opportunity nowhere"):
            await phone.patch("opportunity", "nowhere", {"amount": 1})
        await phone.pause()
        with pytest.raises(PhoneError, match=r"(?s)start took longer than 2 s.*the phone is offline"):
            await phone.start()
        await phone.exit()
        with pytest.raises(PhoneError, match="not running"):
            await phone.count("opportunity")
