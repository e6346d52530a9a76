"""One workspace's published articles as search holds them in memory, and what is searched in them.

A text is named ``article@number``; its passages never change. Indexes are built from texts alone: who may
read them is kept beside and decides before anything is ranked. Pure: no database, no model.
"""

import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray

from backend.core.access import Actor, allows
from knowledge.documents import Article, ArticleStatus
from knowledge.embedding import Places
from knowledge.lexical import LexicalIndex, Vocabulary, WordCounts
from knowledge.passage_index import FaissPassageIndex, IndexedPassage, make_titles, make_tokens
from knowledge.passages import Passage, split_passages, text_to_embed
from knowledge.text import Language, language_of_locale, tokens
from knowledge.token_rows import Packed
from knowledge.word_index import WordIndex

_DIGEST_LENGTH = 16


@dataclass(frozen=True)
class Embedded:
    """What the encoder made of a passage: its unit row, its title's, and its packed token rows.

    Half precision is what the index keeps; recall does not suffer.
    """

    row: NDArray[np.float16]
    title: NDArray[np.float16]
    tokens: Packed


@dataclass(frozen=True)
class ShelvedPassage:
    """A passage with what both indexes read of it; ``digest`` names the text that was embedded."""

    title: str
    passage: Passage
    indexed: IndexedPassage
    text: str
    tokens: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class ShelvedArticle:
    """A published article as it is now; ``text_key`` names its text, ``acl`` who reads it."""

    article_id: str
    number: int
    title: str
    locale: str
    locale_group: str
    language: Language
    visibility: str
    valid_until: datetime | None
    changed_at: datetime | None
    acl: tuple[str, ...]
    passages: tuple[ShelvedPassage, ...]

    @property
    def text_key(self) -> str:
        return text_key(self.article_id, self.number)


def text_key(article_id: str, number: int) -> str:
    """Name one text of an article."""
    return f"{article_id}@{number}"


def shelve(article: Article, known: ShelvedArticle | None = None) -> ShelvedArticle:
    """Read an article for search; the passages of a ``known`` state with the same text are taken over."""
    language = language_of_locale(article.locale)
    same_text = known is not None and (known.number, known.language) == (article.version_number, language)
    return ShelvedArticle(
        article_id=article.id,
        number=article.version_number,
        title=article.title,
        locale=article.locale,
        locale_group=article.locale_group,
        language=language,
        visibility=article.visibility,
        valid_until=article.valid_until,
        changed_at=article.updated_at,
        acl=tuple(article.acl),
        passages=known.passages if known is not None and same_text else tuple(_cut(article, language)),
    )


def _cut(article: Article, language: Language) -> Iterable[ShelvedPassage]:
    key = text_key(article.id, article.version_number)
    for passage in split_passages(article.title, article.body):
        text = text_to_embed(article.title, passage)
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
        indexed = IndexedPassage(f"{key}/{passage.ordinal}#{digest}", key, language)
        # Interned: a base has every word a hundred times.
        words = tuple(map(sys.intern, tokens(text)))
        yield ShelvedPassage(article.title, passage, indexed, text, words, digest)


