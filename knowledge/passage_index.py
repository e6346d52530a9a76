"""Find the passages nearest to a question in one workspace: what an index promises, and what all share.

An index is immutable: changes make a new version, a folder written beside and renamed. Filters act before
anything is ranked. The search blocks (milliseconds); call it off the event loop.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Places
from knowledge.lexical import LexicalIndex
from knowledge.ranking import Candidates, CompareTokens, Features, Floats, Hit, Statistics, measure, rank
from knowledge.splicing import joined
from knowledge.text import Language
from knowledge.token_rows import Packed, TokenRows, place_free, unit_rows

POOL = 50  # candidates from each of: meaning, words, meaning in the other language
SAMPLE = 256  # passages a z-score is measured against; all of them in a small base
# How far one question's cosines with a base's passages spread (multilingual-e5-small, the demo base).
USUAL_SPREAD, USUAL_CENTRED_SPREAD = 0.02, 0.08
Space = Literal["plain", "centred"]  # rows as they are, and without the mean of their language
MASKS_KEPT = 64  # of sets of readable articles: as many as there are audiences and languages asked for
SAMPLES_KEPT = 12  # three audiences, each with two languages of questions and of articles: 0.8 MB each
ROWS_AT_ONCE = 4_096  # of an index that is built: some megabytes


@dataclass(frozen=True)
class IndexedPassage:
    """What the index knows of a passage besides its row and its words."""

    passage_id: str
    article_id: str
    language: Language


@dataclass(frozen=True)
class Question:
    """A question as the index reads it: unit row (dimension,), words, language.

    ``token_rows`` are the encoder's unit rows of its tokens; without them nothing is compared by token.
    """

    row: Floats
    tokens: Sequence[str]
    language: Language
    token_rows: NDArray[np.float16] | None = None


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


@dataclass(frozen=True)
class Titles:
    """Unit rows of titles read as questions (n, dimension); ``numbers`` says which is each passage's.

    ``places`` are the mean rows of questions per language.
    """

    rows: NDArray[np.float16]
    numbers: NDArray[np.int64]
    places: Mapping[Language, Floats]

    def of(self, passages: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return the rows of the titles of some passages."""
        return self.rows[self.numbers[passages]]


@dataclass(frozen=True)
class Tokens:
    """Token rows of the passages, and where each language's lie."""

    rows: TokenRows
    places: Mapping[Language, Floats]


@dataclass(frozen=True)
class Marks:
    """What filters read of passages, a row each: ``languages``, and their ``articles`` by ``numbers``."""

    languages: NDArray[np.str_]
    articles: NDArray[np.int64]
    numbers: Mapping[str, int]
    _masks: dict[frozenset[str], NDArray[np.bool_]] = field(default_factory=dict, repr=False, compare=False)
    _of_language: dict[Language, NDArray[np.bool_]] = field(default_factory=dict, repr=False, compare=False)

    def written_in(self, language: Language) -> NDArray[np.bool_]:
        """Return which passages are in a language. It must not be changed."""
        if language not in self._of_language:
            self._of_language[language] = self.languages == language
        return self._of_language[language]

    def allowed(self, articles: Collection[str] | None) -> NDArray[np.bool_]:
        """Return which passages are of these articles. A frozenset asked for again costs nothing."""
        if articles is None:
            return np.ones(len(self.articles), np.bool_)
        if isinstance(articles, frozenset) and articles in self._masks:
            return self._masks[articles]
        # One more than there are: where the articles go that have no passage here.
        chosen = np.zeros(len(self.numbers) + 1, np.bool_)
        of_articles = map(self.numbers.get, articles, repeat(len(self.numbers)))
        while len(some := np.fromiter(islice(of_articles, ROWS_AT_ONCE), np.int64)):
            chosen[some] = True
        mask = np.asarray(chosen[self.articles], np.bool_)
        if isinstance(articles, frozenset):
            if len(self._masks) >= MASKS_KEPT:
                self._masks.pop(next(iter(self._masks)))
            self._masks[articles] = mask
        return mask

    @classmethod
    def of(cls, passages: Sequence[IndexedPassage]) -> "Marks":
        """Read passages one by one: whoever waits for Python meanwhile gets its turn."""
        numbers: dict[str, int] = {}
        languages = np.fromiter((p.language for p in passages), "U2", len(passages))
        articles = (numbers.setdefault(p.article_id, len(numbers)) for p in passages)
        return cls(languages, np.fromiter(articles, np.int64, len(passages)), numbers)


