"""Where phones are: how far each has pulled, and which of them listen just now.

For whoever wants to wake a phone, and must not wake one that knows already. The phones' room tells it, in
memory; it is written down a few times a minute, one row for each session, so that a pull writes nothing.
What is lost with a process costs a phone one needless wake-up.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from backend.core.access import Actor
from backend.core.clock import Clock
from backend.core.expiring import expiring

log = structlog.get_logger()

PRESENCE = "phone_presence"
WRITE_EVERY = timedelta(seconds=10)
LIVE_FOR = timedelta(seconds=60)
"""How long a phone counts as listening after the last sign of its process, should that one die."""
FORGOTTEN_AFTER = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """What is known of one session: the commit up to which it has each kind, and when it last pulled."""

    session_id: str
    seqs: Mapping[str, int]
    pulled_at: datetime
    is_listening: bool


@dataclass
class _Seen:
    """What a process has seen of a session since it last wrote it down."""

    workspace_id: str
    user_id: str
    seqs: dict[str, int] = field(default_factory=dict)
    pulled_at: datetime | None = None


class Presence:
    """Know where the phones of this process are, and ask for those of all processes."""

    def __init__(self, database: AsyncDatabase[Any], clock: Clock) -> None:
        self._rows, self._clock = database[PRESENCE], clock
        self._seen: dict[str, _Seen] = {}
        self._listening: Counter[str] = Counter()

    async def open(self) -> None:
        """Make the index by which the rows of phones that never come back go."""
        index = expiring("expires_at")
        await self._rows.create_indexes([index])

    def pulled(self, actor: Actor, kinds: Collection[str], seq: int) -> None:
        """Note that a session has all of ``kinds`` up to commit ``seq``. Costs no write."""
        if actor.session_id:
            seen = self._of(actor)
            seen.seqs |= dict.fromkeys(kinds, seq)
            seen.pulled_at = self._clock.now()

    @asynccontextmanager
    async def listening(self, actor: Actor) -> AsyncIterator[None]:
        """Count a session as listening while the block lasts; others know it when the block begins."""
        session_id = actor.session_id
        self._listening[session_id] += 1
        self._of(actor)
        try:
            await self._write([session_id])
            yield
        finally:
            self._listening[session_id] -= 1
            self._of(actor)  # to be written down: it listens no more
            if not self._listening[session_id]:
                del self._listening[session_id]

    async def of_sessions(self, session_ids: Sequence[str]) -> dict[str, Whereabouts]:
        """Return what is known of sessions that ever pulled; of this process the very latest."""
        await self._write([id for id in session_ids if id in self._seen])
        now = self._clock.now()
        rows = await self._rows.find({"_id": {"$in": list(session_ids)}}).to_list()
        return {
            row["_id"]: Whereabouts(
                session_id=row["_id"],
                seqs=row["seqs"],
                pulled_at=row["pulled_at"],
                # A time too far ahead is of a clock that went back since.
                is_listening=now < row.get("live_until", now) <= now + LIVE_FOR,
            )
            for row in rows
            if row.get("pulled_at")
        }

    async def flush(self) -> None:
        """Write down what was seen, and that those who listen still do."""
        await self._write(list({*self._seen, *self._listening}))

    async def watch(self) -> None:
        """Write down again and again, until cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY.total_seconds())
            try:
                await self.flush()
            except PyMongoError as error:  # the store is away: what was seen waits
                log.warning("presence.store_away", error=str(error))

    def _of(self, actor: Actor) -> _Seen:
        return self._seen.setdefault(actor.session_id, _Seen(actor.workspace_id, actor.user_id))

    async def _write(self, session_ids: Sequence[str]) -> None:
        now, updates = self._clock.now(), []
        taken = {id: self._seen.pop(id, None) for id in session_ids}
        for id, seen in taken.items():
            is_listening = self._listening.get(id, 0) > 0
            change: dict[str, Any] = {"live_until": now + LIVE_FOR if is_listening else now}
            change["expires_at"] = now + FORGOTTEN_AFTER
            if seen is not None:
                change |= {"workspace_id": seen.workspace_id, "user_id": seen.user_id}
                change |= {f"seqs.{kind}": seq for kind, seq in seen.seqs.items()}
                change |= {"pulled_at": seen.pulled_at} if seen.pulled_at else {}
            updates.append(UpdateOne({"_id": id}, {"$set": change}, upsert=True))
        if not updates:
            return
        try:
            await self._rows.bulk_write(updates, ordered=False)
        except PyMongoError:
            for id, seen in taken.items():
                if seen is not None:
                    self._seen.setdefault(id, seen)
            raise
