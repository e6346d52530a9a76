"""A queue seen through windows of time: narrow where it is dense, wide where it is empty.

A store answers for one window in proportion to what is in it, whatever limit is asked for; so the length of
the whole queue costs nobody anything.
"""

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

NARROWEST, WIDER = timedelta(seconds=1), 8
ENOUGH = 1_000
"""Rows that are handled in one window; where there are more, the next is narrower, and where few, wider."""


@dataclass(frozen=True)
class Window:
    """The moments after ``since`` up to ``until``."""

    since: datetime
    until: datetime

    def of(self, field: str) -> dict[str, Any]:
        """Return the filter of what lies in it."""
        return {field: {"$gt": self.since, "$lte": self.until}}


def windows(start: datetime, end: datetime, *, width: timedelta = NARROWEST) -> Generator[Window, int, None]:
    """Yield windows from ``start`` towards ``end``, earlier or later; send in how many rows each held."""
    earlier = end < start
    at = start
    while at > end if earlier else at < end:
        far = max(at - width, end) if earlier else min(at + width, end)
        found = yield Window(far, at) if earlier else Window(at, far)
        at = far
        if found > ENOUGH:
            width = max(NARROWEST, width / WIDER)
        elif found < ENOUGH // WIDER:
            width *= WIDER


async def counted(
    rows: Any, where: dict[str, Any], field: str, start: datetime, end: datetime, *, most: int
) -> AsyncIterator[tuple[Window, int]]:
    """Yield each window that holds rows with its count, from ``start`` on, until ``most`` are counted."""
    walk, total, found = windows(start, end), 0, 0
    window = next(walk, None)
    while window is not None and total < most:
        found = await rows.count_documents(where | window.of(field))
        total += found
        if found:
            yield window, found
        try:
            window = walk.send(found)
        except StopIteration:
            return
