"""The three-way merge: its laws, and what each policy makes of two values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.sync_policy import Policy
from mobile_sync.conflicts import UNKNOWN, delta, edited_since, merge

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


# ── policies ─────────────────────────────────────────────────────────────────────────────────────

LOST = object()


def met(policy: Policy, base: Any, mine: Any, now: Any, *, own: bool = False) -> Any:
    """Return what a column becomes; ``LOST`` when the phone's value did not count."""
    merged = merge({"a": base}, {"a": mine}, {"a": now}, ("a",), ("a",) if own else (), {"a": policy})
    if merged.lost:
        assert merged.accepted == {}
        return LOST
    return merged.accepted.get("a", now)


@pytest.mark.parametrize(
    ("policy", "base", "mine", "now", "becomes"),
    [
        (Policy.MERGE, "a", "b", "c", LOST),
        (Policy.SERVER_WINS, "a", "b", "c", "c"),
        (Policy.SERVER_WINS, "a", "b", "a", "b"),  # nobody else changed it
        (Policy.APPEND, "Met.", "Met.\nQuote", "Met.\nSample", "Met.\nSample\nQuote"),
        (Policy.APPEND, "", "江南来电", "Called", "Called\n江南来电"),
        (Policy.APPEND, None, "One", "Two", "Two\nOne"),
        (Policy.APPEND, "Met.", "Met.\nSame", "Met.\nSame\nMore", "Met.\nSame\nMore"),  # it is there already
        (Policy.APPEND, "Met.", "Rewritten", "Met.\nMore", LOST),
        (Policy.APPEND, UNKNOWN, "Met.\nMine", "Met.\nTheirs", "Met.\nTheirs\nMine"),
        (Policy.APPEND, UNKNOWN, "Mine", "Theirs", LOST),
        (Policy.SET_UNION, '["a","b"]', '["a","b","c"]', '["b","d"]', '["b","d","c"]'),
        (Policy.SET_UNION, '["a","b"]', '["b"]', '["a","b","d"]', '["b","d"]'),
        (Policy.SET_UNION, "[]", '["a"]', '["a"]', '["a"]'),
        (Policy.SET_UNION, UNKNOWN, '["a"]', '["b"]', '["b","a"]'),
        (Policy.SET_UNION, "[]", "no list", '["b"]', LOST),
        (Policy.MAX, False, True, None, True),
        (Policy.MAX, 1, 5, 9, 9),
        (Policy.MAX, "2026-01-01", "2026-03-01", "2026-02-01", "2026-03-01"),
        (Policy.MAX, 1, "5", 9, LOST),
        (Policy.COUNTER, 10, 15, 12, 17),
        (Policy.COUNTER, 10, 5, 12, 7),
        (Policy.COUNTER, None, 5, 3, 8),
        (Policy.COUNTER, UNKNOWN, 5, 3, LOST),
        (Policy.BY_KEY, "{}", '{"a":1}', '{"b":2}', '{"a":1,"b":2}'),
        (Policy.BY_KEY, '{"a":1,"b":2}', '{"b":2}', '{"a":1,"b":3}', '{"b":3}'),
        (Policy.BY_KEY, UNKNOWN, '{"a":1}', '{"b":2}', '{"a":1,"b":2}'),
        (Policy.BY_KEY, UNKNOWN, '{"a":1}', '{"a":2}', LOST),
    ],
)  # fmt: skip
def test_a_policy_brings_two_values_together(
    policy: Policy, base: Any, mine: Any, now: Any, becomes: Any
) -> None:
    assert met(policy, base, mine, now) == becomes


def test_of_an_object_only_the_keys_that_lost_are_kept_back() -> None:
    merged = merge(
        {"ext": '{"size":1}'},
        {"ext": '{"colour":"red","size":2}'},
        {"ext": '{"size":3}'},
        ("ext",),
        policies={"ext": Policy.BY_KEY},
    )
    assert merged.accepted == {"ext": '{"colour":"red","size":3}'}
    assert merged.lost == {"ext": '{"size":2}'}


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, max_size=4)


@given(TEXTS, TEXTS, TEXTS)
def test_a_list_has_what_either_added_and_nothing_that_either_took_out(
    base: list[str], mine: list[str], now: list[str]
) -> None:
    given_ = [json.dumps(one, separators=(",", ":")) for one in (base, mine, now)]
    after = set(json.loads(met(Policy.SET_UNION, *given_)))
    assert after == ({*mine, *now} - (set(base) - set(mine)) - (set(base) - set(now)))


@given(st.text("ab\n", max_size=6), st.text("ab\n", max_size=6), st.text("ab\n", max_size=6))
def test_of_two_additions_none_is_lost_and_none_comes_twice(base: str, mine: str, theirs: str) -> None:
    now = base + theirs
    after = met(Policy.APPEND, base, base + mine, now)
    assert after.startswith(now.rstrip("\n"))
    assert mine.strip("\n") in after
    assert met(Policy.APPEND, base, base + mine, after) == after


@given(*[st.integers(-9, 9)] * 3)
def test_a_counter_counts_both_and_typing_on_counts_once(base: int, mine: int, theirs: int) -> None:
    after = met(Policy.COUNTER, base, base + mine, base + theirs)
    assert after == base + mine + theirs
    # The first edit has arrived unheard of, the second holds it: the sum is what the phone says.
    typed_on = met(Policy.COUNTER, base, base + mine + theirs, base + mine, own=True)
    assert typed_on == (base + mine + theirs if mine + theirs else base + mine)


def test_a_deletion_sees_what_others_have_set_since() -> None:
    versions = {"name": 5, "tier": 9, "stage": 9, "updated_at": 9}
    assert edited_since(5, versions, ("name", "tier", "stage"), ()) == ["stage", "tier"]
    assert edited_since(5, versions, ("name", "tier", "stage"), ("tier", "stage")) == []
    assert edited_since(9, versions, ("name", "tier", "stage"), ()) == []
