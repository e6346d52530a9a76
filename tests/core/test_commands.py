"""How many commands a query costs the database: the guard against one read per row."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backend.core.ids import new_id
from backend.crm.documents import Account
from backend.house import House
from tests.counting import Commands, counted_reads
from tests.crew import Crew, Person


@pytest.fixture
async def counted(house: House, crew: Crew) -> AsyncIterator[tuple[Crew, Commands]]:
    """The crew, with a client that counts the commands of its reads."""
    async with counted_reads(house) as commands:
        await crew.rep.ask("{ me { id } }")
        yield crew, commands


async def count_from_here(crew: Crew, commands: Commands) -> None:
    """Count once the house's listeners are done: a lookup that joins one of theirs goes out in their name."""
    await crew.house.relay.settle()
    commands.take()


async def test_a_page_and_its_relations_cost_two_reads(counted: tuple[Crew, Commands]) -> None:
    crew, commands = counted
    for n in range(6):
        account = await crew.rep.do("accountCreate", {"name": f"A{n}"})
        await crew.rep.do("contactCreate", {"familyName": f"C{n}", "accountId": account["id"]})
    await count_from_here(crew, commands)
    found = await crew.rep.ask("{ contacts(first: 10) { nodes { familyName account { name } } } }")
    assert {(row["familyName"], row["account"]["name"]) for row in found["contacts"]["nodes"]} == {
        (f"C{n}", f"A{n}") for n in range(6)
    }
    sent = commands.take()
    # One window of the feed per scope of the rep (own, team), then the accounts of all contacts at once.
    assert sent == {"find contacts": 2, "find accounts": 1}


async def test_a_single_read_costs_one(counted: tuple[Crew, Commands]) -> None:
    crew, commands = counted
    made = await crew.rep.do("accountCreate", {"name": "A"})
    await count_from_here(crew, commands)
    await crew.rep.ask("query($id: ID!) { account(id: $id) { name } }", id=made["id"])
    assert commands.take() == {"find accounts": 1}


async def test_a_create_reads_only_whether_its_id_is_taken(counted: tuple[Crew, Commands]) -> None:
    crew, commands = counted
    commands.take()
    await crew.rep.do("accountCreate", {"name": "A", "mutationId": "m"})
    assert commands.take() == {}, "the transaction is the sequencer's; the operation itself reads nothing"


async def test_lookups_of_one_moment_cost_one_read_and_give_each_its_own_record(
    counted: tuple[Crew, Commands],
) -> None:
    crew, commands = counted
    made = [await crew.rep.do("accountCreate", {"name": f"A{n}"}) for n in range(3)]
    await count_from_here(crew, commands)
    reader = crew.house.store.reader
    ids = [*(one["id"] for one in made), made[0]["id"], new_id()]

    found = await asyncio.gather(*(reader.get(Account, id) for id in ids))

    assert commands.take() == {"find accounts": 1}
    assert [one and one.name for one in found] == ["A0", "A1", "A2", "A0", None]
    assert found[0] is not found[3]
    assert found[0] is not None
    assert found[3] is not None
    assert found[0].acl is not found[3].acl


async def test_whoever_looks_up_hears_of_a_failure(
    counted: tuple[Crew, Commands], monkeypatch: pytest.MonkeyPatch
) -> None:
    crew, _ = counted
    monkeypatch.setattr(Account.get_settings(), "pymongo_collection", None)

    answers = await asyncio.gather(
        *(crew.house.store.reader.get(Account, new_id()) for _ in range(2)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [AttributeError, AttributeError]


async def test_records_found_by_id_alone_cost_one_read_for_all_who_look_and_obey_the_same_rules(
    counted: tuple[Crew, Commands],
) -> None:
    crew, commands = counted
    made = [await crew.rep.do("accountCreate", {"name": f"A{n}"}) for n in range(3)]
    await crew.rep.do("accountDelete", {"id": made[2]["id"]})
    ids = [*(one["id"] for one in made), new_id()]
    store = crew.house.store
    await count_from_here(crew, commands)

    async def seen_by(person: Person) -> list[str]:
        found = await store.unit_of_work(person.actor).find(Account, {"_id": {"$in": ids}})
        return [one.name for one in found]

    async def first_seen_by(person: Person) -> str:
        found = await store.unit_of_work(person.actor).find_one(Account, {"_id": ids[0]})
        return found.name if found else ""

    everybody = (crew.rep, crew.stranger, crew.customer)
    several = asyncio.gather(*map(seen_by, everybody))
    first = asyncio.gather(*map(first_seen_by, everybody))
    assert await several == [["A0", "A1"], [], []]
    assert await first == ["A0", "", ""]
    assert commands.take() == {"find accounts": 1}
