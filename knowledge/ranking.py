"""Decide the order of passages from their scores; pure numbers, no index, no model.

Within a language meaning and words are fused, as z-scores; across languages words say nothing and meaning
alone decides, on language-centred cosines. Fusing by rank instead (RRF) was measured and halves the hit rate
across languages. The best of either side are then compared with the question token by token.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Chosen on one half of public questions, by their articles' digests; eval/ reports the other half.
DENSE_WEIGHT = 0.7
LEXICAL_WEIGHT = 0.3
COVERAGE_WEIGHT = 0.3
TITLE_WEIGHT = 0.75
TOKENS_WEIGHT = 1.5  # of the token-by-token comparison within a language …
FOREIGN_TOKENS_WEIGHT = 4.0  # … and across, where the rows of whole texts say less
# In one list with the near ones, foreign scores are scaled as if tokens weighed 2 and not 4, and by 5 % more:
# chosen where a base in both languages gives an answer as readily in the asker's language as in the other.
FOREIGN_TOKENS_COUNT, FOREIGN_SCALE = 2.0, 1.05
COMPARED_BY_TOKENS = 24  # candidates of each side: some milliseconds
# Of that comparison among the best candidates, within and across languages (multilingual-e5-small, public
# sets): with one passage in a language there is nothing else to hold it against.
USUAL_TOKENS, USUAL_FOREIGN_TOKENS, USUAL_TOKENS_SPREAD = 0.70, 0.64, 0.03
USUAL_WEIGHT = 10  # passages


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

    @classmethod
    def of_best(cls, scores: Floats, *, usual: "Statistics", most: int) -> "Statistics":
        """Measure the best of a base: ``usual`` fills up a list shorter than ``most``, a full one needs none.

        How far these best lie from the usual ones is no spread of theirs: it would make every score of an
        unusual base weigh less.
        """
        missing = max(min(most - len(scores), USUAL_WEIGHT), 0)
        share = len(scores) / max(len(scores) + missing, 1)
        measured = cls.of(scores)
        mean = share * measured.mean + (1 - share) * usual.mean
        return cls(mean, (share * measured.spread**2 + (1 - share) * usual.spread**2) ** 0.5)

    def z(self, scores: Floats) -> Floats:
        """Return how many spreads each score lies above the mean."""
        if self.spread < 1e-9:
            return np.zeros(len(scores), np.float32)
        return np.asarray((scores - self.mean) / self.spread, np.float32)


@dataclass(frozen=True)
class Candidates:
    """Passages to rank, one row each: ids and scores, and against what to measure them.

    ``dense`` is the plain cosine, ``centred`` the cosine after each language's mean is taken away,
    ``lexical`` BM25, ``coverage`` the share of the question's tokens that the passage holds, ``title`` the
    z-score of the article's title (0 without one).
    """

    passage_ids: Sequence[str]
    article_ids: Sequence[str]
    dense: Floats
    centred: Floats
    lexical: Floats
    coverage: Floats
    title: Floats
    same_language: NDArray[np.bool_]
    dense_statistics: Statistics  # over passages in the question's language
    foreign_statistics: Statistics  # of ``centred``, over the others
    lexical_statistics: Statistics


@dataclass(frozen=True)
class Hit:
    """One passage found; ``score`` orders hits and compares nothing else.

    The rest is what it is made of: see `Candidates`; ``tokens`` is the token-by-token comparison, 0 where
    none was made.
    """

    passage_id: str
    article_id: str
    score: float
    dense: float
    centred: float
    lexical: float
    coverage: float
    same_language: bool
    title: float = 0.0
    tokens: float = 0.0
    freshness: float = 0.0  # part of the score
    plain: float = 0.0  # 0.7 meaning + 0.3 words, or meaning across languages: what a margin is measured in


@dataclass(frozen=True)
class Features:
    """What a confidence can be learned from; all 0 when nothing was found.

    ``best_cosine`` of any candidate; ``margin`` between the scores of the first two articles; ``top_z`` of
    the first hit's dense score; ``lexical_per_term`` and ``coverage`` of the first hit;
    ``lexical_of_dense_top`` BM25 per term of the passage nearest in meaning; ``agreement`` 1 when meaning and
    words name the same first article. Of the comparison token by token: ``nearness`` of the first hit, its
    ``nearness_lead`` over the best of another article, its ``nearness_rise`` over the mean of the hits.
    ``lead`` is the distance of the first two articles' scores, titles and tokens included; ``title`` the
    first one's. ``quote`` is the cosine of the nearest of what the first hit could be quoted with,
    ``quote_lead`` how far it stands above the mean of those.
    """

    best_cosine: float = 0.0
    margin: float = 0.0
    top_z: float = 0.0
    lexical_per_term: float = 0.0
    lexical_of_dense_top: float = 0.0
    coverage: float = 0.0
    agreement: float = 0.0
    nearness: float = 0.0
    nearness_lead: float = 0.0
    nearness_rise: float = 0.0
    lead: float = 0.0
    title: float = 0.0
    quote: float = 0.0
    quote_lead: float = 0.0
    same_language: bool = True

    def with_quotes(self, cosines: Floats) -> "Features":
        """Return the same with what the quotable parts of the first hit (one or more) say."""
        nearest = float(cosines.max())
        return replace(self, quote=nearest, quote_lead=nearest - float(cosines.mean()))


CompareTokens = Callable[[NDArray[np.int64]], Floats]


@dataclass(frozen=True)
class Ranked:
    """One row a candidate: the ``score`` that orders, the ``tokens`` it rests on, and ``plain`` without them.

    A calibration learned in an index without titles and tokens holds in one with them: margins are plain.
    """

    score: Floats
    plain: Floats
    tokens: Floats


def fuse(candidates: Candidates, compare: CompareTokens | None = None) -> Ranked:
    """Return one score per candidate: weighted means of z-scores, other ones across languages.

    Each side is measured against its own passages, so that a base in two languages can be sorted as a whole:
    on raw cosines any passage of the asker's language would stand above the right one in the other.
    ``compare`` gives the token-by-token cosine of some candidates, by number; without it none is used.
    """
    same = candidates.same_language
    titled = TITLE_WEIGHT if candidates.title.any() else 0.0
    near = DENSE_WEIGHT * candidates.dense_statistics.z(candidates.dense)
    near = near + LEXICAL_WEIGHT * candidates.lexical_statistics.z(candidates.lexical)
    plain = np.where(same, near, candidates.foreign_statistics.z(candidates.centred)).astype(np.float32)
    near = near + COVERAGE_WEIGHT * Statistics.of(candidates.coverage[same]).z(candidates.coverage)
    far = candidates.foreign_statistics.z(candidates.centred)
    scores = np.where(same, near, far) + titled * candidates.title
    tokens = np.zeros(len(scores), np.float32)
    total = DENSE_WEIGHT + LEXICAL_WEIGHT + COVERAGE_WEIGHT + titled
    if compare is not None:
        total += TOKENS_WEIGHT
        abroad = FOREIGN_SCALE * (1 + titled + FOREIGN_TOKENS_COUNT) / (1 + titled + FOREIGN_TOKENS_WEIGHT)
        for side, weight, mean, scale in (
            (same, TOKENS_WEIGHT, USUAL_TOKENS, 1.0),
            (~same, FOREIGN_TOKENS_WEIGHT, USUAL_FOREIGN_TOKENS, abroad),
        ):
            numbers = np.flatnonzero(side).astype(np.int64)
            best = numbers[np.argsort(-scores[numbers], kind="stable")[:COMPARED_BY_TOKENS]]
            if not len(best):
                continue
            tokens[best] = compare(best)
            usual = Statistics(mean, USUAL_TOKENS_SPREAD)
            z = Statistics.of_best(tokens[best], usual=usual, most=COMPARED_BY_TOKENS).z(tokens[best])
            # Who was not compared stands behind the worst of those who were.
            scores[numbers] += weight * float(z.min())
            scores[best] += weight * (z - float(z.min()))
            scores[numbers] *= scale
    return Ranked((scores / total).astype(np.float32), plain, tokens)


def rank(candidates: Candidates, *, limit: int, compare: CompareTokens | None = None) -> list[Hit]:
    """Return the best ``limit`` hits, best first; equal scores in the order of passage ids."""
    ranked = fuse(candidates, compare)
    order = sorted(
        range(len(ranked.score)), key=lambda i: (-float(ranked.score[i]), candidates.passage_ids[i])
    )
    return [_hit(candidates, i, ranked) for i in order[:limit]]


def _hit(candidates: Candidates, i: int, ranked: Ranked) -> Hit:
    return Hit(
        passage_id=candidates.passage_ids[i],
        article_id=candidates.article_ids[i],
        score=float(ranked.score[i]),
        dense=float(candidates.dense[i]),
        centred=float(candidates.centred[i]),
        lexical=float(candidates.lexical[i]),
        coverage=float(candidates.coverage[i]),
        same_language=bool(candidates.same_language[i]),
        title=float(candidates.title[i]),
        tokens=float(ranked.tokens[i]),
        plain=float(ranked.plain[i]),
    )


def measure(candidates: Candidates, hits: Sequence[Hit], *, terms: int) -> Features:
    """Measure what a confidence is made of; ``terms`` is the number of tokens in the question."""
    if not hits:
        return Features()
    top, per_term = hits[0], 1 / max(terms, 1)
    rivals = [hit for hit in hits if hit.article_id != top.article_id]
    compared = [hit.tokens for hit in hits if hit.tokens]
    nearest, wordiest = int(np.argmax(candidates.dense)), int(np.argmax(candidates.lexical))
    if top.same_language:
        statistics, meaning = candidates.dense_statistics, top.dense
    else:
        statistics, meaning = candidates.foreign_statistics, top.centred
    return Features(
        best_cosine=float(candidates.dense[nearest]),
        margin=_above(top.plain, [hit.plain for hit in rivals]),
        top_z=float(statistics.z(np.array([meaning], np.float32))[0]),
        lexical_per_term=top.lexical * per_term,
        lexical_of_dense_top=float(candidates.lexical[nearest]) * per_term,
        coverage=top.coverage,
        agreement=float(candidates.article_ids[nearest] == candidates.article_ids[wordiest]),
        nearness=top.tokens,
        nearness_lead=_above(top.tokens, [hit.tokens for hit in rivals]),
        nearness_rise=top.tokens - float(np.mean(compared)) if compared else 0.0,
        lead=_above(top.score, [hit.score for hit in rivals]),
        title=top.title,
        same_language=top.same_language,
    )


def _above(score: float, others: Sequence[float]) -> float:
    """Return how far a score stands above the best of others; 0 where it stands alone."""
    return score - max(others) if others else 0.0


def refresh(hits: Sequence[Hit], freshness: Sequence[float]) -> list[Hit]:
    """Add to each hit's score what its article's age takes from it, and order again."""
    changed = [
        replace(hit, score=hit.score + fresh, freshness=fresh)
        for hit, fresh in zip(hits, freshness, strict=True)
    ]
    return sorted(changed, key=lambda hit: (-hit.score, hit.passage_id))
