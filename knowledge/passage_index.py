"""Find the passages nearest to a question in one workspace: what an index promises, and FAISS behind it.

An index is immutable: changes make a new version, a folder written beside and renamed. Filters act before
anything is ranked. The search blocks (milliseconds); call it off the event loop.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from knowledge.lexical import LexicalIndex
from knowledge.ranking import Candidates, Features, Floats, Hit, Statistics, measure, rank
from knowledge.text import Language

POOL = 50  # candidates from each of: meaning, words, meaning in the other language
SAMPLE = 256  # passages a z-score is measured against; all of them in a small base
# How far one question's cosines with a base's passages spread (multilingual-e5-small, the demo base).
USUAL_SPREAD, USUAL_CENTRED_SPREAD = 0.02, 0.08
PRIOR_WEIGHT = 10  # passages' worth of trust in a language's general mean, while the base has few of its own


@dataclass(frozen=True)
class IndexedPassage:
    """What the index knows of a passage besides its row and its words."""

    passage_id: str
    article_id: str
    language: Language


@dataclass(frozen=True)
class Question:
    """A question as the index reads it: unit row (dimension,), tokens, language."""

    row: Floats
    tokens: Sequence[str]
    language: Language


@dataclass(frozen=True)
class Found:
    """Hits, best first, and what a confidence is made of."""

    hits: list[Hit]
    features: Features


class PassageIndex(Protocol):
    """An index of one workspace's passages at one version."""

    version: int
    model: str
    passages: Sequence[IndexedPassage]

    def search(
        self,
        question: Question,
        *,
        limit: int = 10,
        allowed_articles: Collection[str] | None = None,
        passed_over: Collection[str] = (),
    ) -> Found:
        """Return the best passages; only those of ``allowed_articles`` count at all (None: every one).

        Articles of ``passed_over`` are never hits, but scores are measured against them, too.
        """
        ...


