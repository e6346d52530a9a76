"""What a person should read again: pure comparison of passages, numbers, denials, ages."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.freshness import A_YEAR_TAKES, EXPIRED_TAKES, freshness, is_expired
from knowledge.passage_index import IndexedPassage
from knowledge.passages import Passage
from knowledge.ranking import Hit, refresh
from knowledge.review import Finding, Pair, compare
from knowledge.shelved_articles import ShelvedPassage
from knowledge.text import Language, tokens

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


def passage(body: str, *, language: Language = "en", id: str = "a") -> ShelvedPassage:
    indexed = IndexedPassage(f"{id}@1/0#0", f"{id}@1", language)
    return ShelvedPassage("T", Passage(0, (), body, 0, len(body)), indexed, body, tuple(tokens(body)), "0")


def found(left: str, right: str, *, language: Language = "en") -> list[Pair]:
    return list(compare(passage(left, language=language), passage(right, language=language, id="b")))


def test_the_same_matter_with_other_numbers_or_the_opposite_is_reported_with_its_words() -> None:
    (numbers,) = found(
        "Returns are free. An opened probe can be returned within 30 days of delivery.",
        "An opened probe can be returned within 14 days of delivery.",
    )
    assert numbers.finding is Finding.NUMBERS
    assert numbers.left_quote == "An opened probe can be returned within 30 days of delivery."
    assert numbers.right_quote == "An opened probe can be returned within 14 days of delivery."
    (opposite,) = found("已拆封的探头可以申请退货。", "已拆封的探头不可以申请退货。", language="zh")
    assert opposite.finding is Finding.OPPOSITE
    assert (opposite.left.split("@")[0], opposite.right.split("@")[0]) == ("a", "b")


def test_repetition_is_no_contradiction_and_other_matters_are_neither() -> None:
    text = "The gateway has two antennas and must be mounted upright on a wall."
    (twin,) = found(text, text + " Use four screws.")
    assert twin.finding is Finding.NEAR_DUPLICATE
    assert found(text, "Invoices are sent by mail on the first day of each month.") == []
    assert found("Yes.", "No.") == []


def test_age_and_expiry_take_from_a_place_and_never_add() -> None:
    assert freshness(None, NOW, NOW) == 0
    assert freshness(NOW, NOW, NOW) == -EXPIRED_TAKES
    assert is_expired(NOW, NOW)
    assert not is_expired(NOW + timedelta(seconds=1), NOW)
    assert not is_expired(None, NOW)
    assert freshness(None, NOW - timedelta(days=365), NOW) == pytest.approx(-A_YEAR_TAKES)
    assert freshness(None, NOW - timedelta(days=36_500), NOW) == pytest.approx(-5 * A_YEAR_TAKES)
    assert freshness(None, NOW + timedelta(days=400), NOW) == 0  # written by a faster clock


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-1, 0)), max_size=8))
def test_refreshed_hits_are_in_the_order_of_their_new_scores(rows: list[tuple[float, float]]) -> None:
    hits = [Hit(f"p{n}", f"a{n}", score, 0, 0, 0, 0, True) for n, (score, _) in enumerate(rows)]
    fresh = refresh(hits, [taken for _, taken in rows])
    assert sorted(h.passage_id for h in fresh) == sorted(h.passage_id for h in hits)
    assert [h.score for h in fresh] == sorted((h.score for h in fresh), reverse=True)
    assert all(h.score - h.freshness == pytest.approx(hits[int(h.passage_id[1:])].score) for h in fresh)
