"""Questions asked of bases with and without the article that answers them, measured as a turn measures.

Every public article is asked for twice, once in its base and once with the article taken out, in bases of
several sizes. The demo's help centre has questions of its own (``eval/questions``). Articles are split in two
halves by their digest, translations together: one half teaches, from the other come the figures.
"""

import hashlib
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from assistant.citations import span_to_show, text_of
from assistant.confidence import group_of
from assistant.decide import MOST_OFFERED, MOST_PLACES
from assistant.measuring import FoundText, measure_words, values_of
from assistant.turn import ARTICLES_LOOKED_AT
from eval.frame import Evaluation
from knowledge.embedding import Reading
from knowledge.facts_asked import facts_asked
from knowledge.faiss_index import FaissPassageIndex
from knowledge.markdown_files import read_markdown_folder
from knowledge.passage_index import (
    IndexedPassage,
    Question,
    make_titles,
    make_tokens,
    place_of,
)
from knowledge.passages import Passage, split_passages, text_to_embed
from knowledge.quotes import AS_NEAR, Nearness, offer, rank, read_quotable, split_spans
from knowledge.ranking import Hit
from knowledge.search import PASSAGES_PER_HIT
from knowledge.sentence_rows import SentenceRow, compare_rows
from knowledge.text import Language, guess_language, tokens
from knowledge.token_rows import pack_tokens

QUESTIONS = Path(__file__).with_name("questions")
HELP_CENTRE = Path(__file__).parents[1] / "examples" / "demo" / "articles"
SIZES = (4, 12, 60, 0)  # articles in the base asked; 0: all
LANGUAGES: tuple[Language, ...] = ("zh", "en")
QUICK = 160  # questions of a set


@dataclass(frozen=True)
class Asked:
    """A question with the articles that answer it; ``split_by`` decides its half, ``fact`` must be shown."""

    text: str
    answers: frozenset[str]
    split_by: str
    fact: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Case:
    """What was measured for one question in one base; was the first, one of two, of a few right?"""

    set: str
    asked: Asked
    group: str
    language: Language
    values: dict[str, float]
    first: bool
    pair: bool
    answerable: bool
    near: bool = False
    passage_id: str = ""

    @property
    def train(self) -> bool:
        """Tell to which half it belongs."""
        return is_train(self.asked.split_by)


