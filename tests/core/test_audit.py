"""The audit trail: one chain over all commits, what it shows, and that no tampering goes unseen."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import bson
import pytest
import svcs

from backend.core.access import Actor, system_actor
from backend.core.audit import AUDIT, audit_id
from backend.core.audit_check import BreakKind, ChainCheck
from backend.core.audit_reading import AuditReader
from backend.core.errors import InvalidInput
from backend.core.events import RecordCreated
from backend.core.ids import new_id
from backend.core.ledger import SEQUENCES, LedgerEntry
from backend.core.origin import Origin, coming_from, current_origin
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account, delete_account, update_account
from backend.crm.contacts import create_contact, update_contact
from backend.crm.documents import Account
from backend.house import House, _in_container
from tests.crew import Crew


def other_process(house: House) -> Store:
    """Return a second store on the same database, as a second process would have it."""
    return Store(house.store.client, house.settings.database_name, house.store.clock)


def quiet_actor() -> Actor:
    """Return somebody with all rights in a workspace of which no listener has ever heard."""
    return replace(system_actor(new_id()), user_id=new_id(), session_id=new_id())


async def trail_of(house: House, at: Crew | Actor) -> list[dict[str, Any]]:
    """Return the workspace's audit documents in order."""
    rows = house.store.database[AUDIT].find({"workspace_id": at.workspace_id}).sort("seq", 1)
    return await rows.to_list()


async def last_entry(house: House, at: Crew | Actor) -> dict[str, Any]:
    entry: dict[str, Any] = (await trail_of(house, at))[-1]["entries"][-1]
    return entry


async def check(house: House, at: Crew | Actor, *, expect: str = "") -> ChainCheck:
    return await AuditReader(house.store.database).check(at.workspace_id, expect=expect)


# ── one chain ────────────────────────────────────────────────────────────────────────────────────


async def test_every_commit_of_two_processes_has_its_entry_in_one_chain(house: House, crew: Crew) -> None:
    await crew.settle()
    stores = [house.store, other_process(house)]

    async def create(n: int) -> Account:
        return await stores[n % 2].write(crew.rep.actor, lambda uow: create_account(uow, {"name": f"A{n}"}))

    made = await asyncio.gather(*(create(n) for n in range(40)))
    entries = {e["seq"]: e for row in await trail_of(house, crew) for e in row["entries"]}
    for account in made:
        actions = entries[account.version]["actions"]
        assert [(a["action"], a["kind"], a["id"]) for a in actions] == [("create", "account", account.id)]
    found = await check(house, crew)
    assert found.broken is None
    assert found.last == await house.store.reader.newest_version(crew.workspace_id)
    assert found.entries == len(entries)


async def test_numbers_of_refused_commits_leave_the_chain_whole(house: House, crew: Crew) -> None:
    """Repeats and stale writes take numbers and have no entry: the trail says up to where it counts."""
    await house.relay.settle()  # no listener's commit comes between
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))
    stores = [house.store, other_process(house)]
    rename = partial(update_account, id=account.id)
    await asyncio.gather(
        *(
            stores[n % 2].write(
                crew.rep.actor, partial(rename, fields={"name": f"n{n % 4}"}), mutation_id=f"m{n % 4}"
            )
            for n in range(16)
        )
    )
    trail = await trail_of(house, crew)
    assert any(row["count"] < row["seq"] - row["first"] + 1 for row in trail)
    found = await check(house, crew)
    assert found.broken is None
    assert found.last == await house.store.reader.newest_version(crew.workspace_id)
    of_account = [a for r in trail for e in r["entries"] for a in e["actions"] if a["id"] == account.id]
    assert [a["action"] for a in of_account] == ["create"] + ["update"] * 4


