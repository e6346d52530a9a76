"""Find passages by their words alone: what is left while the model is still being loaded."""

from collections.abc import Collection, Sequence

import numpy as np

from knowledge.lexical import LexicalIndex
from knowledge.passage_index import Found, IndexedPassage, Marks
from knowledge.ranking import Features, Hit
from knowledge.text import Language


class WordIndex:
    """BM25 over passages, filtered before it ranks; immutable."""

    def __init__(
        self, passages: Sequence[IndexedPassage], lexical: LexicalIndex, marks: Marks | None = None
    ) -> None:
        self.passages, self.lexical = passages, lexical
        self.marks = marks or Marks.of(passages)

    @classmethod
    def build(cls, passages: Sequence[IndexedPassage], documents: Sequence[Sequence[str]]) -> "WordIndex":
        """Index passages with their tokens, in one order."""
        return cls(passages, LexicalIndex.build(documents))

    def search(
        self, tokens: Sequence[str], language: Language, *, limit: int, allowed_articles: Collection[str]
    ) -> Found:
        """Return the allowed passages that share a word with the question, best first."""
        scores = self.lexical.score(tokens)
        found = np.flatnonzero((scores > 0) & self.marks.allowed(allowed_articles))
        if len(found) > limit:  # a common word is in half of all passages: few of them need an order
            least = np.partition(scores[found], -limit)[-limit]
            found = found[scores[found] >= least]
        rows = sorted(found.tolist(), key=lambda row: (-float(scores[row]), self.passages[row].passage_id))[
            :limit
        ]
        if not rows:
            return Found([], Features())
        coverage = self.lexical.coverage(tokens, np.array(rows, np.int64))
        hits = [
            Hit(
                passage_id=passage.passage_id,
                article_id=passage.article_id,
                score=float(scores[row]),
                dense=0.0,
                centred=0.0,
                lexical=float(scores[row]),
                coverage=float(covered),
                same_language=passage.language == language,
            )
            for row, passage, covered in zip(rows, [self.passages[r] for r in rows], coverage, strict=True)
        ]
        return Found(hits, _measure(hits, terms=len(tokens)))


def _measure(hits: Sequence[Hit], *, terms: int) -> Features:
    top = hits[0]
    others = [hit.score for hit in hits if hit.article_id != top.article_id]
    return Features(
        margin=top.score - others[0] if others else 0.0,
        lexical_per_term=top.lexical / max(terms, 1),
        coverage=top.coverage,
        same_language=top.same_language,
    )
