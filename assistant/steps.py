"""The steps of a turn, in order, as whoever waits for the answer is told them; pure."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    UNDERSTANDING = "understanding"
    SEARCHING = "searching"
    WRITING = "writing"
    TEXT = "text"
    CITATIONS = "citations"
    DONE = "done"


Notice = Callable[[Step], None]


def unheard(step: Step) -> None:
    """Take notice of nothing: for who waits only for the answer."""
