"""The benchmark's bookkeeping: what a promise is, who is better, what is kept in the file."""

import pytest

from bench.figures import LESS_IS_BETTER, MORE_IS_BETTER, AtLeast, AtMost, Figure
from bench.sections import SECTIONS, sections


def test_a_small_time_is_better_and_a_large_rate() -> None:
    peers = {"one": 200.0, "other": 50.0}
    time = Figure(name="pull", ours=100, unit="ms", target=AtMost(100), peers=peers)
    rate = Figure(name="push", ours=100, unit="/s", target=AtLeast(101), peers=peers)

    assert time.ratios == {"one": 2.0, "other": 0.5}
    assert rate.ratios == {"one": 0.5, "other": 2.0}
    assert (time.holds, rate.holds) == (True, False)


@pytest.mark.parametrize("way", [None, LESS_IS_BETTER, MORE_IS_BETTER])
def test_what_nobody_promised_is_neither_kept_nor_missed(way: AtMost | AtLeast | None) -> None:
    figure = Figure(name="p50", ours=12.3456, unit="ms", target=way)

    assert figure.holds is None
    assert figure.as_json() == {"name": "p50", "ours": 12.346, "unit": "ms"}


def test_the_file_has_the_promise_and_the_peers() -> None:
    figure = Figure(
        name="pull", ours=100, unit="ms", target=AtMost(150), peers={"one": 300}, claim="S8", note="hot"
    )

    assert figure.as_json() == {
        "name": "pull",
        "ours": 100,
        "unit": "ms",
        "target": "≤ 150",
        "holds": True,
        "claim": "S8",
        "peers": {"one": 300},
        "ratios": {"one": 3.0},
        "note": "hot",
    }


def test_each_section_is_there_under_its_name_and_all_together_take_less_than_20_minutes() -> None:
    found = sections([])

    assert tuple(section.name for section in found) == SECTIONS
    assert sum(section.minutes for section in found) <= 20


def test_a_section_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no section speed"):
        sections(["records", "speed"])