class FaissPassageIndex:
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
    ) -> None:
        self.version, self.model, self.passages = version, model, passages
        self.plain, self.centred, self.means, self.lexical = plain, centred, means, lexical
        self._languages = np.array([p.language for p in passages], dtype="U2")
        numbers: dict[str, int] = {}
        self._articles = np.array(
            [numbers.setdefault(p.article_id, len(numbers)) for p in passages], dtype=np.int64
        )
        self._article_numbers = numbers

    @classmethod
    def build(
        cls,
        passages: Sequence[IndexedPassage],
        rows: Floats,
        *,
        version: int,
        model: str,
        documents: Sequence[Sequence[str]],
        language_means: Mapping[Language, Floats],
    ) -> "FaissPassageIndex":
        """Index passages with their unit ``rows`` (n, dimension) and tokens, in one order.

        ``model`` names the embedder; ``language_means`` are its mean rows per language, which steady the
        means of a base with few passages in one.
        """
        if not len(passages) == len(rows) == len(documents):
            raise ValueError(f"{len(passages)} passages, {len(rows)} rows, {len(documents)} documents")
        languages = np.array([p.language for p in passages], dtype="U2")
        means = {
            language: _steady_mean(rows[languages == language], prior)
            for language, prior in language_means.items()
        }
        centred = np.array(rows, np.float32)
        for language, mean in means.items():
            centred[languages == language] -= mean
        return cls(
            version=version,
            model=model,
            passages=passages,
            plain=_flat_index(rows),
            centred=_flat_index(_unit(centred)),
            means=means,
            lexical=LexicalIndex.build(documents),
        )

    def search(
        self,
        question: Question,
        *,
        limit: int = 10,
        allowed_articles: Collection[str] | None = None,
        passed_over: Collection[str] = (),
    ) -> Found:
        """Return the best passages; only those of ``allowed_articles`` count at all (None: every one).

        Articles of ``passed_over`` are never hits, but scores are measured against them, too.
        """
        # A thread of its own number for FAISS: one query on many threads is slower than on one.
        faiss.omp_set_num_threads(1)
        allowed = self._allowed(allowed_articles)
        mine = self._languages == question.language
        same, foreign = allowed & mine, allowed & ~mine
        measured_same, measured_foreign = same, foreign
        if passed_over:
            wanted = ~self._allowed(passed_over)
            same, foreign = same & wanted, foreign & wanted
        mean = self.means.get(question.language)
        shifted = _unit((question.row if mean is None else question.row - mean)[None])[0]
        lexical = self.lexical.score(question.tokens)
        rows = np.unique(
            np.concatenate(
                [
                    _nearest(self.plain, question.row, same),
                    _nearest(self.centred, shifted, foreign),
                    _wordiest(lexical, same),
                ]
            )
        )
        candidates = Candidates(
            passage_ids=[self.passages[row].passage_id for row in rows],
            article_ids=[self.passages[row].article_id for row in rows],
            dense=_products(self.plain, rows, question.row),
            centred=_products(self.centred, rows, shifted),
            lexical=lexical[rows],
            coverage=self.lexical.coverage(question.tokens, rows),
            same_language=same[rows],
            dense_statistics=Statistics.of(
                _products(self.plain, _sample(measured_same), question.row),
                usual=Statistics(0.0 if mean is None else float(question.row @ mean), USUAL_SPREAD),
            ),
            foreign_statistics=Statistics.of(
                _products(self.centred, _sample(measured_foreign), shifted),
                usual=Statistics(0.0, USUAL_CENTRED_SPREAD),
            ),
            lexical_statistics=Statistics.of(lexical[measured_same], usual=Statistics(0.0, 0.0)),
        )
        hits = rank(candidates, limit=limit)
        return Found(hits, measure(candidates, hits, terms=len(question.tokens)))

    def _allowed(self, articles: Collection[str] | None) -> NDArray[np.bool_]:
        if articles is None:
            return np.ones(len(self.passages), np.bool_)
        chosen = np.zeros(len(self._article_numbers), np.bool_)
        chosen[[self._article_numbers[a] for a in articles if a in self._article_numbers]] = True
        return np.asarray(chosen[self._articles], np.bool_)


def _flat_index(rows: Floats) -> faiss.Index:
    index = faiss.IndexScalarQuantizer(
        rows.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.add(np.ascontiguousarray(rows, np.float32))
    return index


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)


def _steady_mean(rows: Floats, prior: Floats) -> Floats:
    return np.asarray((rows.sum(axis=0) + PRIOR_WEIGHT * prior) / (len(rows) + PRIOR_WEIGHT), np.float32)


def _nearest(index: faiss.Index, row: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rows of the POOL highest products among the allowed ones; exact."""
    count = min(POOL, int(allowed.sum()))
    if not count:
        return np.zeros(0, np.int64)
    bits = np.packbits(allowed, bitorder="little")
    # The stubs describe the C++ constructors; the Python ones take an array and keyword arguments.
    selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg,arg-type]
    parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
    _, found = index.search(row[None].astype(np.float32), count, params=parameters)
    return np.asarray(found[0], np.int64)


def _wordiest(scores: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the POOL rows of the highest BM25 among the allowed ones that share a word at all."""
    rows = np.flatnonzero(allowed & (scores > 0))
    if len(rows) > POOL:
        rows = rows[np.argpartition(-scores[rows], POOL)[:POOL]]
    return rows.astype(np.int64)


def _products(index: faiss.Index, rows: NDArray[np.int64], row: Floats) -> Floats:
    """Return the inner product of some stored rows with one row."""
    if not len(rows):
        return np.zeros(0, np.float32)
    return np.asarray(index.reconstruct_batch(rows) @ row, np.float32)


def _sample(allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pick up to SAMPLE allowed rows at even distances: the same ones every time."""
    rows = np.flatnonzero(allowed).astype(np.int64)
    if len(rows) <= SAMPLE:
        return rows
    return rows[np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64)]
