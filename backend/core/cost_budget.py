"""How much a caller may spend on GraphQL: a leaky bucket each, in points of ``backend.core.cost``.

The buckets are in the memory of one process. With N web processes behind one address a caller may spend
up to N times as much, and a restart fills every bucket: they keep one caller from taking a process for
itself, and are not a quota to bill by. Source: the leaky bucket as a meter, ITU-T I.371.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend.core.access import Actor
from backend.core.errors import CRMError, RateLimited

MOST_BUCKETS = 20_000
"""Remembered callers; full buckets, which say nothing, are forgotten first."""

REFUSAL = 10
"""Points of a query that is refused before it has a cost: reading and checking it took time, too."""


class CostLimit(CRMError):
    """One operation asks for more than may be asked at once."""

    code = "COST_LIMIT"
    http_status = 400

    def __init__(self, cost: int, most: int) -> None:
        super().__init__(
            f"This operation may cost {cost:,} points, more than the {most:,} of one operation: "
            "ask for smaller pages (`first`), for fewer pages inside pages, or in several operations."
        )
        self.cost, self.most = cost, most

    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "cost": self.cost, "most": self.most}


@dataclass(slots=True)
class _Bucket:
    available: float
    at: float


class CostBudget:
    """The buckets of all callers of this process.

    ``limit`` is the most that one operation may cost, ``size`` what a rested caller may spend at once,
    ``restore`` the points that come back in a second.
    """

    def __init__(
        self, *, limit: int, size: int, restore: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit, self.size, self.restore = limit, max(size, limit), restore
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, caller: str, points: int) -> int:
        """Spend ``points``; return what is left. Raise RateLimited, spending nothing, when it is too little.

        Raise CostLimit when it is more than one operation may cost.
        """
        if points > self.limit:
            raise CostLimit(points, self.limit)
        bucket = self.check(caller, points)
        bucket.available -= points
        return int(bucket.available)

    def check(self, caller: str, points: int) -> _Bucket:
        """Return the caller's bucket; raise RateLimited when it holds less than ``points``."""
        bucket = self._bucket(caller)
        if bucket.available < points:
            raise RateLimited(
                f"You have spent your budget: {int(bucket.available):,} points are left and this operation "
                f"may cost {points:,}; {self.restore:,} come back every second. Wait, then try again.",
                retry_after=timedelta(seconds=(points - bucket.available) / self.restore),
            )
        return bucket

    def give_back(self, caller: str, points: int) -> int:
        """Give back ``points`` that were not used (below 0: take more); return what is there now."""
        bucket = self._bucket(caller)
        bucket.available = max(0, min(self.size, bucket.available + points))
        return int(bucket.available)

    def _bucket(self, caller: str) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.get(caller)
        if bucket is None:
            if len(self._buckets) >= MOST_BUCKETS:
                self._forget(now)
            bucket = self._buckets[caller] = _Bucket(self.size, now)
            return bucket
        bucket.available = min(self.size, bucket.available + (now - bucket.at) * self.restore)
        bucket.at = now
        return bucket

    def _forget(self, now: float) -> None:
        """Forget the buckets that are full by now; when none is, the half that is nearest to it."""
        filled = {key: one.available + (now - one.at) * self.restore for key, one in self._buckets.items()}
        emptiest = sorted(filled, key=lambda key: filled[key])[: MOST_BUCKETS // 2]
        self._buckets = {key: self._buckets[key] for key in emptiest if filled[key] < self.size}


def spender(caller: Actor | None, ip: str) -> str:
    """Name who pays: a user or API key in its workspace; a network address while nobody is signed in.

    Visitors of web sites, whom anybody can make as many of as they like, pay together by network address.
    """
    if caller is None:
        return f"ip:{ip}"
    if caller.is_visitor:
        return f"{caller.workspace_id}:visitors:{ip}"
    return f"{caller.workspace_id}:{caller.api_key_id or caller.user_id}"