async def test_a_transaction_that_died_leaves_neither_number_nor_entry(house: House) -> None:
    actor, dying = quiet_actor(), other_process(house)
    sequencer = dying.sequencer(actor.workspace_id)
    await dying.note(actor, "kept")
    before = await trail_of(house, actor)

    async def die() -> None:
        sequencer.after_counter = None
        raise RuntimeError("killed after the counter")

    sequencer.after_counter = die
    with pytest.raises(RuntimeError):
        await dying.note(actor, "lost")
    assert await trail_of(house, actor) == before
    await dying.note(actor, "kept, too")
    said = [e["actions"][0]["action"] for row in await trail_of(house, actor) for e in row["entries"]]
    assert said == ["kept", "kept, too"]
    assert (await check(house, actor)).broken is None


async def test_a_lost_answer_does_not_fork_the_chain(house: House) -> None:
    """The sequencer did not hear that its transaction was committed: it looks the head up again."""
    actor, store = quiet_actor(), other_process(house)
    sequencer = store.sequencer(actor.workspace_id)
    await store.note(actor, "1")
    remembered = sequencer._audited
    await store.note(actor, "2")
    sequencer._audited = remembered
    await store.note(actor, "3")
    found = await check(house, actor)
    assert (found.broken, found.entries) == (None, 3)


async def test_a_note_alone_takes_a_number_and_says_where_it_comes_from(house: House) -> None:
    actor = quiet_actor()
    origin = Origin(ip="192.0.2.7", device="Phone 1", request_id="r-1", on_behalf_of="u-2")
    with coming_from(origin):
        await house.store.note(
            actor, "contact.reveal", kind="contact", id="c-1", details={"reason": "he called"}
        )
    entry = await last_entry(house, actor)
    assert {name: value for name, value in entry.items() if name not in ("at", "hash")} == {
        "seq": 1,
        "actor_id": actor.user_id,
        "on_behalf_of": "u-2",
        "session_id": actor.session_id,
        "ip": "192.0.2.7",
        "device": "Phone 1",
        "request_id": "r-1",
        "actions": [
            {"action": "contact.reveal", "kind": "contact", "id": "c-1", "details": {"reason": "he called"}}
        ],
    }
    assert await house.store.reader.newest_version(actor.workspace_id) == 1
    assert (await check(house, actor)).broken is None
    made = await house.store.write(actor, lambda uow: create_account(uow, {"name": "next"}))
    assert made.version == 2


async def test_a_refused_operation_leaves_no_note(house: House) -> None:
    actor = quiet_actor()

    async def fail(uow: UnitOfWork) -> None:
        uow.note("contact.reveal")
        await create_account(uow, {"name": ""})

    with pytest.raises(InvalidInput):
        await house.store.write(actor, fail)
    assert await trail_of(house, actor) == []
    assert await house.store.reader.newest_version(actor.workspace_id) == 0


# ── what it shows ────────────────────────────────────────────────────────────────────────────────


async def test_diffs_show_changed_fields_and_mask_personal_ones(house: House, crew: Crew) -> None:
    contact = await house.store.write(
        crew.rep.actor,
        lambda uow: create_contact(
            uow, {"family_name": "Wintergreen", "email": "ada@secret.example", "source": "fair"}
        ),
    )
    created = (await last_entry(house, crew))["actions"][0]["diff"]
    assert created["source"] == [None, "fair"]
    assert created["email"][1]["mask"] == "a****"
    assert "acl" not in created
    change = partial(update_contact, id=contact.id)
    await house.store.write(crew.rep.actor, partial(change, fields={"email": "b@secret.example"}))
    await house.store.write(
        crew.rep.actor, partial(change, fields={"email": "ada@secret.example", "source": "web"})
    )
    back = (await last_entry(house, crew))["actions"][0]["diff"]
    assert back["source"] == ["fair", "web"]
    # The digest says that the field got its old value back, without saying which.
    assert back["email"][1] == created["email"][1]
    assert back["email"][0]["digest"] != back["email"][1]["digest"]
    other = await house.store.write(
        crew.rep.actor,
        lambda uow: create_contact(uow, {"family_name": "B", "email": "ada@secret.example"}),
    )
    assert other.id != contact.id
    elsewhere = (await last_entry(house, crew))["actions"][0]["diff"]["email"][1]
    assert elsewhere["digest"] != created["email"][1]["digest"]
    raw = bson.encode({"trail": await trail_of(house, crew)})
    assert b"secret.example" not in raw
    assert b"Wintergreen" not in raw


