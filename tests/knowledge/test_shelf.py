"""A large base with additions beside it: whatever was edited, it is the shelf that is filled anew."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.access import EVERYONE, Actor
from knowledge import passage_index, shelf
from knowledge.documents import Article, ArticleStatus, Visibility
from knowledge.edition import Edition, Meaning
from knowledge.embedding import Places
from knowledge.faiss_index import FaissPassageIndex
from knowledge.grown_index import GrownPassageIndex
from knowledge.module import module
from knowledge.passage_index import Found, Question
from knowledge.shelf import Shelf
from knowledge.shelved_articles import Embedded, ShelvedPassage
from knowledge.text import Language, tokens
from knowledge.token_rows import pack_tokens

DIMENSION = 16
NOWHERE = np.zeros(DIMENSION, np.float32)


def row_of(text: str) -> np.ndarray:
    """A unit row for a text: the same one each time."""
    made = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]))
    row = made.normal(size=DIMENSION)
    return np.asarray(row / np.linalg.norm(row), np.float16)


LANGUAGES: tuple[Language, ...] = ("zh", "en")
PLACES: Mapping[Language, Places] = {
    language: Places(*(row_of(f"{language} {what}").astype(np.float32) for what in ("p", "q", "t")))
    for language in LANGUAGES
}


def embed(passage: ShelvedPassage) -> Embedded:
    rows = np.stack([row_of(f"{passage.text} {n}") for n in range(1 + len(passage.text) % 4)])
    return Embedded(row_of(passage.text), row_of(passage.title), pack_tokens(rows, NOWHERE))


BODIES = (
    "Paint the shed green.\n\nIt takes two days.",
    "# Doors\n\nThe door is blue 🚪.\n\n# Keys\n\n" + "Keys hang behind the blue door. " * 40,
    "把棚子刷成绿色。\n\n# 鑰匙\n\n" + "鑰匙掛在藍色的門後面。" * 50,
    "اطلِ السقيفة باللون الأخضر",
    "",
)
QUESTIONS = ("green shed", "where do the keys hang?", "鑰匙在哪", "nothing of this kind")


@dataclass
class Written:
    """The articles as the store has them, with the number of the last commit."""

    articles: dict[str, Article] = field(default_factory=dict)
    version: int = 0

    def write(self, number: int, fields: Mapping[str, object], *, rewritten: bool, deleted: bool) -> Article:
        id, self.version = f"a{number}", self.version + 1
        known = self.articles.get(id)
        text = 1 if known is None else known.version_number + rewritten
        # No two are alike: of rows exactly as near as the last one of a pool, either may be in it.
        fields = {**fields, "title": f"{fields.get('title', '')} {number}"}
        if known is not None and not rewritten:
            fields = {**fields, "title": known.title, "body": known.body}
        article: Article = Article.model_construct(
            **dict(fields)
            | {"id": id, "workspace_id": "w1", "owner_id": "me", "version": self.version}
            | {"version_number": text, "deleted_at": "yesterday" if deleted else None}
        )
        article.acl = [EVERYONE, *article.principals()]
        self.articles[id] = article
        return article


edits: st.SearchStrategy[dict[str, object]] = st.builds(
    dict,
    number=st.integers(0, 11),
    title=st.sampled_from(["Sheds", "Doors", "鑰匙"]),
    body=st.sampled_from(BODIES),
    locale=st.sampled_from(["en", "zh-CN"]),
    locale_group=st.sampled_from(["", "one", "two"]),
    visibility=st.sampled_from(Visibility),
    status=st.sampled_from([ArticleStatus.PUBLISHED] * 3 + [ArticleStatus.DRAFT]),
    rewritten=st.booleans(),
    deleted=st.sampled_from([False, False, False, True]),
)
deeds = st.one_of(
    st.lists(edits, min_size=1, max_size=6),
    st.sampled_from(["words", "bind", "bind", "begin joining", "end joining", "swap"]),
)


def take_in(kept: Shelf, written: Written, some: list[dict[str, object]]) -> None:
    changed = []
    for edit in some:
        fields = dict(edit)
        number, rewritten, deleted = (fields.pop(name) for name in ("number", "rewritten", "deleted"))
        assert isinstance(number, int)
        changed.append(written.write(number, fields, rewritten=bool(rewritten), deleted=bool(deleted)))
    # As the library reads them: each article once, as it is now.
    now = {article.id: article for article in changed}
    if kept.take_in(sorted(now.values(), key=lambda article: article.version)):
        kept.edition = kept.bind_words()


def bind(kept: Shelf) -> None:
    kept.rows |= {digest: embed(passage) for digest, passage in kept.missing().items()}
    kept.edition = kept.bind(PLACES)


def anew(written: Written) -> Shelf:
    """A shelf that is filled with the articles as they are, and indexed as a whole."""
    fresh = Shelf("w1")
    fresh.take_in(sorted(written.articles.values(), key=lambda article: article.version))
    fresh.edition = fresh.bind_words()
    bind(fresh)
    return fresh


def actors() -> Iterator[Actor]:
    for role, audiences in (("agent", set(Visibility)), ("customer", {Visibility.PUBLIC})):
        for user in ("me", "somebody"):
            yield Actor(
                workspace_id="w1",
                user_id=user,
                grants=dict(module.roles[role]),
                audiences=tuple(sorted(audiences)),
            )


def found(index: Meaning, allowed: frozenset[str], passed_over: frozenset[str]) -> Iterator[Found]:
    for text in QUESTIONS:
        for language in LANGUAGES:
            asked = np.stack([row_of(text), row_of(f"{text}?")])
            question = Question(row_of(text).astype(np.float32), tokens(text), language, asked)
            yield index.search(question, limit=50, allowed_articles=allowed, passed_over=passed_over)


def around(means: Mapping[Language, np.ndarray], index: Meaning) -> FaissPassageIndex:
    """The same index made anew in one piece, around means that are given."""
    assert isinstance(index, FaissPassageIndex)
    return FaissPassageIndex.build(
        index.passages,
        index.rows("plain", np.arange(len(index.passages))),
        version=index.version,
        model=index.model,
        documents=index.lexical,
        language_means={},
        titles=index.titles,
        tokens=index.tokens,
        means=means,
    )


def assert_same_texts(edition: Edition, fresh: Edition) -> None:
    assert edition.articles == fresh.articles
    assert edition.passages == fresh.passages
    assert list(edition.words.passages) == list(fresh.words.passages)
    for actor in actors():
        for only in (None, *LANGUAGES):
            readable = edition.readable_by(actor, only)
            assert readable == fresh.readable_by(actor, only)
            for language in LANGUAGES:
                assert edition.translated(readable, language) == fresh.translated(readable, language)
        allowed = edition.readable_by(actor)
        for text in QUESTIONS:
            one, other = (
                each.words.search(tokens(text), "en", limit=50, allowed_articles=allowed)
                for each in (edition, fresh)
            )
            assert one == other


def assert_same_meaning(edition: Edition, fresh: Edition) -> None:
    assert edition.meaning is not None
    assert fresh.meaning is not None
    assert edition.is_whole
    assert not edition.waiting
    expected = around(edition.meaning.means, fresh.meaning)
    for actor in actors():
        allowed = edition.readable_by(actor)
        passed_over = edition.translated(allowed, "en")
        assert list(found(edition.meaning, allowed, passed_over)) == list(
            found(expected, allowed, passed_over)
        )


MEANS = {language: place.passages for language, place in PLACES.items()}


class Story:
    """A shelf, and the articles that it is told of."""

    def __init__(self) -> None:
        self.kept, self.written = Shelf("w1"), Written()
        self.joining: GrownPassageIndex | None = None

    def go_on(self, deed: list[dict[str, object]] | str) -> None:
        kept = self.kept
        if isinstance(deed, list):
            take_in(kept, self.written, deed)
        elif deed == "words":
            kept.edition = kept.bind_words()
        elif deed == "bind":
            bind(kept)
        elif deed == "begin joining" and self.joining is None:
            self.joining = kept.begin_joining()
        elif deed == "end joining" and self.joining is not None:
            kept.end_joining(self.joining.whole(MEANS))
            self.joining = None
        elif deed == "swap" and kept.base is not None:
            kept.swap(kept.base, around(kept.base.means, kept.base))


@settings(max_examples=40, deadline=None)
@given(st.lists(deeds, max_size=14))
def test_whatever_was_edited_the_shelf_is_the_one_that_is_filled_anew(
    deeds: list[list[dict[str, object]] | str],
) -> None:
    """To the last bit: hits, scores, features, rights, translations; joined at any moment, or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "FEW_PASSAGES", 0)  # nothing is put together but when the story says so
        patch.setattr(passage_index, "POOL", 2)
        patch.setattr("knowledge.grown_index.POOL", 2)
        patch.setattr("knowledge.faiss_index.POOL", 2)
        story = Story()
        for number, deed in enumerate(deeds):
            story.go_on(deed)
            if number % 3 == 0:
                assert_same_texts(story.kept.edition, anew(story.written).edition)
        fresh = anew(story.written).edition
        bind(story.kept)
        assert_same_texts(story.kept.edition, fresh)
        assert_same_meaning(story.kept.edition, fresh)
        last = story.kept.begin_joining()
        if last is None:
            return
        story.kept.end_joining(last.whole(MEANS))
        bind(story.kept)
        joined = story.kept.edition.meaning
        assert isinstance(joined, FaissPassageIndex)
        assert fresh.meaning is not None
        for language in LANGUAGES:  # in one piece again, around the means of all
            assert joined.means[language].tolist() == fresh.meaning.means[language].tolist()
        assert_same_meaning(story.kept.edition, fresh)


