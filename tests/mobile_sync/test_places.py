"""Places as numbers: each stands for itself, for its owner alone, and stays as long as it is used."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.core.clock import Clock
from backend.core.errors import CheckpointExpired, InvalidInput
from backend.core.sync import SyncedCollection, synced
from backend.crm.synced import ACCOUNTS, CONTACTS
from mobile_sync.cursor import Cursor
from mobile_sync.documents import SyncPlace
from mobile_sync.feed import Place, parents_first
from mobile_sync.places import Places, read_number, write_number
from tests.crew import Crew


class SetClock(Clock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime(2040, 3, 1, tzinfo=UTC)  # the store itself drops what has expired

    def now(self) -> datetime:
        return self.at


def place(seq: int, *scopes: str, reached: int | None = None, mask: str = "") -> Place:
    at = seq if reached is None else reached
    gained = scopes if at < seq else ()
    cursor = Cursor(epoch=1, seq=at, since=seq, scopes=scopes, gained=gained, lost=("t:x",), fields=mask)
    return Place(epoch=1, seq=seq, cursors={"account": cursor})


async def test_a_place_comes_back_as_it_was(crew: Crew) -> None:
    clock, actor = SetClock(), crew.rep.actor
    places = Places(clock, {})
    for one in (
        place(7, "u:a"),
        place(7, "u:a", "t:b"),
        place(9, "u:a", reached=3),
        place(9, "w", mask="m"),
    ):
        number = await places.keep(actor, one)
        assert 0 < number < 2**53
        for memory in (places, Places(clock, {})):  # of this process, and of another one
            assert await memory.find(actor, number) == one
        with pytest.raises(CheckpointExpired):
            await places.find(crew.stranger.actor, number)
    # The commit is in the number: a phone that goes on in the same scopes needs nothing stored.
    assert await places.keep(actor, place(8, "u:a")) - await places.keep(actor, place(7, "u:a")) == 1 << 20
    assert await SyncPlace.find({"workspace_id": crew.workspace_id}).count() == 4


async def test_places_whose_marks_meet_are_told_apart(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mobile_sync.places.MARK_BITS", 2)
    monkeypatch.setattr("mobile_sync.places.MARKS", 3)
    places, actor = Places(SetClock(), {}), crew.rep.actor
    kept = [place(5, f"u:{name}") for name in "abc"]
    numbers = [await places.keep(actor, one) for one in kept]
    assert len(set(numbers)) == 3
    assert [await places.find(actor, number) for number in numbers] == kept
    with pytest.raises(AssertionError, match="no mark is free"):
        await places.keep(actor, place(5, "u:d"))


async def test_what_is_used_is_kept_and_the_middle_of_a_walk_is_not_for_long(crew: Crew) -> None:
    clock, actor = SetClock(), crew.rep.actor
    places = Places(clock, {})
    settled, walking = (
        await places.keep(actor, place(7, "u:a")),
        await places.keep(actor, place(7, "u:a", reached=3)),
    )
    lives = {
        row.settled: row.expires_at - clock.now()
        async for row in SyncPlace.find({"workspace_id": crew.workspace_id})
    }
    assert lives == {True: timedelta(days=800), False: timedelta(days=30)}
    clock.at += timedelta(days=401)
    await places.find(actor, settled)
    stored = await SyncPlace.find_one({"workspace_id": crew.workspace_id, "settled": True})
    assert stored is not None
    assert stored.expires_at == clock.now() + timedelta(days=800)
    assert walking != settled


async def test_a_signed_number_is_its_owners_alone(crew: Crew) -> None:
    text = write_number(1 << 40, "k" * 32, crew.rep.actor)
    assert read_number(text, "k" * 32, crew.rep.actor) == 1 << 40
    for wrong, key, actor in (
        (text, "k" * 32, crew.stranger.actor),
        (text, "x" * 32, crew.rep.actor),
        (f"1{text}", "k" * 32, crew.rep.actor),
        (text[:-1], "k" * 32, crew.rep.actor),
        (f"-{text}", "k" * 32, crew.rep.actor),
        ("", "k" * 32, crew.rep.actor),
        (".ü", "k" * 32, crew.rep.actor),
    ):
        with pytest.raises(InvalidInput, match="start again without"):
            read_number(wrong, key, actor)


def test_collections_stand_after_those_that_they_refer_to() -> None:
    def names(*collections: SyncedCollection) -> list[str]:
        return [one.name for one in parents_first(collections)]

    assert names(CONTACTS, ACCOUNTS) == ["account", "contact"]
    looping = replace(ACCOUNTS, fields=(*ACCOUNTS.fields, synced("contact_id")))
    with pytest.raises(ValueError, match="refer to one another; show one of the columns only"):
        parents_first([looping, CONTACTS])