async def test_long_text_is_kept_as_length_and_digest_and_a_deletion_as_itself(
    house: House, crew: Crew
) -> None:
    words = "long " * 60
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))
    await house.store.write(
        crew.rep.actor, partial(update_account, id=account.id, fields={"industry": words.strip()})
    )
    before, after = (await last_entry(house, crew))["actions"][0]["diff"]["industry"]
    assert before in (None, "")
    assert (after["length"], len(after["digest"])) == (299, 32)
    await house.store.write(crew.manager.actor, lambda uow: delete_account(uow, account.id))
    assert (await last_entry(house, crew))["actions"] == [
        {"action": "delete", "kind": "account", "id": account.id}
    ]


async def test_what_follows_a_change_is_done_on_behalf_of_who_made_it(house: House, crew: Crew) -> None:
    """A listener of the relay acts as the house, on behalf of the person whose event it follows."""
    seen: list[Origin] = []

    async def listen(delivery: Delivery, services: svcs.Container) -> None:
        seen.append(current_origin())

    delivery = Delivery(
        LedgerEntry(
            key="k", workspace_id=crew.workspace_id, seq=1, at=house.store.clock.now(),
            actor_id=crew.rep.user_id,
            event="RecordCreated", kind="account", record_id="a",
        ),
        RecordCreated(),
    )  # fmt: skip
    await _in_container(listen, house.registry)(delivery)
    assert seen == [Origin(on_behalf_of=crew.rep.user_id)]
    assert current_origin() == Origin()


# ── checking it ────────────────────────────────────────────────────────────────────────────────────


async def test_the_check_reads_the_store(house: House) -> None:
    """Tampering in the database itself is found by walking it; each is undone before the next."""
    actor = quiet_actor()
    trail, counters = house.store.database[AUDIT], house.store.database[SEQUENCES]
    for n in range(3):
        await house.store.note(actor, f"n{n}")
    first, _, newest = await trail_of(house, actor)
    assert [newest["_id"], newest["seq"]] == [audit_id(actor.workspace_id, 3), 3]

    await trail.delete_one({"_id": newest["_id"]})
    cut = (await check(house, actor)).broken
    assert cut is not None
    assert (cut.kind, cut.seq) == (BreakKind.TAIL_CUT, 3)
    await trail.insert_one(newest)

    await counters.update_one({"_id": actor.workspace_id}, {"$inc": {"seq": -1}})
    back = (await check(house, actor)).broken
    assert back is not None
    assert (back.kind, back.seq) == (BreakKind.CHANGED, 3)
    await counters.update_one({"_id": actor.workspace_id}, {"$inc": {"seq": 1}})

    held = await check(house, actor, expect=first["hash"])
    assert (held.broken, held.head, held.entries) == (None, newest["hash"], 3)
    other = await check(house, actor, expect="0" * 64)
    assert other.broken is not None
    assert other.broken.kind is BreakKind.UNEXPECTED


async def test_a_trail_longer_than_a_window_is_walked_whole(house: House) -> None:
    actor = quiet_actor()
    await asyncio.gather(*(house.store.note(actor, f"n{n}") for n in range(600)))
    found = await check(house, actor)
    assert (found.broken, found.entries, found.last) == (None, 600, 600)
    victim = next(row for row in await trail_of(house, actor) if row["first"] > 300)
    await house.store.database[AUDIT].update_one(
        {"_id": victim["_id"]}, {"$set": {"entries.0.actor_id": "somebody else"}}
    )
    broken = (await check(house, actor)).broken
    assert broken is not None
    assert (broken.kind, broken.seq) == (BreakKind.CHANGED, victim["first"])
