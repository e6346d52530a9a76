"""The index on made vectors: exact search, filters before ranking, languages, versions on disk."""

from copy import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.embedding import Places
from knowledge.faiss_index import FaissPassageIndex
from knowledge.passage_index import (
    SAMPLES_KEPT,
    Found,
    IndexedPassage,
    Question,
    make_titles,
    make_tokens,
)
from knowledge.ranking import (
    COMPARED_BY_TOKENS,
    FOREIGN_SCALE,
    FOREIGN_TOKENS_COUNT,
    FOREIGN_TOKENS_WEIGHT,
    TOKENS_WEIGHT,
    Candidates,
    Features,
    Statistics,
    fuse,
)
from knowledge.snapshots import SnapshotDamaged, find_snapshots, load_snapshot, save_snapshot
from knowledge.text import Language
from knowledge.token_rows import WINDOW, TokenRows, pack_tokens, unpack_tokens

DIMENSION = 16
random = np.random.default_rng(7)
PLACES: dict[Language, np.ndarray] = {
    language: random.normal(size=DIMENSION).astype(np.float32) for language in ("zh", "en")
}
WORDS = ["refund", "card", "fee", "login", "device"]


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), np.float32)


def build(count: int, *, version: int = 1, seed: int = 0) -> tuple[FaissPassageIndex, np.ndarray]:
    """Index so many passages, two to an article, every third article Chinese; topics are unit vectors."""
    made = np.random.default_rng(seed)
    passages = [
        IndexedPassage(f"p{i:03}", f"a{i // 2}", "zh" if (i // 2) % 3 == 0 else "en") for i in range(count)
    ]
    topics = made.normal(size=(count, DIMENSION)).astype(np.float32)
    places = np.array([PLACES[p.language] for p in passages], np.float32).reshape(count, DIMENSION)
    rows = unit(topics + 3 * places) if count else topics
    words = [[WORDS[n] for n in made.integers(0, len(WORDS), 3)] for _ in range(count)]
    index = FaissPassageIndex.build(
        passages, rows, version=version, model="made", documents=words, language_means=PLACES
    )
    return index, rows


def ask(row: np.ndarray, *tokens: str, language: Language = "en") -> Question:
    return Question(row, tokens, language)


def test_without_words_the_order_within_a_language_is_that_of_exact_cosines() -> None:
    index, rows = build(120)
    question = unit(rows[5] + 0.1 * rows[9])
    english = [i for i, p in enumerate(index.passages) if p.language == "en"]
    expected = sorted(english, key=lambda i: -float(rows[i] @ question))[:5]
    hits = [hit for hit in index.search(ask(question), limit=120).hits if hit.same_language]
    assert [hit.passage_id for hit in hits[:5]] == [f"p{i:03}" for i in expected]
    assert hits[0].dense == pytest.approx(float(rows[expected[0]] @ question), abs=1e-3)


def test_a_question_finds_its_topic_in_the_other_language_among_many_of_its_own() -> None:
    index, rows = build(300)
    chinese = next(i for i, p in enumerate(index.passages) if p.language == "zh")
    topic = rows[chinese] * 4 - unit(PLACES["zh"]) * 3
    question = unit(topic + 3 * PLACES["en"])
    plain = sorted(range(300), key=lambda i: -float(rows[i] @ question))
    assert index.passages[plain[0]].language == "en"  # the trap: its own language stands first
    assert index.search(ask(question)).hits[0].passage_id == f"p{chinese:03}"


@given(st.sets(st.integers(0, 24)), st.integers(0, 39), st.sampled_from(WORDS), st.sampled_from(["zh", "en"]))
def test_only_allowed_articles_are_found_and_all_of_them_can_be(
    allowed: set[int], asked: int, word: str, language: Language
) -> None:
    index, rows = build(40)
    articles = {f"a{number}" for number in allowed}
    found = index.search(ask(rows[asked], word, language=language), limit=99, allowed_articles=articles)
    assert {hit.article_id for hit in found.hits} == articles & {f"a{n}" for n in range(20)}
    assert len({hit.passage_id for hit in found.hits}) == len(found.hits)
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)


def test_nothing_allowed_or_nothing_indexed_finds_nothing() -> None:
    index, rows = build(10)
    assert index.search(ask(rows[0], "refund"), allowed_articles=[]) == Found([], Features())
    empty, _ = build(0)
    assert empty.search(ask(rows[0], "refund")) == Found([], Features())


def test_a_single_passage_is_found() -> None:
    index, rows = build(1)
    [hit] = index.search(ask(rows[0], "refund", language="zh")).hits
    assert hit.passage_id == "p000"
    assert hit.dense == pytest.approx(1.0, abs=1e-3)


def test_words_decide_between_equal_meanings() -> None:
    row = unit(np.ones(DIMENSION, np.float32))
    passages = [IndexedPassage(f"p{i}", f"a{i}", "en") for i in range(3)]
    index = FaissPassageIndex.build(
        passages, np.stack([row] * 3), version=1, model="made",
        documents=[["fee"], ["refund", "card"], ["login"]], language_means=PLACES,
    )  # fmt: skip
    found = index.search(ask(row, "refund"))
    assert [hit.passage_id for hit in found.hits] == ["p1", "p0", "p2"]
    scores = np.array([0, found.hits[0].lexical, 0], np.float32)
    spread = Statistics.of(scores, usual=Statistics(0, 0)).spread
    words, covered = 0.3 * scores[1] / spread, 0.3 / np.std([1, 0, 0])
    assert found.hits[0].score - found.hits[1].score == pytest.approx((words + covered) / 1.3, abs=1e-4)
    assert found.features.coverage == 1.0


def test_statistics_of_equal_scores_say_zero() -> None:
    assert Statistics.of(np.full(3, 0.8, np.float32)).z(np.array([0.9], np.float32)).tolist() == [0.0]


def test_what_is_usual_gives_a_small_base_its_scale() -> None:
    usual = Statistics(0.8, 0.02)
    assert Statistics.of(np.zeros(0, np.float32), usual=usual).spread == pytest.approx(0.02)
    scores = np.array([0.9] * 5 + [1.0] * 5, np.float32)  # as many as the usual counts for
    measured = Statistics.of(scores, usual=usual)
    pooled = np.concatenate([scores, np.array([0.78, 0.82] * 5, np.float32)])
    assert measured.mean == pytest.approx(pooled.mean(), abs=1e-6)
    assert measured.spread == pytest.approx(pooled.std(), abs=1e-6)


def test_what_is_usual_fills_up_a_short_list_of_the_best_and_is_no_spread() -> None:
    usual, scores = Statistics(0.8, 0.02), np.array([0.9] * 5 + [1.0] * 5, np.float32)
    short = Statistics.of_best(scores, usual=usual, most=20)
    assert short.mean == pytest.approx((scores.mean() + 0.8) / 2, abs=1e-6)
    assert short.spread == pytest.approx(np.sqrt((scores.var() + 0.02**2) / 2), abs=1e-6)
    assert Statistics.of_best(scores, usual=usual, most=10) == Statistics.of(scores)
    assert Statistics.of_best(scores[:0], usual=usual, most=10) == usual


def test_what_is_usual_of_tokens_does_not_set_one_language_behind_the_other_in_a_full_base() -> None:
    count = COMPARED_BY_TOKENS * 2
    nothing = np.zeros(count, np.float32)
    same = np.arange(count) < COMPARED_BY_TOKENS
    everywhere = Statistics(0, 1)
    candidates = Candidates(
        [f"p{i:02}" for i in range(count)], [f"a{i:02}" for i in range(count)],
        nothing, nothing, nothing, nothing, nothing, same, everywhere, everywhere, everywhere,
    )  # fmt: skip
    values = np.linspace(0.4, 0.6, COMPARED_BY_TOKENS, dtype=np.float32)
    tokens = np.concatenate([values + 0.2, values])  # foreign ones lie lower, as they always do
    ranked = fuse(candidates, lambda numbers: tokens[numbers])
    assert ranked.tokens.tolist() == tokens.tolist()
    scale = FOREIGN_SCALE * (1 + FOREIGN_TOKENS_COUNT) / (1 + FOREIGN_TOKENS_WEIGHT)
    near, far = ranked.score[same] / TOKENS_WEIGHT, ranked.score[~same] / (FOREIGN_TOKENS_WEIGHT * scale)
    assert near == pytest.approx(far, abs=1e-4)


@given(st.permutations(range(60)))
def test_scores_do_not_depend_on_the_order_of_passages(order: list[int]) -> None:
    """Not even where only the best of either language are compared by tokens."""
    made = np.random.default_rng(5)
    dense, centred, lexical, coverage, title = made.normal(size=(5, 60)).astype(np.float32)
    tokens = made.uniform(0.4, 0.8, 60).astype(np.float32)
    same, usual = np.arange(60) % 2 > 0, Statistics(0, 1)

    def ranked(rows: list[int]) -> dict[int, tuple[float, float]]:
        candidates = Candidates(
            [f"p{i:02}" for i in rows], [f"a{i:02}" for i in rows], dense[rows], centred[rows],
            lexical[rows], coverage[rows], title[rows], same[rows], usual, usual, usual,
        )  # fmt: skip
        found = fuse(candidates, lambda chosen: tokens[rows][chosen])
        return {row: (float(s), float(t)) for row, s, t in zip(rows, found.score, found.tokens, strict=True)}

    expected, found = ranked(list(range(60))), ranked(order)
    assert sum(compared > 0 for _, compared in expected.values()) == 2 * COMPARED_BY_TOKENS
    assert {row: compared for row, (_, compared) in found.items()} == {r: c for r, (_, c) in expected.items()}
    for row, (score, _) in expected.items():
        assert found[row][0] == pytest.approx(score, abs=1e-5)


def sharpened(count: int) -> tuple[FaissPassageIndex, np.ndarray, np.ndarray]:
    """The same index with titles (their passages' rows, turned by one place) and three tokens a passage."""
    index, rows = build(count)
    made = np.random.default_rng(3)
    tokens = unit(made.normal(size=(count, 3, DIMENSION))).astype(np.float16)
    places = {
        language: Places(row, np.zeros_like(row), np.zeros_like(row)) for language, row in PLACES.items()
    }
    numbers = [int(p.article_id[1:]) for p in index.passages]
    titles = made.normal(size=(max(numbers) + 1, DIMENSION))
    sharp = FaissPassageIndex.build(
        index.passages,
        rows,
        version=1,
        model="made",
        documents=[["refund"] for _ in range(count)],
        language_means=PLACES,
        titles=make_titles(list(unit(titles)), numbers, places),
        tokens=make_tokens([pack_tokens(t, np.zeros(DIMENSION, np.float32)) for t in tokens], places),
    )
    return sharp, rows, tokens


def test_tokens_turn_the_order_of_passages_that_are_alike_as_a_whole() -> None:
    index, rows, tokens = sharpened(60)
    english = [i for i, p in enumerate(index.passages) if p.language == "en"]
    question = unit(rows[english].mean(axis=0))
    for wanted in english[:COMPARED_BY_TOKENS:5]:
        allowed = {index.passages[i].article_id for i in english[:COMPARED_BY_TOKENS]}
        asked = Question(question, [], "en", tokens[wanted])
        hits = index.search(asked, limit=60, allowed_articles=allowed).hits
        assert hits[0].passage_id == index.passages[wanted].passage_id
        assert hits[0].tokens == pytest.approx(1, abs=0.06)
        assert max(hit.tokens for hit in hits[1:]) < hits[0].tokens - 0.1
    assert {hit.tokens for hit in index.search(ask(question), limit=60).hits} == {0}


def test_what_scores_are_measured_against_is_read_once_for_each_set_of_readers_and_changes_nothing() -> None:
    index, rows, tokens = sharpened(40)
    fresh, _, _ = sharpened(40)
    articles = sorted({passage.article_id for passage in index.passages})
    sets = [frozenset(articles[start:]) for start in range(SAMPLES_KEPT + 2)]
    for number in (3, 1, 8):
        for language in ("en", "zh"):
            question = Question(rows[number], ["word"], language, tokens[number])
            for allowed in (*sets, *sets):
                found = index.search(question, allowed_articles=allowed)
                assert found == fresh.search(question, allowed_articles=sorted(allowed)), "a list is not kept"
    assert len(index._measured) == SAMPLES_KEPT
    assert not fresh._measured

    def unread(*_: object) -> None:
        raise AssertionError("rows of a sample are read again")

    last = frozenset(articles[SAMPLES_KEPT + 1 :])
    question = Question(rows[8], ["word"], "zh", tokens[8])
    index.search(question, allowed_articles=last)
    index.rows_at_hand = unread  # type: ignore[assignment]
    index.search(question, allowed_articles=last)


def test_a_title_that_asks_the_question_lifts_its_article_in_either_language() -> None:
    index, _, _ = sharpened(60)
    untitled = copy(index)
    untitled.titles = None
    assert index.titles is not None
    asked: list[tuple[str, Language]] = [("a1", "en"), ("a3", "en"), ("a3", "zh"), ("a1", "zh")]
    for article, asked_in in asked:
        question = ask(index.titles.rows[int(article[1:])].astype(np.float32), language=asked_in)
        with_titles, without = (
            [h.article_id for h in i.search(question, limit=60).hits] for i in (index, untitled)
        )
        hits = index.search(question, limit=60).hits
        assert max(hits, key=lambda hit: hit.title).article_id == article
        assert with_titles.index(article) <= without.index(article)
        assert with_titles.index(article) < 6


@given(st.integers(0, 9), st.integers(1, 8))
def test_four_bits_keep_the_direction_of_a_row(seed: int, count: int) -> None:
    made = np.random.default_rng(seed)
    place = np.asarray(made.normal(size=64) / 20, np.float32)
    rows = unit(made.normal(size=(count, 64))).astype(np.float16)
    kept = unpack_tokens(pack_tokens(rows, place))
    assert pack_tokens(rows, place).shape == (count, 32)
    assert (kept * unit(rows.astype(np.float32) - place)).sum(axis=1).min() > 0.95


def test_tokens_are_compared_passage_by_passage_and_none_are_needed() -> None:
    rows = np.eye(4, dtype=np.float16)
    nothing = np.zeros(4, np.float32)
    packed = [pack_tokens(rows[:2], nothing), pack_tokens(rows[:0], nothing), pack_tokens(rows[1:], nothing)]
    store = TokenRows.of(packed)
    assert store is not None
    asked = np.eye(4, dtype=np.float32)[[0, 1]]
    assert store.compare(asked, np.array([2])).tolist() == pytest.approx([0.5], abs=0.06)
    assert store.compare(asked[:0], np.array([0])).tolist() == [0]
    assert TokenRows.of([packed[1]]) is None
    # The second token is in both: the first is the one that tells them apart.
    assert store.compare(asked, np.array([2, 0, 1])).tolist() == pytest.approx([0.03, 1, 0], abs=0.06)


@pytest.mark.parametrize("length", [WINDOW, WINDOW + 1, 3 * WINDOW + 7])
def test_tokens_that_stand_together_count_more_than_scattered_ones(length: int) -> None:
    """The second half of a window, too; and a passage's window does not reach into the next passage."""
    names, nothing = np.eye(4, dtype=np.float16), np.zeros(4, np.float32)

    def passage(first: int, second: int) -> np.ndarray:
        numbers = np.full(length, 3)
        numbers[[first, second]] = 0, 1
        return pack_tokens(names[numbers], nothing)

    last = length - 1
    half = [pack_tokens(names[[*[3] * last, 0]], nothing), pack_tokens(names[[1, *[3] * last]], nothing)]
    store = TokenRows.of([passage(0, WINDOW - 1), passage(last - 1, last), passage(0, last), *half])
    assert store is not None
    asked = np.eye(4, dtype=np.float32)[[0, 1]]
    scattered = 1.0 if length == WINDOW else 0.75
    found = store.compare(asked, np.array([0, 1, 2]))
    assert found.tolist() == pytest.approx([1, 1, scattered], abs=0.06)
    assert store.compare(asked, np.array([3, 4])).tolist() == pytest.approx([0.5, 0.5], abs=0.06)


def test_a_snapshot_answers_as_the_index_did_also_in_the_place_of_another(tmp_path: Path) -> None:
    index, rows = build(60, version=3)
    assert save_snapshot(build(50, version=3, seed=9)[0], tmp_path) == save_snapshot(index, tmp_path)
    [folder] = tmp_path.iterdir()
    read = load_snapshot(folder)
    assert (read.version, read.model, read.passages) == (3, "made", index.passages)
    question = ask(rows[4], "refund", "card")
    assert read.search(question) == index.search(question)


def test_the_newest_version_comes_first_and_half_written_ones_do_not_count(tmp_path: Path) -> None:
    assert find_snapshots(tmp_path / "nowhere") == []
    folders = [save_snapshot(build(4, version=number)[0], tmp_path) for number in (2, 10)]
    (tmp_path / ".000000000011.77.writing").mkdir()
    assert find_snapshots(tmp_path) == folders[::-1]


@pytest.mark.parametrize(
    "name", ["plain.faiss", "centred.faiss", "passages.json", "manifest.json", "means.npz"]
)
@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_damaged_snapshot_is_refused_with_its_mend(tmp_path: Path, name: str, harm: str) -> None:
    folder = save_snapshot(build(6)[0], tmp_path)
    file = folder / name
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-9])
    else:
        file.unlink()
    with pytest.raises(SnapshotDamaged, match="rebuild it from the articles") as refusal:
        load_snapshot(folder)
    assert refusal.value.folder == folder
