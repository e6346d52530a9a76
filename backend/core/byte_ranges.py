"""Which part of a file an HTTP request wants. Pure. Source: RFC 9110 §14 (range requests)."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)


@dataclass(frozen=True)
class ByteRange:
    """Bytes ``start`` to ``end``, the end not included."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


class Unsatisfiable(ValueError):
    """The range lies outside of the file."""


def read_range(header: str | None, size: int) -> ByteRange | None:
    """Return the one range that ``header`` asks of ``size`` bytes; None when all of it is to be sent.

    A header that cannot be read and one of several ranges count as none, as the RFC allows. Raise
    Unsatisfiable when the range lies outside.
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        wanted = min(int(last), size)
        if wanted == 0:
            raise Unsatisfiable
        return ByteRange(size - wanted, size)
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, end)
