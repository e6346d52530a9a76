"""Rows of texts that are compared again and again, kept without the texts themselves."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder
from knowledge.text import Language

Rows = NDArray[np.float32]
MOST_REMEMBERED = 20_000  # rows of 384 halves: some 15 MB
LONGEST_EMBEDDED = 2_000  # characters: more than the encoder reads


class TextRows:
    """Embed texts, remembering rows by digest; the least recently used are let go. One a process."""

    def __init__(self, embedder: Embedder, *, most: int = MOST_REMEMBERED) -> None:
        self._embedder, self._most = embedder, most
        self._rows: OrderedDict[bytes, NDArray[np.float16]] = OrderedDict()

    @property
    def means(self) -> Mapping[Language, Rows]:
        """Return the mean row of each language, once the model is loaded."""
        return self._embedder.language_means

    async def of(self, texts: Sequence[str]) -> Rows:
        """Return unit rows, float32 (len(texts), dimension), in order."""
        keys = [hashlib.sha256(text.encode()).digest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        known = {key: self._rows[key] for key in keys if key in self._rows}
        if new:
            made = await self._embedder.embed_queries([text[:LONGEST_EMBEDDED] for text in new.values()])
            known |= {key: row.astype(np.float16) for key, row in zip(new, made, strict=True)}
        for key in keys:
            self._rows[key] = known[key]
            self._rows.move_to_end(key)
        while len(self._rows) > self._most:
            self._rows.popitem(last=False)
        width = self._embedder.dimension
        return np.array([known[key] for key in keys], np.float32).reshape(len(keys), width)

    async def compare(self, text: str, others: Sequence[str]) -> Rows:
        """Return the cosine of ``text`` with each of ``others``."""
        rows = await self.of([text, *others])
        found: Rows = rows[1:] @ rows[0]
        return found

    def forget(self) -> None:
        """Let all rows go: somebody was erased, and a row says a little of its text."""
        self._rows.clear()
