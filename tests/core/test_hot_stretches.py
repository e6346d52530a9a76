"""Stretches against the plain set of versions that they stand for."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from backend.core.hot_stretches import Stretches

END = 40
stretch = st.tuples(st.integers(0, END), st.integers(0, END))
steps = st.lists(st.tuples(st.sampled_from(["add", "cut"]), stretch), max_size=12)


@given(steps, stretch)
def test_what_is_held_and_what_is_missing_make_the_whole(
    done: list[tuple[str, tuple[int, int]]], asked: tuple[int, int]
) -> None:
    stretches, held = Stretches(), set[int]()
    for step, (after, until) in done:
        if step == "add":
            stretches.add(after, until)
            held |= set(range(after + 1, until + 1))
        else:
            stretches.cut(until)
            held -= set(range(until + 1))

    after, until = asked
    missing = [
        version for low, high in stretches.missing(after, until) for version in range(low + 1, high + 1)
    ]

    assert missing == sorted(set(range(after + 1, until + 1)) - held)
    parts = stretches.parts()
    assert all(low < high for low, high in parts)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(parts)), "touching ones are one"