def published(numbers: range) -> Written:
    written = Written()
    for number in numbers:
        fields = {"title": f"Door {number}", "body": f"Door {number} is blue.", "locale": "en"}
        fields |= {"visibility": Visibility.PUBLIC, "status": ArticleStatus.PUBLISHED}
        written.write(number, fields, rewritten=True, deleted=False)
    return written


def calls_of(deed: Callable[[], object]) -> int:
    """Count the calls of functions, Python's and C's, and the steps of generators, that a deed makes."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        deed()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("deed", ["publish", "rewrite", "withdraw", "show to others"])
def test_an_edit_is_as_much_work_in_a_large_base_as_in_a_small_one(
    deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "FEW_PASSAGES", 0)
    work: dict[int, int] = {}
    for size in (50, 1_000):
        written = published(range(size))
        kept = anew(written)
        agent = next(actors())
        kept.edition.translated(kept.edition.readable_by(agent), "en")
        number = size if deed == "publish" else 7
        changed = {
            "title": "Gate", "body": "The gate whistles.", "locale": "en", "status": ArticleStatus.PUBLISHED,
            "visibility": Visibility.INTERNAL if deed == "show to others" else Visibility.PUBLIC,
        }  # fmt: skip
        article = written.write(
            number, changed, rewritten=deed != "show to others", deleted=deed == "withdraw"
        )
        base = kept.base

        def edit(kept: Shelf = kept, article: Article = article) -> None:
            kept.take_in([article])
            kept.edition = kept.bind_words()
            bind(kept)

        work[size] = calls_of(edit)
        assert kept.base is base  # the large index was not touched
        assert_same_texts(kept.edition, anew(written).edition)
        assert kept.edition.is_whole
    assert work[1_000] <= work[50] * 1.1, work


def test_base_and_additions_are_put_together_when_enough_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "FEW_PASSAGES", 2)
    written = published(range(100))
    kept = anew(written)
    fields = {"title": "Gate", "body": "The gate whistles.", "locale": "en"}
    fields |= {"visibility": Visibility.PUBLIC, "status": ArticleStatus.PUBLISHED}
    due = []
    for number in range(100, 106):
        kept.take_in([written.write(number, fields, rewritten=True, deleted=False)])
        kept.edition = kept.bind_words()
        bind(kept)
        due.append(kept.is_due)
    assert due == [False, False, False, True, True, True]  # more than one in 32


def test_a_small_base_is_always_in_one_piece() -> None:
    written = published(range(5))
    kept = anew(written)
    kept.take_in([written.write(2, {"status": ArticleStatus.DRAFT}, rewritten=False, deleted=True)])
    kept.edition = kept.bind_words()
    bind(kept)
    assert isinstance(kept.edition.meaning, FaissPassageIndex)
    assert len(kept.edition.meaning.passages) == 4
    assert_same_meaning(kept.edition, anew(written).edition)


def test_what_was_embedded_of_texts_that_are_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "FEW_PASSAGES", 0)
    written = published(range(40))
    kept = anew(written)
    assert (kept.rows, kept.counts) == ({}, {})
    fields = {"title": "Gate", "locale": "en", "visibility": Visibility.PUBLIC}
    for number in range(30):
        text = fields | {"body": f"The gate whistles {number} times.", "status": ArticleStatus.PUBLISHED}
        kept.take_in([written.write(3, text, rewritten=True, deleted=False)])
        kept.edition = kept.bind_words()
        bind(kept)
    assert (len(kept.rows), len(kept.counts)) == (1, 1)
    assert_same_meaning(kept.edition, anew(written).edition)


@settings(max_examples=25, deadline=None)
@given(st.lists(edits, max_size=8), st.lists(edits, max_size=8))
def test_a_shelf_that_rests_on_an_older_index_is_the_one_that_is_filled_anew(
    before: list[dict[str, object]], after: list[dict[str, object]]
) -> None:
    """As a start does with a snapshot: whatever was edited meanwhile, languages included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf, "FEW_PASSAGES", 0)
        written = Written()
        take_in(Shelf("w1"), written, before)
        older = anew(written).edition.meaning
        assert isinstance(older, FaissPassageIndex)
        take_in(Shelf("w1"), written, after)
        kept = Shelf("w1")
        kept.take_in(sorted(written.articles.values(), key=lambda article: article.version))
        kept.edition = kept.bind_words()
        kept.rest_on(older)
        bind(kept)
        assert kept.base is older or not older.passages
        fresh = anew(written).edition
        assert_same_texts(kept.edition, fresh)
        assert_same_meaning(kept.edition, fresh)