@dataclass(frozen=True)
class Measured:
    """The passages on one side (in the question's language, or in others) that scores are measured against.

    Which they are (``mask``), a ``sample`` of them, and of that sample the ``rows`` (None where they are not
    at hand) and the unit rows of the ``titles``.
    """

    mask: NDArray[np.bool_]
    sample: NDArray[np.int64]
    rows: Floats | None
    titles: Floats | None


class FusedPassageIndex(ABC):
    """What every index does with the rows it finds: filter first, fuse meaning and words, sharpen the order.

    Where rows lie and how the nearest are found is for those below. ``titles`` and ``tokens`` sharpen the
    order of what was found, where they are at hand.
    """

    def __init__(
        self,
        *,
        version: int,
        model: str,
        passages: Sequence[IndexedPassage],
        means: Mapping[Language, Floats],
        lexical: LexicalIndex,
        titles: Titles | None = None,
        tokens: Tokens | None = None,
        marks: Marks | None = None,
    ) -> None:
        self.version, self.model, self.passages = version, model, passages
        self.means, self.lexical = means, lexical
        self.titles, self.tokens = titles, tokens
        self.marks = marks or Marks.of(passages)
        self._measured: dict[tuple[frozenset[str], Language], tuple[Measured, Measured]] = {}

    @abstractmethod
    def nearest(self, space: Space, row: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the numbers of up to POOL ``allowed`` passages whose rows are nearest to ``row``."""

    @abstractmethod
    def products(self, space: Space, rows: NDArray[np.int64], row: Floats) -> Floats:
        """Return the inner product of the rows of some passages with ``row``."""

    def rows_at_hand(self, space: Space, numbers: NDArray[np.int64]) -> Floats | None:
        """Return the rows of some passages if they never change and are quickly read; None otherwise."""
        return None

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
        near, far = self._sides(allowed_articles, question.language)
        same, foreign = near.mask, far.mask
        if passed_over:
            wanted = ~self.marks.allowed(passed_over)
            same, foreign = same & wanted, foreign & wanted
        mean = self.means.get(question.language)
        shifted = unit_rows((question.row if mean is None else question.row - mean)[None])[0]
        lexical = self.lexical.score(question.tokens)
        rows = np.unique(
            np.concatenate(
                [
                    self.nearest("plain", question.row, same),
                    self.nearest("centred", shifted, foreign),
                    _wordiest(lexical, same),
                ]
            )
        )
        candidates = Candidates(
            passage_ids=[self.passages[row].passage_id for row in rows],
            article_ids=[self.passages[row].article_id for row in rows],
            dense=self.products("plain", rows, question.row),
            centred=self.products("centred", rows, shifted),
            lexical=lexical[rows],
            coverage=self.lexical.coverage(question.tokens, rows),
            title=self._title_scores(question, rows, near, far),
            same_language=same[rows],
            dense_statistics=Statistics.of(
                self._products_of_sample("plain", near, question.row),
                usual=Statistics(0.0 if mean is None else float(question.row @ mean), USUAL_SPREAD),
            ),
            foreign_statistics=Statistics.of(
                self._products_of_sample("centred", far, shifted),
                usual=Statistics(0.0, USUAL_CENTRED_SPREAD),
            ),
            lexical_statistics=Statistics.of(lexical[near.mask], usual=Statistics(0.0, 0.0)),
        )
        hits = rank(candidates, limit=limit, compare=self._comparison(question, rows))
        return Found(hits, measure(candidates, hits, terms=len(question.tokens)))

    def _sides(self, articles: Collection[str] | None, language: Language) -> tuple[Measured, Measured]:
        """Return what is in the question's language and what is not, of these articles.

        For a frozenset asked for again it is at hand: the index does not change.
        """
        key = (articles, language) if isinstance(articles, frozenset) else None
        if key is not None and (known := self._measured.get(key)) is not None:
            return known
        allowed, mine = self.marks.allowed(articles), self.marks.written_in(language)
        made = self._measure("plain", allowed & mine), self._measure("centred", allowed & ~mine)
        if key is not None:
            self._measured[key] = made
            for oldest in list(self._measured)[:-SAMPLES_KEPT]:  # a copy: other threads search, too
                self._measured.pop(oldest, None)
        return made

    def _measure(self, space: Space, mask: NDArray[np.bool_]) -> Measured:
        sample = _sample(mask)
        titles = None
        if self.titles is not None:
            near = space == "plain"
            titles = (
                self.titles.of(sample).astype(np.float32) if near else unit_rows(self._shifted_titles(sample))
            )
        return Measured(mask, sample, self.rows_at_hand(space, sample), titles)

    def _products_of_sample(self, space: Space, side: Measured, row: Floats) -> Floats:
        if side.rows is None:
            return self.products(space, side.sample, row)
        return np.asarray(side.rows @ row, np.float32)

    def _title_scores(
        self, question: Question, rows: NDArray[np.int64], near: Measured, far: Measured
    ) -> Floats:
        """Return the z-scores of the titles of passages ``rows``, each side against its own titles."""
        scores = np.zeros(len(rows), np.float32)
        if self.titles is None or not len(rows):
            return scores
        titles, place = self.titles, self.titles.places.get(question.language)
        shifted = unit_rows((question.row if place is None else question.row - place)[None])[0]
        for side, is_near in ((near, True), (far, False)):
            of_side = side.mask[rows]
            if not of_side.any() or side.titles is None:
                continue
            row, wanted = question.row if is_near else shifted, rows[of_side]
            of_wanted = (
                titles.of(wanted).astype(np.float32) if is_near else unit_rows(self._shifted_titles(wanted))
            )
            cosines = [side.titles @ row, of_wanted @ row]
            usual = Statistics(float(np.mean(cosines[0])), USUAL_SPREAD if is_near else USUAL_CENTRED_SPREAD)
            scores[of_side] = Statistics.of(cosines[0], usual=usual).z(cosines[1])
        return scores

    def _shifted_titles(self, rows: NDArray[np.int64]) -> Floats:
        """Return the rows of the titles of passages ``rows`` without their languages' places."""
        assert self.titles is not None
        found = self.titles.of(rows).astype(np.float32)
        for language, place in self.titles.places.items():
            found[self.marks.languages[rows] == language] -= place
        return found

    def _comparison(self, question: Question, rows: NDArray[np.int64]) -> CompareTokens | None:
        if self.tokens is None or question.token_rows is None or not len(question.token_rows):
            return None
        place = self.tokens.places.get(question.language)
        asked = place_free(question.token_rows, np.zeros_like(question.row) if place is None else place)
        store = self.tokens.rows
        return lambda numbers: store.compare(asked, rows[numbers])


def place_of(places: Mapping[Language, Places], language: Language) -> Floats:
    """Return where the tokens of passages in a language lie; the origin where that is not known."""
    place = places[language].tokens
    return np.zeros_like(places[language].passages) if place is None else place


def make_titles(
    rows: Sequence[NDArray[np.floating]], numbers: Sequence[int], places: Mapping[Language, Places]
) -> Titles | None:
    """Join the rows of titles; ``numbers`` says which is each passage's. None without any title."""
    if not len(rows):
        return None
    means = {language: place.questions for language, place in places.items()}
    together = joined(rows, np.float16).reshape(len(rows), -1)
    return Titles(together, np.array(numbers, np.int64), means)


def make_tokens(passages: Sequence[Packed], places: Mapping[Language, Places]) -> Tokens | None:
    """Take the packed token rows of passages; None where the model gives none."""
    joined = TokenRows.of(passages)
    means = {language: place_of(places, language) for language in places}
    return None if joined is None else Tokens(joined, means)


def _wordiest(scores: Floats, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the POOL rows of the highest BM25 among the allowed ones that share a word at all."""
    rows = np.flatnonzero(allowed & (scores > 0))
    if len(rows) > POOL:
        rows = rows[np.argpartition(-scores[rows], POOL)[:POOL]]
    return rows.astype(np.int64)


def _sample(allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pick up to SAMPLE allowed rows at even distances: the same ones every time."""
    rows = np.flatnonzero(allowed).astype(np.int64)
    if len(rows) <= SAMPLE:
        return rows
    return rows[np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64)]
