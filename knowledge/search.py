"""What a question to the knowledge base finds: the interface that rooms above build on.

    knowledge = await services.aget(KnowledgeBase)
    result = await knowledge.search(uow, question, locale="zh", first=5)

Only what the asker of ``uow`` may read takes part, from before anything is ranked.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from backend.core.errors import FieldError, InvalidInput, Unavailable
from backend.core.unit_of_work import UnitOfWork
from knowledge import ranking, regional_words, typos
from knowledge.documents import Article, ArticleStatus
from knowledge.edition import Edition
from knowledge.embedding import Embedder, Reading
from knowledge.facts_asked import Fact, facts_asked
from knowledge.freshness import freshness, is_expired
from knowledge.library import Library
from knowledge.passage_index import Found, Question
from knowledge.quotes import AS_NEAR, Span, offer, rank
from knowledge.ranking import Features
from knowledge.sentence_rows import SentenceRows
from knowledge.text import Language, guess_language, is_traditional, language_of_locale, tokens, undressed

LONGEST_QUESTION = 20_000  # characters, as a chat message; the encoder reads its first 512 tokens
MOST_HITS = 50
PASSAGES_PER_HIT = 4  # looked at for each article wanted: several passages may be of one article
READINGS_KEPT = 64  # questions, most of some kilobytes


@dataclass(frozen=True, kw_only=True)
class Hit:
    """The passage to quote of the current version of a published article that the asker may read.

    ``tags`` are found by, and never quoted. ``text`` is exactly ``article.body[start : start + len(text)]``
    of version ``article_version``; ``quote`` is the part of ``text`` nearest to the question (a sentence,
    list item or table row). ``score`` orders the hits of one search and compares nothing else (age and
    expiry take from it); ``dense`` is the cosine (0 when degraded), ``lexical`` BM25, ``coverage`` the share
    of the question's words held: all of the article's best passage, which may be another one than the quoted.
    """

    article_id: str
    article_version: int
    title: str
    locale: str
    visibility: str
    valid_until: datetime | None
    passage_id: str
    heading_path: tuple[str, ...]
    text: str
    start: int
    quote_start: int
    quote_end: int
    score: float
    dense: float
    lexical: float
    coverage: float
    same_language: bool
    is_expired: bool = False
    tags: tuple[str, ...] = ()

    @property
    def quote(self) -> str:
        """Return the quoted span, exactly as the article has it."""
        return self.text[self.quote_start : self.quote_end]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """Hits, best first and each of another article, and what a confidence can be learned from.

    ``degraded``: meaning had no say (the model is still loading), or articles of the last seconds are
    not indexed yet; treat scores with caution. ``articles`` are the hits' records, by id. ``features`` are
    zeros when nothing was found. ``more`` is what else of the article to be quoted comes near, nearest first;
    ``beside`` what else of it was compared and comes less near.
    """

    hits: list[Hit] = field(default_factory=list)
    more: list[Hit] = field(default_factory=list)
    beside: list[Hit] = field(default_factory=list)
    articles: Mapping[str, Article] = field(default_factory=dict)
    degraded: bool = False
    features: Features = field(default_factory=Features)
    language: Language = "en"
    model: str = ""
    read_as: str = ""


@dataclass(frozen=True)
class _Quote:
    """A span of a passage that was found."""

    passage_id: str
    span: Span
    is_near: bool = True


class KnowledgeBase:
    """Search in the published articles of any workspace. One a process; thread of the event loop only."""

    def __init__(self, library: Library, embedder: Embedder) -> None:
        self.library, self.embedder = library, embedder
        self._sentences = SentenceRows(embedder)
        self._readings: OrderedDict[str, Reading] = OrderedDict()

    @property
    def state(self) -> str:
        """Return ``ready``; ``loading`` or ``indexing`` while searches go by words, in whole or in part."""
        if not self.embedder.ready:
            return "loading"
        return "ready" if self.library.is_whole else "indexing"

    def check(self) -> None:
        """Raise Unavailable when the model or an index cannot be brought up; loading is no failure."""
        if self.embedder.failure is not None:
            raise Unavailable(f"The embedding model cannot be loaded: {self.embedder.failure}")
        self.library.check()

    async def wait_until_whole(self, workspace_id: str, *, patience: timedelta) -> Edition:
        """Return the edition once every text is searched by meaning, or when that would outlast ``patience``.

        The model is waited for however long it takes: it is loaded once, in seconds. Raise Unavailable with
        the cause when it cannot be.
        """
        await self.embedder.wait_until_ready()
        return await self.library.wait_until_whole(workspace_id, patience=patience)

    async def close(self) -> None:
        """Stop what runs in the background, write what is unwritten, let the model go."""
        await self.library.close()
        await asyncio.to_thread(self.embedder.close)

    async def search(
        self,
        uow: UnitOfWork,
        question: str,
        *,
        locale: str | None = None,
        first: int = 5,
        edition: Edition | None = None,
        quoting: str | None = None,
    ) -> SearchResult:
        """Return the articles that answer ``question`` best among those that ``uow``'s actor may read.

        ``locale`` keeps to articles in that language; without it, all are searched. ``edition`` is what to
        search in, for who looks more than once in one turn; without it, what is committed now. ``quoting`` is
        the id of the article whose quote is chosen with care, of which ``more`` is wanted; without it, the
        first one's is. Raise InvalidInput for an empty or overlong question and for ``first`` out of range.
        """
        text = checked_question(question, first)
        edition = edition or await self.library.edition(uow.actor.workspace_id)
        language = guess_language(text, default=language_of_locale(locale or uow.actor.locale))
        allowed = edition.readable_by(uow.actor, language_of_locale(locale) if locale else None)
        passed_over = edition.translated(allowed, language)
        # Words of all that the asker may read, whichever language is searched: the same reading in both.
        text = await self.mend(edition, text, language, edition.readable_by(uow.actor))
        asked = await self.ask(edition, text, language, allowed)
        found = await self.find(
            edition,
            asked,
            limit=first * PASSAGES_PER_HIT,
            allowed=allowed,
            passed_over=passed_over,
            at=uow.at,
        )
        by_article = _by_article(found, edition, first)
        articles = await _readable(uow, edition, [hits[0] for hits in by_article])
        by_article = [
            hits for hits in by_article if edition.articles[hits[0].article_id].article_id in articles
        ]
        quotes, features = await self._quotes(
            by_article, edition, asked, found.features, facts=facts_asked(text), quoting=quoting
        )
        others = [
            (hits[0], quote) for hits, some in zip(by_article, quotes, strict=True) for quote in some[1:]
        ]
        by_meaning = len(asked.row) > 0
        return SearchResult(
            hits=[
                _hit(hits[0], some[0], edition, uow.at) for hits, some in zip(by_article, quotes, strict=True)
            ],
            more=[_hit(hit, quote, edition, uow.at) for hit, quote in others if quote.is_near],
            beside=[_hit(hit, quote, edition, uow.at) for hit, quote in others if not quote.is_near],
            articles=articles,
            degraded=not by_meaning or not edition.waiting.isdisjoint(allowed),
            features=features,
            language=language,
            model=self.embedder.name if by_meaning else "",
            read_as=text,
        )

    async def mend(self, edition: Edition, text: str, language: Language, readable: frozenset[str]) -> str:
        """Return a question with its slips, and words of another region, read as words of the ``readable``
        texts; else just as it is.
        """
        bare = undressed(text)
        if language == "zh" and is_traditional(text):
            return await self.library.run(
                regional_words.read_as_here, text, lambda word: edition.has_phrase(word, readable)
            )
        if language != "en" or typos.is_plain(bare):
            return text
        mended = await self.library.run(typos.mend, bare, lambda word: edition.holding(word, readable))
        return text if mended == bare else mended

    async def ask(self, edition: Edition, text: str, language: Language, allowed: frozenset[str]) -> Question:
        """Read the question; its row is empty while meaning has no say."""
        words = tokens(text)
        if edition.meaning is None or not self.embedder.ready or not edition.is_indexed(allowed):
            return Question(np.zeros(0, np.float32), words, language)
        reading = await self._read(undressed(text))
        return Question(reading.row, words, language, reading.tokens)

    async def _read(self, text: str) -> Reading:
        """Read a question; one that is looked up again, in the other language say, costs the encoder once."""
        reading = self._readings.get(text)
        if reading is None:
            (reading,) = await self.embedder.read_queries([text])
            self._readings[text] = reading
        self._readings.move_to_end(text)
        while len(self._readings) > READINGS_KEPT:
            self._readings.popitem(last=False)
        return reading

    async def find(
        self,
        edition: Edition,
        asked: Question,
        *,
        limit: int,
        allowed: frozenset[str] | None,
        passed_over: frozenset[str],
        at: datetime,
    ) -> Found:
        """Return the best passages of the edition, by meaning where the question has a row."""
        if edition.meaning is not None and len(asked.row):
            found = await self.library.run(
                edition.meaning.search, asked, limit=limit, allowed_articles=allowed, passed_over=passed_over
            )
        else:
            found = await self.library.run(
                edition.words.search,
                asked.tokens,
                asked.language,
                limit=limit,
                allowed_articles=frozenset(edition.articles) if allowed is None else allowed,
            )
        known = [hit for hit in found.hits if hit.article_id in edition.articles]
        articles = [edition.articles[hit.article_id] for hit in known]
        ages = [freshness(article.valid_until, article.changed_at, at) for article in articles]
        return replace(found, hits=ranking.refresh(known, ages))

    async def _quotes(
        self,
        by_article: Sequence[Sequence[ranking.Hit]],
        edition: Edition,
        asked: Question,
        features: Features,
        *,
        facts: frozenset[Fact],
        quoting: str | None,
    ) -> tuple[list[list[_Quote]], Features]:
        """Choose the quotes: of ``quoting``, or the first, with care and from any passage found of it.

        The others are quoted by words and by the kinds of ``facts`` asked for, from their best passage.
        Return the quotes of each article, of the one with care all that were compared and whether they
        come as near (of ``quoting`` all do), and the features with how near the first article's come.
        """
        weights = edition.words.lexical.weights(asked.tokens)
        chosen = []
        for number, hits in enumerate(by_article):
            await asyncio.sleep(0)  # reading passages that nobody has found before takes milliseconds
            article, nearness = edition.articles[hits[0].article_id], None
            with_care = number == 0 if quoting is None else article.article_id == quoting
            passages = [edition.passages[hit.passage_id] for hit in (hits if with_care else hits[:1])]
            offered = offer(
                [one.passage for one in passages],
                article.title,
                weights,
                asked=facts,
                same_language=hits[0].same_language,
            )
            if with_care and len(asked.row):
                contexts = [span.context for span in offered.spans]
                nearness = await self._sentences.compare(
                    asked, contexts, title=article.title, language=article.language
                )
                if number == 0:
                    features = features.with_quotes(nearness.cosines)
            within = np.inf if article.article_id == quoting else AS_NEAR
            scores = [hit.score for hit in hits]
            ranked = rank(offered, scores, nearness)
            near = set(rank(offered, scores, nearness, within=within))
            wanted = ranked if with_care else ranked[:1]
            chosen.append(
                [
                    _Quote(hits[offered.passages[i]].passage_id, offered.spans[i], is_near=i in near)
                    for i in wanted
                ]
            )
        return chosen, features


def checked_question(question: str, first: int) -> str:
    text = question.strip()
    if not text:
        raise InvalidInput(FieldError("query", "is empty; send a question of a word or more"))
    if len(text) > LONGEST_QUESTION:
        raise InvalidInput(
            FieldError("query", f"has {len(text)} characters and may have {LONGEST_QUESTION}; shorten it")
        )
    if not 1 <= first <= MOST_HITS:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_HITS}"))
    return text


def _by_article(found: Found, edition: Edition, most: int) -> list[list[ranking.Hit]]:
    """Return the passages found of each article, best first, the article with the best one first."""
    hits: dict[str, list[ranking.Hit]] = {}
    for hit in found.hits:
        if hit.passage_id in edition.passages:
            hits.setdefault(hit.article_id, []).append(hit)
    return list(hits.values())[:most]


async def _readable(uow: UnitOfWork, edition: Edition, hits: Sequence[ranking.Hit]) -> dict[str, Article]:
    """Return the hits' records as the store lets the asker read them at this moment, at the same text."""
    numbers = {
        article.article_id: article.number for article in (edition.articles[hit.article_id] for hit in hits)
    }
    if not numbers:
        return {}
    records = await uow.find(Article, {"_id": {"$in": list(numbers)}})
    return {
        record.id: record
        for record in records
        if record.status is ArticleStatus.PUBLISHED and record.version_number == numbers[record.id]
    }


def _hit(hit: ranking.Hit, quote: _Quote, edition: Edition, now: datetime) -> Hit:
    """Return the passage that holds the quote, with the scores of the article's best one."""
    article, passage = edition.articles[hit.article_id], edition.passages[quote.passage_id].passage
    return Hit(
        article_id=article.article_id,
        article_version=article.number,
        title=article.title,
        locale=article.locale,
        visibility=article.visibility,
        valid_until=article.valid_until,
        passage_id=quote.passage_id,
        heading_path=passage.heading_path,
        text=passage.text,
        start=passage.start,
        quote_start=quote.span.start,
        quote_end=quote.span.end,
        score=hit.score,
        dense=hit.dense,
        lexical=hit.lexical,
        coverage=hit.coverage,
        same_language=hit.same_language,
        is_expired=is_expired(article.valid_until, now),
        tags=article.tags,
    )
