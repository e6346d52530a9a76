"""Compare a question with passages token by token, from four bits a number.

The row of a whole passage says what it is about; the rows of its tokens say whether it holds what is asked.
For each token of the question the nearest token of the passage counts (late interaction): most those that
tell the passages apart, and twice where they stand together and are not scattered over the passage. Rows are
kept without their language's place, so that they compare across languages, and in four bits: measured, that
loses nothing; two bits lose half a point, one bit two.

Source: Khattab and Zaharia 2020 (ColBERT), arXiv:2004.12832, on the token rows of an encoder never trained
for it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Packed = NDArray[np.uint8]

LEVELS = 7  # -7 … 7 in four bits
ROWS_AT_ONCE = 256  # compared: what stays in a core's own cache
PASSAGES_AT_ONCE = 64  # written: less than a megabyte
WINDOW = 32  # tokens, two halves of 16: a long sentence
TELLING = 0.75  # the power of a token's spread over the passages by which it weighs
LEAST_SPREAD = 0.01  # so that one passage alone is compared by all tokens alike
CLIPPED_AT = 0.6  # of a row's largest value: few values are larger, and the others gain resolution


def pack_tokens(tokens: NDArray[np.float16], place: Floats) -> Packed:
    """Pack unit token rows (n, dimension) without their language's ``place``: (n, dimension / 2) bytes."""
    rows = unit_rows(tokens.astype(np.float32) - place)
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0) * CLIPPED_AT, 1e-9)
    levels = np.clip(np.rint(rows / largest * LEVELS), -LEVELS, LEVELS).astype(np.int8) + 8
    return np.asarray(levels[:, 0::2] | (levels[:, 1::2] << 4), np.uint8)


def unpack_tokens(packed: Packed) -> Floats:
    """Return unit rows (n, dimension) of packed ones."""
    rows = np.empty((len(packed), packed.shape[1] * 2), np.float32)
    rows[:, 0::2] = (packed & 15).astype(np.float32) - 8
    rows[:, 1::2] = (packed >> 4).astype(np.float32) - 8
    return unit_rows(rows)


def _cosines(packed: Packed, tokens: Floats) -> Floats:
    """Return the cosine of each packed row with each unit row of ``tokens``: (n, m).

    The lower and the higher four bits are multiplied apart: putting the numbers back into their order would
    cost more than the products. New memory for every step would cost more still, so a few rows at a time go
    through the same.
    """
    cosines = np.empty((len(packed), len(tokens)), np.float32)
    low, high = (np.ascontiguousarray(tokens[:, half::2].T) for half in (0, 1))
    bits = np.empty((ROWS_AT_ONCE, packed.shape[1]), np.uint8)
    numbers = np.empty(bits.shape, np.float32)
    for start in range(0, len(packed), ROWS_AT_ONCE):
        some = packed[start : start + ROWS_AT_ONCE]
        count = len(some)
        found, squares = cosines[start : start + count], np.zeros(count, np.float32)
        for part, separate, by in ((low, np.bitwise_and, 15), (high, np.right_shift, 4)):
            separate(some, by, out=bits[:count])
            np.subtract(bits[:count], np.float32(8), out=numbers[:count])
            if part is low:
                np.matmul(numbers[:count], part, out=found)
            else:
                found += numbers[:count] @ part
            squares += np.einsum("ij,ij->i", numbers[:count], numbers[:count])
        found /= np.sqrt(np.maximum(squares, 1e-9))[:, None]
    return cosines


class _Slices(Sequence[Packed]):
    """Parts of one array, cut when they are asked for: a hundred thousand arrays are some work to let go."""

    def __init__(self, packed: Packed, starts: NDArray[np.int64]) -> None:
        self._packed, self._starts = packed, starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, at: int) -> Packed: ...
    @overload
    def __getitem__(self, at: slice) -> list[Packed]: ...
    def __getitem__(self, at: int | slice) -> Packed | list[Packed]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        return self._packed[self._starts[at] : self._starts[at + 1]]


