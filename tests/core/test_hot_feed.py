"""The hot feed shows what the store would: to each reader what it may see, never a state that is over."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from backend.core.access import EVERYONE, Actor, Grant, Level
from backend.core.field_rules import FieldAccess
from backend.core.hot_feed import HotFeeds, HotRow, Shape
from backend.core.reading import Reader, scopes_of
from backend.core.records import Record
from backend.crm.documents import Account
from tests.crew import Crew, Person
from tests.mobile_sync.test_pull import make_account, move_to_teams

MASKED = {"email": FieldAccess.MASKED, "tier": FieldAccess.HIDDEN}


def under_rules(actor: Actor) -> Actor:
    """Return ``actor`` under field rules of accounts, reading everything."""
    grant = Grant({"read": Level.ALL}, MASKED)
    return replace(actor, grants={**actor.grants, "account": grant})


def shape_for(actor: Actor) -> Shape:
    return Shape(name="test", form=_form, mask=actor.mask("account"))


def _form(record: Record) -> bytes:
    assert isinstance(record, Account)
    return f"{record.name}|{record.email}|{record.tier}|{record.version}".encode()


class Windows:
    """Count how often the store is asked."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.asked = reader, 0

    async def __call__(
        self, workspace_id: str, record: type[Record], scopes: Sequence[str], *, after: int, until: int | None
    ) -> list[Record]:
        self.asked += 1
        return await self.reader.feed_window(workspace_id, record, scopes, after=after, until=until)


async def _end(crew: Crew) -> tuple[int, int]:
    end = await crew.house.store.reader.feed_end(crew.workspace_id)
    return end.epoch, end.newest


async def look(
    feeds: HotFeeds, crew: Crew, actor: Actor, *, after: int = 0, until: int | None = None
) -> list[HotRow]:
    end = await _end(crew)
    scopes = scopes_of(actor, Account)
    until = end[1] if until is None else until
    return await feeds.window(actor, Account, shape_for(actor), scopes, after=after, until=until, end=end)


async def stored(
    crew: Crew, actor: Actor, *, after: int = 0, until: int | None = None
) -> list[tuple[str, int, bytes]]:
    """Return what the store holds of the same window, made for ``actor`` afresh."""
    reader, shape = crew.house.store.reader, shape_for(actor)
    scopes = scopes_of(actor, Account)
    _, newest = await _end(crew)
    until = newest if until is None else until
    found = await reader.feed_window(crew.workspace_id, Account, scopes, after=after, until=until)
    return [(one.id, one.version, b"" if one.deleted_at else shape.of(one)) for one in found]


def shown(rows: list[HotRow], actor: Actor) -> list[tuple[str, int, bytes]]:
    key = shape_for(actor).key
    return [(row.id, row.version, b"" if row.is_deleted else row.forms[key]) for row in rows]


@pytest.fixture
def windows(crew: Crew) -> Windows:
    return Windows(crew.house.store.reader)


@pytest.fixture
def feeds(windows: Windows) -> HotFeeds:
    return HotFeeds(windows, windows.reader.by_ids)


async def test_the_second_reader_costs_the_store_nothing(
    crew: Crew, feeds: HotFeeds, windows: Windows
) -> None:
    made = [await make_account(crew.rep, f"A{n}") for n in range(4)]
    assert [row.id for row in await look(feeds, crew, crew.manager.actor)] == made
    asked = windows.asked
    again = await look(feeds, crew, crew.manager.actor)
    assert (await look(feeds, crew, crew.rep.actor), windows.asked) == (again, asked)

    await crew.rep.do("accountUpdate", {"id": made[0], "tier": "A"})

    assert [row.id for row in await look(feeds, crew, crew.manager.actor)] == [*made[1:], made[0]]
    assert windows.asked == asked + 1


async def test_another_field_mask_never_gets_the_same_bytes(crew: Crew, feeds: HotFeeds) -> None:
    await make_account(crew.rep, "甲", email="secret@customer.example", tier="A")
    whole, masked = crew.manager.actor, under_rules(crew.manager.actor)

    for first, second in ((whole, masked), (masked, whole)):
        feeds.forget(crew.workspace_id)
        one, other = [shown(await look(feeds, crew, actor), actor) for actor in (first, second)]
        assert one == await stored(crew, first)
        assert other == await stored(crew, second)
    veiled = shown(await look(feeds, crew, masked), masked)
    assert b"secret@customer.example" not in veiled[0][2]
    assert b"|A|" not in veiled[0][2]


