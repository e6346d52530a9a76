"""Rotation of data keys and master keys: broken off, beside writers, over clear values."""

import base64
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

import main
from backend.cli import make_command_line
from backend.core.encryption import BLIND, data_key_of, is_sealed
from backend.core.encryption_keyring import DATA_KEYS
from backend.core.encryption_keys import master_of
from backend.core.encryption_rotation import (
    destroy_data_keys,
    key_status,
    rewrap_data_keys,
    rotate_data_key,
)
from backend.core.errors import CannotOpen, NotFound
from backend.core.ids import new_id
from backend.core.settings import Settings
from backend.core.store import Store
from backend.crm.contacts import create_contact, update_contact
from backend.crm.documents import Contact
from backend.crm.synced import CONTACTS
from backend.house import House
from tests.core.test_sealed_records import names, other_process
from tests.crew import Crew
from tests.mobile_sync.wire import WirePhone


class Killed(Exception):
    """The process ends here."""


async def fill(house: House, crew: Crew, count: int) -> list[str]:
    ids = [new_id() for _ in range(count)]
    for n, id in enumerate(ids):
        fields = {"full_name": f"C{n}", "email": f"c{n}@hanlu.example", "phone": "+8613800138000"}
        await house.store.write(crew.rep.actor, partial(create_contact, fields=fields, id=id))
    return ids


async def bodies(house: House, crew: Crew) -> list[dict[str, Any]]:
    found = house.store.database["contacts"].find({"workspace_id": crew.workspace_id})
    return sorted(await found.to_list(), key=lambda body: len(body["full_name"] + body["_id"]))


async def keys_used(house: House, crew: Crew) -> list[int]:
    return [data_key_of(body["email"]) for body in await bodies(house, crew)]


async def states(house: House, crew: Crew) -> dict[int, str]:
    (found,) = [
        one for one in await key_status(house.store.database) if one.workspace_id == crew.workspace_id
    ]
    return found.states


async def emails(crew: Crew) -> set[str]:
    answer = await crew.rep.ask("{ contacts(first: 100) { nodes { email } } }")
    return {node["email"] for node in answer["contacts"]["nodes"]}


async def test_a_rotation_that_is_killed_is_finished_by_the_next(house: House, crew: Crew) -> None:
    await fill(house, crew, 12)
    phone = WirePhone(crew.rep, CONTACTS)
    assert len(await phone.pull()) == 12
    before = {body["_id"]: body for body in await bodies(house, crew)}

    turns = 0

    async def die() -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            raise Killed

    with pytest.raises(Killed):
        await rotate_data_key(house.store, crew.workspace_id, batch=5, pause=die)
    used = await keys_used(house, crew)
    assert (used.count(1), used.count(2)) == (7, 5)
    assert await states(house, crew) == {1: "active", 2: "active"}
    everybody = {f"c{n}@hanlu.example" for n in range(12)}
    assert await emails(crew) == everybody  # half-way, all of it is read and found
    assert [name for n in range(12) for name in await names(crew, email={"eq": f"c{n}@hanlu.example"})] == [
        f"C{n}" for n in range(12)
    ]

    done = await rotate_data_key(house.store, crew.workspace_id, batch=5)
    assert (done.number, done.records) == (2, 7)  # it goes on with the same key
    assert await keys_used(house, crew) == [2] * 12
    assert await states(house, crew) == {1: "retired", 2: "active"}
    assert await emails(crew) == everybody
    for body in await bodies(house, crew):
        untouched = before[body["_id"]].keys() - {"email", "phone"}
        assert {name: body[name] for name in untouched} == {
            name: before[body["_id"]][name] for name in untouched
        }
    assert await phone.pull() == []  # to phones nothing has happened


