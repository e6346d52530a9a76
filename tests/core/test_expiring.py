"""What has outlived its time goes through its index; the server's own sweep finds nothing to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from backend.core.expiring import delete_expired, drop_ttl_indexes, expiring
from backend.core.ids import new_id
from backend.core.ledger import MUTATIONS
from backend.core.presence import PRESENCE
from backend.house import House

AGES = {"old": timedelta(hours=2), "young": timedelta(minutes=59), "ahead": timedelta(days=-1)}


@pytest.fixture
async def shop(house: House) -> Any:
    """A database of its own on the house's server."""
    database = house.store.client[f"shop_{new_id()[:8]}"]
    yield database
    await house.store.client.drop_database(database.name)


async def fill(database: AsyncDatabase[Any]) -> None:
    now = datetime.now(UTC)
    await database.notes.insert_many([{"_id": name, "at": now - age} for name, age in AGES.items()])
    await database.notes.insert_many([{"_id": "undated"}, {"_id": "text", "at": "1999"}])
    await database.tokens.insert_many([{"_id": name, "until": now - age} for name, age in AGES.items()])


async def test_what_has_expired_goes_and_nothing_else(shop: AsyncDatabase[Any]) -> None:
    await shop.notes.create_indexes([expiring("at", timedelta(hours=1)), IndexModel([("x", 1)])])
    await shop.tokens.create_indexes([expiring("until")])
    await fill(shop)
    assert await delete_expired(shop) == 3
    assert sorted(await shop.notes.distinct("_id")) == ["ahead", "text", "undated", "young"]
    assert await shop.tokens.distinct("_id") == ["ahead"]
    assert await delete_expired(shop) == 0


async def test_a_store_that_was_made_with_ttl_indexes_is_brought_over(shop: AsyncDatabase[Any]) -> None:
    await shop.notes.create_indexes([IndexModel([("at", 1)], expireAfterSeconds=3600)])
    await fill(shop)
    await drop_ttl_indexes(shop)
    await shop.notes.create_indexes([expiring("at", timedelta(hours=1))])
    assert await delete_expired(shop) == 1
    assert "old" not in await shop.notes.distinct("_id")


async def test_no_collection_of_the_house_is_left_to_the_servers_sweep(house: House) -> None:
    declared = set()
    for name in await house.store.database.list_collection_names():
        for index in await (await house.store.database[name].list_indexes()).to_list():
            assert "expireAfterSeconds" not in index, name
            if "_expires_after_" in index["name"]:
                declared.add(name)
    assert {MUTATIONS, PRESENCE, "deliveries"} <= declared
    assert len(declared) == 13
