"""Compare a question with passages token by token, from four bits a number.

The row of a whole passage says what it is about; the rows of its tokens say whether it holds what is asked.
For each token of the question the nearest token of the passage counts (late interaction). Rows are kept
without their language's place, so that they compare across languages, and in four bits: measured, that
loses nothing; two bits lose half a point, one bit two.

Source: Khattab and Zaharia 2020 (ColBERT), arXiv:2004.12832, on the token rows of an encoder never trained
for it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Packed = NDArray[np.uint8]

LEVELS = 7  # -7 … 7 in four bits
CLIPPED_AT = 0.6  # of a row's largest value: few values are larger, and the others gain resolution


def pack_tokens(tokens: NDArray[np.float16], place: Floats) -> Packed:
    """Pack unit token rows (n, dimension) without their language's ``place``: (n, dimension / 2) bytes."""
    rows = _unit(tokens.astype(np.float32) - place)
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0) * CLIPPED_AT, 1e-9)
    levels = np.clip(np.rint(rows / largest * LEVELS), -LEVELS, LEVELS).astype(np.int8) + 8
    return np.asarray(levels[:, 0::2] | (levels[:, 1::2] << 4), np.uint8)


def unpack_tokens(packed: Packed) -> Floats:
    """Return unit rows (n, dimension) of packed ones."""
    rows = np.empty((len(packed), packed.shape[1] * 2), np.float32)
    rows[:, 0::2] = (packed & 15).astype(np.float32) - 8
    rows[:, 1::2] = (packed >> 4).astype(np.float32) - 8
    return _unit(rows)


class TokenRows:
    """The packed token rows of many passages, one after another; immutable, may be memory-mapped.

    Passage ``i`` has ``packed[ends[i - 1] : ends[i]]``.
    """

    def __init__(self, packed: Packed, ends: NDArray[np.int64]) -> None:
        self.packed, self.ends = packed, ends

    @classmethod
    def of(cls, passages: Sequence[Packed]) -> "TokenRows | None":
        """Join the rows of passages, in their order; None when there are none at all."""
        ends = np.cumsum([len(rows) for rows in passages], dtype=np.int64)
        if not len(ends) or not ends[-1]:
            return None
        return cls(np.concatenate(passages), ends)

    def row(self, passage: int) -> Packed:
        """Return the packed rows of one passage."""
        start = int(self.ends[passage - 1]) if passage else 0
        return self.packed[start : int(self.ends[passage])]

    def compare(self, tokens: Floats, passages: NDArray[np.int64]) -> Floats:
        """Return for each passage the mean over ``tokens`` (m, dimension) of the nearest token's cosine.

        ``tokens`` are unit rows without their language's place. A passage without tokens has 0.
        """
        scores = np.zeros(len(passages), np.float32)
        if not len(tokens):
            return scores
        for number, passage in enumerate(passages.tolist()):
            rows = self.row(passage)
            if len(rows):
                scores[number] = (unpack_tokens(rows) @ tokens.T).max(axis=0).mean()
        return scores


def place_free(tokens: NDArray[np.float16], place: Floats) -> Floats:
    """Return a question's unit token rows without their language's ``place``."""
    return _unit(tokens.astype(np.float32) - place)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)
