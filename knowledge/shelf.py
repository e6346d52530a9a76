"""One workspace's published articles as search holds them in memory, and what is searched in them.

A text is named ``article@number``; its passages never change. Indexes are built from texts alone: who may
read them is kept beside and decides before anything is ranked. Pure: no database, no model.

An edit of a large base costs what was edited: passages that changed since the base was made are indexed
beside it, and put together with it later (see `knowledge.grown_index`).
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import chain
from typing import Any

import numpy as np

from knowledge.documents import Article, ArticleStatus
from knowledge.edition import Change, Edition, Meaning, regrouped, regrouped_translations
from knowledge.embedding import Places
from knowledge.faiss_index import FaissPassageIndex
from knowledge.grown_index import FEW_PASSAGES, GrownPassageIndex, joined_marks
from knowledge.lexical import LexicalIndex, Vocabulary, WordCounts
from knowledge.passage_index import IndexedPassage, Marks, make_titles, make_tokens
from knowledge.ranking import Floats
from knowledge.shelved_articles import Embedded, ShelvedArticle, ShelvedPassage, shelve
from knowledge.splicing import Roster, Splice, Spliced, joined
from knowledge.text import Language
from knowledge.word_index import WordIndex

MOST_WORDS_GONE = 4  # times as many words as are in use: then those of texts that are gone are let go
FEW_WORDS = 10_000
IDS_AT_ONCE = 10_000
MOST_MOVED = 1 / 32  # of a base, before it is put together with what changed


@dataclass(frozen=True)
class _Base:
    """What was indexed as a whole; what changed since lies beside it. Without ``meaning`` by words alone."""

    passages: Sequence[IndexedPassage]
    lexical: LexicalIndex
    meaning: FaissPassageIndex | None
    marks: Marks
    roster: Roster
    numbers: Mapping[str, int]  # of passages, by digest

    @classmethod
    def of(
        cls, passages: Sequence[IndexedPassage], lexical: LexicalIndex, meaning: FaissPassageIndex | None
    ) -> "_Base":
        numbers = {p.passage_id.rpartition("#")[2]: number for number, p in enumerate(passages)}
        marks = Marks.of(passages) if meaning is None else meaning.marks
        return cls(passages, lexical, meaning, marks, Roster(map(_owner, passages)), numbers)


@dataclass(frozen=True)
class _Layer:
    """The passages that are not the base's, their words, and where they stand among the base's."""

    passages: list[ShelvedPassage]
    lexical: LexicalIndex
    splice: Splice
    words: WordIndex  # of all


@dataclass
class Shelf:
    """The state from which editions are made: ``seen`` is the commit through which articles are known."""

    workspace_id: str
    seen: int = 0
    version: int = 0  # of the newest article read, published or not
    articles: dict[str, ShelvedArticle] = field(default_factory=dict)
    rows: dict[str, Embedded] = field(default_factory=dict)  # by digest: those that the base lacks
    model: str = ""  # whose rows these are
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    counts: dict[str, WordCounts] = field(default_factory=dict)  # by digest: those of the layer
    edition: Edition = field(init=False)

    def __post_init__(self) -> None:
        self._base = _Base.of([], LexicalIndex.build([]), None)
        self._words_counted = 0  # in the layer
        self._moved: set[str] = set()  # articles whose passages are not those of the base
        self._layer = self._make_layer()
        self._changes: dict[str, Change] = {}  # since the last edition
        self._unbound: set[str] = set()  # articles whose passages are not those of the edition's meaning
        self._joining: set[str] | None = None  # articles that moved since base and layer are put together
        self._joined: FaissPassageIndex | None = None
        self.edition = Edition(self.workspace_id, 0, {}, {}, {}, {}, self._layer.words)

    def take_in(self, changed: Iterable[Article]) -> bool:
        """Apply articles as they are now, oldest change first; True when search is concerned."""
        for article in changed:
            self.version = max(self.version, article.version)
            known, now = self.articles.pop(article.id, None), None
            if article.status is ArticleStatus.PUBLISHED and not article.deleted_at:
                now = self.articles[article.id] = shelve(article, known)
            if known is not None or now is not None:
                before, _ = self._changes.get(article.id, (known, None))
                self._changes[article.id] = before, now
                if _passages_of(known) is not _passages_of(now):
                    for noted in (self._moved, self._unbound, self._joining):
                        if noted is not None:
                            noted.add(article.id)
        return bool(self._changes)

    def missing(self) -> dict[str, ShelvedPassage]:
        """Return the passages without a row, by digest."""
        known = self._base.numbers if self._base.meaning else {}
        # While nothing is searched by meaning, also the passages of a base have to be embedded.
        passages = self._layer.passages if self._base.meaning else self._passages()
        return {p.digest: p for p in passages if p.digest not in self.rows and p.digest not in known}

    def bind_words(self) -> Edition:
        """Make an edition of the texts as they are; meaning stays at what it was, without those waiting."""
        if any(_passages_of(before) is not _passages_of(now) for before, now in self._changes.values()):
            self._layer = self._make_layer()
        return self._edition(self.edition.meaning)

    def rest_on(self, index: FaissPassageIndex) -> None:
        """Take an index that there is already, of these texts or of some of them, as the base."""
        of_index: dict[str, list[IndexedPassage]] = {}
        for passage in index.passages:
            of_index.setdefault(_owner(passage), []).append(passage)
        moved = {
            id
            for id, article in self.articles.items()
            if of_index.pop(id, []) != [p.indexed for p in article.passages]
        }
        self._rest(index, moved | set(of_index))

    def bind(self, places: Mapping[Language, Places]) -> Edition:
        """Make a whole edition from the rows at hand: every passage has one."""
        if self._joined is not None and self._joining is not None:
            index, moved = self._joined, self._joining
            self.give_up_joining()
            self._rest(index, moved)
        if self._base.meaning is None:
            self._rest(self._index(self._passages(), self._layer.words.lexical.whole(), places), set())
        meaning = self._meaning(places)
        if isinstance(meaning, GrownPassageIndex) and len(self._base.passages) <= FEW_PASSAGES:
            meaning = meaning.whole(_means(places))
            self._rest(meaning, set())
        self._unbound.clear()
        self._let_rows_go()
        return self._edition(meaning)

    @property
    def base(self) -> FaissPassageIndex | None:
        """The index that others lie beside."""
        return self._base.meaning

    @property
    def is_due(self) -> bool:
        """True when so much changed that base and additions should be put together."""
        return self._layer.splice.moved > max(FEW_PASSAGES, len(self._base.passages) * MOST_MOVED)

    @property
    def is_joining(self) -> bool:
        """True while base and additions are put together, until it is bound."""
        return self._joining is not None

    @property
    def is_done(self) -> bool:
        """True when there is nothing to bind: all texts are searched by meaning, in what was put together."""
        return self.edition.is_whole and self._joined is None

    def begin_joining(self) -> GrownPassageIndex | None:
        """Return what to put together, if anything: in the background, while changes are taken in."""
        meaning = self.edition.meaning
        if not isinstance(meaning, GrownPassageIndex):
            return None
        self._joining = set(self._unbound)
        return meaning

    def end_joining(self, index: FaissPassageIndex) -> None:
        """Let the next ``bind`` rest on what was put together."""
        self._joined = index

    def give_up_joining(self) -> None:
        """Go on with base and additions as they are."""
        self._joining, self._joined = None, None

    def swap(self, index: FaissPassageIndex, mapped: FaissPassageIndex) -> bool:
        """Let ``mapped`` (the same index, on the disk) take the place of a base in memory, if it is one."""
        if self._base.meaning is not index:
            return False
        self._base = replace(self._base, passages=mapped.passages, lexical=mapped.lexical, meaning=mapped)
        self._layer = self._with_words(self._layer)
        meaning = self.edition.meaning
        if meaning is index:
            meaning = mapped
        elif isinstance(meaning, GrownPassageIndex) and meaning.base is index:
            lexical = mapped.lexical.grown(meaning.added.lexical, meaning.splice)
            meaning = GrownPassageIndex(mapped, meaning.added, meaning.splice, lexical, meaning.marks)
        self.edition = replace(self.edition, words=self._layer.words, meaning=meaning)
        return True

    # ── indexes ──────────────────────────────────────────────────────────────────────────────────

    def _rest(self, index: FaissPassageIndex, moved: set[str]) -> None:
        self._base, self._moved = _Base.of(index.passages, index.lexical, index), moved
        self.vocabulary = Vocabulary()
        _empty(self.counts)
        self._layer = self._make_layer()
        self._let_rows_go()

    def _let_rows_go(self) -> None:
        """Forget what was embedded of passages that the base has or nobody has any more."""
        wanted = {p.digest for p in self._layer.passages}
        rows, self.rows = self.rows, {digest: row for digest, row in self.rows.items() if digest in wanted}
        _empty(rows)

    def _make_layer(self) -> _Layer:
        """Index the words of what is not the base's; those counted before are counted already."""
        base = self._base
        passages = self._passages(self._moved)
        if base.meaning is None and len(passages) > max(FEW_PASSAGES, len(base.passages) * MOST_MOVED):
            everything = self._passages()
            lexical = self._count_words(everything)
            self._base = _Base.of([p.indexed for p in everything], lexical, None)
            self._moved.clear()
            _empty(self.counts)
            return self._make_layer()
        splice = base.roster.splice(self._moved, [_owner(p.indexed) for p in passages])
        marks = base.marks
        if splice.moved:
            marks = joined_marks(base.marks, Marks.of([p.indexed for p in passages]), splice)
        unfinished = WordIndex(base.passages, base.lexical, marks)
        return self._with_words(_Layer(passages, self._count_words(passages), splice, unfinished))

    def _with_words(self, layer: _Layer) -> _Layer:
        """Return the layer on the words of the base."""
        base, splice = self._base, layer.splice
        words = WordIndex(base.passages, base.lexical, layer.words.marks)
        if splice.moved:
            together = Spliced(base.passages, [p.indexed for p in layer.passages], splice)
            words = WordIndex(together, base.lexical.grown(layer.lexical, splice), layer.words.marks)
        return replace(layer, words=words)

    def _count_words(self, passages: Sequence[ShelvedPassage]) -> LexicalIndex:
        if len(self.vocabulary) > MOST_WORDS_GONE * max(self._words_counted, FEW_WORDS):
            self.vocabulary, self.counts = Vocabulary(), {}
        known = self.counts
        self.counts = {p.digest: known.get(p.digest) or self.vocabulary.count(p.tokens) for p in passages}
        lexical = LexicalIndex.bind([self.counts[p.digest] for p in passages], self.vocabulary)
        self._words_counted = len(lexical)
        return lexical

    def _meaning(self, places: Mapping[Language, Places]) -> Meaning:
        base, layer = self._base.meaning, self._layer
        assert base is not None
        if not layer.splice.moved:
            return base
        added = self._index(layer.passages, layer.lexical, places, base.means)
        return GrownPassageIndex(base, added, layer.splice, layer.words.lexical, layer.words.marks)

    def _index(
        self,
        passages: Sequence[ShelvedPassage],
        lexical: LexicalIndex,
        places: Mapping[Language, Places],
        means: Mapping[Language, Floats] | None = None,
    ) -> FaissPassageIndex:
        embedded = [self._embedded(p.digest) for p in passages]
        dimension = len(next(iter(places.values())).passages)
        # One row a title: the passages of a text follow one another and share it.
        numbers: dict[str, int] = {}
        of_passage = [numbers.setdefault(p.indexed.article_id, len(numbers)) for p in passages]
        titles = {number: found.title for number, found in zip(of_passage, embedded, strict=True)}
        return FaissPassageIndex.build(
            [p.indexed for p in passages],
            joined([found.row for found in embedded], np.float16).reshape(len(embedded), dimension),
            version=self.version,
            model=self.model,
            documents=lexical,
            language_means=_means(places),
            means=means,
            titles=make_titles(list(titles.values()), of_passage, places),
            tokens=make_tokens([found.tokens for found in embedded], places),
        )

    def _embedded(self, digest: str) -> Embedded:
        """Return what is known of a text: a passage of the base may come again in a newer one."""
        if digest in self.rows or self._base.meaning is None:
            return self.rows[digest]
        return embedded_of(self._base.meaning, self._base.numbers[digest])

    # ── editions ─────────────────────────────────────────────────────────────────────────────────

    def _edition(self, meaning: Meaning | None) -> Edition:
        """Make the next edition of the last one and what changed: a copy costs little, a look at all much."""
        before, changes, self._changes = self.edition, list(self._changes.values()), {}
        unbound = (self.articles[id] for id in self._unbound if id in self.articles)
        edition = replace(
            before,
            version=self.version,
            words=self._layer.words,
            meaning=meaning,
            waiting=frozenset(text.text_key for text in unbound if text.passages),
            is_whole=meaning is not None and not self._unbound,
        )
        if not changes:
            return edition
        articles, passages = dict(before.articles), before.passages
        for gone, _ in changes:
            if gone is not None:
                del articles[gone.text_key]
        articles |= {text.text_key: text for _, text in changes if text is not None}
        if recut := [one for one in changes if _passages_of(one[0]) is not _passages_of(one[1])]:
            passages = dict(passages)
            for gone, _ in recut:
                for passage in _passages_of(gone):
                    del passages[passage.indexed.passage_id]
            passages |= {p.indexed.passage_id: p for _, text in recut for p in _passages_of(text)}
        return replace(
            edition,
            articles=articles,
            passages=passages,
            readers=regrouped(before.readers, changes),
            translations=regrouped_translations(before.translations, changes),
            _readable={},
            _translated={},
        ).prepared_for(before)

    def _passages(self, of: Iterable[str] | None = None) -> list[ShelvedPassage]:
        """Return all passages, or those of some articles, in the one order that indexes of them share."""
        ids = self.articles if of is None else [id for id in of if id in self.articles]
        return list(chain.from_iterable(self.articles[id].passages for id in _sorted(list(ids))))


