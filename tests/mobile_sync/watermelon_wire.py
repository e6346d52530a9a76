"""A WatermelonDB phone as the wire shows it: tables, one number, and what the client does with both."""

import json
from typing import Any

from tests.crew import Person

Raw = dict[str, Any]


class WatermelonPhone:
    """A phone that keeps raw records by table and id, as WatermelonDB's ``synchronize`` does."""

    def __init__(self, person: Person, tables: list[str] | None = None) -> None:
        self.person, self.tables = person, tables
        self.last: int | None = None
        self.rows: dict[tuple[str, str], Raw] = {}

    async def pull_once(self, *, limit: int = 10_000) -> Raw:
        """Pull one page and keep it; return it."""
        page = await self._sent("pull", lastPulledAt=self.last, limit=limit)
        self.take(page)
        return page

    def take(self, page: Raw) -> None:
        if page.get("experimentalStrategy") == "replacement":
            self.rows.clear()
        for table, changes in page["changes"].items():
            for raw in (*changes["created"], *changes["updated"]):
                self.rows[table, raw["id"]] = raw
            for id in changes["deleted"]:
                self.rows.pop((table, id), None)
        self.last = page["timestamp"]

    async def pull(self, *, limit: int = 10_000) -> list[tuple[str, str]]:
        """Pull until there is no more; return what came, gone or not."""
        came: list[tuple[str, str]] = []
        while True:
            page = await self.pull_once(limit=limit)
            for table, changes in page["changes"].items():
                came += [(table, raw["id"]) for raw in changes["updated"]]
                came += [(table, id) for id in changes["deleted"]]
            if not page["hasMore"]:
                return came

    def ids(self, table: str) -> set[str]:
        return {id for name, id in self.rows if name == table}

    async def push(self, table: str, **changes: Any) -> Raw:
        """Push what changed in one table (created, updated, deleted); return the answer."""
        body = {table: {"created": [], "updated": [], "deleted": []} | changes}
        return await self._sent("push", lastPulledAt=self.last, changes=body)

    def edit(self, table: str, id: str, **values: Any) -> Raw:
        """Return the raw record of an edit of what this phone holds."""
        return self.rows[table, id] | values | {"_status": "updated", "_changed": ",".join(values)}

    async def _sent(self, path: str, **body: Any) -> Raw:
        if path == "pull":
            body |= {"schemaVersion": 1, "migration": None}
            body |= {"tables": self.tables} if self.tables else {}
        headers = self.person.headers | {"Content-Type": "application/json"}
        content = json.dumps(body)  # in ASCII, as it may come
        answer = await self.person.http.post(f"/sync/watermelon/{path}", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        found: Raw = answer.json()
        return found