class TokenRows:
    """The packed token rows of many passages; immutable. They may lie anywhere, also in a file.

    They are not joined: a base of ten thousand articles has a gigabyte of them, and is bound after each edit.
    """

    def __init__(self, passages: Sequence[Packed]) -> None:
        self.passages = passages

    @classmethod
    def of(cls, passages: Sequence[Packed]) -> "TokenRows | None":
        """Take the rows of passages, in their order; None when there are none at all."""
        return cls(passages) if any(len(rows) for rows in passages) else None

    @classmethod
    def load(cls, file: Path, ends: NDArray[np.int64]) -> "TokenRows":
        """Map what ``save`` wrote; passage ``i`` has the rows ``ends[i - 1] : ends[i]``."""
        # A plain array over the map: slices of numpy's own memory maps cost ten times as much.
        packed = np.asarray(np.load(file, mmap_mode="r"))
        return cls(_Slices(packed, np.concatenate([[0], ends])))

    def save(self, file: Path) -> NDArray[np.int64]:
        """Write all rows one after another; return the number at which each passage's end.

        Not by way of a map of the file: to flush one holds every other thread up until it is on the disk.
        """
        ends = np.cumsum([len(rows) for rows in self.passages], dtype=np.int64)
        shape = (int(ends[-1]), self.passages[0].shape[1])
        with file.open("wb") as written:
            header = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(written, header)
            for start in range(0, len(self.passages), PASSAGES_AT_ONCE):
                written.write(np.concatenate(self.passages[start : start + PASSAGES_AT_ONCE]).data)
        return ends

    def row(self, passage: int) -> Packed:
        """Return the packed rows of one passage."""
        return self.passages[passage]

    def compare(self, tokens: Floats, passages: NDArray[np.int64]) -> Floats:
        """Return how near each passage comes to ``tokens`` (m, dimension), as a cosine.

        The mean of two: of each token's nearest in the passage, and of the same within its best ``WINDOW``.
        Tokens weigh by how far they tell these passages apart. ``tokens`` are unit rows without their
        language's place. A passage without tokens has 0.
        """
        scores = np.zeros(len(passages), np.float32)
        rows = [self.row(passage) for passage in passages.tolist()]
        counts = np.array([len(row) for row in rows], np.int64)
        filled = np.flatnonzero(counts)
        if not len(tokens) or not len(filled):
            return scores
        # All at once: a product for each passage would hold up every other thread of Python in between.
        cosines = _cosines(np.concatenate([rows[number] for number in filled]), tokens)
        halves, owners = _halves(counts[filled])
        near = np.maximum.reduceat(cosines, halves, axis=0)
        firsts = np.flatnonzero(np.diff(owners, prepend=-1))
        nearest = np.maximum.reduceat(near, firsts, axis=0)
        weights = (nearest.std(axis=0) + LEAST_SPREAD) ** TELLING
        weights /= weights.sum()
        follows = np.flatnonzero(owners[1:] == owners[:-1])  # halves that make a window with the next one
        near[follows] = np.maximum(near[follows], near[follows + 1])
        best = np.maximum.reduceat(np.einsum("ij,j->i", near, weights), firsts)
        scores[filled] = (np.einsum("ij,j->i", nearest, weights) + best) / 2
        return scores


def _halves(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each half of a window starts in joined rows of passages, and whose it is."""
    half = WINDOW // 2
    each = -(-counts // half)
    owners = np.repeat(np.arange(len(counts)), each)
    numbers = np.arange(len(owners)) - np.repeat(np.cumsum(each) - each, each)
    return np.repeat(np.cumsum(counts) - counts, each) + numbers * half, owners


def place_free(tokens: NDArray[np.float16], place: Floats) -> Floats:
    """Return a question's unit token rows without their language's ``place``."""
    return unit_rows(tokens.astype(np.float32) - place)


def unit_rows(rows: Floats) -> Floats:
    """Return rows (n, dimension) at the length of one; what is nothing stays nothing."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)
