"""Rows of sentences that were compared before: quoting an article twice costs the encoder once."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder
from knowledge.ranking import Floats

MOST_REMEMBERED = 20_000  # rows of 384 halves under digests of 16 bytes: some 20 MB


class SentenceRows:
    """Compare sentences with a question, remembering their rows; the least recently used are let go."""

    def __init__(self, embedder: Embedder, *, most: int = MOST_REMEMBERED) -> None:
        self._embedder, self._most = embedder, most
        self._rows: OrderedDict[bytes, NDArray[np.float16]] = OrderedDict()

    async def compare(self, row: Floats, sentences: Sequence[str]) -> Floats:
        """Return the cosine of each sentence with the question's unit ``row``."""
        keys = [_key(text) for text in sentences]
        known = {key: self._rows[key] for key in keys if key in self._rows}
        new = {key: text for key, text in zip(keys, sentences, strict=True) if key not in known}
        if new:
            # Both sides as questions: the questions' lane does not wait for an index that is being built.
            made = await self._embedder.embed_queries(list(new.values()))
            known |= {key: fresh.astype(np.float16) for key, fresh in zip(new, made, strict=True)}
        for key in keys:
            self._rows[key] = known[key]
            self._rows.move_to_end(key)
        while len(self._rows) > self._most:
            self._rows.popitem(last=False)
        return np.array([known[key] for key in keys], np.float32) @ row


def _key(text: str) -> bytes:
    """Name a text: what is remembered shall not hold all texts a second time."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
