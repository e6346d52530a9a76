"""Stretches of versions that are held whole. Pure."""

from bisect import bisect_left


class Stretches:
    """Disjoint half-open stretches ``(after, until]``, in order."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, int]] = []

    def add(self, after: int, until: int) -> None:
        """Hold ``(after, until]`` as well; what touches becomes one."""
        if until <= after:
            return
        first = bisect_left(self._parts, after, key=lambda part: part[1])
        last = first
        while last < len(self._parts) and self._parts[last][0] <= until:
            after, until = min(after, self._parts[last][0]), max(until, self._parts[last][1])
            last += 1
        self._parts[first:last] = [(after, until)]

    def missing(self, after: int, until: int) -> list[tuple[int, int]]:
        """Return the stretches of ``(after, until]`` that are not held."""
        found: list[tuple[int, int]] = []
        for low, high in self._parts[bisect_left(self._parts, after, key=lambda part: part[1]) :]:
            if low >= until:
                break
            if low > after:
                found.append((after, low))
            after = max(after, high)
        if after < until:
            found.append((after, until))
        return found

    def cut(self, until: int) -> None:
        """Hold nothing up to ``until`` any more."""
        self._parts = [(max(low, until), high) for low, high in self._parts if high > until]

    def parts(self) -> list[tuple[int, int]]:
        """Return what is held."""
        return list(self._parts)
