"""The three-way merge: what a phone changed, what others changed meanwhile, and what to do with both.

Pure. A row is a mapping from column to value; null equals missing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Merge:
    """The outcome: ``accepted`` columns go to the record, ``lost`` are what the phone wanted in vain."""

    accepted: dict[str, Any]
    lost: dict[str, Any]


def delta(assumed: Row, new: Row, columns: Collection[str]) -> dict[str, Any]:
    """Return what the phone changed: the columns whose new value is not what it had from the server."""
    return {name: new.get(name) for name in columns if new.get(name) != assumed.get(name)}


def merge(assumed: Row, new: Row, current: Row, columns: Collection[str], own: Collection[str] = ()) -> Merge:
    """Merge the phone's changes into ``current``, column by column of ``columns``.

    A conflict is a column that the phone changed and somebody else changed, too, to another value: there
    the server's value stays. Everything else the phone changed is accepted. ``own`` are columns that the
    phone's owner was the last to set: whoever goes on typing before the phone has heard of its first edit
    does not conflict with itself. Columns of the server's own are not in ``columns``: they never take part.
    """
    changed = delta(assumed, new, columns)
    lost = {
        name: value
        for name, value in changed.items()
        if name not in own and current.get(name) != assumed.get(name) and current.get(name) != value
    }
    accepted = {
        name: value for name, value in changed.items() if name not in lost and current.get(name) != value
    }
    return Merge(accepted=accepted, lost=lost)


def differing(one: Row, other: Row, columns: Collection[str]) -> set[str]:
    """Return the columns in which two rows differ."""
    return {name for name in columns if one.get(name) != other.get(name)}
