"""Months that rise, fall, repeat or say nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.predictions.trend import NEEDED, read_trend

WAVE = [10.0, 12, 20, 34, 50, 62, 64, 58, 44, 30, 18, 11]


@pytest.mark.parametrize(
    ("counts", "direction", "slope"),
    [
        ([float(2 * n) for n in range(18)], "rising", 2.0),
        ([float(90 - 3 * n) for n in range(18)], "falling", -3.0),
        ([7.0] * 24, "none", 0.0),
        ([float(2 * n) for n in range(17)] + [900.0], "rising", 2.0),  # one odd month moves nothing
        ([1.0] * (NEEDED - 1), "unknown", 0.0),
        ([], "unknown", 0.0),
    ],
)
def test_a_trend_is_told_by_its_months(counts: list[float], direction: str, slope: float) -> None:
    found = read_trend(counts)
    assert (found.direction, found.slope) == (direction, slope)


def test_chance_is_that_of_mann_and_kendall() -> None:
    """Twelve months, three pairs of 66 out of order: S = 60, variance 212.67, z = 59 / 14.583 = 4.046."""
    found = read_trend([1.0, 3, 2, 4, 6, 5, 8, 7, 9, 10, 11, 12])
    assert found.by_chance == pytest.approx(5.2e-5, rel=0.02)


def test_what_repeats_every_year_is_foretold_by_the_year_before() -> None:
    found = read_trend(WAVE * 3, ahead=3)
    assert found.way == "same_month_last_year"
    assert [one.value for one in found.ahead] == WAVE[:3]


def test_a_line_is_carried_on_and_never_below_nothing() -> None:
    found = read_trend([float(40 - 2 * n) for n in range(20)], ahead=6)
    assert found.way == "line"
    assert [one.value for one in found.ahead] == [0.0] * 6


def test_eight_of_ten_months_come_within_the_interval() -> None:
    chance, inside, all = random.Random(5), 0, 0
    for _ in range(200):
        counts = [max(0.0, chance.gauss(100, 15)) for _ in range(37)]
        (one,) = read_trend(counts[:36], ahead=1).ahead
        assert one.low is not None
        assert one.high is not None
        inside, all = inside + (one.low <= counts[36] <= one.high), all + 1
    assert 0.7 < inside / all < 0.9


@given(st.lists(st.floats(0, 1e6), max_size=40), st.integers(1, 6))
def test_any_months_give_numbers_that_make_sense(counts: list[float], ahead: int) -> None:
    found = read_trend(counts, ahead=ahead)
    assert len(found.ahead) == ahead
    assert 0 <= found.by_chance <= 1
    for one in found.ahead:
        assert one.enough is (len(counts) >= NEEDED)
        if one.value is not None and one.low is not None and one.high is not None:
            assert 0 <= one.low <= one.value <= one.high
