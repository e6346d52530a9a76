"""The laws of tickets and conversations, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import InvalidInput
from backend.service.rules import (
    CONVERSATION_MOVES,
    LONGEST_MESSAGE,
    REOPENS_WITHIN,
    TICKET_MOVES,
    ConversationState,
    HandledBy,
    Progress,
    TicketStatus,
    after_customer_reply,
    check_message,
    check_move,
    moved,
    state_after_customer_message,
    ticket_number,
)

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
DONE = {TicketStatus.RESOLVED, TicketStatus.CLOSED}
steps = st.lists(
    st.tuples(st.sampled_from([*TicketStatus, "reply"]), st.timedeltas(timedelta(0), timedelta(days=10)))
)


@given(steps)
def test_whatever_is_tried_a_ticket_stays_consistent(
    tries: list[tuple[TicketStatus | str, timedelta]],
) -> None:
    progress, now, reopened = Progress(), START, 0
    for wanted, pause in tries:
        now += pause
        before = progress
        if not isinstance(wanted, TicketStatus):
            progress = after_customer_reply(progress, at=now)
        elif wanted is before.status or wanted in TICKET_MOVES[before.status]:
            progress = moved(progress, wanted, at=now)
            assert progress.status is wanted
        else:
            with pytest.raises(InvalidInput, match=f"cannot go from {before.status} to {wanted}"):
                moved(progress, wanted, at=now)
        reopened += before.status is TicketStatus.RESOLVED and progress.status is TicketStatus.OPEN
        assert (progress.resolved_at is not None) == (progress.status in DONE)
        assert progress.reopen_count == reopened
        assert before.status is not TicketStatus.CLOSED or progress == before


@given(st.timedeltas(timedelta(0), timedelta(days=30)))
def test_a_reply_reopens_what_was_resolved_within_seven_days(later: timedelta) -> None:
    resolved = moved(Progress(), TicketStatus.RESOLVED, at=START)
    after = after_customer_reply(resolved, at=START + later)
    assert after == (Progress(TicketStatus.OPEN, None, 1) if later <= REOPENS_WITHIN else resolved)


def test_the_refusal_of_a_move_names_what_is_possible() -> None:
    with pytest.raises(InvalidInput) as refused:
        moved(Progress(), TicketStatus.CLOSED, at=START)
    assert str(refused.value) == (
        "status cannot go from new to closed; choose one of: on_hold, open, pending_customer, resolved"
    )
    with pytest.raises(InvalidInput, match="this is its end; open a new one instead"):
        check_move(CONVERSATION_MOVES, "state", ConversationState.CLOSED, ConversationState.OPEN)


@pytest.mark.parametrize(
    ("state", "handled_by", "after"),
    [
        (ConversationState.CLOSED, HandledBy.AI, ConversationState.OPEN),
        (ConversationState.RESOLVED, HandledBy.HUMAN, ConversationState.WAITING_HUMAN),
        (ConversationState.HUMAN, HandledBy.HUMAN, ConversationState.HUMAN),
        (ConversationState.WAITING_HUMAN, HandledBy.NONE, ConversationState.WAITING_HUMAN),
    ],
)
def test_a_customer_starts_a_finished_conversation_again(
    state: ConversationState, handled_by: HandledBy, after: ConversationState
) -> None:
    assert state_after_customer_message(state, handled_by) is after


@pytest.mark.parametrize("body", ["", " \n\t\u3000", "\u200b\u200b"])
def test_a_message_says_something(body: str) -> None:
    with pytest.raises(InvalidInput, match="body is blank; write what you want to say"):
        check_message(body)


def test_a_message_has_its_longest_length() -> None:
    check_message("字" * LONGEST_MESSAGE)
    with pytest.raises(InvalidInput, match="body has 20001 characters and may have 20000; shorten it"):
        check_message("字" * (LONGEST_MESSAGE + 1))


def test_numbers_are_padded_and_grow_beyond_the_padding() -> None:
    assert [ticket_number(n) for n in (1, 123, 1_234_567)] == ["T-000001", "T-000123", "T-1234567"]
