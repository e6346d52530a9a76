"""Search passages in this process's memory, or in a file mapped into it: exact, with FAISS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.lexical import LexicalIndex
from knowledge.passage_index import (
    POOL,
    ROWS_AT_ONCE,
    FusedPassageIndex,
    IndexedPassage,
    Marks,
    Space,
    Titles,
    Tokens,
)
from knowledge.ranking import Floats
from knowledge.text import Language
from knowledge.token_rows import unit_rows

PRIOR_WEIGHT = 10  # passages' worth of trust in a language's general mean, while the base has few of its own


class Sliced(Protocol):
    """Unit rows, read some at a time: an array is one."""

    def __getitem__(self, some: slice, /) -> Floats: ...
    def __len__(self) -> int: ...


class FaissPassageIndex(FusedPassageIndex):
    """Exact search in half precision, twice: plain rows, and rows without their language's mean."""

    def __init__(
        self,
        *,
        version: int,
        model: str,
        passages: Sequence[IndexedPassage],
        plain: faiss.Index,
        centred: faiss.Index,
        means: Mapping[Language, Floats],
        lexical: LexicalIndex,
        titles: Titles | None = None,
        tokens: Tokens | None = None,
        marks: Marks | None = None,
    ) -> None:
        super().__init__(
            version=version,
            model=model,
            passages=passages,
            means=means,
            lexical=lexical,
            titles=titles,
            tokens=tokens,
            marks=marks,
        )
        self.plain, self.centred = plain, centred

    @classmethod
    def build(
        cls,
        passages: Sequence[IndexedPassage],
        rows: Sliced,
        *,
        version: int,
        model: str,
        documents: Sequence[Sequence[str]] | LexicalIndex,
        language_means: Mapping[Language, Floats],
        titles: Titles | None = None,
        tokens: Tokens | None = None,
        means: Mapping[Language, Floats] | None = None,
    ) -> "FaissPassageIndex":
        """Index passages with their unit ``rows`` (n, dimension) and words, in one order.

        ``documents`` are the words of each, or the index of them that there is already.

        ``model`` names the embedder; ``language_means`` are its mean rows per language, which steady the
        means of a base with few passages in one. ``means`` are those of the base that these are added to.
        """
        lexical = documents if isinstance(documents, LexicalIndex) else LexicalIndex.build(documents)
        if not len(passages) == len(rows) == lexical.rows:
            raise ValueError(f"{len(passages)} passages, {len(rows)} rows, {lexical.rows} documents")
        marks = Marks.of(passages)
        means = means or {
            language: _steady_mean(rows, marks.languages == language, prior)
            for language, prior in language_means.items()
        }
        dimension = len(next(iter(means.values())))
        plain, centred = _flat_index(dimension), _flat_index(dimension)
        for part, some in _parts(rows):
            plain.add(np.ascontiguousarray(some, np.float32))
            moved = np.array(some, np.float32)
            for language, mean in means.items():
                moved[marks.languages[part] == language] -= mean
            centred.add(unit_rows(moved))
        return cls(
            version=version,
            model=model,
            passages=passages,
            plain=plain,
            centred=centred,
            means=means,
            lexical=lexical,
            titles=titles,
            tokens=tokens,
            marks=marks,
        )

    def nearest(self, space: Space, row: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the numbers of the POOL nearest allowed passages; exact."""
        return self.nearest_with_products(space, row, allowed)[0]

    def nearest_with_products(
        self, space: Space, row: Floats, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], Floats]:
        """Return the same, and their inner products with ``row``."""
        # A thread of its own number for FAISS: one query on many threads is slower than on one.
        faiss.omp_set_num_threads(1)
        return _nearest(self.plain if space == "plain" else self.centred, row, allowed)

    def products(self, space: Space, rows: NDArray[np.int64], row: Floats) -> Floats:
        """Return the inner product of the rows of some passages with ``row``."""
        return np.asarray(self.rows(space, rows) @ row, np.float32)

    def rows_at_hand(self, space: Space, numbers: NDArray[np.int64]) -> Floats:
        """Return the rows of some passages."""
        return self.rows(space, numbers)

    def rows(self, space: Space, numbers: NDArray[np.int64]) -> Floats:
        """Return the rows of some passages."""
        index = self.plain if space == "plain" else self.centred
        if not len(numbers):
            return np.zeros((0, index.d), np.float32)
        return np.asarray(index.reconstruct_batch(numbers), np.float32)


def _flat_index(dimension: int) -> faiss.Index:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _parts(rows: Sliced) -> Iterator[tuple[slice, Floats]]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        yield part, rows[part]


def _steady_mean(rows: Sliced, chosen: NDArray[np.bool_], prior: Floats) -> Floats:
    """Return the mean of the chosen rows and the prior.

    In double precision rows of half precision add up exactly, whatever their order and parts.
    """
    total = np.zeros(len(prior), np.float64)
    for part, some in _parts(rows):
        total += some[chosen[part]].sum(axis=0, dtype=np.float64)
    return np.asarray((total + PRIOR_WEIGHT * prior) / (int(chosen.sum()) + PRIOR_WEIGHT), np.float32)


def _nearest(index: faiss.Index, row: Floats, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Floats]:
    """Return the rows of the POOL highest products among the allowed ones, and the products; exact."""
    count = min(POOL, int(allowed.sum()))
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    bits = np.packbits(allowed, bitorder="little")
    # The stubs describe the C++ constructors; the Python ones take an array and keyword arguments.
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
    parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
    products, found = index.search(row[None].astype(np.float32), count, params=parameters)
    return np.asarray(found[0], np.int64), np.asarray(products[0], np.float32)
