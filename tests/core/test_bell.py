"""The bell: commits of other processes are heard, and hearing costs what has moved, not what there is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from backend.core.bell import LOOK_AT_ALL_EVERY, Bell
from backend.core.ids import new_id
from backend.core.ledger import SEQUENCES
from backend.core.store import CODECS
from backend.crm.accounts import create_account
from backend.house import House
from tests.counting import Commands, counted_client
from tests.crew import Crew


@pytest.fixture
async def other(house: House) -> AsyncIterator[tuple[Bell, Commands]]:
    """The bell of another process, and what it asks of the store."""
    async with counted_client(house) as (client, commands):
        yield Bell(client.get_database(house.settings.database_name, codec_options=CODECS)), commands


def looks(commands: Commands) -> list[dict[str, Any]]:
    """Return what was asked of the counters."""
    return [command["filter"] for _, command in commands.sent if command.get("find") == SEQUENCES]


async def newest(house: House, crew: Crew) -> int:
    row = await house.store.database[SEQUENCES].find_one({"_id": crew.workspace_id})
    assert row is not None
    return int(row["seq"])


async def commit(house: House, crew: Crew) -> None:
    await house.store.write(crew.rep.actor, partial(create_account, fields={"name": "A"}))


async def test_a_first_look_hears_of_everything_and_a_later_one_of_what_moved(
    house: House, crew: Crew, other: tuple[Bell, Commands]
) -> None:
    bell, commands = other
    await house.relay.settle()  # what a new workspace sets off commits, too
    commands.take()
    await bell.look()
    assert bell.newest(crew.workspace_id) == await newest(house, crew)
    await commit(house, crew)
    await bell.look()
    assert bell.newest(crew.workspace_id) == await newest(house, crew)
    assert looks(commands)[0] == {}
    assert set(looks(commands)[1]) == {"moved_at"}


async def test_a_commit_under_a_clock_set_back_is_heard_at_the_next_look_at_all(
    house: House, other: tuple[Bell, Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    bell, commands = other
    counters = house.store.database[SEQUENCES]
    workspace_id, now = new_id(), house.store.clock.now()  # one in which no job of the house commits
    await counters.insert_one({"_id": workspace_id, "seq": 1, "moved_at": now})
    commands.take()
    await bell.look()
    assert bell.newest(workspace_id) == 1
    behind = now - timedelta(days=365)
    await counters.update_one({"_id": workspace_id}, {"$inc": {"seq": 1}, "$set": {"moved_at": behind}})
    await bell.look()
    assert bell.newest(workspace_id) == 1
    monkeypatch.setattr(bell, "_looked_at_all", -LOOK_AT_ALL_EVERY.total_seconds())
    await bell.look()
    assert bell.newest(workspace_id) == 2
    assert looks(commands)[-1] == {}


async def test_who_follows_is_told_each_workspace_as_it_rings() -> None:
    bell = Bell(None)  # type: ignore[arg-type]  # it is rung by hand
    bell.ring("a", 1)
    first = bell.follow()
    second = bell.follow()
    assert first == second == {"a"}
    first.discard("a")
    bell.ring("a", 1)
    assert first == set(), "nothing new"
    bell.ring("b", 7)
    bell.ring("a", 2)
    assert (first, second) == ({"a", "b"}, {"a", "b"})
    assert (bell.newest("a"), bell.newest("b"), bell.newest("c")) == (2, 7, 0)
