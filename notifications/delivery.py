"""The queue of deliveries, seen by who sends: looking, claiming and settling. ``queueing.py`` fills it.

At least once, by leases: a worker that dies with a delivery in hand leaves it to another when the lease
ends. Each claim has a name of its own, and only the claim that holds a delivery may settle it.

What is due is looked for in windows of time, the newest first. A store with an index answers each in
proportion to what is in it, so a million rows that wait cost as little as a hundred, here and there.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo import UpdateOne
from pymongo.asynchronous.collection import AsyncCollection

from backend.core.ids import new_id
from notifications.documents import Attempt, Delivery, DeliveryState, NotificationChannel
from notifications.windows import NARROWEST, WIDER, Walk, Window, counted

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""Longer than the checks and one send take at their slowest; a worker gives up on its own before."""

IDS_AT_ONCE = 25  # the embedded database looks up as many ids one by one; for more it scans

_HELD = {"lease_owner": 1, "state": 1}

EMPTY_FOR = timedelta(seconds=15)  # some ticks: so long after a look that found nothing, little can be due

OLDEST = timedelta(days=60)
"""Nothing waits for longer: a push lives for 28 days at most, after a night of quiet hours."""


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What became of a claimed delivery. ``next_at`` goes with state DUE: the next try."""

    state: DeliveryState
    reason: str = ""
    attempt: Attempt | None = None
    next_at: datetime | None = None


@dataclass
class Lookout:
    """Find what is due on one channel; remembers how dense the queue is. ``lease`` is that of the claims."""

    channel: NotificationChannel
    lease: timedelta = LEASE
    width: timedelta = field(default=NARROWEST, init=False)
    _ahead: dict[str, float] = field(default_factory=dict, init=False)
    _empty_at: datetime | None = field(default=None, init=False)

    async def due(self, *, now: datetime, most: int) -> list[str]:
        """Return up to ``most`` ids: what lost its worker, then what is due, the newest first."""
        found = await self._interrupted(now, most)
        # Where nothing was due a moment ago, one window holds what has come due since, and no pile.
        walk = Walk(now, now - OLDEST, OLDEST if self._was_empty(now) else self.width)
        while len(found) < most and (window := walk.next()) is not None:
            rows = await self._due_in(window, most - len(found))
            walk.found(len(rows), enough=most)
            found += rows
            if rows:
                self._remember(window.width, len(rows), most)
        self._empty_at = None if found else now
        return found

    def _was_empty(self, now: datetime) -> bool:
        return self._empty_at is not None and timedelta(0) <= now - self._empty_at <= EMPTY_FOR

    def _remember(self, width: timedelta, rows: int, most: int) -> None:
        """Start with a window next time that holds about what is wanted."""
        if rows >= most:
            self.width = max(NARROWEST, width / WIDER)
        elif rows >= most // WIDER:
            self.width = width

    async def _due_in(self, window: Window, most: int) -> list[str]:
        where = {"state": DeliveryState.DUE.value, "channel": self.channel.value, **window.of("next_at")}
        rows = _queue().find(where, {"_id": 1}).sort([("raised_at", -1), ("_id", 1)]).limit(most)
        return [row["_id"] for row in await rows.to_list()]

    async def _interrupted(self, now: datetime, most: int) -> list[str]:
        """Return what lost its worker. In hand are never more than workers claim at once: all are read."""
        where = {"state": DeliveryState.LEASED.value, "channel": self.channel.value}
        claims = await _queue().find(where, {"lease_owner": 1, "next_at": 1}).to_list()
        await self._free_stuck([row for row in claims if row["next_at"] > now + 2 * self.lease], now)
        return [row["_id"] for row in claims if row["next_at"] <= now][:most]

    async def _free_stuck(self, claims: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Free what was leased by a clock that was ahead: it would wait for ever.

        By the clock alone nobody can tell that from a worker whose clock is ahead of ours now. So a claim is
        freed only when it has stood for a whole lease before our eyes, in seconds that no clock counts.
        """
        seen, instant = {row["lease_owner"] for row in claims}, time.monotonic()
        self._ahead = {claim: self._ahead.get(claim, instant) for claim in seen}
        stuck = {c for c, since in self._ahead.items() if instant - since > self.lease.total_seconds()}
        for row in claims:
            if row["lease_owner"] in stuck:
                free = {"state": DeliveryState.DUE.value, "next_at": now, "lease_owner": ""}
                held = {"_id": row["_id"], "lease_owner": row["lease_owner"]}
                await _queue().update_one(held, {"$set": free})
                log.warning("delivery_lease_ahead_of_time", delivery_id=row["_id"])