def embedded_of(index: Meaning, number: int) -> Embedded:
    """Return what was embedded for one passage of an index."""
    at = np.array([number], np.int64)
    row = index.rows("plain", at)[0].astype(np.float16)
    return Embedded(
        row=row,
        title=row if index.titles is None else index.titles.of(at)[0],
        tokens=np.zeros((0, len(row) // 2), np.uint8)
        if index.tokens is None
        else index.tokens.rows.row(number),
    )


def _passages_of(article: ShelvedArticle | None) -> tuple[ShelvedPassage, ...]:
    return article.passages if article is not None else ()


def _owner(passage: IndexedPassage) -> str:
    """Return the id of the article whose text it is of: what passages are ordered by."""
    return passage.article_id.rpartition("@")[0]


def _means(places: Mapping[Language, Places]) -> dict[Language, Floats]:
    return {language: place.passages for language, place in places.items()}


def _sorted(ids: Sequence[str]) -> Iterable[str]:
    """Sort some at a time: all at once would hold every other thread up."""
    parts = (sorted(ids[start : start + IDS_AT_ONCE]) for start in range(0, len(ids), IDS_AT_ONCE))
    return merge(*parts)


def _empty(large: MutableMapping[Any, Any]) -> None:
    """Let go of what it holds one by one: all at once would hold every other thread up."""
    while large:
        large.popitem()
