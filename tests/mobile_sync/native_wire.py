"""A native phone as the wire shows it: one cursor for all collections."""

from typing import Any

import main
from backend.core.ids import new_id
from mobile_sync.wording import camel
from tests.crew import Person

Line = dict[str, Any]

# What a test's people write. The workspace's pipeline is there without them: at some moment.
WRITTEN = [
    camel(collection.name)
    for module in main.MODULES
    for collection in module.synced
    if collection.name != "pipeline"
]

PULL = """query($cursor: String, $collections: [String!], $limit: Int!) {
    syncPull(cursor: $cursor, collections: $collections, limit: $limit) {
        changes cursor hasMore watermark resync serverTime } }"""
PUSH = """mutation($input: SyncPushInput!) { syncPush(input: $input) {
    verdicts { id status version doc error { code message field } } } }"""


class NativePhone:
    """A phone that keeps rows by collection and id, as the documentation tells it to."""

    def __init__(self, person: Person, client_id: str = "phone") -> None:
        self.person, self.client_id = person, client_id
        self.cursor: str | None = None
        self.rows: dict[tuple[str, str], Line] = {}

    async def pull_once(self, *, limit: int = 500, collections: list[str] | None = None) -> dict[str, Any]:
        """Pull one page and keep it; return it."""
        asked = {"cursor": self.cursor, "collections": collections or WRITTEN, "limit": limit}
        page: dict[str, Any] = (await self.person.ask(PULL, **asked))["syncPull"]
        self.take(page["changes"], page)
        return page

    def take(self, changes: list[Line], page: Line) -> None:
        if page["resync"]:
            self.rows.clear()
        for line in changes:
            key = (line["c"], line["id"])
            if "x" in line:
                self.rows.pop(key, None)
            else:
                self.rows[key] = line
        self.cursor = page["cursor"]

    async def pull(self, *, limit: int = 500, collections: list[str] | None = None) -> list[Line]:
        """Pull until there is no more; return all changes."""
        changes: list[Line] = []
        while True:
            page = await self.pull_once(limit=limit, collections=collections)
            changes += page["changes"]
            if not page["hasMore"]:
                return changes

    def ids(self, collection: str) -> set[str]:
        return {id for name, id in self.rows if name == collection}

    async def push(self, *mutations: Line) -> list[Line]:
        """Push; return the verdicts."""
        data = {"clientId": self.client_id, "schemaVersion": 1, "mutations": list(mutations)}
        verdicts: list[Line] = (await self.person.ask(PUSH, input=data))["syncPush"]["verdicts"]
        return verdicts


def create(collection: str, **patch: Any) -> Line:
    return {"id": new_id(), "c": collection, "docId": new_id(), "op": "CREATE", "patch": patch}


def patched(held: Line, **patch: Any) -> Line:
    """Return the edit of a row that the phone holds, with what it had in the columns."""
    base = {name: held["d"].get(name) for name in patch}
    return {
        "id": new_id(),
        "c": held["c"],
        "docId": held["id"],
        "op": "PATCH",
        "baseVersion": held["v"],
        "base": base,
        "patch": patch,
    }


def delete(collection: str, id: str) -> Line:
    return {"id": new_id(), "c": collection, "docId": id, "op": "DELETE"}
