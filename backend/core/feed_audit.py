"""The feed's auditor: does every write have its entry in the ledger, and every record its place in the order?

Phones miss whatever was written around the one write path, and nobody would notice. This looks.
"""

from typing import Any

from backend.core.access import EVERYONE
from backend.core.ledger import DEPARTURES, LEDGER, SEQUENCES
from backend.core.records import REGISTRY
from backend.core.store import Store

Name = tuple[str, str]  # kind and id


async def audit_feed(store: Store, workspace_id: str) -> list[str]:
    """Return what is wrong with a workspace's feed, a sentence each; empty when all is in order.

    Judges what was committed when it began; others may write meanwhile. Costs a walk through the ledger
    and through all records.
    """
    row = await store.database[SEQUENCES].find_one({"_id": workspace_id}) or {"seq": 0, "min_seq": 0}
    later: dict[Name, int] = {}
    entries, wrong = await _ledger(store, workspace_id, row["seq"])
    acls: dict[Name, list[str]] = {}
    for kind in sorted(REGISTRY):
        wrong += await _records(store, workspace_id, kind, row["seq"], entries, acls, later)
    now = await store.reader.newest_version(workspace_id)
    beyond = {name: at for name, at in later.items() if at > now}
    wrong += [f"{kind} {id} has version {at}, of no commit" for (kind, id), at in beyond.items()]
    known = {name for name in entries if name[0] in REGISTRY}
    wrong += [
        f"{kind} {id} was written in commit {entries[kind, id][-1]} and is not there"
        for kind, id in sorted(known - acls.keys())
        if entries[kind, id][-1] > row["min_seq"]
    ]
    return wrong + await _departures(store, workspace_id, row["seq"], entries, acls)


async def _ledger(store: Store, workspace_id: str, newest: int) -> tuple[dict[Name, list[int]], list[str]]:
    """Return the commits of each record, in order, and what is wrong with their order."""
    entries: dict[Name, list[int]] = {}
    wrong: list[str] = []
    last = 0
    async for row in store.database[LEDGER].find(_window(workspace_id, newest)).sort("seq", 1):
        for commit in row["commits"]:
            if commit["seq"] <= last:
                wrong.append(f"commit {commit['seq']} stands behind commit {last} in the ledger")
            last = commit["seq"]
            for entry in commit["entries"]:
                seqs = entries.setdefault((entry["kind"], entry["id"]), [])
                if not seqs or seqs[-1] != last:
                    seqs.append(last)
    return entries, wrong


async def _records(
    store: Store,
    workspace_id: str,
    kind: str,
    newest: int,
    entries: dict[Name, list[int]],
    acls: dict[Name, list[str]],
    later: dict[Name, int],
) -> list[str]:
    wrong: list[str] = []
    rows = REGISTRY[kind].get_pymongo_collection().find({"workspace_id": workspace_id})
    async for body in rows:
        name = (kind, body["_id"])
        if body["version"] > newest:  # written since the audit began
            acls[name], later[name] = [], body["version"]
            continue
        acls[name] = body["acl"]
        seqs = entries.get(name, [0])
        if body["version"] != seqs[-1]:
            wrong.append(f"{kind} {name[1]} has version {body['version']}; its last commit is {seqs[-1]}")
        if EVERYONE not in body["acl"]:
            wrong.append(f"{kind} {name[1]} is in no scope of the whole workspace")
        late = sorted(field for field, at in body["field_versions"].items() if at not in seqs)
        if late:
            wrong.append(f"{kind} {name[1]} has fields of commits that are not its own: {', '.join(late)}")
    return wrong


async def _departures(
    store: Store,
    workspace_id: str,
    newest: int,
    entries: dict[Name, list[int]],
    acls: dict[Name, list[str]],
) -> list[str]:
    wrong: list[str] = []
    async for row in store.database[DEPARTURES].find(_window(workspace_id, newest)):
        name = (row["kind"], row["record_id"])
        if row["seq"] not in entries.get(name, ()):
            wrong.append(
                f"{name[0]} {name[1]} left {row['scope']} in commit {row['seq']}, which is not its own"
            )
        if row["scope"] in acls.get(name, ()):
            wrong.append(f"{name[0]} {name[1]} has left {row['scope']} and is in it")
    return wrong


def _window(workspace_id: str, newest: int) -> dict[str, Any]:
    return {"workspace_id": workspace_id, "seq": {"$lte": newest}}
