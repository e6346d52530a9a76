"""The relay: at least once, in order, one failing listener holds up nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pymongo.errors import AutoReconnect

from backend.core.clock import HeldClock
from backend.core.events import RecordCreated, RecordDeleted
from backend.core.ids import new_id
from backend.core.ledger import SEQUENCES
from backend.core.relay import PARKED, PATIENCE, PROGRESS, Delivery, Relay, Subscription
from backend.core.store import Store
from backend.crm.accounts import create_account
from backend.house import House
from tests.counting import counted_client
from tests.crew import Crew


class Listener:
    """Remember what was heard; fail the first ``failures`` times at each ``stumbling_block``."""

    def __init__(self, crew: Crew, *, failures: int = 0, stumbling_block: int = 0) -> None:
        self.crew, self.failures, self.stumbling_block = crew, failures, stumbling_block
        self.heard: list[str] = []
        self.tries = 0

    async def __call__(self, delivery: Delivery) -> None:
        entry = delivery.entry
        if entry.workspace_id != self.crew.workspace_id or entry.kind != "account":
            return
        if len(self.heard) == self.stumbling_block and self.tries < self.failures:
            self.tries += 1
            raise RuntimeError("not now")
        self.heard.append(entry.record_id)


def relay_of(store: Store, owner: str, **listeners: Listener) -> Relay:
    subscriptions = [
        Subscription(name=name, events=frozenset({RecordCreated}), listener=listener)
        for name, listener in listeners.items()
    ]
    return Relay(store, subscriptions, owner, group="under test")


async def held_store(house: House, crew: Crew) -> tuple[Store, HeldClock]:
    """Return a store of a second process that knows of this crew's workspace alone, with its clock held."""
    clock = HeldClock(datetime.now(UTC))
    store = Store(house.store.client, house.settings.database_name, clock)

    async def look() -> None:
        row = await store.database[SEQUENCES].find_one({"_id": crew.workspace_id})
        assert row is not None
        store.bell.ring(crew.workspace_id, row["seq"])

    store.bell.look = look  # type: ignore[method-assign]  # other tests' workspaces are none of our business
    return store, clock


async def create(house: House, crew: Crew, count: int) -> list[str]:
    made = [
        await house.store.write(crew.rep.actor, partial(create_account, fields={"name": f"A{n}"}))
        for n in range(count)
    ]
    return [account.id for account in made]


async def test_entries_arrive_once_each_and_in_order(house: House, crew: Crew) -> None:
    store, _ = await held_store(house, crew)
    ids = await create(house, crew, 5)
    listener = Listener(crew)
    relay = relay_of(store, "p1", **{f"in order {new_id()}": listener})
    await relay.settle()
    assert listener.heard == ids
    more = await create(house, crew, 2)
    await relay.settle()
    await relay.settle()
    assert listener.heard == ids + more
    await relay.stop()


async def test_another_process_goes_on_where_the_first_stopped(house: House, crew: Crew) -> None:
    store, _ = await held_store(house, crew)
    name = f"hand over {new_id()}"
    ids = await create(house, crew, 3)
    first, second = Listener(crew), Listener(crew)
    relay = relay_of(store, "p1", **{name: first})
    await relay.settle()
    await relay.stop()
    ids += await create(house, crew, 2)
    await relay_of(store, "p2", **{name: second}).settle()
    assert first.heard + second.heard == ids


async def test_two_processes_never_hand_out_together(house: House, crew: Crew) -> None:
    store, clock = await held_store(house, crew)
    name = f"leased {new_id()}"
    ids = await create(house, crew, 3)
    first, second = Listener(crew), Listener(crew)
    one, other = relay_of(store, "p1", **{name: first}), relay_of(store, "p2", **{name: second})
    await asyncio.gather(one.settle(), other.settle())
    assert sorted([first.heard, second.heard], key=len) == [[], ids]
    # The holder dies without a word: after its lease the other takes over, from the stored place.
    idle = other if first.heard else one
    listener = second if first.heard else first
    clock.advance(timedelta(seconds=31))
    more = await create(house, crew, 1)
    await idle.settle()
    assert listener.heard == more


async def test_a_failure_is_tried_again_and_holds_up_nobody_else(house: House, crew: Crew) -> None:
    store, clock = await held_store(house, crew)
    ids = await create(house, crew, 3)
    weak, strong = Listener(crew, failures=2, stumbling_block=1), Listener(crew)
    relay = relay_of(store, "p1", **{f"weak {new_id()}": weak, f"strong {new_id()}": strong})
    await relay.settle()
    assert (weak.heard, strong.heard) == (ids[:1], ids)
    await relay.settle()
    assert weak.tries == 1, "a failed entry waits for its time"
    clock.advance(timedelta(seconds=1))
    await relay.settle()
    clock.advance(timedelta(seconds=1))
    await relay.settle()
    assert weak.heard == ids


async def test_an_entry_that_fails_too_often_is_parked_and_shown(house: House, crew: Crew) -> None:
    store, clock = await held_store(house, crew)
    ids = await create(house, crew, 2)
    name = f"parking {new_id()}"
    listener = Listener(crew, failures=PATIENCE, stumbling_block=0)
    relay = relay_of(store, "p1", **{name: listener})
    for _ in range(PATIENCE):
        await relay.settle()
        clock.advance(timedelta(minutes=1))
    assert listener.heard == ids[1:]
    parked = await store.database[PARKED].find({"listener": name}).to_list()
    assert [(row["workspace_id"], row["event"]) for row in parked] == [(crew.workspace_id, "RecordCreated")]
    assert "not now" in parked[0]["error"]
    await store.database[PARKED].delete_many({"listener": name})


