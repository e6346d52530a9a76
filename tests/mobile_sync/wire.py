"""A phone as the wire shows it: the requests that RxDB sends, without RxDB."""

import copy
from typing import Any

from backend.core.sync import SyncedCollection
from mobile_sync.rows import NIL_ID, columns
from mobile_sync.wording import camel, pascal
from tests.crew import Person

Row = dict[str, Any]


class WirePhone:
    """One collection on one phone: keeps rows and cursor as RxDB does."""

    def __init__(self, person: Person, collection: SyncedCollection) -> None:
        self.person, self.collection = person, collection
        self.cursor: str | None = None
        self.rows: dict[str, Row] = {}
        self.x = pascal(collection.name)
        self.names = ["id", "version", *(camel(field.name) for field in columns(collection)), "_deleted"]

    async def pull_once(self, *, limit: int = 100) -> list[Row]:
        """Pull one page; keep what RxDB keeps; return the rows."""
        answer = await self.person.ask(
            f"""query Pull{self.x}($checkpoint: {self.x}InputCheckpoint, $limit: Int!) {{
                pull{self.x}(checkpoint: $checkpoint, limit: $limit) {{
                    documents {{ {" ".join(self.names)} }} checkpoint {{ cursor }} }} }}""",
            checkpoint=self.cursor and {"cursor": self.cursor},
            limit=limit,
        )
        bulk = answer[f"pull{self.x}"]
        for row in bulk["documents"]:
            if row["_deleted"]:
                self.rows.pop(row["id"], None)
            else:
                self.rows[row["id"]] = row
        if bulk["documents"]:
            self.cursor = bulk["checkpoint"]["cursor"]
        documents: list[Row] = bulk["documents"]
        return documents

    async def pull(self, *, limit: int = 100) -> list[Row]:
        """Pull until a page is shorter than ``limit``; return the rows of records."""
        rows: list[Row] = []
        while True:
            page = await self.pull_once(limit=limit)
            rows += [row for row in page if row["id"] != NIL_ID]  # which only moves the cursor
            if len(page) < limit:
                return rows

    def edit(self, id: str, **changes: Any) -> Row:
        """Return the push row of an edit of a row that this phone holds."""
        held = self.rows[id]
        return {"newDocumentState": held | changes, "assumedMasterState": copy.copy(held)}

    def insert(self, id: str, **values: Any) -> Row:
        return {"newDocumentState": {"id": id, "_deleted": False, **values}}

    async def push(self, *rows: Row) -> list[Row]:
        """Push; return the rows that the server tells."""
        name = f"{camel(self.collection.name)}PushRow"
        answer = await self.person.ask(
            f"""mutation Push{self.x}(${name}: [{self.x}InputPushRow!]) {{
                push{self.x}({name}: ${name}) {{ {" ".join(self.names)} }} }}""",
            **{name: list(rows)},
        )
        told: list[Row] = answer[f"push{self.x}"]
        return told
