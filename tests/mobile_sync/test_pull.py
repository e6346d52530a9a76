"""Pull over GraphQL: what a phone gets, and when it must let go."""

import logging
from typing import Any

import pytest
import svcs

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.crm.synced import ACCOUNTS
from backend.identity.actors import Actors
from backend.identity.documents import User
from tests.crew import Crew, Person
from tests.mobile_sync.wire import WirePhone


async def make_account(person: Person, name: str, **fields: Any) -> str:
    made = await person.do("accountCreate", {"id": new_id(), "name": name, **fields})
    assert made["__typename"] == "Account"
    return str(made["id"])


async def move_to_teams(crew: Crew, name: str, teams: list[str]) -> None:
    async def move(uow: UnitOfWork) -> None:
        user = await uow.access(User, crew.people[name].user_id, action="update")
        user.team_ids = [crew.teams[team] for team in teams]
        uow.save(user)

    await crew.house.store.write(crew.system, move)
    (await _actors(crew)).forget()


async def _actors(crew: Crew) -> Actors:
    async with svcs.Container(crew.house.registry) as services:
        return await services.aget(Actors)


async def test_a_first_pull_brings_what_is_visible_and_no_tombstones(crew: Crew) -> None:
    mine = await make_account(crew.rep, "苏州江南鲜达", annualRevenue="1250000.50", type="CUSTOMER")
    teams = await make_account(crew.colleague, "Team's", teamIds=[crew.teams["east"]])
    hidden = await make_account(crew.stranger, "West's", teamIds=[crew.teams["west"]])
    gone = await make_account(crew.rep, "Gone")
    await crew.rep.do("accountDelete", {"id": gone})

    phone = WirePhone(crew.rep, ACCOUNTS)
    rows = await phone.pull()
    assert [row["id"] for row in rows] == [mine, teams]
    row = rows[0]
    assert row == {
        **dict.fromkeys(phone.names),
        "id": mine,
        "version": row["version"],
        "name": "苏州江南鲜达",
        "type": "customer",
        "annualRevenue": "1250000.50",
        "ownerId": crew.rep.user_id,
        **dict.fromkeys(("industry", "phone", "email", "website", "tier", "description"), ""),
        "aliases": "[]",
        "ext": "{}",
        "lifecycle": row["lifecycle"],
        "currency": "CNY",
        "updatedAt": row["updatedAt"],
        "_deleted": False,
    }
    assert row["updatedAt"].endswith("Z")
    assert await phone.pull() == []
    everything = await WirePhone(crew.manager, ACCOUNTS).pull()
    assert {row["id"] for row in everything} == {mine, teams, hidden}
    assert await WirePhone(crew.customer, ACCOUNTS).pull() == []


async def test_pages_end_between_commits_and_only_the_last_is_short(crew: Crew) -> None:
    async def seven(uow: UnitOfWork) -> None:
        for number in range(7):
            uow.save(Account(name=f"One commit {number}", owner_id=crew.rep.user_id))

    for number in range(3):
        await make_account(crew.rep, f"Alone {number}")
    await crew.house.store.write(crew.rep.actor, seven)
    await make_account(crew.rep, "Last")

    phone = WirePhone(crew.rep, ACCOUNTS)
    sizes = []
    while page := await phone.pull_once(limit=2):
        sizes.append(len(page))
        if len(page) < 2:
            break
    # Two alone; then the third alone with the whole commit of seven; then the last one.
    assert sizes == [2, 8, 1]
    assert len(phone.rows) == 11


async def test_changes_and_deletions_come_in_one_pull(crew: Crew) -> None:
    kept, gone = await make_account(crew.rep, "Kept"), await make_account(crew.rep, "Gone")
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    await crew.rep.do("accountUpdate", {"id": kept, "name": "Kept, renamed"})
    await crew.rep.do("accountDelete", {"id": gone})
    rows = await phone.pull()
    assert [(row["id"], row["name"], row["_deleted"]) for row in rows] == [
        (kept, "Kept, renamed", False),
        (gone, "", True),
    ]
    assert rows[1]["version"] is None


async def test_a_record_that_leaves_the_scope_leaves_the_phone(crew: Crew) -> None:
    east = [crew.teams["east"]]
    leaving = await make_account(crew.colleague, "Moves west", teamIds=east)
    staying = await make_account(crew.rep, "Still mine", teamIds=east)
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    assert set(phone.rows) == {leaving, staying}
    west = [crew.teams["west"]]
    await crew.manager.do("accountUpdate", {"id": leaving, "teamIds": west})
    await crew.manager.do("accountUpdate", {"id": staying, "teamIds": west})  # its owner sees it all the same
    rows = await phone.pull()
    assert sorted((row["id"], row["name"], row["_deleted"]) for row in rows) == sorted(
        [(staying, "Still mine", False), (leaving, "", True)]
    )
    assert set(phone.rows) == {staying}
    # Back again, then gone again: each time in one pull.
    await crew.manager.do("accountUpdate", {"id": leaving, "teamIds": east})
    await phone.pull()
    assert set(phone.rows) == {leaving, staying}