async def test_stopping_costs_two_writes_however_many_places_there_are(house: House, crew: Crew) -> None:
    everywhere = [crew, *[await Crew.hire(house, crew.rep.http) for _ in range(3)]]
    async with counted_client(house) as (client, commands):
        store = Store(client, house.settings.database_name, HeldClock(datetime.now(UTC)))
        names = [f"many {new_id()}" for _ in range(3)]
        # Nothing is for them: how far they have come is kept in memory for as long as it costs little.
        relay = Relay(
            store,
            [
                Subscription(name=name, events=frozenset({RecordDeleted}), listener=Listener(crew))
                for name in names
            ],
            "p1",
            group="under test",
        )
        for one in everywhere:
            row = await store.database[SEQUENCES].find_one({"_id": one.workspace_id})
            assert row is not None
            store.bell.ring(one.workspace_id, row["seq"])
        for subscription in relay._subscriptions:
            while await relay._pass(subscription):
                pass
        commands.take()
        await relay.stop()
        assert commands.take() == {"update relay_progress": 1, "delete leases": 1}
    ids = {f"under test|{one.workspace_id}": one.workspace_id for one in everywhere}
    rows = await house.store.database[PROGRESS].find({"_id": {"$in": list(ids)}}).to_list()
    assert {(row["_id"], place["listener"], place["seq"]) for row in rows for place in row["places"]} >= {
        (id, name, store.bell.newest(workspace_id)) for id, workspace_id in ids.items() for name in names
    }


async def test_what_was_handed_out_is_stored_soon_and_not_repeated_after_a_crash(
    house: House, crew: Crew
) -> None:
    store, clock = await held_store(house, crew)
    name = f"crash {new_id()}"
    ids = await create(house, crew, 3)
    first, second = Listener(crew), Listener(crew)
    relay = relay_of(store, "p1", **{name: first})
    running = asyncio.create_task(relay.run())
    await store.bell.look()
    row_id = f"under test|{crew.workspace_id}"
    async with asyncio.timeout(60):
        while True:
            row = await store.database[PROGRESS].find_one({"_id": row_id}) or {"places": []}
            if {"listener": name, "seq": store.bell.newest(crew.workspace_id), "done": 0, "tries": 0} in row[
                "places"
            ]:
                break
            await asyncio.sleep(0.05)
    running.cancel()  # without a word: neither place nor lease is given back
    await asyncio.gather(running, return_exceptions=True)
    clock.advance(timedelta(seconds=31))
    await relay_of(store, "p2", **{name: second}).settle()
    assert (first.heard, second.heard) == (ids, [])


async def test_a_lease_that_had_run_out_is_taken_up_from_what_others_stored(house: House, crew: Crew) -> None:
    store, clock = await held_store(house, crew)
    name = f"lapsed {new_id()}"
    first, second = Listener(crew), Listener(crew)
    relay, other = relay_of(store, "p1", **{name: first}), relay_of(store, "p2", **{name: second})
    await relay.settle()
    clock.advance(timedelta(seconds=31))
    ids = await create(house, crew, 2)
    await other.settle()
    await other.stop()
    await relay.settle()
    assert (first.heard, second.heard) == ([], ids)


async def test_a_read_that_failed_is_not_remembered(
    house: House, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = await held_store(house, crew)
    ids = await create(house, crew, 1)
    listener = Listener(crew)
    relay = relay_of(store, "p1", **{f"read {new_id()}": listener})

    async def fail(*_: object) -> None:
        raise AutoReconnect("away")

    with monkeypatch.context() as patch:
        patch.setattr(relay, "_read", fail)
        with pytest.raises(AutoReconnect):
            await relay.settle()
    await relay.settle()
    assert listener.heard == ids


async def test_a_workspace_that_another_process_serves_is_asked_for_less_and_less(
    house: House, crew: Crew
) -> None:
    store, clock = await held_store(house, crew)
    one = relay_of(store, "p1", **{f"served {new_id()}": Listener(crew)})
    await one.settle()
    async with counted_client(house) as (client, commands):
        waiting = Store(client, house.settings.database_name, clock)
        waiting.bell.ring(crew.workspace_id, store.bell.newest(crew.workspace_id))
        idle = relay_of(waiting, "p2", **{f"idle {n} {new_id()}": Listener(crew) for n in range(3)})

        async def asked(seconds: int) -> int:
            """Return how often the lease is asked for, with a look at all listeners each second."""
            commands.take()
            for _ in range(seconds):
                clock.advance(timedelta(seconds=1))
                await one._holds(crew.workspace_id)  # the holder lives, and renews
                for subscription in idle._subscriptions:
                    await idle._pass(subscription)
            return commands.take().get("findAndModify leases", 0)

        assert await asked(14) == 3, "after 1, 3 and 7 seconds, once for all listeners"
        assert await asked(60) == 3, "after 15, 31 and 61 seconds"
        waiting.bell.ring(crew.workspace_id, store.bell.newest(crew.workspace_id) + 1)
        assert await asked(40) == 4, "something has happened there: after 91, and then 93, 97 and 105"
    await one.stop()
