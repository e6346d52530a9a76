"""One store is open in a process: a second is refused, and the first does not notice."""

import pytest
from pydantic import SecretStr

import main
from backend.core.ids import new_id
from backend.core.store import Store
from backend.crm.documents import Account
from backend.house import House, open_house
from tests.binding import strays
from tests.crew import Crew


async def test_a_second_house_is_refused_and_the_first_stands(crew: Crew, house: House) -> None:
    host, port = await house.store.client.address or ("127.0.0.1", 0)
    uri = SecretStr(f"mongodb://{host}:{port}/?directConnection=true")
    name = f"second_{new_id()[:8]}"
    settings = house.settings.model_copy(update={"mongodb_uri": uri, "database_name": name})
    try:
        with pytest.raises(RuntimeError, match=f"{house.store.database.name} is open in this process"):
            async with open_house(main.MODULES, settings, working=False):
                pass
        second = house.store.client[name]
        assert Account.get_collection_name() not in await second.list_collection_names()
    finally:
        await house.store.client.drop_database(name)
    assert Store.bound is house.store
    assert strays(house.store) == []
    made = await crew.rep.do("accountCreate", {"name": "Acme"})
    assert (await crew.rep.do("accountUpdate", {"id": made["id"], "name": "Apex"}, "name"))["name"] == "Apex"


async def test_a_store_that_was_never_opened_closes_no_other(house: House) -> None:
    await Store(house.store.client, house.settings.database_name, house.store.clock).close()
    assert Store.bound is house.store


async def test_a_record_bound_elsewhere_is_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = house.store.client["elsewhere"][Account.get_collection_name()]
    monkeypatch.setattr(Account.get_settings(), "pymongo_collection", elsewhere)
    assert strays(house.store) == ["Account"]