@pytest.mark.parametrize("bound_meanwhile", [False, True])
def test_what_is_edited_while_base_and_additions_are_put_together_is_not_lost(
    bound_meanwhile: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "FEW_PASSAGES", 0)
    written = published(range(9))
    kept = anew(written)

    def edit(number: int, *, deleted: bool = False) -> None:
        text = {"title": "Gate", "body": f"Gate {number} whistles.", "locale": "en"}
        text |= {"visibility": Visibility.PUBLIC, "status": ArticleStatus.PUBLISHED}
        kept.take_in([written.write(number, text, rewritten=True, deleted=deleted)])
        kept.edition = kept.bind_words()

    edit(9)
    bind(kept)
    edit(2)  # known, and not in what is put together
    edit(4, deleted=True)
    joining = kept.begin_joining()
    assert joining is not None
    edit(3)
    edit(5, deleted=True)
    edit(10)
    if bound_meanwhile:
        bind(kept)
    kept.end_joining(joining.whole(MEANS))
    assert (kept.is_joining, kept.is_done) == (True, False)
    bind(kept)
    assert (kept.is_joining, kept.is_done) == (False, True)
    assert kept.base is not joining.base
    assert isinstance(kept.edition.meaning, GrownPassageIndex)
    assert_same_texts(kept.edition, anew(written).edition)
    assert_same_meaning(kept.edition, anew(written).edition)