@dataclass(frozen=True)
class Edition:
    """What one search works with; a newer one takes its place as a whole.

    ``meaning`` may lag behind: ``waiting`` are the texts that it lacks; ``is_whole`` when it holds the very
    passages of ``words``, which always has all.
    """

    workspace_id: str
    version: int
    articles: Mapping[str, ShelvedArticle]  # by text key
    passages: Mapping[str, ShelvedPassage]  # by passage id
    words: WordIndex
    meaning: FaissPassageIndex | None = None
    waiting: frozenset[str] = frozenset()
    is_whole: bool = False

    def readable_by(self, actor: Actor, only: Language | None = None) -> frozenset[str]:
        """Return the texts that the actor may read, by the one access predicate; ``only`` of a language.

        Actors with the same rights get the same set, so that what is made of it is made once.
        """
        readable = tuple(
            allows(actor, Article.kind, "read", workspace_id=self.workspace_id, acl=acl)
            for acl in self._by_readers
        )
        key = (readable, only)
        if key not in self._readable:
            self._readable[key] = frozenset(
                article.text_key
                for may, articles in zip(readable, self._by_readers.values(), strict=True)
                if may
                for article in articles
                if only is None or article.language == only
            )
        return self._readable[key]

    def holding(self, word: str, readable: frozenset[str]) -> Iterator[str]:
        """Yield the text of each passage of the ``readable`` texts that has the (stemmed) word."""
        for row in self.words.lexical.holders(word):  # one by one: most look at the first alone
            passage = self.words.passages[row]
            if passage.article_id in readable:
                yield self.passages[passage.passage_id].text

    def translated(self, keys: frozenset[str], language: Language) -> frozenset[str]:
        """Return those of ``keys`` in another language whose translation into ``language`` is among them."""
        if (keys, language) not in self._translated:
            groups = {
                text.locale_group
                for text in self._in_groups
                if text.language == language and text.text_key in keys
            }
            self._translated[keys, language] = frozenset(
                text.text_key
                for text in self._in_groups
                if text.language != language and text.locale_group in groups and text.text_key in keys
            )
        return self._translated[keys, language]

    def grouped(self) -> Self:
        """Return it with its articles grouped: off the loop, where the first search would do it."""
        _ = self._by_readers, self._in_groups
        return self

    @cached_property
    def _readable(self) -> dict[tuple[tuple[bool, ...], Language | None], frozenset[str]]:
        return {}

    @cached_property
    def _translated(self) -> dict[tuple[frozenset[str], Language], frozenset[str]]:
        return {}

    @cached_property
    def _in_groups(self) -> list[ShelvedArticle]:
        """The articles that have translations, or could have."""
        return [article for article in self.articles.values() if article.locale_group]

    @cached_property
    def _by_readers(self) -> Mapping[tuple[str, ...], list[ShelvedArticle]]:
        """Group the articles by who may read them: far fewer groups than articles."""
        groups: dict[tuple[str, ...], list[ShelvedArticle]] = {}
        for article in self.articles.values():
            groups.setdefault(article.acl, []).append(article)
        return groups

    def is_indexed(self, keys: frozenset[str]) -> bool:
        """Tell whether the search by meaning misses little enough of these texts to be the better one."""
        missing = len(self.waiting & keys)
        return self.meaning is not None and missing <= len(keys) * MOST_MISSING


MOST_WORDS_GONE = 4  # times as many words as are in use: then those of texts that are gone are let go
FEW_WORDS = 10_000
MOST_MISSING = 0.2  # share of unembedded texts up to which meaning beats words alone


