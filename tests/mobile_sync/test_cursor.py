"""The cursor: what its text gives back, whom it serves, and what a change of scopes makes of it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import CheckpointExpired, InvalidInput
from backend.core.ledger import FeedEnd
from mobile_sync.cursor import (
    Cursor,
    adapted,
    check_still_valid,
    first_cursor,
    owner_mark,
    read_cursor,
    write_cursor,
)

KEY = "k" * 48
OWNER = owner_mark("w1", "u1", "account")
SCOPES = st.lists(st.sampled_from(["w", "u:1", "t:a", "t:b", "t:c"]), unique=True).map(
    lambda found: tuple(sorted(found))
)
NUMBERS = st.integers(0, 10_000)
CURSORS = st.builds(
    Cursor, epoch=NUMBERS, seq=NUMBERS, since=NUMBERS, scopes=SCOPES, gained=SCOPES, lost=SCOPES
)


@given(CURSORS)
def test_the_text_gives_the_cursor_back(cursor: Cursor) -> None:
    assert read_cursor(write_cursor(cursor, KEY, owner=OWNER), KEY, owner=OWNER) == cursor


@given(CURSORS, st.data())
def test_a_changed_text_is_refused(cursor: Cursor, data: st.DataObject) -> None:
    text = write_cursor(cursor, KEY, owner=OWNER)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABXYaz09-_"))
    changed = text[:at] + letter + text[at + 1 :]
    read: Cursor | InvalidInput
    try:
        read = read_cursor(changed, KEY, owner=OWNER)
    except InvalidInput as refusal:
        read = refusal
    # The last letter of a part may say the same bits in another way.
    assert read == cursor or "send the last one unchanged" in str(read)


@pytest.mark.parametrize(
    "owner",
    [owner_mark("w1", "u2", "account"), owner_mark("w2", "u1", "account"), owner_mark("w1", "u1", "task")],
)
def test_a_cursor_serves_its_owner_alone(owner: str) -> None:
    text = write_cursor(first_cursor(epoch=1, newest=5, scopes=("w",)), KEY, owner=OWNER)
    with pytest.raises(InvalidInput, match="belongs to another person, workspace or collection"):
        read_cursor(text, KEY, owner=owner)


@given(CURSORS, SCOPES)
def test_a_change_of_scopes_walks_what_arrives_and_what_leaves(
    cursor: Cursor, scopes: tuple[str, ...]
) -> None:
    now = adapted(cursor, scopes)
    if scopes == cursor.scopes:
        assert now == cursor
        return
    assert (now.seq, now.since, now.scopes) == (0, max(cursor.seq, cursor.since), scopes)
    assert adapted(now, scopes) == now
    if "w" not in scopes:
        assert set(cursor.scopes) - set(scopes) <= set(now.lost)
        assert not set(now.lost) & set(scopes)
    if "w" not in cursor.scopes:
        assert set(scopes) - set(cursor.scopes) <= set(now.gained)
    assert set(now.gained) <= set(scopes)


def test_a_restored_server_says_so() -> None:
    cursor = first_cursor(epoch=1, newest=5, scopes=("w",))
    check_still_valid(cursor, FeedEnd(1, 5, 0))
    for given_out in (replace(cursor, epoch=2), replace(cursor, seq=6)):
        with pytest.raises(CheckpointExpired, match="restored from a backup"):
            check_still_valid(given_out, FeedEnd(1, 5, 0))


def test_a_cursor_counts_while_what_was_deleted_since_is_known() -> None:
    first = first_cursor(epoch=1, newest=5, scopes=("w",))
    check_still_valid(first, FeedEnd(1, 9, 5))  # a first sync holds nothing that was deleted before it began
    check_still_valid(replace(first, seq=7), FeedEnd(1, 9, 7))
    for old in (first, replace(first, seq=7)):
        with pytest.raises(CheckpointExpired, match="too old"):
            check_still_valid(old, FeedEnd(1, 9, 8))
