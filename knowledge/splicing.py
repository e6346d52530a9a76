"""Where the rows of a large base and of a few additions stand in one order.

An edit of a large help centre touches a few passages: they lie beside the base, and both are read as the one
index that would be made anew of all.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

PARTS_AT_ONCE = 1_000  # arrays joined: numpy would hold every other thread up until it has looked at all


@dataclass(frozen=True)
class Splice:
    """``numbers`` (n,) says for each row which row of the base it is, or ``base`` and which addition's.

    ``places`` (base + additions,) is the inverse: where each stands now, -1 for what is gone.
    """

    numbers: NDArray[np.int64]
    places: NDArray[np.int32]
    base: int

    @classmethod
    def of(
        cls, base: int, gone: Iterable[tuple[int, int]], added: Sequence[int] | NDArray[np.int64]
    ) -> "Splice":
        """Take out the rows of the ranges ``gone`` and put in additions, each before the base row it names.

        Additions before one row stay in their order.
        """
        kept = np.ones(base, np.bool_)
        for start, end in gone:
            kept[start:end] = False
        before = np.asarray(added, np.int64)
        survivors = np.flatnonzero(kept)
        numbers = np.insert(
            survivors, np.searchsorted(survivors, before), np.arange(base, base + len(before))
        )
        places = np.full(base + len(before), -1, np.int32)
        places[numbers] = np.arange(len(numbers), dtype=np.int32)
        return cls(numbers, places, base)

    @property
    def moved(self) -> int:
        """How many rows are gone or were added."""
        added = len(self.places) - self.base
        return added + self.base - (len(self.numbers) - added)

    def split(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Return which of ``rows`` are of the base, their numbers there, and those of the others among the
        additions.
        """
        numbers = self.numbers[rows]
        is_base = numbers < self.base
        return is_base, numbers[is_base], numbers[~is_base] - self.base


class Spliced(Sequence[T]):
    """A sequence of what lies in two others, by a splice."""

    def __init__(self, base: Sequence[T], added: Sequence[T], splice: Splice) -> None:
        self._base, self._added, self._splice = base, added, splice

    def __len__(self) -> int:
        return len(self._splice.numbers)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> list[T]: ...
    def __getitem__(self, at: int | slice) -> T | list[T]:
        if isinstance(at, slice):
            return [self._one(number) for number in self._splice.numbers[at].tolist()]
        return self._one(int(self._splice.numbers[at]))

    def __iter__(self) -> Iterator[T]:
        return map(self._one, self._splice.numbers.tolist())

    def _one(self, number: int) -> T:
        base = self._splice.base
        return self._base[number] if number < base else self._added[number - base]


class Roster:
    """Which rows of a base are whose: ``owners`` names each row's, in order, those of one side by side."""

    def __init__(self, owners: Iterable[str]) -> None:
        self._names: list[str] = []
        ends = [0]
        for name, rows in groupby(owners):
            self._names.append(name)
            ends.append(ends[-1] + sum(1 for _ in rows))
        self._ends = ends

    def __len__(self) -> int:
        return self._ends[-1]

    def rows_of(self, name: str) -> tuple[int, int]:
        """Return where its rows start and end; where they would stand when it has none."""
        at = bisect_left(self._names, name)
        has = at < len(self._names) and self._names[at] == name
        return self._ends[at], self._ends[at + has]

    def splice(self, moved: Iterable[str], added: Sequence[str]) -> Splice:
        """Put the rows ``added``, whose owners these are, in place of all that the ``moved`` ones have."""
        return Splice.of(
            len(self), (self.rows_of(name) for name in moved), [self.rows_of(name)[0] for name in added]
        )


def joined(parts: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    """Return arrays of one dimension one after another, some at a time: others get their turn between."""
    whole = np.empty(sum(len(part) for part in parts), kind)
    end = 0
    for start in range(0, len(parts), PARTS_AT_ONCE):
        some = np.concatenate(parts[start : start + PARTS_AT_ONCE])
        whole[end : end + len(some)] = some
        end += len(some)
    return whole
