"""An article as the index reads it: cut into passages, with the words and the digest of each."""

import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from knowledge.documents import Article
from knowledge.embedding import Places, Reading
from knowledge.passage_index import IndexedPassage, place_of
from knowledge.passages import Passage, split_passages, text_to_embed
from knowledge.text import Language, language_of_locale, tokens
from knowledge.token_rows import Packed, pack_tokens

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
    """A passage with what both indexes read of it; ``digest`` names what that was.

    ``text`` is embedded; ``tokens`` are its words and those of the article's tags.
    """

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
    tags: tuple[str, ...]
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
    """Read an article for search; the passages of a ``known`` state that read the same are taken over."""
    language, tags = language_of_locale(article.locale), tuple(article.tags)
    now = (article.version_number, language, tags)
    reads_the_same = known is not None and (known.number, known.language, known.tags) == now
    return ShelvedArticle(
        article_id=article.id,
        number=article.version_number,
        title=article.title,
        locale=article.locale,
        locale_group=article.locale_group,
        tags=tags,
        language=language,
        visibility=article.visibility,
        valid_until=article.valid_until,
        changed_at=article.updated_at,
        acl=tuple(article.acl),
        passages=known.passages if known is not None and reads_the_same else tuple(_cut(article, language)),
    )


def _cut(article: Article, language: Language) -> Iterable[ShelvedPassage]:
    key = text_key(article.id, article.version_number)
    for passage in split_passages(article.title, article.body):
        text = text_to_embed(article.title, passage)
        # Tags are words that askers use and the text does not: each passage may be what is meant by them.
        read = "\n".join([text, *article.tags])
        digest = hashlib.sha256(read.encode()).hexdigest()[:_DIGEST_LENGTH]
        indexed = IndexedPassage(f"{key}/{passage.ordinal}#{digest}", key, language)
        # Interned: a base has every word a hundred times.
        words = tuple(map(sys.intern, tokens(read)))
        yield ShelvedPassage(article.title, passage, indexed, text, words, digest)


def pack(
    passages: Sequence[ShelvedPassage],
    readings: Sequence[Reading],
    titles: Mapping[str, Reading],
    places: Mapping[Language, Places],
) -> list[Embedded]:
    """Return what is kept of passages that were read; ``titles`` are the readings of theirs by name."""
    return [
        Embedded(
            row=reading.row.astype(np.float16),
            title=titles[passage.title].row.astype(np.float16),
            tokens=pack_tokens(reading.tokens, place_of(places, passage.indexed.language)),
        )
        for passage, reading in zip(passages, readings, strict=True)
    ]
