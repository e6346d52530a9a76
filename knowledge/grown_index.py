"""A large index with a few additions beside it, searched as the one index of both.

What was edited since the large one was made lies in a small index of its own; a splice says what of either
counts and in which order. Scores and order are those of an index made anew of the same texts around the same
means: what a language's mean is, the large one has said, and says anew when `whole` puts both together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from knowledge.faiss_index import FaissPassageIndex
from knowledge.lexical import LexicalIndex
from knowledge.passage_index import (
    POOL,
    FusedPassageIndex,
    Marks,
    Space,
    Titles,
    Tokens,
)
from knowledge.ranking import Floats
from knowledge.splicing import Splice, Spliced
from knowledge.text import Language
from knowledge.token_rows import Packed, TokenRows

TITLES_AT_ONCE = 4_096
FEW_PASSAGES = 2_000  # a base of so many is put together with each edit at once: some milliseconds


class GrownPassageIndex(FusedPassageIndex):
    """``base`` and ``added`` as ``splice`` joins them; ``lexical`` is the index of the words of both."""

    def __init__(
        self,
        base: FaissPassageIndex,
        added: FaissPassageIndex,
        splice: Splice,
        lexical: LexicalIndex,
        marks: Marks | None = None,
    ) -> None:
        super().__init__(
            version=added.version,
            model=base.model,
            passages=Spliced(base.passages, added.passages, splice),
            means=base.means,
            lexical=lexical,
            titles=_titles(base, added, splice),
            tokens=_tokens(base, added, splice),
            marks=marks or joined_marks(base.marks, added.marks, splice),
        )
        self.base, self.added, self.splice = base, added, splice

    def nearest(self, space: Space, row: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the numbers of the POOL nearest allowed passages of both; exact."""
        chosen = np.zeros(len(self.splice.places), np.bool_)
        chosen[self.splice.numbers] = allowed
        count = self.splice.base
        rows, products = self.base.nearest_with_products(space, row, chosen[:count])
        more, others = self.added.nearest_with_products(space, row, chosen[count:])
        found = self.splice.places[np.concatenate([rows, more + count])].astype(np.int64)
        best = np.lexsort((found, -np.concatenate([products, others])))
        return np.asarray(found[best[:POOL]], np.int64)

    def products(self, space: Space, rows: NDArray[np.int64], row: Floats) -> Floats:
        """Return the inner product of the rows of some passages with ``row``."""
        return np.asarray(self.rows(space, rows) @ row, np.float32)

    def rows_at_hand(self, space: Space, numbers: NDArray[np.int64]) -> Floats:
        """Return the rows of some passages."""
        return self.rows(space, numbers)

    def rows(self, space: Space, numbers: NDArray[np.int64]) -> Floats:
        """Return the rows of some passages, as `FaissPassageIndex.rows`."""
        is_base, of_base, of_added = self.splice.split(numbers)
        found = np.empty((len(numbers), len(next(iter(self.means.values())))), np.float32)
        found[is_base] = self.base.rows(space, of_base)
        found[~is_base] = self.added.rows(space, of_added)
        return found

    def whole(self, language_means: Mapping[Language, Floats]) -> FaissPassageIndex:
        """Return one index of both, around means of its own: the very one that is made anew of the texts.

        Takes seconds for a large base, in steps of milliseconds.
        """
        return FaissPassageIndex.build(
            list(self.passages),
            _Plain(self),
            version=self.version,
            model=self.model,
            documents=self.lexical.whole(),
            language_means=language_means,
            titles=_titles_in_one(self.titles),
            tokens=_tokens_in_one(self.tokens),
        )


class _Plain:
    """The rows as they are, some at a time."""

    def __init__(self, index: GrownPassageIndex) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index.passages)

    def __getitem__(self, some: slice) -> Floats:
        return self._index.rows("plain", np.arange(*some.indices(len(self)), dtype=np.int64))


@dataclass(frozen=True)
class _BothTitles(Titles):
    """Titles with those of additions, ``more``, numbered behind the others."""

    more: NDArray[np.float16]

    def of(self, passages: NDArray[np.int64]) -> NDArray[np.float16]:
        numbers, count = self.numbers[passages], len(self.rows)
        found = np.empty((len(numbers), self.rows.shape[1]), np.float16)
        is_more = numbers >= count
        found[~is_more], found[is_more] = self.rows[numbers[~is_more]], self.more[numbers[is_more] - count]
        return found


def joined_marks(base: Marks, added: Marks, splice: Splice) -> Marks:
    """Join what filters read. A text that was replaced has its rows among the additions alone."""
    numbers = dict(base.numbers)
    of_added = [numbers.setdefault(article, len(numbers)) for article in added.numbers]
    articles = np.concatenate([base.articles, np.array(of_added, np.int64)[added.articles]])
    languages = np.concatenate([base.languages, added.languages])
    return Marks(languages[splice.numbers], articles[splice.numbers], numbers)


def _titles(base: FaissPassageIndex, added: FaissPassageIndex, splice: Splice) -> Titles | None:
    """Join the titles; an index without passages has none and needs none."""
    one, other = base.titles, added.titles
    has = one or other
    if has is None or (one is None and base.passages) or (other is None and added.passages):
        return None
    if one is None or other is None:
        return replace(has, numbers=has.numbers[splice.numbers])
    numbers = np.concatenate([one.numbers, len(one.rows) + other.numbers])
    return _BothTitles(one.rows, numbers[splice.numbers], has.places, other.rows)


def _titles_in_one(titles: Titles | None) -> Titles | None:
    """Return the titles that are used, each once, in the order of their passages."""
    if titles is None:
        return None
    is_first = np.diff(titles.numbers, prepend=-1) != 0
    firsts = np.flatnonzero(is_first)
    starts = range(0, len(firsts), TITLES_AT_ONCE)
    some = [titles.of(firsts[start : start + TITLES_AT_ONCE]) for start in starts]
    return Titles(np.concatenate(some), np.cumsum(is_first) - 1, titles.places) if some else None


def _tokens(base: FaissPassageIndex, added: FaissPassageIndex, splice: Splice) -> Tokens | None:
    """Join the token rows; passages without any have none among those of the others."""
    has = base.tokens or added.tokens
    if has is None:
        return None
    nothing = has.rows.row(0)[:0]
    one, other = (
        [nothing] * len(index.passages) if index.tokens is None else index.tokens.rows.passages
        for index in (base, added)
    )
    both: Spliced[Packed] = Spliced(one, other, splice)
    rows = TokenRows.of(both)
    return None if rows is None else Tokens(rows, has.places)


def _tokens_in_one(tokens: Tokens | None) -> Tokens | None:
    """Return the same, not by way of the splice if they are few: in memory, one would come upon another."""
    if tokens is None or len(tokens.rows.passages) > FEW_PASSAGES:
        return tokens
    return replace(tokens, rows=TokenRows(list(tokens.rows.passages)))
