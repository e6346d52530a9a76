"""The one write path: order, atomicity, optimistic concurrency, idempotency."""

import asyncio
import random
from functools import partial

import pytest

from backend.core.audit import audit_entry
from backend.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from backend.core.ids import new_id
from backend.core.ledger import LEDGER, MUTATIONS
from backend.core.sequencer import Sequencer
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account, update_account
from backend.crm.documents import Account
from backend.house import House
from tests.crew import Crew


def other_process(house: House) -> Store:
    """Return a second store on the same database, as a second process would have it."""
    return Store(house.store.client, house.settings.database_name, house.store.clock)


async def test_parallel_commits_get_distinct_numbers_in_ledger_order(house: House, crew: Crew) -> None:
    await house.relay.settle()  # no listener's commit comes between

    async def create(n: int) -> Account:
        return await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": f"A{n}"}))

    made = await asyncio.gather(*(create(n) for n in range(40)))
    versions = sorted(account.version for account in made)
    assert len(set(versions)) == 40
    rows = (
        await house.store.database[LEDGER].find({"workspace_id": crew.workspace_id}).sort("seq", 1).to_list()
    )
    commits = [commit["seq"] for row in rows for commit in row["commits"]]
    assert commits == sorted(commits)
    assert commits[-40:] == versions
    assert await house.store.reader.newest_version(crew.workspace_id) >= versions[-1]
    # Forty commits that waited together need far fewer transactions.
    assert sum(1 for row in rows if row["commits"][-1]["seq"] in versions) < 20


async def test_no_reader_can_pass_a_gap(house: House, crew: Crew) -> None:
    """A commit stopped between its number and its end holds back every later number, and readers with it."""
    await crew.settle()
    slow, fast = other_process(house), other_process(house)
    numbered, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        numbered.set()
        await go_on.wait()

    slow.sequencer(crew.workspace_id).after_counter = wait
    first = asyncio.create_task(
        slow.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "first"}))
    )
    await numbered.wait()
    before = await house.store.reader.newest_version(crew.workspace_id)
    second = asyncio.create_task(
        fast.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "second"}))
    )
    await asyncio.sleep(0.2)
    assert not second.done()
    assert await house.store.reader.newest_version(crew.workspace_id) == before
    go_on.set()
    accounts = await asyncio.gather(first, second)
    newest = await house.store.reader.newest_version(crew.workspace_id)
    seen = await house.store.reader.by_version(
        crew.manager.actor, Account, after=before, until=newest, most=10, newest_first=False
    )
    assert [account.id for account in seen] == [
        account.id for account in sorted(accounts, key=lambda account: account.version)
    ]


async def test_a_puller_misses_nothing_while_two_processes_write(house: House, crew: Crew) -> None:
    """The missed-writes test, small: whoever follows the watermark ends with what the store holds."""
    stores = [house.store, other_process(house)]
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "0"}))
    ids = [account.id] + [
        (await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "0"}))).id
        for _ in range(4)
    ]
    seen: dict[str, str] = {}
    done = asyncio.Event()

    async def write(store: Store, number: int) -> None:
        dice = random.Random(number)
        for n in range(12):
            id = dice.choice(ids)
            await store.write(
                crew.rep.actor, partial(update_account, id=id, fields={"name": f"{number}-{n}"})
            )

    async def pull() -> None:
        position = 0
        while True:
            last_round = done.is_set()
            newest = await house.store.reader.newest_version(crew.workspace_id)
            rows = await house.store.reader.by_version(
                crew.rep.actor, Account, after=position, until=newest, most=1000, newest_first=False
            )
            seen.update({row.id: row.name for row in rows})
            position = newest
            if last_round:
                return
            await asyncio.sleep(0.002)

    puller = asyncio.create_task(pull())
    await asyncio.gather(*(write(stores[n % 2], n) for n in range(6)))
    done.set()
    await puller
    truth = {id: found.name for id in ids if (found := await house.store.reader.get(Account, id))}
    assert seen == truth


async def test_the_same_mutation_five_times_in_parallel_has_one_effect(house: House, crew: Crew) -> None:
    store, twin = house.store, other_process(house)
    stores = [store, twin, store, twin, store]
    made = await asyncio.gather(
        *(
            one.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "once"}), mutation_id="m-1")
            for one in stores
        )
    )
    assert len({account.id for account in made}) == 1
    assert len({account.version for account in made}) == 1
    assert await store.reader.count(crew.rep.actor, Account, {"name": "once"}) == 1
    kept = await store.database[MUTATIONS].count_documents(
        {"_id": f"{crew.workspace_id}|{crew.rep.user_id}|m-1"}
    )
    assert kept == 1


async def test_a_repeat_of_a_versioned_update_gets_its_first_answer(house: House, crew: Crew) -> None:
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))

    async def rename(uow: UnitOfWork) -> Account:
        return await update_account(uow, account.id, {"name": "b"}, expected_version=account.version)

    first = await house.store.write(crew.rep.actor, rename, mutation_id="m-2")
    again = await house.store.write(crew.rep.actor, rename, mutation_id="m-2")
    assert (again.name, again.version) == ("b", first.version)