async def test_who_changes_team_loses_the_old_records_and_gets_the_new_ones(crew: Crew) -> None:
    mine = await make_account(crew.rep, "Mine", teamIds=[])
    eastern = await make_account(crew.colleague, "East", teamIds=[crew.teams["east"]])
    both = await make_account(crew.manager, "Both", teamIds=[crew.teams["east"], crew.teams["west"]])
    western = await make_account(crew.stranger, "West", teamIds=[crew.teams["west"]])
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    assert set(phone.rows) == {mine, eastern, both}

    await move_to_teams(crew, "rep", ["west"])
    rows = await phone.pull(limit=1)
    assert set(phone.rows) == {mine, both, western}
    # What did not change hands does not travel again.
    assert mine not in {row["id"] for row in rows}
    assert eastern in {row["id"] for row in rows if row["_deleted"]}

    await move_to_teams(crew, "rep", [])
    await phone.pull()
    assert set(phone.rows) == {mine}
    assert await phone.pull() == []


async def test_an_idle_cursor_is_moved_on_before_it_falls_far_behind(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mobile_sync.pull.STRETCH", 3)
    await crew.house.relay.settle()  # what listeners commit for a new workspace would count, too
    account = await make_account(crew.rep, "Mine")
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()
    for number in range(3):
        await make_account(crew.stranger, f"Not mine {number}")
    before = phone.cursor
    assert await phone.pull() == []
    assert phone.cursor == before
    await make_account(crew.stranger, "Not mine either")
    (sentinel,) = await phone.pull_once()
    assert (sentinel["id"], sentinel["_deleted"]) == ("00000000-0000-0000-0000-000000000000", True)
    assert phone.cursor != before
    assert set(phone.rows) == {account}


async def test_what_a_phone_made_before_it_had_anything_is_taken_back_when_it_is_deleted(crew: Crew) -> None:
    phone, id = WirePhone(crew.rep, ACCOUNTS), new_id()
    assert await phone.pull() == []
    assert phone.cursor is not None
    await phone.push(phone.insert(id, name="Typed on the first day"))
    await crew.manager.do("accountDelete", {"id": id})  # before the phone has pulled again
    assert [(row["id"], row["_deleted"]) for row in await phone.pull()] == [(id, True)]


@pytest.mark.parametrize("spoil", ["tampered", "other person", "nonsense"])
async def test_a_wrong_cursor_is_refused_with_the_mend(crew: Crew, spoil: str) -> None:
    await make_account(crew.rep, "Mine")
    phone, other = WirePhone(crew.rep, ACCOUNTS), WirePhone(crew.colleague, ACCOUNTS)
    await phone.pull()
    assert phone.cursor is not None
    head, body, signature = phone.cursor.split(".")
    cursor = {
        "tampered": f"{head}.{body[:-2]}{'AA' if body[-2:] != 'AA' else 'BB'}.{signature}",
        "other person": phone.cursor,
        "nonsense": "5",
    }[spoil]
    asker = other if spoil == "other person" else phone
    answer = await asker.person.post(
        "query($c: AccountInputCheckpoint) { pullAccount(checkpoint: $c, limit: 5) { documents { id } } }",
        c={"cursor": cursor},
    )
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID_INPUT"
    assert "checkpoint.cursor" in error["message"]
    assert "none to start again" in error["message"]


async def test_a_pull_costs_one_command_and_two_a_scope(crew: Crew, caplog: pytest.LogCaptureFixture) -> None:
    await make_account(crew.rep, "Mine")
    phone = WirePhone(crew.rep, ACCOUNTS)
    await phone.pull()

    async def commands() -> list[str]:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="pymongo.command"):
            await phone.pull()
        started = [r.getMessage() for r in caplog.records if '"Command started"' in r.getMessage()]
        return [
            name
            for text in started
            for name in ("accounts", "departures")
            if f'\\"find\\": \\"{name}\\"' in text and '\\"$gt\\"' in text  # listeners read by id
        ]

    assert await commands() == []  # nothing new: the newest number was enough
    await make_account(crew.stranger, "Not mine")
    # What is new is read once for everybody; the rep reads in two scopes, its own and its team's.
    assert sorted(await commands()) == ["accounts", "departures", "departures"]
