"""Reading the audit trail: forward to check it, backward to search it.

Every query is a closed window of numbers after an equality: the shape that every server answers from an
index in proportion to the window.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from backend.core.audit import AUDIT
from backend.core.audit_check import AuditBreak, BreakKind, ChainCheck
from backend.core.ledger import SEQUENCES
from backend.core.sequencer import LARGEST_BATCH

WINDOW = 512  # numbers read at once in order
NARROWEST, WIDEST = 64, 65_536  # numbers looked through at once for something
CLOCKS_APART = timedelta(minutes=10)  # how far times may run against numbers: clocks differ, work takes time


class AuditReader:
    """Read the trail of one store. Who may is the caller's to decide."""

    def __init__(self, database: AsyncDatabase[Any]) -> None:
        self._database = database
        self._trail = database[AUDIT]

    async def workspaces(self) -> list[str]:
        """Return the ids of all workspaces that have counted a commit."""
        rows = await self._database[SEQUENCES].find({"_id": {"$ne": "-"}}, {"_id": 1}).to_list()
        return sorted(row["_id"] for row in rows)

    async def counter(self, workspace_id: str) -> int:
        """Return the workspace's newest number; 0 for an unknown one."""
        row = await self._database[SEQUENCES].find_one({"_id": workspace_id})
        return int(row["seq"]) if row else 0

    async def check(self, workspace_id: str, *, expect: str = "") -> ChainCheck:
        """Walk the whole chain beside running writers; the result says whether and where it is broken."""
        check = ChainCheck(workspace_id, expect=expect)
        counter = await self.counter(workspace_id)
        for after in range(0, counter, WINDOW):
            for document in await self._window(workspace_id, after, min(after + WINDOW, counter)):
                if not check.take(document):
                    return check
        check.finish(counter)
        if check.broken is None and (beyond := await self._beyond_the_counter(workspace_id, counter)):
            check.broken = AuditBreak(BreakKind.CHANGED, beyond, "the workspace's counter was set back")
        return check

    async def _beyond_the_counter(self, workspace_id: str, counter: int) -> int:
        """Return the number of a document that the counter does not reach, 0 when there is none."""
        ahead = {"workspace_id": workspace_id, "seq": {"$gt": counter}}
        found = await self._trail.find_one(ahead, {"seq": 1})
        # Its transaction moved the counter, too: what was just committed is not beyond it.
        reached = await self.counter(workspace_id)
        return int(found["seq"]) if found and found["seq"] > reached else 0

    async def backwards(
        self, workspace_id: str, *, subject: str = "", below: int
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the documents with an entry below number ``below``, newest first; of one subject if given."""
        high, width = below + LARGEST_BATCH, NARROWEST  # a document stands at its last number
        while high > 0:
            low = max(0, high - width)
            rows = await self._window(workspace_id, low, high, subject=subject)
            for row in reversed(rows):
                yield row
            high = low
            width = min(WIDEST, width * 4) if len(rows) < NARROWEST // 2 else NARROWEST

    async def number_at(self, workspace_id: str, moment: datetime) -> int:
        """Return a number that no entry up to ``moment`` has reached, not much above the last of them."""
        low, high = 0, await self.counter(workspace_id)
        while high - low > WINDOW:
            middle = (low + high) // 2
            rows = await self._window(workspace_id, middle, middle + LARGEST_BATCH)
            if not rows or rows[0]["entries"][0]["at"] <= moment + CLOCKS_APART:
                low = middle
            else:
                high = middle
        return high + 1

    async def _window(
        self, workspace_id: str, after: int, until: int, *, subject: str = ""
    ) -> list[dict[str, Any]]:
        where: dict[str, Any] = {"workspace_id": workspace_id}
        where |= {"subjects": subject} if subject else {}
        where["seq"] = {"$gt": after, "$lte": until}
        rows = await self._trail.find(where, batch_size=until - after + 1).to_list()
        return sorted(rows, key=lambda row: int(row["seq"]))