async def test_writers_go_on_and_no_value_stays_behind(house: House, crew: Crew) -> None:
    """Other processes hold the old key when the rotation begins, and write in the middle of it."""
    ids = await fill(house, crew, 8)
    writer, maker = await other_process(house), await other_process(house)

    async def change(id: str, email: str) -> Contact:
        return await writer.write(crew.rep.actor, lambda uow: update_contact(uow, id, {"email": email}))

    async def make(name: str) -> None:
        fields = {"full_name": name, "email": f"{name}@hanlu.example"}
        await maker.write(crew.rep.actor, lambda uow: create_contact(uow, fields))

    await change(ids[0], "before@hanlu.example")
    await make("early")
    assert writer.keyring._ciphers[crew.workspace_id].current == 1
    turns = 0

    async def write_between() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:  # the walk has read some records, and written none
            for n, id in enumerate(ids[1:]):
                await change(id, f"between{n}@hanlu.example")

    done = await rotate_data_key(house.store, crew.workspace_id, batch=3, pause=write_between)
    await make("late")  # and reads nothing from which it could learn of the new key
    assert done.number == 2
    assert set(await keys_used(house, crew)) == {2}
    assert await emails(crew) == {
        *(f"between{n}@hanlu.example" for n in range(7)),
        *(f"{when}@hanlu.example" for when in ("before", "early", "late")),
    }


async def test_a_record_that_changes_under_the_walk_keeps_the_change(house: House, crew: Crew) -> None:
    """A write that was sealed under the old key before the rotation, and commits after it began."""
    (id,) = await fill(house, crew, 1)
    writer = await other_process(house)
    fields = {"full_name": "Early", "email": "early@hanlu.example"}
    await writer.write(crew.rep.actor, lambda uow: create_contact(uow, fields))  # it has the old key at hand
    rotated = False

    async def change(uow: Any) -> Contact:
        nonlocal rotated
        contact = await update_contact(uow, id, {"email": "late@hanlu.example"})
        if not rotated:
            rotated = True
            await rotate_data_key(house.store, crew.workspace_id)
        return contact

    await writer.write(crew.rep.actor, change)
    assert await keys_used(house, crew) == [2, 2]
    assert await emails(crew) == {"late@hanlu.example", "early@hanlu.example"}


async def make_clear(house: House, crew: Crew) -> None:
    """Make the workspace one from before encryption: clear values, no blind indexes, no keys."""
    cipher = await house.store.keyring.ready(crew.workspace_id)
    for body in await bodies(house, crew):
        await house.store.database["contacts"].replace_one({"_id": body["_id"]}, cipher.open(Contact, body))
    await house.store.database[DATA_KEYS].delete_many({"workspace_id": crew.workspace_id})
    house.store.keyring.forget(crew.workspace_id)


async def test_clear_values_are_read_and_found_and_sealed_by_the_next_write(house: House, crew: Crew) -> None:
    first, _, _ = await fill(house, crew, 3)
    await make_clear(house, crew)
    assert {body["email"] for body in await bodies(house, crew)} == {f"c{n}@hanlu.example" for n in range(3)}
    assert await emails(crew) == {f"c{n}@hanlu.example" for n in range(3)}
    assert await names(crew, email={"eq": "C1@hanlu.example"}) == {"C1"}
    await crew.rep.do("contactUpdate", {"id": first, "title": "CEO"})
    sealed = [body["full_name"] for body in await bodies(house, crew) if is_sealed(body["email"])]
    assert sealed == ["C0"]
    both = {"in": ["c0@hanlu.example", "c1@hanlu.example"]}
    assert await names(crew, email=both) == {"C0", "C1"}
    assert await names(crew, email={"notIn": both["in"]}) == {"C2"}

    done = await rotate_data_key(house.store, crew.workspace_id)
    assert (done.number, done.records) == (1, 2)
    assert all(is_sealed(body["email"]) and BLIND in body for body in await bodies(house, crew))
    assert await names(crew, email=both) == {"C0", "C1"}
    assert not (await house.store.keyring.ready(crew.workspace_id)).holds_clear
    again = await rotate_data_key(house.store, crew.workspace_id)
    assert (again.number, again.records) == (2, 3)


