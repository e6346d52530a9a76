"""Decide the order of passages from their scores; pure numbers, no index, no model.

Within a language, meaning and words are fused: z-scores, 0.7 dense + 0.3 lexical. Across languages words say
nothing and meaning alone decides, on language-centred cosines. Fusing by rank instead (RRF) was measured and
halves the hit rate across languages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DENSE_WEIGHT = 0.7
LEXICAL_WEIGHT = 0.3
USUAL_WEIGHT = 10  # passages
SENTENCE_WEIGHT = 0.5  # of the best sentence's z-score, when passages are looked at a second time


@dataclass(frozen=True)
class Statistics:
    """Mean and spread of a score over the passages the asker may read; what a z-score is taken against."""

    mean: float
    spread: float

    @classmethod
    def of(cls, scores: Floats, *, usual: "Statistics | None" = None) -> "Statistics":
        """Measure; a spread of 0 (one passage, or all alike) makes every z-score 0.

        ``usual`` is what a base of this kind shows: it counts as USUAL_WEIGHT passages more, so that a base
        with few passages in a language has a scale.
        """
        if usual is None:
            return cls(float(np.mean(scores)), float(np.std(scores))) if len(scores) else cls(0.0, 0.0)
        share = len(scores) / (len(scores) + USUAL_WEIGHT)
        measured = cls.of(scores)
        mean = share * measured.mean + (1 - share) * usual.mean
        square = share * (measured.spread**2 + measured.mean**2)
        square += (1 - share) * (usual.spread**2 + usual.mean**2)
        return cls(mean, max(square - mean**2, 0.0) ** 0.5)

    def z(self, scores: Floats) -> Floats:
        """Return how many spreads each score lies above the mean."""
        if self.spread < 1e-9:
            return np.zeros(len(scores), np.float32)
        return np.asarray((scores - self.mean) / self.spread, np.float32)


@dataclass(frozen=True)
class Candidates:
    """Passages to rank, one row each: ids and scores, and against what to measure them.

    ``dense`` is the plain cosine, ``centred`` the cosine after each language's mean is taken away,
    ``lexical`` BM25, ``coverage`` the share of the question's tokens that the passage holds.
    """

    passage_ids: Sequence[str]
    article_ids: Sequence[str]
    dense: Floats
    centred: Floats
    lexical: Floats
    coverage: Floats
    same_language: NDArray[np.bool_]
    dense_statistics: Statistics  # over passages in the question's language
    foreign_statistics: Statistics  # of ``centred``, over the others
    lexical_statistics: Statistics


@dataclass(frozen=True)
class Hit:
    """One passage found; ``score`` orders hits and compares nothing else."""

    passage_id: str
    article_id: str
    score: float
    dense: float
    centred: float
    lexical: float
    coverage: float
    same_language: bool


@dataclass(frozen=True)
class Features:
    """What a confidence can be learned from; all 0 when nothing was found.

    ``best_cosine`` of any candidate; ``margin`` between the scores of the first two articles; ``top_z`` of
    the first hit's dense score; ``lexical_per_term`` and ``coverage`` of the first hit;
    ``lexical_of_dense_top`` BM25 per term of the passage nearest in meaning; ``agreement`` 1 when meaning and
    words name the same first article.
    """

    best_cosine: float = 0.0
    margin: float = 0.0
    top_z: float = 0.0
    lexical_per_term: float = 0.0
    lexical_of_dense_top: float = 0.0
    coverage: float = 0.0
    agreement: float = 0.0
    same_language: bool = True


def fuse(candidates: Candidates) -> Floats:
    """Return one score per candidate: weighted z-scores within the language, the centred z-score across.

    Each side is measured against its own passages, so that a base in two languages can be sorted as a whole:
    on raw cosines any passage of the asker's language would stand above the right one in the other.
    """
    same = candidates.same_language
    lexical = candidates.lexical_statistics.z(candidates.lexical)
    near = DENSE_WEIGHT * candidates.dense_statistics.z(candidates.dense) + LEXICAL_WEIGHT * lexical
    far = candidates.foreign_statistics.z(candidates.centred)
    return np.where(same, near, far).astype(np.float32)


def rank(candidates: Candidates, *, limit: int) -> list[Hit]:
    """Return the best ``limit`` hits, best first; equal scores in the order of passage ids."""
    scores = fuse(candidates)
    order = sorted(range(len(scores)), key=lambda i: (-float(scores[i]), candidates.passage_ids[i]))
    return [_hit(candidates, i, float(scores[i])) for i in order[:limit]]


def _hit(candidates: Candidates, i: int, score: float) -> Hit:
    return Hit(
        passage_id=candidates.passage_ids[i],
        article_id=candidates.article_ids[i],
        score=score,
        dense=float(candidates.dense[i]),
        centred=float(candidates.centred[i]),
        lexical=float(candidates.lexical[i]),
        coverage=float(candidates.coverage[i]),
        same_language=bool(candidates.same_language[i]),
    )


def measure(candidates: Candidates, hits: Sequence[Hit], *, terms: int) -> Features:
    """Measure what a confidence is made of; ``terms`` is the number of tokens in the question."""
    if not hits:
        return Features()
    top, per_term = hits[0], 1 / max(terms, 1)
    others = [hit.score for hit in hits if hit.article_id != top.article_id]
    nearest, wordiest = int(np.argmax(candidates.dense)), int(np.argmax(candidates.lexical))
    if top.same_language:
        statistics, meaning = candidates.dense_statistics, top.dense
    else:
        statistics, meaning = candidates.foreign_statistics, top.centred
    return Features(
        best_cosine=float(candidates.dense[nearest]),
        margin=top.score - others[0] if others else 0.0,
        top_z=float(statistics.z(np.array([meaning], np.float32))[0]),
        lexical_per_term=top.lexical * per_term,
        lexical_of_dense_top=float(candidates.lexical[nearest]) * per_term,
        coverage=top.coverage,
        agreement=float(candidates.article_ids[nearest] == candidates.article_ids[wordiest]),
        same_language=top.same_language,
    )


def rerank_by_sentence(hits: Sequence[Hit], best_sentence: Sequence[float]) -> list[Hit]:
    """Order hits again by score plus half the z-score of each one's best sentence cosine."""
    if len(hits) < 2:
        return list(hits)
    scores = np.array([hit.score for hit in hits], np.float32)
    sentences = np.array(best_sentence, np.float32)
    mixed = Statistics.of(scores).z(scores) + SENTENCE_WEIGHT * Statistics.of(sentences).z(sentences)
    order = sorted(range(len(hits)), key=lambda i: (-float(mixed[i]), hits[i].passage_id))
    return [hits[i] for i in order]
