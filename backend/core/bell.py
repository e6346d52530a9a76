"""The bell: tells waiting readers that a workspace has newer commits.

In this process it rings at the commit; commits of other processes are noticed by looking twice a second,
and only while somebody waits, at the counters that have moved. It is a hint: readers always ask the store.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from backend.core.ledger import SEQUENCES

log = structlog.get_logger()

LOOK_EVERY = timedelta(milliseconds=500)
LOOK_AT_ALL_EVERY = timedelta(minutes=1)  # should the database's clock have jumped
LOOK_BACK = timedelta(seconds=15)  # a counter moves before its transaction commits, 5 s at most; and room


class Bell:
    """Wake those who wait for a workspace's next commit."""

    def __init__(self, database: AsyncDatabase[Any]) -> None:
        self._database = database
        self._newest: dict[str, int] = {}
        self._followers: list[set[str]] = []
        self._looked_at_all: float | None = None
        self._moved_at: datetime | None = None  # by the database's clock
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._everybody: set[asyncio.Event] = set()
        self._policies: dict[str, int] = {}
        self.on_policy: list[
            Callable[[str], None]
        ] = []  # called with the workspace whose sharing policy moved

    def ring(self, workspace_id: str, seq: int) -> None:
        """Say that ``workspace_id`` is now at ``seq`` or later."""
        if seq <= self._newest.get(workspace_id, 0):
            return
        self._newest[workspace_id] = seq
        for behind in self._followers:
            behind.add(workspace_id)
        for event in self._waiting.get(workspace_id, set()) | self._everybody:
            event.set()

    def ring_policy(self, workspace_id: str) -> None:
        """Say that who sees what in ``workspace_id`` has changed."""
        for tell in self.on_policy:
            tell(workspace_id)

    def newest(self, workspace_id: str) -> int:
        """Return the newest known sequence of a workspace; 0 when none is known."""
        return self._newest.get(workspace_id, 0)

    def follow(self) -> set[str]:
        """Return a set that each workspace is added to as it rings, from those known now on.

        Whoever follows takes out what it is done with.
        """
        behind = set(self._newest)
        self._followers.append(behind)
        return behind

    async def look(self) -> None:
        """Notice the commits of other processes: of all at first, then of what has moved of late."""
        now, moved = asyncio.get_running_loop().time(), {}
        if self._looked_at_all is None or now - self._looked_at_all >= LOOK_AT_ALL_EVERY.total_seconds():
            self._looked_at_all, self._moved_at = now, None
        if self._moved_at is not None:
            moved = {"moved_at": {"$gte": self._moved_at - LOOK_BACK}}
        async for row in self._database[SEQUENCES].find(moved):
            moved_at = row.get("moved_at")
            if moved_at is not None and (self._moved_at is None or moved_at > self._moved_at):
                self._moved_at = moved_at
            policy = row.get("policy", 0)
            if self._policies.setdefault(row["_id"], policy) != policy:
                self._policies[row["_id"]] = policy
                self.ring_policy(row["_id"])
            self.ring(row["_id"], row["seq"])

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            if self._everybody or any(self._waiting.values()):
                try:
                    await self.look()
                except PyMongoError as error:  # the store is away: look again, it comes back
                    log.warning("bell.store_away", error=str(error))

    async def commits(self, workspace_id: str) -> AsyncIterator[int]:
        """Yield the newest sequence whenever it has moved; several commits may give one value."""
        with self._listening(self._waiting[workspace_id]) as event:
            seen = self._newest.get(workspace_id, 0)
            while True:
                await event.wait()
                event.clear()
                newest = self._newest.get(workspace_id, 0)
                if newest > seen:
                    seen = newest
                    yield newest

    @contextmanager
    def anywhere(self) -> Iterator[asyncio.Event]:
        """Give an event that is set at every commit of any workspace; clear it before you look."""
        with self._listening(self._everybody) as event:
            yield event

    @contextmanager
    def _listening(self, waiting: set[asyncio.Event]) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        waiting.add(event)
        try:
            yield event
        finally:
            waiting.discard(event)
