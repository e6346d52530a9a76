"""Find passages by the words they share with a question (BM25), for Chinese and English alike."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import bm25s  # type: ignore[import-untyped,unused-ignore]
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# The usual values; the lab found nothing to gain by moving them.
K1 = 1.2
B = 0.75


@dataclass(frozen=True)
class WordCounts:
    """A text's words by their numbers in one `Vocabulary`, int32 (n,), each once, and how often, float32."""

    numbers: NDArray[np.int32]
    counts: NDArray[np.float32]
    length: int  # words in all


class Vocabulary:
    """Numbers for words, in the order of their coming; it only grows. Not safe to share between threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def count(self, words: Sequence[str]) -> WordCounts:
        """Count a text's words, with new numbers for new words."""
        counted, known = Counter(words), self._numbers
        numbers = [known.setdefault(word, len(known)) for word in counted]
        frequencies = np.fromiter(counted.values(), np.float32, len(counted))
        return WordCounts(np.array(numbers, np.int32), frequencies, len(words))

    def __len__(self) -> int:
        return len(self._numbers)

    def words(self) -> list[str]:
        """Return the words in the order of their numbers."""
        return list(self._numbers)


class LexicalIndex:
    """BM25 (Lucene's form) over rows of tokens; immutable, safe to share between threads.

    Statistics (how rare a word is) are those of all rows, also of rows that a filter hides later.
    """

    def __init__(self, scorer: bm25s.BM25 | None, words: dict[str, int], rows: int) -> None:
        self._scorer, self._words, self.rows = scorer, words, rows
        if scorer is not None:
            # Plain arrays, also over files: slices of numpy's own memory maps cost ten times as much.
            scorer.scores |= {name: np.asarray(scorer.scores[name]) for name in ("data", "indices", "indptr")}

    @classmethod
    def build(cls, documents: Sequence[Sequence[str]]) -> Self:
        """Index documents, each a list of tokens as `knowledge.text.tokens` makes them."""
        vocabulary = Vocabulary()
        return cls.bind([vocabulary.count(document) for document in documents], vocabulary)

    @classmethod
    def bind(cls, documents: Sequence[WordCounts], vocabulary: Vocabulary) -> Self:
        """Index documents that are counted already, all in ``vocabulary``.

        What ``build`` of the same texts gives, in a fraction of the time: a base of ten thousand articles is
        bound again after each edit, and every search waits for it.
        """
        numbers = _joined([one.numbers for one in documents], np.int32)
        if not len(numbers):
            return cls(None, {}, len(documents))
        spread = np.array([len(one.numbers) for one in documents], np.int64)
        lengths = np.array([one.length for one in documents], np.float64)
        holders = np.bincount(numbers, minlength=len(vocabulary))
        used = np.flatnonzero(holders)  # words of texts that are gone stay in the vocabulary, not in here
        places = np.zeros(len(vocabulary), np.int32)
        places[used] = np.arange(len(used))
        columns = places[numbers]
        idf = np.log(1 + (len(documents) - holders[used] + 0.5) / (holders[used] + 0.5)).astype(np.float32)
        frequencies = _joined([one.counts for one in documents], np.float32)
        shrunk = np.repeat(K1 * ((1 - B) + B * lengths / lengths.mean()), spread)
        scores = (idf[columns] * (frequencies / (shrunk + frequencies))).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(spread)])
        table = sparse.csr_matrix((scores, columns, starts), shape=(len(documents), len(used))).tocsc()
        names = vocabulary.words()
        words = {names[number]: place for place, number in enumerate(used.tolist())}
        return cls(_scorer(table, words), words, len(documents))

    def __len__(self) -> int:
        """Return how many words it knows."""
        return len(self._words)

    def score(self, question: Sequence[str]) -> NDArray[np.float32]:
        """Return the BM25 score of every row, float32 (rows,); 0 where no token is shared."""
        ids = self._known(question)
        if self._scorer is None or not ids:
            return np.zeros(self.rows, np.float32)
        return np.asarray(self._scorer.get_scores_from_ids(ids), np.float32)

    def coverage(self, question: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return for each of ``rows`` the share of the question it holds, 0 to 1, rare tokens weighing more.

        A token that no row knows counts with the weight of the rarest: words unknown to the base are the best
        sign that it has no answer.
        """
        weights = self.weights(question)
        if not weights or self._scorer is None:
            return np.zeros(len(rows), np.float32)
        found = np.zeros(len(rows), np.float64)
        for token, weight in weights.items():
            holders = self.holders(token)  # in the order of rows
            if len(holders):
                nearest = np.minimum(np.searchsorted(holders, rows), len(holders) - 1)
                found += weight * (holders[nearest] == rows)
        return (found / sum(weights.values())).astype(np.float32)

    def weights(self, question: Sequence[str]) -> dict[str, float]:
        """Return how rare each token of the question is here (inverse document frequency).

        A token that no row knows counts as the rarest.
        """
        counts = {token: len(self.holders(token)) for token in question}
        return {
            token: float(np.log(1 + self.rows / (count + 0.5 if count else 0.5)))
            for token, count in counts.items()
        }

    def save(self, folder: Path) -> None:
        """Write into an existing folder."""
        (folder / "lexical.json").write_text(json.dumps({"rows": self.rows, "empty": self._scorer is None}))
        if self._scorer is not None:
            self._scorer.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        sizes = json.loads((folder / "lexical.json").read_text())
        if sizes["empty"]:
            return cls(None, {}, sizes["rows"])
        scorer = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        return cls(scorer, scorer.vocab_dict, sizes["rows"])

    def _known(self, question: Sequence[str]) -> list[int]:
        return [self._words[token] for token in question if token in self._words]

    def holders(self, token: str) -> NDArray[np.int32]:
        """Return the rows that hold the token, in order."""
        if self._scorer is None or token not in self._words:
            return np.zeros(0, np.int32)
        columns, number = self._scorer.scores, self._words[token]
        start, end = columns["indptr"][number], columns["indptr"][number + 1]
        return np.asarray(columns["indices"][start:end], np.int32)


def _scorer(table: sparse.csc_matrix, words: dict[str, int]) -> bm25s.BM25:
    """Return bm25s's own scorer over scores that were computed here: a row a text, a column a word."""
    scorer = bm25s.BM25(k1=K1, b=B, method="lucene")
    scorer.scores = {
        "data": table.data,
        "indices": table.indices.astype(np.int32),
        "indptr": table.indptr.astype(np.int32),
        "num_docs": table.shape[0],
    }
    scorer.vocab_dict = words
    scorer.unique_token_ids_set = set(words.values())
    scorer.nonoccurrence_array = None
    return scorer


def _joined(parts: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