@dataclass
class Shelf:
    """The state from which editions are made: ``seen`` is the commit through which articles are known."""

    workspace_id: str
    seen: int = 0
    version: int = 0  # of the newest article read, published or not
    articles: dict[str, ShelvedArticle] = field(default_factory=dict)
    rows: dict[str, Embedded] = field(default_factory=dict)  # by digest
    model: str = ""  # whose rows these are
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    counts: dict[str, WordCounts] = field(default_factory=dict)  # by digest
    edition: Edition = field(init=False)

    def __post_init__(self) -> None:
        self.edition = Edition(self.workspace_id, 0, {}, {}, WordIndex.build([], []))

    def take_in(self, changed: Iterable[Article]) -> bool:
        """Apply articles as they are now, oldest change first; True when search is concerned."""
        moved = False
        for article in changed:
            self.version = max(self.version, article.version)
            known = self.articles.pop(article.id, None)
            moved |= known is not None
            if article.status is ArticleStatus.PUBLISHED and not article.deleted_at:
                self.articles[article.id] = shelve(article, known)
                moved = True
        return moved

    def _count_words(self, passages: list[ShelvedPassage]) -> LexicalIndex:
        """Index the passages' words; those of passages that were there before are counted already."""
        if len(self.vocabulary) > MOST_WORDS_GONE * max(len(self.edition.words.lexical), FEW_WORDS):
            self.vocabulary, self.counts = Vocabulary(), {}
        known = self.counts
        self.counts = {p.digest: known.get(p.digest) or self.vocabulary.count(p.tokens) for p in passages}
        return LexicalIndex.bind([self.counts[p.digest] for p in passages], self.vocabulary)

    def missing(self) -> dict[str, ShelvedPassage]:
        """Return the passages without a row, by digest."""
        return {p.digest: p for p in self._passages() if p.digest not in self.rows}

    def bind_words(self) -> Edition:
        """Make an edition of the texts as they are; meaning stays at what it was, without those waiting."""
        passages = self._passages()
        previous, indexed = self.edition, [p.indexed for p in passages]
        words = previous.words
        if list(words.passages) != indexed:
            words = WordIndex(indexed, self._count_words(passages))
        held = {p.article_id for p in previous.meaning.passages} if previous.meaning else set()
        return self._edition(passages, words, previous.meaning, held)

    def bind(self, places: Mapping[Language, Places], ready: FaissPassageIndex | None) -> Edition:
        """Make a whole edition from the rows at hand; ``ready`` serves when it holds these very passages."""
        passages = self._passages()
        indexed = [p.indexed for p in passages]
        index = ready
        if index is None or list(index.passages) != indexed:
            index = self._build(passages, places)
        wanted = {p.digest for p in passages}
        self.rows = {digest: row for digest, row in self.rows.items() if digest in wanted}
        words = WordIndex(index.passages, index.lexical)
        return self._edition(passages, words, index, {p.article_id for p in indexed})

    def swap(self, index: FaissPassageIndex, mapped: FaissPassageIndex, rows: Mapping[str, Embedded]) -> None:
        """Let ``mapped`` (the same index, on the disk) and its rows take the place of those in memory."""
        if self.edition.meaning is index:
            self.edition = replace(self.edition, meaning=mapped).grouped()
        self.rows |= {digest: row for digest, row in rows.items() if digest in self.rows}

    def _build(self, passages: list[ShelvedPassage], places: Mapping[Language, Places]) -> FaissPassageIndex:
        embedded = [self.rows[p.digest] for p in passages]
        bound = self.edition.words
        is_bound = list(bound.passages) == [p.indexed for p in passages]
        words = bound.lexical if is_bound else self._count_words(passages)
        dimension = len(next(iter(places.values())).passages)
        # One row a title: the passages of a text follow one another and share it.
        numbers: dict[str, int] = {}
        of_passage = [numbers.setdefault(p.indexed.article_id, len(numbers)) for p in passages]
        titles = {number: found.title for number, found in zip(of_passage, embedded, strict=True)}
        return FaissPassageIndex.build(
            [p.indexed for p in passages],
            _stacked([found.row for found in embedded], dimension).astype(np.float32),
            version=self.version,
            model=self.model,
            documents=words,
            language_means={language: place.passages for language, place in places.items()},
            titles=make_titles(list(titles.values()), of_passage, places),
            tokens=make_tokens([found.tokens for found in embedded], places),
        )

    def _edition(
        self,
        passages: list[ShelvedPassage],
        words: WordIndex,
        meaning: FaissPassageIndex | None,
        held: Collection[str],
    ) -> Edition:
        articles = {article.text_key: article for article in self.articles.values()}
        with_text = {p.indexed.article_id for p in passages}
        return Edition(
            workspace_id=self.workspace_id,
            version=self.version,
            articles=articles,
            passages={p.indexed.passage_id: p for p in passages},
            words=words,
            meaning=meaning,
            waiting=frozenset(with_text - set(held)),
            is_whole=meaning is not None and list(meaning.passages) == list(words.passages),
        ).grouped()

    def _passages(self) -> list[ShelvedPassage]:
        """Return all passages in the one order that indexes of the same texts share."""
        ordered = (self.articles[id] for id in sorted(self.articles))
        return list(chain.from_iterable(article.passages for article in ordered))


def _stacked(rows: list[NDArray[np.float16]], dimension: int) -> NDArray[np.float16]:
    """Return rows as one array. ``np.array`` would hold every other thread up for three times as long."""
    joined = np.concatenate(rows) if rows else np.zeros(0, np.float16)
    return joined.reshape(len(rows), dimension)
