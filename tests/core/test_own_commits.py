"""What this process committed itself: known without a question, and never believed beyond what is certain."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from backend.core.events import DomainEvent
from backend.core.ids import new_id
from backend.core.ledger import LEDGER, SEQUENCES, entries_of
from backend.core.own_commits import MOST_COMMITS, MOST_ENTRIES, MOST_WORKSPACES, OwnCommits
from backend.core.relay import Delivery, Relay, Subscription
from backend.core.store import CODECS, Store
from backend.crm.accounts import create_account
from backend.crm.documents import Account, Task
from backend.house import House
from tests.counting import counted_client, counted_reads
from tests.crew import Crew


def test_the_kinds_of_a_stretch_are_known_only_where_every_number_is_our_own() -> None:
    own = OwnCommits()
    assert own.kinds("w", after=1, until=2) is None
    own.note("w", 5, [{"account"}, {"account", "task"}, ()], [])
    assert own.kinds("w", after=4, until=5) == {"account"}
    assert own.kinds("w", after=4, until=7) == {"account", "task"}
    assert own.kinds("w", after=6, until=7) == frozenset()
    assert own.kinds("w", after=3, until=5) is None, "number 4 was another process's"
    assert own.kinds("w", after=4, until=8) is None, "8 may be another process's"
    assert own.kinds("other", after=4, until=5) is None
    own.note("w", 8, [{"lead"}], [])
    assert own.kinds("w", after=6, until=8) == {"lead"}
    own.note("w", 10, [{"lead"}], [])  # 9 was another process's
    assert own.kinds("w", after=7, until=10) is None
    assert own.kinds("w", after=9, until=10) == {"lead"}


def test_numbers_that_are_given_out_again_are_not_taken_for_the_old_ones() -> None:
    own = OwnCommits()
    own.note("w", 5, [{"account"}] * 3, [])
    own.note("w", 6, [{"lead"}], [])  # after a restore from a backup
    assert own.kinds("w", after=5, until=6) == {"lead"}
    assert own.kinds("w", after=4, until=6) is None


def test_the_last_commit_of_a_kind_is_remembered_over_gaps() -> None:
    own = OwnCommits()
    assert own.last_of("w", ["account"]) == 0
    own.note("w", 5, [{"account"}, {"task"}], [])
    own.note("w", 90, [{"lead"}], [])
    assert own.last_of("w", ["account"]) == 5
    assert own.last_of("w", ["account", "task"]) == 6
    assert own.last_of("w", ["ticket"]) == 0


def ledger_of(*numbers: int, entries: int = 1) -> list[dict[str, Any]]:
    return [{"seq": number, "entries": [{"kind": "account"}] * entries} for number in numbers]


def numbers_of(commits: list[Mapping[str, Any]] | None) -> list[int] | None:
    return None if commits is None else [commit["seq"] for commit in commits]


def test_what_the_ledger_says_is_known_only_where_every_number_is_our_own() -> None:
    own = OwnCommits()
    assert own.written("w", after=4, until=5) is None
    own.note("w", 5, [{"account"}, {"account"}, ()], ledger_of(5, 6))  # 7 was taken in vain
    own.note("w", 8, [{"account"}], ledger_of(8))
    assert numbers_of(own.written("w", after=4, until=8)) == [5, 6, 8]
    assert numbers_of(own.written("w", after=5, until=7)) == [6]
    assert numbers_of(own.written("w", after=6, until=7)) == []
    assert own.written("w", after=3, until=5) is None, "number 4 was another process's"
    assert own.written("w", after=4, until=9) is None, "9 may be another process's"
    own.note("w", 10, [{"account"}], ledger_of(10))  # 9 was another process's
    assert own.written("w", after=7, until=10) is None
    assert numbers_of(own.written("w", after=9, until=10)) == [10]
    own.forget("w")
    assert own.written("w", after=9, until=10) is None


def test_of_the_ledger_only_so_much_is_kept_of_all_workspaces_together() -> None:
    own = OwnCommits()
    half = MOST_ENTRIES // 2
    own.note("w", 1, [{"account"}], ledger_of(1, entries=half))
    own.note("other", 1, [{"account"}], ledger_of(1, entries=half))
    own.note("w", 2, [{"account"}], ledger_of(2))
    assert own.written("w", after=0, until=2) is None
    assert numbers_of(own.written("w", after=1, until=2)) == [2]
    assert numbers_of(own.written("other", after=0, until=1)) == [1]
    assert own.kinds("w", after=0, until=2) == {"account"}, "kinds are kept longer"
    own.note("w", 3, [{"account"}], ledger_of(3, entries=MOST_ENTRIES + 1))
    assert own.written("w", after=2, until=3) is None, "too much for any"
    assert numbers_of(own.written("w", after=3, until=3)) == []


async def test_listeners_hear_of_our_own_commits_without_a_look_at_the_ledger_and_of_all_others(
    house: House, crew: Crew
) -> None:
    store = house.store
    elsewhere = Store(store.client, house.settings.database_name, store.clock)
    heard: list[Delivery] = []

    async def listen(delivery: Delivery) -> None:
        if delivery.entry.workspace_id == crew.workspace_id:
            heard.append(delivery)

    everything = frozenset(DomainEvent.registry.values())
    name = f"heard {new_id()}"
    relay = Relay(store, [Subscription(name=name, events=everything, listener=listen)], "here", group=name)

    async def create(by: Store) -> None:
        await by.write(crew.rep.actor, partial(create_account, fields={"name": "one"}))

    await relay.settle()
    heard.clear()
    async with counted_client(house) as (client, commands):
        relay._database = client[house.settings.database_name].with_options(CODECS)
        commands.take()
        await create(store)
        await create(store)
        await relay.settle()
        assert "find ledger" not in commands.take()
        assert len(heard) >= 2
        await create(elsewhere)
        await create(store)
        await relay.settle()
        assert commands.take()["find ledger"] == 1
    after = heard[0].entry.seq - 1
    own = store.reader.own
    rows = (
        store.database[LEDGER].find({"workspace_id": crew.workspace_id, "seq": {"$gt": after}}).sort("seq", 1)
    )
    stored = [commit for row in await rows.to_list() for commit in row["commits"]]
    assert [one.entry for one in heard] == [
        entry for commit in stored for entry in entries_of(commit, crew.workspace_id)
    ], "to the last bit what the store has, and all of it"
    newest = stored[-1]
    assert own.written(crew.workspace_id, after=newest["seq"] - 1, until=newest["seq"]) == [newest]


def test_only_so_much_is_kept() -> None:
    own = OwnCommits()
    for number in range(1, 3 * MOST_COMMITS):
        own.note("w", number, [{f"kind {number % 7}"}], [])
    newest = 3 * MOST_COMMITS - 1
    assert own.kinds("w", after=newest - 1, until=newest) == {f"kind {newest % 7}"}
    assert own.kinds("w", after=newest - MOST_COMMITS, until=newest) is not None
    assert own.kinds("w", after=1, until=newest) is None
    for number in range(MOST_WORKSPACES):
        own.note(f"w{number}", 1, [{"account"}], [])
    assert own.kinds("w", after=newest - 1, until=newest) is None


async def test_who_asks_after_a_kind_that_only_we_could_have_written_costs_no_read(
    house: House, crew: Crew
) -> None:
    store = house.store
    elsewhere = Store(store.client, house.settings.database_name, store.clock)
    await crew.settle()

    async def create(by: Store, name: str) -> int:
        made = await by.write(crew.rep.actor, partial(create_account, fields={"name": name}))
        return made.version

    async def changed(record: type[Account] | type[Task], after: int, until: int) -> list[str]:
        rows = await store.reader.by_version(
            crew.system, record, after=after, until=until, most=10, newest_first=False
        )
        return [row.id for row in rows]

    first = await create(store, "ours")
    async with counted_reads(house) as commands:
        commands.take()
        assert await changed(Task, first - 1, first) == []
        assert commands.take() == {}
        assert len(await changed(Account, first - 1, first)) == 1
        assert commands.take() == {"find accounts": 1}
        second = await create(elsewhere, "another process's")
        assert len(await changed(Account, first, second)) == 1
        third = await create(store, "ours again")
        assert await changed(Task, first, third) == []
        assert commands.take() == {"find accounts": 1, "find tasks": 1}, "what another wrote is asked for"
        assert len(await changed(Account, first, third)) == 2


async def test_after_a_restore_nothing_is_believed_of_what_was_committed_before(
    house: House, crew: Crew
) -> None:
    store, workspace_id = house.store, crew.workspace_id
    await crew.settle()
    made = await store.write(crew.rep.actor, partial(create_account, fields={"name": "lost"}))
    assert store.reader.own.kinds(workspace_id, after=made.version - 1, until=made.version) == {"account"}
    counters = store.database[SEQUENCES]
    await counters.update_one({"_id": workspace_id}, {"$set": {"seq": made.version - 1}})
    try:
        assert await store.reader.newest_version(workspace_id) == made.version - 1
        assert store.reader.own.kinds(workspace_id, after=made.version - 1, until=made.version) is None
    finally:
        await counters.update_one({"_id": workspace_id}, {"$max": {"seq": made.version}})