async def claim_deliveries(
    ids: Sequence[str], owner: str, *, now: datetime, lease: timedelta = LEASE
) -> list[Delivery]:
    """Lease those of ``ids`` that nobody holds to one new claim of ``owner``; return them in that order."""
    claim = f"{owner}|{new_id()}"
    held = {"state": DeliveryState.LEASED.value, "lease_owner": claim, "next_at": now + lease}
    is_free = (
        {"state": DeliveryState.DUE.value, "next_at": {"$lte": now}},
        {"state": DeliveryState.LEASED.value, "next_at": {"$lte": now}},
    )
    taken: dict[str, Delivery] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = list(ids[start : start + IDS_AT_ONCE])
        rows: list[dict[str, Any]] = []
        for free in is_free:
            if len(rows) < len(some):
                # Each update is atomic: what another worker took in between is not free any more.
                done = await _queue().update_many({"_id": {"$in": some}, **free}, {"$set": held})
                if done.modified_count:
                    rows = await _queue().find({"_id": {"$in": some}, "lease_owner": claim}).to_list()
        taken |= {row["_id"]: Delivery.model_validate(row) for row in rows}
    return [taken[id] for id in ids if id in taken]


async def settle_deliveries(settled: Sequence[tuple[Delivery, Settlement]]) -> list[bool]:
    """Write down what became of deliveries; False for each whose lease ended and that another claim has."""
    changes = [
        UpdateOne({"_id": delivery.id, "lease_owner": delivery.lease_owner}, _settling(settlement))
        for delivery, settlement in settled
    ]
    result = await _queue().bulk_write(changes, ordered=False)
    if result.matched_count == len(settled):
        return [True] * len(settled)
    # The store tells how many were lost and not which: those that are not as this claim would have left them.
    rows = await _queue().find({"_id": {"$in": [delivery.id for delivery, _ in settled]}}, _HELD).to_list()
    now = {row["_id"]: (row["lease_owner"], row["state"]) for row in rows}
    kept = [now.get(delivery.id) == ("", settlement.state.value) for delivery, settlement in settled]
    for (delivery, settlement), is_kept in zip(settled, kept, strict=True):
        if not is_kept:
            log.warning("delivery_lease_lost", delivery_id=delivery.id, settled_as=settlement.state.value)
    return kept


def _settling(settlement: Settlement) -> dict[str, object]:
    change: dict[str, object] = {
        "state": settlement.state.value,
        "reason": settlement.reason,
        "lease_owner": "",
    }
    if settlement.next_at is not None:
        change["next_at"] = settlement.next_at
    update: dict[str, object] = {"$set": change}
    if settlement.attempt is not None:
        update["$push"] = {"attempts": settlement.attempt.model_dump()}
    return update


MOST_COUNTED = 10_000
"""Where a queue is longer, nobody counts on: what is to be done about it is the same."""


@dataclass(frozen=True)
class Due:
    """How many deliveries of a channel are due, and since when the oldest of those counted.

    From ``MOST_COUNTED`` on there may be more, and older ones: then ``oldest_at`` says "at least since".
    """

    count: int
    oldest_at: datetime | None

    @property
    def is_all(self) -> bool:
        return self.count < MOST_COUNTED


async def due_by_channel(channel: NotificationChannel, *, now: datetime) -> Due:
    """Return what waits for its turn on a channel, counted from the newest on."""
    due = {"state": DeliveryState.DUE.value, "channel": channel.value}
    count, oldest = 0, None
    async for window, found in counted(_queue(), due, "next_at", now, now - OLDEST, most=MOST_COUNTED):
        count, oldest = count + found, window
    if oldest is None:
        return Due(0, None)
    last = _queue().find(due | oldest.of("next_at"), {"next_at": 1}).sort("next_at", 1).limit(1)
    [row] = await last.to_list() or [{"next_at": oldest.until}]  # a worker may have taken it meanwhile
    return Due(count, row["next_at"])


async def count_dead(*, now: datetime, since: datetime) -> int:
    """Return how many deliveries were given up of those that would have lived beyond ``since``.

    Counts up to ``MOST_COUNTED``: what expired by ``now`` from the newest on, then what would still live.
    """
    dead = {"state": DeliveryState.DEAD.value}
    total = 0
    for end in (since, now + OLDEST):
        async for _, found in counted(_queue(), dead, "expires_at", now, end, most=MOST_COUNTED - total):
            total += found
    return min(total, MOST_COUNTED)


async def deliveries_of(notification_id: str) -> list[Delivery]:
    """Return what became of a notification on each way, for people who look into it."""
    return await Delivery.find({"notification_id": notification_id}).to_list()


def _queue() -> AsyncCollection[dict[str, Any]]:
    return Delivery.get_pymongo_collection()
