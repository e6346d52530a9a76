"""What becomes of a column that a phone and somebody else have changed, each to another value. Pure."""

from enum import StrEnum


class Policy(StrEnum):
    """How the two are brought together. The phone's value, where it loses, is kept for its author."""

    MERGE = "merge"
    """The first to arrive stays; the other is kept for its author. The usual one."""

    SERVER_WINS = "serverWins"
    """The server's stays, and the other is dropped: whoever comes second wanted the same in substance."""

    APPEND = "append"
    """Texts that people add to: both additions stay, one below the other. What was rewritten: MERGE."""

    SET_UNION = "setUnion"
    """Lists: whatever either of them added is in, whatever either took out is not."""

    MAX = "max"
    """The larger number, the later time, the yes: what only ever goes up."""

    COUNTER = "counter"
    """Numbers: both differences count. Where it is not known what the phone had: MERGE."""

    BY_KEY = "byKey"
    """Objects: each key is merged by itself, as columns are."""
