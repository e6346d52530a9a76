"""Who a dialogue speaks of."""

import pytest

from eval.sections.dialogue import Names

NAMES = ("Grant Hotel", "Yale Hotel", "Restaurant One Seven", "The Progress", "Swan Oyster Depot")


@pytest.mark.parametrize(
    ("turns", "wanted"),
    [
        (["is there a hotel", "the grant hotel is close", "what is the check in time"], "Grant Hotel"),
        (["the grant hotel", "or the yale hotel", "take the second"], "Yale Hotel"),
        (["swan oyster depot is nice", "its number is one seven one", "is it loud"], "Swan Oyster Depot"),
        (["it is called the progress", "zip code four one one"], "The Progress"),
    ],
    ids=["by name", "the later one", "not by digits", "a name of common words"],
)
def test_the_name_spoken_of_is_the_one_said_whole_and_last(turns: list[str], wanted: str) -> None:
    strength = Names(NAMES).spoken_of(turns)
    assert NAMES[int(strength.argmax())] == wanted
    assert strength.max() == 1.0


def test_no_name_is_spoken_of_where_none_was_said() -> None:
    assert Names(NAMES).spoken_of(["how are you", "fine"]).tolist() == [0.0] * len(NAMES)
    assert Names(NAMES).spoken_of([]).tolist() == [0.0] * len(NAMES)
