"""Range headers: whatever they say, what is sent lies inside of the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.byte_ranges import ByteRange, Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=0-9", ByteRange(0, 10)),
        ("bytes=5-", ByteRange(5, 10)),
        ("bytes=5-99", ByteRange(5, 10)),
        ("bytes=-3", ByteRange(7, 10)),
        ("bytes=-99", ByteRange(0, 10)),
        ("bytes = 1 - 2 ", ByteRange(1, 3)),
        (None, None),
        ("", None),
        ("bytes=-", None),
        ("bytes=3-1", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
        ("bytes=٣-٤", None),
    ],
)
def test_a_header_asks_for(header: str | None, wanted: ByteRange | None) -> None:
    assert read_range(header, 10) == wanted


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_a_range_outside_of_the_file_is_said_to_be(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, 10)


@given(st.integers(0, 20), st.integers(0, 25), st.integers(0, 25))
def test_a_range_is_the_slice_that_it_names(size: int, first: int, last: int) -> None:
    data = bytes(range(size))
    try:
        found = read_range(f"bytes={first}-{last}", size)
    except Unsatisfiable:
        assert first >= size
        return
    if found is None:
        assert last < first
    else:
        assert data[found.start : found.end] == data[first : last + 1] != b""
