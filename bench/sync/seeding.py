"""A large store, quickly: what the real path writes, in bulk and without its transactions.

The first commits are made by the real path; their documents are the patterns. Every other one is a copy
with its own ids, numbers, names and times, inserted as it would stand after as many commits. A sample is
compared with the patterns: same collections, same fields, same types.
"""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from backend.core.audit import AUDIT, audit_id
from backend.core.ids import new_id
from backend.core.ledger import LEDGER, MUTATIONS, SEQUENCES, ledger_id

TOGETHER = 16  # commits in one transaction, as 16 busy connections make them
INSERTED_AT_ONCE = 2_000
SAMPLE = 50

Body = dict[str, Any]


class Seeder:
    """Fill one workspace of a store with accounts. Nobody else may write to it meanwhile."""

    def __init__(self, database: AsyncDatabase[Any], workspace_id: str, account_id: str) -> None:
        self._database, self._workspace, self._pattern_id = database, workspace_id, account_id

    async def fill(self, rows: int) -> None:
        """Add accounts until the workspace's counter stands at ``rows``."""
        patterns = await self._patterns()
        top = (await self._database[SEQUENCES].find_one({"_id": self._workspace}) or {})["seq"]
        batch: dict[str, list[Body]] = {"accounts": [], LEDGER: [], MUTATIONS: [], AUDIT: []}
        for first in range(top + 1, rows + 1, TOGETHER):
            last = min(first + TOGETHER - 1, rows)
            for collection, body in self._transaction(patterns, first, last):
                batch[collection].append(body)
            if len(batch["accounts"]) >= INSERTED_AT_ONCE or last == rows:
                for collection, bodies in batch.items():
                    await self._database[collection].insert_many(bodies, ordered=False)
                    bodies.clear()
        await self._database[SEQUENCES].update_one({"_id": self._workspace}, {"$set": {"seq": rows}})
        await self._check(patterns, rows)

    async def _patterns(self) -> dict[str, Body]:
        """Return the documents of the commit that made the pattern account."""
        account = await self._database["accounts"].find_one({"_id": self._pattern_id})
        assert account is not None
        seq = account["version"]
        here = {"workspace_id": self._workspace, "seq": {"$gte": seq}}
        ledger = await self._database[LEDGER].find(here).sort("seq", 1).limit(1).to_list()
        audit = await self._database[AUDIT].find(here).sort("seq", 1).limit(1).to_list()
        commits = [one for one in ledger[0]["commits"] if one["seq"] == seq]
        entries = [one for one in audit[0]["entries"] if one["seq"] == seq]
        mutation = await self._database[MUTATIONS].find_one({"_id": commits[0]["mutation_key"]})
        assert mutation is not None
        return {
            "accounts": account,
            LEDGER: {**ledger[0], "commits": commits},
            AUDIT: {**audit[0], "entries": entries},
            MUTATIONS: mutation,
        }

    def _transaction(self, patterns: dict[str, Body], first: int, last: int) -> Iterator[tuple[str, Body]]:
        """Yield what one transaction of commits ``first`` to ``last`` writes."""
        ledger, audit = dict(patterns[LEDGER]), dict(patterns[AUDIT])
        commit, entry = ledger["commits"][0], audit["entries"][0]
        ledger |= {"_id": ledger_id(self._workspace, last), "seq": last, "mark": new_id(), "commits": []}
        audit |= {"_id": audit_id(self._workspace, last), "first": first, "seq": last, "entries": []}
        audit["count"], audit["subjects"] = last - first + 1, list(audit["subjects"])[:3]
        for seq in range(first, last + 1):
            id, key = new_id(), new_id()
            name = f"Account number {seq} of the bench"
            yield "accounts", {**deepcopy(patterns["accounts"]), "_id": id, "version": seq, "name": name}
            yield MUTATIONS, {**patterns[MUTATIONS], "_id": key, "seq": seq}
            entries = [{**one, "id": id} for one in commit["entries"]]
            ledger["commits"].append({**commit, "seq": seq, "mutation_key": key, "entries": entries})
            audit["entries"].append({**entry, "seq": seq})
            audit["subjects"].append(f"r:{id}")
        yield LEDGER, ledger
        yield AUDIT, audit

    async def _check(self, patterns: dict[str, Body], rows: int) -> None:
        """Raise RuntimeError when a sample of what is stored is not shaped as the real path shapes it."""
        chosen = random.Random(9)
        for _ in range(SAMPLE):
            seq = chosen.randint(rows // 2, rows)
            window = {"workspace_id": self._workspace, "acl": "w", "version": seq}
            found = await self._database["accounts"].find_one(window)
            if found is None or _shape(found) != _shape(patterns["accounts"]):
                raise RuntimeError(f"the account of commit {seq} is not as the real path writes it")
        last = await self._database[LEDGER].find_one({"_id": ledger_id(self._workspace, rows)})
        if last is None or _shape(last["commits"][0]) != _shape(patterns[LEDGER]["commits"][0]):
            raise RuntimeError("the ledger is not as the real path writes it")


def _shape(value: Any) -> Any:
    """Return the fields and types of a document."""
    if isinstance(value, dict):
        return {name: _shape(one) for name, one in value.items()}
    return [_shape(one) for one in value[:1]] if isinstance(value, list) else type(value).__name__
