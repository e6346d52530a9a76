"""What the embedded database can do at best: the same transaction, written by hand, nothing around it."""

import time
from typing import Any

from pymongo import AsyncMongoClient, ReturnDocument

from backend.core.ids import new_id

TRANSACTIONS = 60


async def bare_creates_per_second(port: int, *, batch: int) -> float:
    """Commit ``TRANSACTIONS`` groups of ``batch`` creates; return creates per second.

    Each holds what ours holds: the counter, the records with two indexes, the mutation ids, one ledger
    document.
    """
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        f"mongodb://127.0.0.1:{port}/?directConnection=true"
    )
    try:
        database = client["ceiling"]
        await database["accounts"].create_index([("workspace_id", 1), ("acl", 1), ("version", 1)])
        await database["accounts"].create_index([("workspace_id", 1), ("name", 1)])
        await database["ledger"].create_index([("workspace_id", 1), ("seq", 1)])
        await database["mutations"].insert_one({"_id": "-"})
        await database["seq"].insert_one({"_id": "w", "seq": 0})
        start = time.perf_counter()
        for _ in range(TRANSACTIONS):
            await _transact(client, batch)
        return TRANSACTIONS * batch / (time.perf_counter() - start)
    finally:
        await client.drop_database("ceiling")
        await client.close()


async def _transact(client: AsyncMongoClient[dict[str, Any]], batch: int) -> None:
    database = client["ceiling"]
    ids = [new_id() for _ in range(batch)]
    async with client.start_session() as session, await session.start_transaction():
        row = await database["seq"].find_one_and_update(
            {"_id": "w"}, {"$inc": {"seq": batch}}, session=session, return_document=ReturnDocument.AFTER
        )
        assert row is not None
        top = row["seq"]
        accounts = [
            {"_id": id, "workspace_id": "w", "acl": ["w", "u:1"], "version": top - n, "name": f"Account {n}"}
            for n, id in enumerate(ids)
        ]
        await database["accounts"].insert_many(accounts, session=session)
        await database["mutations"].insert_many(
            [{"_id": f"m{id}", "seq": top} for id in ids], session=session
        )
        ledger = {"_id": f"w|{top}", "workspace_id": "w", "seq": top, "commits": accounts}
        await database["ledger"].insert_one(ledger, session=session)