async def test_what_left_a_scope_and_changed_again_meanwhile_is_not_shown(
    crew: Crew, feeds: HotFeeds
) -> None:
    """The commit that took it away is known, the one after it is not: the old row must not be shown."""
    id = await make_account(crew.colleague, "Moved", teamIds=[crew.teams["east"]])
    assert [row.id for row in await look(feeds, crew, crew.rep.actor)] == [id]
    await crew.colleague.do("accountUpdate", {"id": id, "teamIds": [crew.teams["west"]]})
    rep, end = crew.rep.actor, await _end(crew)
    await crew.colleague.do("accountUpdate", {"id": id, "tier": "B"})

    rows = await feeds.window(
        rep, Account, shape_for(rep), scopes_of(rep, Account), after=0, until=end[1], end=end
    )

    assert rows == []


async def test_a_store_that_was_restored_is_read_afresh(
    crew: Crew, feeds: HotFeeds, windows: Windows
) -> None:
    await make_account(crew.rep, "A")
    epoch, newest = await _end(crew)
    actor = crew.manager.actor
    ask = {"after": 0, "until": newest}
    for number in (epoch, epoch + 1, epoch):
        asked = windows.asked
        rows = await feeds.window(actor, Account, shape_for(actor), (EVERYONE,), **ask, end=(number, newest))
        assert len(rows) == 1
        assert windows.asked == asked + 1, "neither a later epoch nor an earlier one may use what is held"


async def test_it_stays_within_its_bounds_and_right(crew: Crew, windows: Windows) -> None:
    feeds = HotFeeds(windows, windows.reader.by_ids, most_rows=5)
    for n in range(12):
        await make_account(crew.rep, f"A{n}")

    for _ in range(2):
        found = await look(feeds, crew, crew.manager.actor)
        assert shown(found, crew.manager.actor) == await stored(crew, crew.manager.actor)
        assert feeds.size[0] <= 5

    light = HotFeeds(windows, windows.reader.by_ids, most_bytes=2_000)
    found = await look(light, crew, crew.manager.actor)
    assert shown(found, crew.manager.actor) == await stored(crew, crew.manager.actor)
    assert light.size[1] <= 2_000


@pytest.mark.parametrize("seed", range(4))
async def test_any_window_is_as_the_store_has_it(crew: Crew, windows: Windows, seed: int) -> None:
    """Random changes, readers with other scopes and field rules, random windows, little room."""
    chosen = random.Random(seed)
    feeds = HotFeeds(windows, windows.reader.by_ids, most_rows=chosen.choice([6, 1_000]))
    ids = [await make_account(crew.colleague, f"A{n}", email=f"a{n}@x.example") for n in range(4)]
    readers = [crew.manager.actor, crew.rep.actor, crew.stranger.actor, under_rules(crew.manager.actor)]
    for _ in range(25):
        await _change(crew, chosen, ids)
        for actor in chosen.sample(readers, 2):
            _, newest = await _end(crew)
            after = chosen.choice([0, chosen.randint(0, newest)])
            until = chosen.choice([newest, chosen.randint(after, newest)])
            found = await look(feeds, crew, actor, after=after, until=until)
            assert shown(found, actor) == await stored(crew, actor, after=after, until=until)


async def _change(crew: Crew, chosen: random.Random, ids: list[str]) -> None:
    person: Person = crew.manager
    deed = chosen.choice(["make", "tier", "move", "delete"])
    if deed == "make" or not ids:
        ids.append(await make_account(crew.colleague, "New", email="new@x.example"))
        return
    id = chosen.choice(ids)
    if deed == "delete":
        ids.remove(id)
        await person.do("accountDelete", {"id": id})
    elif deed == "tier":
        await person.do("accountUpdate", {"id": id, "tier": chosen.choice("ABC")})
    else:
        await person.do("accountUpdate", {"id": id, "teamIds": [crew.teams[chosen.choice(["east", "west"])]]})


async def test_a_reader_who_changes_teams_is_decided_anew(crew: Crew) -> None:
    """Over the wire: what is hot for one reader is no way around another's rights."""
    reader = crew.house.store.reader
    east = await make_account(crew.colleague, "East's", teamIds=[crew.teams["east"]])
    await look(reader.hot, crew, crew.manager.actor)
    path = "/sync/v1/pull?collections=account"

    before = (await crew.rep.http.get(path, headers=crew.rep.headers)).text
    await move_to_teams(crew, "rep", [])
    after = (await crew.rep.http.get(path, headers=crew.rep.headers)).text

    assert east in before
    assert east not in after
