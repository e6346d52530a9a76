"""The three-way merge: its laws."""

from hypothesis import given
from hypothesis import strategies as st

from mobile_sync.conflicts import delta, merge

COLUMNS = ("a", "b", "c")
VALUES = st.sampled_from([None, "", "x", "y", 1])
ROWS = st.dictionaries(st.sampled_from([*COLUMNS, "server"]), VALUES)


@given(ROWS, ROWS, ROWS)
def test_every_edit_is_in_the_record_or_kept_as_lost(
    assumed: dict[str, object], new: dict[str, object], current: dict[str, object]
) -> None:
    merged = merge(assumed, new, current, COLUMNS)
    after = current | merged.accepted
    changed = delta(assumed, new, COLUMNS)
    for name, value in changed.items():
        assert after.get(name) == value or merged.lost[name] == value
    # A column is lost only where both sides changed it, each to another value.
    for name in merged.lost:
        assert name in changed
        assert current.get(name) not in (assumed.get(name), new.get(name))
    # What the phone did not change stays as others made it; columns of the server's own never move.
    for name in {*current, *new} - changed.keys():
        assert after.get(name) == current.get(name)


@given(ROWS, ROWS, ROWS)
def test_pushing_again_changes_nothing_more(
    assumed: dict[str, object], new: dict[str, object], current: dict[str, object]
) -> None:
    first = merge(assumed, new, current, COLUMNS)
    again = merge(assumed, new, current | first.accepted, COLUMNS)
    assert again.accepted == {}
    assert again.lost == first.lost


@given(ROWS, ROWS, ROWS)
def test_null_and_missing_are_the_same(
    assumed: dict[str, object], new: dict[str, object], current: dict[str, object]
) -> None:
    def explicit(row: dict[str, object]) -> dict[str, object]:
        return dict.fromkeys(COLUMNS) | row

    assert merge(assumed, new, current, COLUMNS) == merge(
        explicit(assumed), explicit(new), explicit(current), COLUMNS
    )


@given(ROWS, ROWS)
def test_alone_every_edit_is_accepted(assumed: dict[str, object], new: dict[str, object]) -> None:
    merged = merge(assumed, new, assumed, COLUMNS)
    assert merged.lost == {}
    assert merged.accepted == delta(assumed, new, COLUMNS)


@given(ROWS, ROWS, ROWS)
def test_nobody_conflicts_with_himself(
    assumed: dict[str, object], new: dict[str, object], current: dict[str, object]
) -> None:
    merged = merge(assumed, new, current, COLUMNS, own=COLUMNS)
    assert merged.lost == {}
    for name, value in delta(assumed, new, COLUMNS).items():
        assert (current | merged.accepted).get(name) == value
