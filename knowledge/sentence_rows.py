"""Rows of sentences that were compared before: quoting an article twice costs the encoder once."""

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder
from knowledge.ranking import Floats

MOST_REMEMBERED = 20_000  # rows of 384 halves: some 15 MB


class SentenceRows:
    """Compare sentences with a question, remembering their rows; the least recently used are let go."""

    def __init__(self, embedder: Embedder, *, most: int = MOST_REMEMBERED) -> None:
        self._embedder, self._most = embedder, most
        self._rows: OrderedDict[str, NDArray[np.float16]] = OrderedDict()

    async def compare(self, row: Floats, sentences: Sequence[str]) -> Floats:
        """Return the cosine of each sentence with the question's unit ``row``."""
        known = {text: self._rows[text] for text in sentences if text in self._rows}
        new = [text for text in dict.fromkeys(sentences) if text not in known]
        if new:
            # Both sides as questions: the questions' lane does not wait for an index that is being built.
            made = await self._embedder.embed_queries(new)
            known |= {text: fresh.astype(np.float16) for text, fresh in zip(new, made, strict=True)}
        for text in sentences:
            self._rows[text] = known[text]
            self._rows.move_to_end(text)
        while len(self._rows) > self._most:
            self._rows.popitem(last=False)
        return np.array([known[text] for text in sentences], np.float32) @ row
