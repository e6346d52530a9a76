"""Random worlds: every path gives everybody what the reference model gives them, and not a field more.

One world here; `make leaks` makes many.
"""

import random

import httpx
import pytest

from backend.core import reading
from backend.house import House
from tests.leaks import more_paths, walk, writes
from tests.leaks.probe import Asker, Found, askers
from tests.leaks.world import KINDS, World, make_world

pytestmark = pytest.mark.timeout(900)  # many questions: a busy machine takes its time

SEED = 1
LEAST_PROBES = 100_000
SINGLES = 60


@pytest.fixture(scope="session")
async def world(house: House, patient: httpx.AsyncClient) -> World:
    return await make_world(house, patient, SEED)


def some(world: World, found: Found, *, most: int) -> list[Asker]:
    """Return some people of the first workspace, of ours and customers."""
    everybody = [asker for asker in askers(world, found) if asker.town is world.towns[0]]
    return [*everybody[: most - 1], everybody[-1]]


async def test_lists_and_phones_give_what_the_reference_gives(world: World) -> None:
    found = Found()
    for asker in askers(world, found):
        for kind in KINDS:
            await asker.lists(kind)
            await asker.pulls(kind)
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert found.probes >= LEAST_PROBES


async def test_lines_and_tables_give_what_the_reference_gives(world: World) -> None:
    found = Found()
    for asker in askers(world, found):
        await more_paths.lines(asker)
        await more_paths.tables(asker)
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert found.probes >= LEAST_PROBES


async def test_streams_bring_what_the_reference_gives(world: World, server: str) -> None:
    found = Found()
    await more_paths.streams(world, some(world, found, most=5), server)
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert found.probes > 1_000


async def test_an_export_holds_no_more_than_its_reader_may_read(world: World) -> None:
    found = Found()
    contacts = [item for item in world.items.values() if item.kind == "contact"]
    await more_paths.fill_files(world)
    for asker in some(world, found, most=6)[:-1]:
        await more_paths.exports(asker, contacts)
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert found.probes > 100


async def test_one_by_one_records_are_there_or_do_not_exist(world: World) -> None:
    found, rng = Found(), random.Random(SEED)
    for asker in askers(world, found):
        await asker.singles(rng.sample(list(world.items.values()), SINGLES))
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])


async def test_changes_are_refused_as_the_reference_says(world: World) -> None:
    found, rng = Found(), random.Random(SEED)
    before = [await walk.state_of(world, None, town.id) for town in world.towns]
    for asker in askers(world, found):
        await writes.changes(asker, rng.sample(list(world.items.values()), SINGLES))
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert [await walk.state_of(world, None, town.id) for town in world.towns] == before


async def test_nobody_filters_or_orders_by_what_they_do_not_see(world: World) -> None:
    found = Found()
    for asker in some(world, found, most=5):
        for kind in KINDS:
            await writes.comparisons(asker, kind)
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert found.probes > 100


async def test_every_root_field_is_asked_and_gives_no_more(world: World) -> None:
    found, rng = Found(), random.Random(SEED)
    for asker in some(world, found, most=3):
        await walk.ask_everything(asker, rng)
    assert (found.leaks[:20], found.hidden[:20]) == ([], [])
    assert found.probes > 1_000


def test_every_object_type_is_reached() -> None:
    assert walk.object_types() - walk.types_reached() == set()


async def test_the_probe_sees_a_leak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one rule of the compiler's taken away, the comparison finds what then comes out."""
    for name, broken in (
        ("veil", lambda record, rules: None),
        ("scopes_of", lambda actor, record: ("w",)),
    ):
        found = Found()
        with monkeypatch.context() as patch:
            patch.setattr(reading, name, broken)
            for asker in some(world, found, most=8):
                await asker.lists("account")
        assert found.leaks, name
    found = Found()
    monkeypatch.setattr(reading, "scopes_of", lambda actor, record: ())
    for asker in some(world, found, most=4):
        await asker.lists("account")
    assert found.hidden


async def test_mutations_neither_change_nor_tell_what_is_not_seen(world: World) -> None:
    """Last of all, for it makes records of its own in the first workspace."""
    found = Found()
    own, other = world.towns
    admin, *people = some(world, found, most=4)
    before = await walk.state_of(world, None, other.id)
    foreigner = next(iter(other.people))
    for asker in (admin,):
        await walk.mutate_everything(asker, list(other.items.values()), foreigner)
    assert await walk.state_of(world, None, other.id) == before
    for asker in people[:1]:
        unseen = [item for item in own.items.values() if item.id not in asker.readable]
        ids = {item.id for item in unseen}
        before = await walk.state_of(world, ids, own.id)
        await walk.mutate_everything(asker, unseen, foreigner)
        assert await walk.state_of(world, ids, own.id) == before
    assert found.leaks == []
