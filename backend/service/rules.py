"""What may happen to a ticket and a conversation: decisions without a database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from backend.core.errors import FieldError, InvalidInput

S = TypeVar("S", bound=StrEnum)

LONGEST_MESSAGE = 20_000  # characters
REOPENS_WITHIN = timedelta(days=7)  # a later reply is a new matter: it gets a ticket of its own


class TicketStatus(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING_CUSTOMER = "pending_customer"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


class ConversationState(StrEnum):
    OPEN = "open"
    WAITING_HUMAN = "waiting_human"
    HUMAN = "human"
    RESOLVED = "resolved"
    CLOSED = "closed"


class HandledBy(StrEnum):
    AI = "ai"
    HUMAN = "human"
    NONE = "none"


_T, _C = TicketStatus, ConversationState

ENDED = (_T.RESOLVED, _T.CLOSED)

TICKET_MOVES: Mapping[TicketStatus, frozenset[TicketStatus]] = {
    _T.NEW: frozenset({_T.OPEN, _T.PENDING_CUSTOMER, _T.ON_HOLD, _T.RESOLVED}),
    _T.OPEN: frozenset({_T.PENDING_CUSTOMER, _T.ON_HOLD, _T.RESOLVED}),
    _T.PENDING_CUSTOMER: frozenset({_T.OPEN, _T.ON_HOLD, _T.RESOLVED}),
    _T.ON_HOLD: frozenset({_T.OPEN, _T.PENDING_CUSTOMER, _T.RESOLVED}),
    _T.RESOLVED: frozenset({_T.OPEN, _T.CLOSED}),
    _T.CLOSED: frozenset(),
}
CONVERSATION_MOVES: Mapping[ConversationState, frozenset[ConversationState]] = {
    _C.OPEN: frozenset({_C.WAITING_HUMAN, _C.HUMAN, _C.RESOLVED, _C.CLOSED}),
    _C.WAITING_HUMAN: frozenset({_C.OPEN, _C.HUMAN, _C.RESOLVED, _C.CLOSED}),
    _C.HUMAN: frozenset({_C.OPEN, _C.WAITING_HUMAN, _C.RESOLVED, _C.CLOSED}),
    _C.RESOLVED: frozenset({_C.OPEN, _C.WAITING_HUMAN, _C.HUMAN, _C.CLOSED}),
    _C.CLOSED: frozenset(),
}


@dataclass(frozen=True)
class Progress:
    """How far a ticket is: ``resolved_at`` is set exactly while it is resolved or closed."""

    status: TicketStatus = TicketStatus.NEW
    resolved_at: datetime | None = None
    reopen_count: int = 0

    @property
    def is_done(self) -> bool:
        return self.status in ENDED


def moved(progress: Progress, to: TicketStatus, *, at: datetime) -> Progress:
    """Return the progress after a move; to where it is already nothing changes.

    Raise InvalidInput for a move that the table does not have.
    """
    if to is progress.status:
        return progress
    check_move(TICKET_MOVES, "status", progress.status, to)
    if to is TicketStatus.RESOLVED:
        return replace(progress, status=to, resolved_at=at)
    if progress.status is TicketStatus.RESOLVED and to is TicketStatus.OPEN:
        return Progress(status=to, resolved_at=None, reopen_count=progress.reopen_count + 1)
    return replace(progress, status=to)


def after_customer_reply(progress: Progress, *, at: datetime) -> Progress:
    """Return the progress after the customer wrote: what waited for them goes on, what is just done reopens.

    A closed ticket, and one resolved longer than ``REOPENS_WITHIN`` ago, stay as they are.
    """
    if progress.status is TicketStatus.PENDING_CUSTOMER:
        return moved(progress, TicketStatus.OPEN, at=at)
    resolved_at = progress.resolved_at
    if progress.status is TicketStatus.RESOLVED and resolved_at and at - resolved_at <= REOPENS_WITHIN:
        return moved(progress, TicketStatus.OPEN, at=at)
    return progress


def after_human_reply(progress: Progress, *, at: datetime) -> Progress:
    """Return the progress after a person of ours wrote to the customer: a new ticket is open now."""
    return moved(progress, TicketStatus.OPEN, at=at) if progress.status is TicketStatus.NEW else progress


def state_after_customer_message(state: ConversationState, handled_by: HandledBy) -> ConversationState:
    """Return where a conversation stands when its customer wrote: a finished one starts again."""
    if state not in (ConversationState.RESOLVED, ConversationState.CLOSED):
        return state
    by_human = handled_by is HandledBy.HUMAN
    return ConversationState.WAITING_HUMAN if by_human else ConversationState.OPEN


def state_after_human_message(state: ConversationState) -> ConversationState:
    """Return where a conversation stands when a person of ours wrote; a last word does not reopen it."""
    waiting = (ConversationState.OPEN, ConversationState.WAITING_HUMAN)
    return ConversationState.HUMAN if state in waiting else state


def check_move(moves: Mapping[S, frozenset[S]], field: str, now: S, to: S) -> None:
    """Raise InvalidInput unless ``to`` is ``now`` or may follow it."""
    if to is now or to in moves[now]:
        return
    allowed = ", ".join(sorted(moves[now]))
    mend = f"choose one of: {allowed}" if allowed else "this is its end; open a new one instead"
    raise InvalidInput(FieldError(field, f"cannot go from {now} to {to}; {mend}"))


def check_message(body: str) -> None:
    """Raise InvalidInput for a message that says nothing or too much."""
    if not any(char.isprintable() and not char.isspace() for char in body):
        raise InvalidInput(FieldError("body", "is blank; write what you want to say, then send it again"))
    if len(body) > LONGEST_MESSAGE:
        raise InvalidInput(
            FieldError(
                "body",
                f"has {len(body)} characters and may have {LONGEST_MESSAGE}; shorten it or send it in parts",
            )
        )


def ticket_number(count: int) -> str:
    """Return the number people say for the ``count``-th ticket of a workspace: T-000123."""
    return f"T-{count:06d}"