async def test_destroyed_keys_leave_nothing_readable(house: House, crew: Crew) -> None:
    (id,) = await fill(house, crew, 1)
    other = await Crew.hire(house, crew.rep.http)
    (kept,) = await fill(house, other, 1)
    await destroy_data_keys(house.store, crew.workspace_id)
    answer = await crew.rep.post("query($id: ID!) { contact(id: $id) { email } }", id=id)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "CANNOT_OPEN"
    assert f"The data keys of workspace {crew.workspace_id} were destroyed" in error["message"]
    with pytest.raises(CannotOpen, match="were destroyed"):
        await rotate_data_key(house.store, crew.workspace_id)
    with pytest.raises(CannotOpen, match="were destroyed"):
        await fill(house, crew, 1)
    assert len(await bodies(house, crew)) == 1
    found = await other.rep.ask("query($id: ID!) { contact(id: $id) { email } }", id=kept)
    assert found == {"contact": {"email": "c0@hanlu.example"}}


async def test_an_unknown_workspace_has_no_keys_to_rotate(house: House) -> None:
    nobody = new_id()
    with pytest.raises(NotFound):
        await rotate_data_key(house.store, nobody)
    assert await house.store.database[DATA_KEYS].find_one({"workspace_id": nobody}) is None


# ── master keys: they are the whole store's, so these stores are the tests' own ─────────────────


def master(id: str) -> str:
    return f"{id}:{base64.b64encode(os.urandom(32)).decode()}"


def own_settings(house: House, name: str, keys: str) -> Settings:
    return house.settings.model_copy(update={"database_name": name, "encryption_keys": SecretStr(keys)})


async def own_store(house: House, settings: Settings) -> Store:
    store = Store(house.store.client, settings.database_name, house.store.clock)
    await store.keyring.open(settings)
    return store


async def test_a_new_master_key_wraps_every_data_key(house: House) -> None:
    name, old, new = f"masters_{new_id()[:8]}", master("2025"), master("2026")
    clear = {"_id": "c", "workspace_id": "w", "email": "lin@hanlu.example"}
    try:
        before = await own_store(house, own_settings(house, name, old))
        sealed = (await before.keyring.ready("w")).seal(Contact, clear)
        await before.keyring.add_data_key("w", 2)

        both = await own_store(house, own_settings(house, name, f"{new},{old}"))
        assert (await both.keyring.ready("w")).open(Contact, sealed) == clear
        assert await rewrap_data_keys(both) == 3  # two data keys and the index key
        assert await rewrap_data_keys(both) == 0
        rows = await both.database[DATA_KEYS].find({"workspace_id": "w"}).to_list()
        assert {master_of(row["wrapped"]) for row in rows} == {"2026"}

        after = await own_store(house, own_settings(house, name, new))
        cipher = await after.keyring.ready("w")
        assert cipher.open(Contact, sealed) == clear
        assert cipher.current == 2
        with pytest.raises(
            CannotOpen, match=r"sealed under master key '2026', which this process was not given"
        ):
            await own_store(house, own_settings(house, name, old))
    finally:
        await house.store.client.drop_database(name)


def test_the_command_line_refuses_what_it_must_not_do(tmp_path: Path) -> None:
    cli = make_command_line(main.MODULES)
    both = CliRunner().invoke(cli, ["keys", "rotate", "--master", "--workspace", "w"])
    assert both.exit_code == 2
    assert "--master is for the whole store" in both.output
    env = {"RAPPORT_DATA_DIR": str(tmp_path / "data")}
    destroy = ["keys", "destroy", "--workspace", "w", "--confirm", "v"]
    refused = CliRunner().invoke(cli, destroy, env=env)
    assert refused.exit_code == 1
    assert not (tmp_path / "data").exists()
