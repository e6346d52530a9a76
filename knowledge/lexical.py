"""Find passages by the words they share with a question (BM25), for Chinese and English alike."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import bm25s  # type: ignore[import-untyped,unused-ignore]
import numpy as np
from numpy.typing import NDArray

# The usual values; the lab found nothing to gain by moving them.
K1 = 1.2
B = 0.75


class LexicalIndex:
    """BM25 (Lucene's form) over rows of tokens; immutable, safe to share between threads.

    Statistics (how rare a word is) are those of all rows, also of rows that a filter hides later.
    """

    def __init__(self, scorer: bm25s.BM25 | None, words: dict[str, int], rows: int) -> None:
        self._scorer, self._words, self.rows = scorer, words, rows

    @classmethod
    def build(cls, documents: Sequence[Sequence[str]]) -> Self:
        """Index documents, each a list of tokens as `knowledge.text.tokens` makes them."""
        words: dict[str, int] = {}
        ids = [[words.setdefault(token, len(words)) for token in document] for document in documents]
        if not words:
            return cls(None, {}, len(documents))
        scorer = bm25s.BM25(k1=K1, b=B, method="lucene")
        scorer.index((ids, words), create_empty_token=False, show_progress=False)
        return cls(scorer, words, len(documents))

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
            found += weight * np.isin(rows, self._holders(token))
        return (found / sum(weights.values())).astype(np.float32)

    def weights(self, question: Sequence[str]) -> dict[str, float]:
        """Return how rare each token of the question is here (inverse document frequency).

        A token that no row knows counts as the rarest.
        """
        counts = {token: len(self._holders(token)) for token in question}
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

    def _holders(self, token: str) -> NDArray[np.int32]:
        """Return the rows that hold the token."""
        if self._scorer is None or token not in self._words:
            return np.zeros(0, np.int32)
        columns, number = self._scorer.scores, self._words[token]
        start, end = columns["indptr"][number], columns["indptr"][number + 1]
        return np.asarray(columns["indices"][start:end], np.int32)
