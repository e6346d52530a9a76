"""A commit's writes: one command for all collections, or one each, and the same either way."""

from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

import pytest
from pymongo.errors import InvalidOperation

from backend.core.clock import HeldClock
from backend.core.errors import Conflict
from backend.core.ids import new_id
from backend.core.store import Store
from backend.crm.accounts import create_account, update_account
from backend.house import House
from tests.counting import counted_client
from tests.crew import Crew

TOGETHER = {"findAndModify workspace_seq": 1, "bulkWrite 1": 1, "commitTransaction 1": 1}
ONE_BY_ONE = {
    "findAndModify workspace_seq": 1,
    "insert mutations": 1,
    "insert ledger": 1,
    "insert audit": 1,
    "commitTransaction 1": 1,
}


@pytest.mark.parametrize("knows_how", [True, False])
async def test_a_commit_writes_the_same_whether_or_not_the_server_takes_all_at_once(
    house: House, crew: Crew, monkeypatch: pytest.MonkeyPatch, knows_how: bool
) -> None:
    await house.relay.settle()  # no listener's commit comes between
    async with counted_client(house) as (client, commands):

        async def refuse(*_: Any, **__: Any) -> NoReturn:
            raise InvalidOperation("MongoClient.bulk_write requires MongoDB server version 8.0+.")

        if not knows_how:  # what the driver does at a server before 8.0
            monkeypatch.setattr(client, "bulk_write", refuse)
        store = Store(client, house.settings.database_name, HeldClock(datetime.now(UTC)))
        id, make = new_id(), partial(create_account, fields={"name": "Acme"})
        await store.write(crew.rep.actor, make)  # reads the policy and the data keys once
        commands.take()
        made = await store.write(crew.rep.actor, partial(make, id=id), mutation_id="m")
        sent = commands.take()
        sent.pop("find accounts", None)  # whether the id is taken
        assert sent == (TOGETHER if knows_how else ONE_BY_ONE | {"insert accounts": 1})
        assert (await store.write(crew.rep.actor, partial(make, id=id), mutation_id="m")).id == id

        change = partial(update_account, id=id, fields={"name": "Acme & Co"})
        changed = await store.write(crew.rep.actor, partial(change, expected_version=made.version))
        assert changed.version > made.version
        newest = await store.reader.newest_version(crew.workspace_id)
        with pytest.raises(Conflict):
            await store.write(crew.rep.actor, partial(change, expected_version=made.version))
        with pytest.raises(Conflict):
            await store.write(crew.stranger.actor, partial(make, id=id))
        assert await store.reader.newest_version(crew.workspace_id) == newest
