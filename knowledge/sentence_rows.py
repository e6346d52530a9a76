"""Rows of sentences that were compared before: quoting an article twice costs the encoder once."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder, Reading
from knowledge.passage_index import Question, place_of
from knowledge.quotes import TITLE_COUNTS, Nearness
from knowledge.ranking import Floats
from knowledge.text import Language
from knowledge.token_rows import Packed, pack_tokens, place_free, unpack_tokens

MOST_REMEMBERED = 5_000  # some 40 tokens of 192 bytes each: some 40 MB


@dataclass(frozen=True)
class SentenceRow:
    """A sentence as it is remembered: its row in halves, those of its tokens in four bits."""

    row: NDArray[np.float16]
    tokens: Packed

    @classmethod
    def of(cls, reading: Reading, place: Floats) -> "SentenceRow":
        """Pack what the encoder read, the tokens without their language's ``place``."""
        return cls(reading.row.astype(np.float16), pack_tokens(reading.tokens, place))


class SentenceRows:
    """Compare sentences with a question, remembering their rows; the least recently used are let go."""

    def __init__(self, embedder: Embedder, *, most: int = MOST_REMEMBERED) -> None:
        self._embedder, self._most = embedder, most
        self._rows: OrderedDict[bytes, SentenceRow] = OrderedDict()

    async def compare(
        self, asked: Question, sentences: Sequence[str], *, title: str, language: Language
    ) -> Nearness:
        """Compare a question with sentences of an article in ``language``, under its title if it has one."""
        rows = await self._read([*sentences, *([title] if title else [])], language)
        heading = rows.pop() if title else None
        return compare_rows(asked, place_of(self._embedder.places, asked.language), rows, heading)

    async def _read(self, texts: Sequence[str], language: Language) -> list[SentenceRow]:
        keys = [_key(text, language) for text in texts]
        known = {key: self._rows[key] for key in keys if key in self._rows}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            # Both sides as questions: the questions' lane does not wait for an index that is being built.
            place = place_of(self._embedder.places, language)
            made = await self._embedder.read_queries(list(new.values()))
            known |= {key: SentenceRow.of(fresh, place) for key, fresh in zip(new, made, strict=True)}
        for key in keys:
            self._rows[key] = known[key]
            self._rows.move_to_end(key)
        while len(self._rows) > self._most:
            self._rows.popitem(last=False)
        return [known[key] for key in keys]


def compare_rows(
    asked: Question, place: Floats, rows: Sequence[SentenceRow], title: SentenceRow | None
) -> Nearness:
    """Compare sentences (one or more) with a question whose tokens lie around ``place``.

    Each token counts as near as it comes to the sentence or, somewhat less, to the title.
    """
    cosines = np.array([row.row for row in rows], np.float32) @ asked.row
    found = asked.token_rows
    tokens = place_free(np.zeros((0, len(place)), np.float16) if found is None else found, place)
    nearest = np.array([_nearest(row.tokens, tokens) for row in rows])
    if title is not None:
        nearest = np.maximum(nearest, TITLE_COUNTS * _nearest(title.tokens, tokens))
    return Nearness(cosines, nearest)


def _nearest(packed: Packed, tokens: Floats) -> Floats:
    """Return for each of ``tokens`` (m, dimension) the cosine of the nearest packed row, float32 (m,)."""
    if not len(packed):
        return np.zeros(len(tokens), np.float32)
    return np.asarray((unpack_tokens(packed) @ tokens.T).max(axis=0), np.float32)


def _key(text: str, language: Language) -> bytes:
    """Name a text: what is remembered shall not hold all texts a second time."""
    return hashlib.blake2b(f"{language} {text}".encode(), digest_size=16).digest()
