"""A queue seen through windows of time: narrow where it is dense, wide where it is empty.

A store answers for one window in proportion to what is in it, whatever limit is asked for. So what is read at
once follows from how dense a queue is, and not from how long. A pile behind a long gap is the exception: by
then the window is wide, and the first that reaches the pile may hold much of it.
"""

from collections.abc import AsyncIterator
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

    @property
    def width(self) -> timedelta:
        return self.until - self.since

    def of(self, field: str) -> dict[str, Any]:
        """Return the filter of what lies in it."""
        return {field: {"$gt": self.since, "$lte": self.until}}


@dataclass
class Walk:
    """Go from ``at`` to ``end``, earlier or later, window by window."""

    at: datetime
    end: datetime
    width: timedelta = NARROWEST

    def next(self) -> Window | None:
        """Return the next window, None at the end."""
        before = self.at
        if before == self.end:
            return None
        if self.end < before:
            self.at = max(before - self.width, self.end)
            return Window(self.at, before)
        self.at = min(before + self.width, self.end)
        return Window(before, self.at)

    def found(self, rows: int, *, enough: int | None = None) -> None:
        """Tell how many rows the last window held; the next is as wide as that suggests."""
        enough = ENOUGH if enough is None else enough
        if rows > enough:
            self.width = max(NARROWEST, self.width / WIDER)
        elif rows < enough // WIDER:
            self.width *= WIDER


async def counted(
    rows: Any, where: dict[str, Any], field: str, start: datetime, end: datetime, *, most: int
) -> AsyncIterator[tuple[Window, int]]:
    """Yield each window that holds rows with its count, from ``start`` on, until ``most`` are counted."""
    walk, total = Walk(start, end), 0
    while total < most and (window := walk.next()) is not None:
        count = await rows.count_documents(where | window.of(field))
        walk.found(count)
        total += count
        if count:
            yield window, count
