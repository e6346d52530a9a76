"""Find articles that repeat one another, and articles that contradict one another.

Candidates are passages near in meaning; what they say is then compared sentence by sentence. It reports what
a person should read, and decides nothing.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from knowledge.contradictions import (
    Contradiction,
    find_contradiction,
    share,
    speak_of_others,
    words_of_matter,
)
from knowledge.edition import Edition, Meaning
from knowledge.quantities import Quantity, contradicting, read_quantities
from knowledge.quotes import split_spans
from knowledge.shelved_articles import ShelvedArticle, ShelvedPassage
from knowledge.text import tokens

NEAR = 0.55  # centred cosine from which two passages are about the same matter
NEIGHBOURS = 8  # of each passage that are compared with it
MOST_PASSAGES = 20_000  # compared with one another: some ten seconds; of more, the newest
TWIN = 0.7  # share of common words from which a passage repeats another
SAME_MATTER = 0.5  # share of common words from which two sentences speak of the same
FEWEST_WORDS = 2  # of a sentence that is compared
BLOCK = 512


class Finding(StrEnum):
    NEAR_DUPLICATE = "near_duplicate"
    NUMBERS = Contradiction.NUMBERS.value
    OPPOSITE = Contradiction.OPPOSITE.value
    TRANSLATION = "translation"


@dataclass(frozen=True)
class Pair:
    """Two passages and the words that repeat or contradict; ``similarity`` 0 to 1 of those words."""

    finding: Finding
    left: str  # passage ids
    right: str
    left_quote: str
    right_quote: str
    similarity: float


def review(edition: Edition, readable: Set[str]) -> list[Pair]:
    """Return what should be looked at among the ``readable`` texts: contradictions first."""
    index = edition.meaning
    found = list(_compare_translations(edition, readable))
    if index is not None:
        for one, other in _neighbours(index, readable):
            left, right = (edition.passages.get(index.passages[i].passage_id) for i in (one, other))
            if left is not None and right is not None:
                found += compare(left, right)
    order = list(Finding)
    return sorted(
        found,
        key=lambda p: (p.finding is Finding.NEAR_DUPLICATE, order.index(p.finding), -p.similarity, p.left),
    )


def compare(left: ShelvedPassage, right: ShelvedPassage) -> Iterator[Pair]:
    """Yield what two passages in one language contradict each other in; else whether they are twins."""
    contradicted = False
    theirs = [(span.context, words_of_matter(span.context)) for span in split_spans(right.passage.text)]
    of_others = speak_of_others(left.title, right.title)
    for span in () if of_others else split_spans(left.passage.text):
        mine = words_of_matter(span.context)
        if len(mine) < FEWEST_WORDS:
            continue
        quote, words = max(theirs, key=lambda their: share(mine, their[1]))
        alike = share(mine, words)
        if alike < SAME_MATTER:
            continue
        found = find_contradiction(span.context, quote)
        if found is not None:
            contradicted = True
            ids = left.indexed.passage_id, right.indexed.passage_id
            yield Pair(Finding(found.value), *ids, span.context, quote, alike)
    alike = share(frozenset(tokens(left.text)), frozenset(tokens(right.text)))  # whatever their tags
    if not contradicted and alike >= TWIN:
        ids = left.indexed.passage_id, right.indexed.passage_id
        yield Pair(Finding.NEAR_DUPLICATE, *ids, left.passage.text, right.passage.text, alike)


def _compare_translations(edition: Edition, readable: Set[str]) -> Iterator[Pair]:
    """Yield translations of one article that name different numbers."""
    groups: dict[str, list[ShelvedArticle]] = {}
    for article in edition.articles.values():
        if article.locale_group and article.text_key in readable and article.passages:
            groups.setdefault(article.locale_group, []).append(article)
    for group in groups.values():
        first, *others = sorted(group, key=lambda article: (article.language, article.article_id))
        for other in others:
            if other.language == first.language:
                continue
            here, there = _quantities(first), _quantities(other)
            found = contradicting(here, there, same_counts=False)
            if found is not None:
                left, left_quote = here[found[0]]
                right, right_quote = there[found[1]]
                alike = share(*({(q.kind, round(q.value, 3)) for q in side} for side in (here, there)))
                yield Pair(Finding.TRANSLATION, left, right, left_quote, right_quote, alike)


def _quantities(article: ShelvedArticle) -> dict[Quantity, tuple[str, str]]:
    """Return each quantity of an article with the passage and the words that name it first.

    Telephone numbers are left out: each language has those of its own country.
    """
    found: dict[Quantity, tuple[str, str]] = {}
    for passage in article.passages:
        for span in split_spans(passage.passage.text):
            for quantity in read_quantities(span.context):
                if quantity.kind != "telephone":
                    found.setdefault(quantity, (passage.indexed.passage_id, span.context))
    return found


def _neighbours(index: Meaning, readable: Set[str]) -> Iterator[tuple[int, int]]:
    """Yield pairs of rows of different texts in one language that are near in meaning, each once."""
    rows = np.array([i for i, p in enumerate(index.passages) if p.article_id in readable], np.int64)
    rows = rows[-MOST_PASSAGES:]
    if len(rows) < 2:
        return
    vectors = np.asarray(index.rows("centred", rows), np.float32)
    languages = np.array([index.passages[i].language for i in rows])
    texts = np.array([index.passages[i].article_id for i in rows])
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        cosines = vectors[part] @ vectors.T
        cosines[(languages[part, None] != languages) | (texts[part, None] == texts)] = -1
        yield from _near_pairs(cosines, rows, start)


def _near_pairs(
    cosines: NDArray[np.float32], rows: NDArray[np.int64], start: int
) -> Iterator[tuple[int, int]]:
    most = min(NEIGHBOURS, cosines.shape[1])
    for number, row in enumerate(cosines):
        best = np.argpartition(-row, most - 1)[:most]
        for other in sorted(best.tolist()):
            if row[other] >= NEAR and other > start + number:
                yield int(rows[start + number]), int(rows[other])