async def test_concurrent_edits_of_different_fields_both_survive(house: House, crew: Crew) -> None:
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))
    stores = [house.store, other_process(house)]
    changes = [{"name": "b"}, {"phone": "+8651212345678"}, {"industry": "food"}, {"tier": "A"}]
    await asyncio.gather(
        *(
            stores[n % 2].write(crew.rep.actor, partial(update_account, id=account.id, fields=change))
            for n, change in enumerate(changes)
        )
    )
    found = await house.store.reader.get(Account, account.id)
    assert found is not None
    assert {name: getattr(found, name) for change in changes for name in change} == {
        name: value for change in changes for name, value in change.items()
    }


async def test_a_stale_version_is_a_conflict_that_names_the_fields(house: House, crew: Crew) -> None:
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))
    team = {"team_ids": [crew.teams["east"]]}
    account = await house.store.write(crew.rep.actor, partial(update_account, id=account.id, fields=team))
    newer = await house.store.write(
        crew.colleague.actor, lambda uow: update_account(uow, account.id, {"tier": "A"})
    )
    with pytest.raises(Conflict) as refused:
        await house.store.write(
            crew.rep.actor,
            lambda uow: update_account(uow, account.id, {"name": "b"}, expected_version=account.version),
        )
    assert "tier" in refused.value.fields
    assert refused.value.current_version == newer.version
    unchanged = await house.store.reader.get(Account, account.id)
    assert unchanged is not None
    assert (unchanged.name, unchanged.version) == ("a", newer.version)


async def test_a_failing_operation_writes_nothing(house: House, crew: Crew) -> None:
    await house.relay.settle()  # no listener's commit comes between
    before = await house.store.reader.newest_version(crew.workspace_id)

    async def fail(uow: UnitOfWork) -> Account:
        await create_account(uow, {"name": "half"})
        return await create_account(uow, {"name": ""})

    with pytest.raises(InvalidInput) as refused:
        await house.store.write(crew.rep.actor, fail)
    assert [error.field for error in refused.value.errors] == ["name"]
    assert await house.store.reader.newest_version(crew.workspace_id) == before
    assert await house.store.reader.count(crew.admin.actor, Account, {}) == 0


async def test_an_id_taken_anywhere_is_refused_without_a_trace(house: House, crew: Crew) -> None:
    stranger = await Crew.hire(house, crew.rep.http)
    id = new_id()
    await house.store.write(stranger.rep.actor, lambda uow: create_account(uow, {"name": "theirs"}, id=id))
    with pytest.raises(Conflict):
        await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "ours"}, id=id))
    theirs = await house.store.reader.get(Account, id)
    assert theirs is not None
    assert (theirs.name, theirs.workspace_id) == ("theirs", stranger.workspace_id)


async def test_another_workspaces_id_looks_like_not_found(house: House, crew: Crew) -> None:
    stranger = await Crew.hire(house, crew.rep.http)
    theirs = await house.store.write(stranger.rep.actor, lambda uow: create_account(uow, {"name": "theirs"}))
    for id in (theirs.id, new_id()):
        with pytest.raises(NotFound):
            await house.store.write(crew.admin.actor, partial(update_account, id=id, fields={"name": "x"}))
    unchanged = await house.store.reader.get(Account, theirs.id)
    assert unchanged is not None
    assert (unchanged.name, unchanged.version) == ("theirs", theirs.version)


async def test_who_may_read_but_not_write_is_forbidden(house: House, crew: Crew) -> None:
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))
    with pytest.raises(Forbidden):
        await house.store.write(crew.agent.actor, lambda uow: update_account(uow, account.id, {"name": "b"}))
    unchanged = await house.store.reader.get(Account, account.id)
    assert unchanged is not None
    assert unchanged.name == "a"


async def test_what_was_not_accessed_for_writing_cannot_be_saved(house: House, crew: Crew) -> None:
    account = await house.store.write(crew.rep.actor, lambda uow: create_account(uow, {"name": "a"}))

    async def cheat(uow: UnitOfWork) -> None:
        found = await uow.access(Account, account.id)
        found.name = "b"
        uow.save(found)

    with pytest.raises(AssertionError, match="not fetched with access"):
        await house.store.write(crew.rep.actor, cheat)


async def test_a_lost_answer_to_the_commit_is_cleared_up(house: House, crew: Crew) -> None:
    """The connection dies after the server has committed: the same attempt finds its own mark."""
    await house.relay.settle()  # nobody else writes here: this transaction is tried once
    sequencer: Sequencer = other_process(house).sequencer(crew.workspace_id)
    uow = house.store.unit_of_work(crew.rep.actor)
    await create_account(uow, {"name": "marked"})
    await uow.settle(await house.store.policies.of(crew.workspace_id))
    commit = uow.commit(mutation_key=None, result=None)
    commit.audit = audit_entry(commit, house.store.redactor)
    pending = await sequencer._transact([commit], "mark-1", [])
    assert await sequencer._landed(pending, "mark-1")
    assert not await sequencer._landed(pending, "mark-2")
    assert await house.store.reader.count(crew.rep.actor, Account, {"name": "marked"}) == 1