class Base:
    """Articles of one language by id, each title and body, indexed as the knowledge room indexes them."""

    def __init__(
        self,
        name: str,
        language: Language,
        articles: Mapping[str, tuple[str, str]],
        tags: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.name, self.language, self.articles, self.tags = name, language, articles, tags or {}
        self.passages: dict[str, tuple[str, Passage]] = {}

    async def build(self, evaluation: Evaluation) -> None:
        indexed, texts, numbers = [], [], []
        names = list(dict.fromkeys(title for title, _ in self.articles.values() if title))
        for id, (title, body) in self.articles.items():
            for passage in split_passages(title, body):
                key = f"{id}/{passage.ordinal}"
                self.passages[key] = (id, passage)
                indexed.append(IndexedPassage(key, id, self.language))
                texts.append(text_to_embed(title, passage) if title else passage.text)
                numbers.append(names.index(title) if title else 0)
        quotable = [read_quotable(passage.text) for _, passage in self.passages.values()]
        contexts = list(dict.fromkeys(span.context for one in quotable for span in one.spans))
        readings, self.places = await evaluation.read_passages(texts), evaluation.embedder.places
        place, places = place_of(self.places, self.language), self.places
        packed = [pack_tokens(reading.tokens, place) for reading in readings]
        titles = await evaluation.read_queries(names)
        sentences = [*names, *contexts]
        read = [*titles, *await evaluation.read_queries(contexts)]
        self.rows = {text: SentenceRow.of(row, place) for text, row in zip(sentences, read, strict=True)}
        self.index = FaissPassageIndex.build(
            indexed,
            np.array([reading.row for reading in readings], np.float32),
            version=1,
            model=evaluation.embedder.name,
            documents=[
                tokens("\n".join([text, *self.tags.get(one.article_id, ())]))
                for text, one in zip(texts, indexed, strict=True)
            ],
            language_means=evaluation.embedder.language_means,
            titles=make_titles([reading.row for reading in titles], numbers, places),
            tokens=make_tokens(packed, places),
        )

    def ask(self, asked: Asked, reading: Reading, allowed: set[str]) -> Case | None:
        """Ask in the base of the ``allowed`` articles and measure; None when nothing at all is found."""
        words, language = tokens(asked.text), guess_language(asked.text)
        question = Question(reading.row, words, language, reading.tokens)
        found = self.index.search(
            question, limit=ARTICLES_LOOKED_AT * PASSAGES_PER_HIT, allowed_articles=allowed
        )
        by_article: dict[str, list[Hit]] = {}
        for hit in found.hits:
            by_article.setdefault(hit.article_id, []).append(hit)
        if not by_article:
            return None
        first, *others = list(by_article.values())[:ARTICLES_LOOKED_AT]
        quoted, shown, beside, nearness = self._quote(asked.text, question, first)
        texts = [
            FoundText.of(self._text(id), dense=hit.dense, lexical=hit.lexical)
            for id, hit in [(quoted, first[0]), *((hits[0].passage_id, hits[0]) for hits in others)]
        ]
        firsts = list(by_article)[:MOST_OFFERED]
        return Case(
            set=self.name,
            asked=asked,
            group=group_of(language, same_language=found.features.same_language),
            language=language,
            values=values_of(
                found.features.with_quotes(nearness.cosines),
                measure_words(words, texts, shown, self._heading(quoted)),
            ),
            first=firsts[0] in asked.answers and (asked.fact in shown or asked.fact in beside),
            pair=not asked.answers.isdisjoint(firsts[:2]),
            answerable=not asked.answers.isdisjoint(allowed),
            near=not asked.answers.isdisjoint(firsts),
            passage_id=quoted,
        )

    def sentences(self, passage_id: str) -> list[str]:
        """Return what of a passage could be quoted."""
        text = self.passages[passage_id][1].text
        return [text[span.start : span.end] for span in split_spans(text)]

    def _heading(self, passage_id: str) -> str:
        article_id, passage = self.passages[passage_id]
        return "\n".join([self.articles[article_id][0], *passage.heading_path])

    def _text(self, passage_id: str) -> str:
        article_id, passage = self.passages[passage_id]
        headings = [*self.tags.get(article_id, ()), *passage.heading_path]
        return text_of(self.articles[article_id][0], headings, passage.text)

    def _quote(self, text: str, question: Question, hits: Sequence[Hit]) -> tuple[str, str, str, Nearness]:
        """Choose what to quote of an article's passages as search and ``decide`` do.

        Return the passage it stands in, what would be shown of it, what would be shown beside it of another
        place, and how near all that was compared comes.
        """
        passages = [self.passages[hit.passage_id][1] for hit in hits]
        weights = self.index.lexical.weights(question.tokens)
        title = self.articles[hits[0].article_id][0]
        same_language = question.language == self.language
        offered = offer(passages, title, weights, asked=facts_asked(text), same_language=same_language)
        rows = [self.rows[span.context] for span in offered.spans]
        place = place_of(self.places, question.language)
        nearness = compare_rows(question, place, rows, self.rows.get(title))
        places: list[tuple[int, int, str, str]] = []  # from and to in the article, text, passage
        for best in rank(offered, [hit.score for hit in hits], nearness, within=AS_NEAR):
            number, span = offered.passages[best], offered.spans[best]
            shown = span_to_show(passages[number].text, span.start, span.end)
            start, end = passages[number].start + shown.start, passages[number].start + shown.end
            if all(end <= other[0] or other[1] <= start for other in places):
                headings = [*passages[number].heading_path, shown.heading]
                text = text_of(title, headings, shown.text)
                places.append((start, end, text, hits[number].passage_id))
        _, _, first, passage_id = places[0]
        return passage_id, first, "\n".join(text for _, _, text, _ in places[1:MOST_PLACES]), nearness


def is_train(key: str) -> bool:
    """Tell to which half an article or a question belongs."""
    return hashlib.sha256(key.encode()).digest()[0] % 2 == 0


async def public_cases(evaluation: Evaluation, base: Base, asked: Sequence[Asked]) -> list[Case]:
    """Ask each question with and without its article, in bases of all sizes in turn."""
    await base.build(evaluation)
    rows = await evaluation.read_queries([question.text for question in asked])
    chance = random.Random(evaluation.seed)
    everything = list(base.articles)
    cases: list[Case] = []
    for number, (question, row) in enumerate(zip(asked, rows, strict=True)):
        others = [id for id in everything if id not in question.answers]
        size = SIZES[number % len(SIZES)]
        rest = chance.sample(others, min(size - 1, len(others))) if size else others
        right = sorted(question.answers)[:1]
        found = [base.ask(question, row, allowed) for allowed in ({*rest, *right}, set(rest))]
        cases += [case for case in found if case is not None]
    return cases


def public_sets(evaluation: Evaluation) -> Iterator[tuple[Base, list[Asked]]]:
    """Yield the public bases with questions in either language."""
    rows = evaluation.read("tidb_faq_zh/corpus.jsonl.gz")
    faq = Base("tidb_faq_zh", "zh", {row["id"]: ("", row["text"]) for row in rows})
    titled = [Asked(row["title"], frozenset({row["id"]}), row["id"]) for row in rows]
    yield faq, evaluation.some(titled, QUICK)
    rows = evaluation.read("stackfaq_en/corpus.jsonl.gz")
    stack = Base("stackfaq_en", "en", {row["id"]: (row["title"], row["text"]) for row in rows})
    queries = [row for row in evaluation.read("stackfaq_en/queries.jsonl.gz") if len(row["rel"]) == 1]
    yield stack, evaluation.some([_asked(row) for row in queries], QUICK)
    for theirs in LANGUAGES:
        rows = evaluation.read(f"xquad/corpus_{theirs}.jsonl.gz")
        base = Base(f"xquad_{theirs}", theirs, {row["id"]: ("", row["text"]) for row in rows})
        asked: list[Asked] = []
        for mine in LANGUAGES:
            queries = evaluation.read(f"xquad/queries_{mine}.jsonl.gz")
            asked += evaluation.some([_asked(row) for row in queries], QUICK)
        yield base, asked


def _asked(row: Mapping[str, Any]) -> Asked:
    return Asked(row["text"], frozenset(row["rel"]), row["rel"][0])


def help_centre_questions() -> Iterator[tuple[Asked, Language | None]]:
    """Yield the demo's questions, and the language to which the base is kept (None: as it is)."""
    for block in _read("answered"):
        for kind in ("plain", "paraphrased"):
            yield from ((_of_article(block, text, fact, kind), None) for text, fact in block[kind].items())
    for block in _read("across"):
        for text, fact in block["asked"].items():
            yield _of_article(block, text, fact, "across"), block.get("only")
    unanswered = _read("unanswered")
    for group, texts in unanswered["near_miss"].items():
        yield from ((Asked(text, frozenset(), group, kind="near miss"), None) for text in texts)
    for kind in ("elsewhere", "internal"):
        yield from ((Asked(text, frozenset(), text, kind=kind), None) for text in unanswered[kind])


def _of_article(block: Mapping[str, Any], text: str, fact: str, kind: str) -> Asked:
    key = block["article"]
    return Asked(text, frozenset({key}), key.rpartition("-")[0], fact, kind)


def _read(name: str) -> Any:
    return yaml.safe_load((QUESTIONS / f"{name}.yaml").read_text(encoding="utf-8"))


async def help_centre_cases(evaluation: Evaluation) -> AsyncIterator[Case]:
    """Ask the demo's questions of what customers read, in each language by itself."""
    files = [one for one in read_markdown_folder(HELP_CENTRE) if one.visibility != "internal"]
    asked = list(dict.fromkeys(question for question, _ in help_centre_questions()))
    rows = await evaluation.read_queries([question.text for question in asked])
    for language in LANGUAGES:
        articles = {f.key: (f.title, f.body) for f in files if f.locale.startswith(language)}
        base = Base(f"help_centre_{language}", language, articles, {f.key: f.tags for f in files})
        await base.build(evaluation)
        for question, row in zip(asked, rows, strict=True):
            if question.answers and question.answers.isdisjoint(articles):
                continue  # its translation is here and may answer, too: nobody wrote down which words would
            case = base.ask(question, row, set(articles))
            if case is not None:
                yield case
