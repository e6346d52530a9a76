"""The three-way merge: what a phone changed, what others changed meanwhile, and what to do with both.

Pure. A row is a mapping from column to value; null equals missing.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from backend.core.sync_policy import Policy

Row = Mapping[str, Any]
Policies = Mapping[str, Policy]
UNKNOWN = object()
"""What a phone had in a column, where nobody knows it any more: not what is there now."""


@dataclass(frozen=True, kw_only=True)
class Merge:
    """The outcome: ``accepted`` columns go to the record, ``lost`` are what the phone wanted in vain."""

    accepted: dict[str, Any]
    lost: dict[str, Any]


@dataclass(frozen=True)
class _Met:
    """What a policy makes of a column: the value it gets, and what of the phone's is lost."""

    value: Any
    lost: Any = None
    is_lost: bool = False


def delta(assumed: Row, new: Row, columns: Collection[str]) -> dict[str, Any]:
    """Return what the phone changed: the columns whose new value is not what it had from the server."""
    return {name: new.get(name) for name in columns if new.get(name) != assumed.get(name)}


def merge(
    assumed: Row,
    new: Row,
    current: Row,
    columns: Collection[str],
    own: Collection[str] = (),
    policies: Policies | None = None,
) -> Merge:
    """Merge the phone's changes into ``current``, column by column of ``columns``.

    A conflict is a column that the phone changed and somebody else changed, too, to another value: there
    the column's policy decides, and without one the server's value stays. Everything else the phone changed
    is accepted. ``own`` are columns that the phone's owner was the last to set: whoever goes on typing
    before the phone has heard of its first edit does not conflict with itself. Columns of the server's own
    are not in ``columns``: they never take part.
    """
    accepted: dict[str, Any] = {}
    lost: dict[str, Any] = {}
    for name, value in delta(assumed, new, columns).items():
        met = _meet(
            (policies or {}).get(name, Policy.MERGE),
            assumed.get(name),
            value,
            current.get(name),
            is_own=name in own,
        )
        if met.is_lost:
            lost[name] = met.lost
        if met.value != current.get(name):
            accepted[name] = met.value
    return Merge(accepted=accepted, lost=lost)


def differing(one: Row, other: Row, columns: Collection[str]) -> set[str]:
    """Return the columns in which two rows differ."""
    return {name for name in columns if one.get(name) != other.get(name)}


def edited_since(
    version: int, field_versions: Mapping[str, int], columns: Collection[str], own: Collection[str]
) -> list[str]:
    """Return the columns that somebody else has set after ``version``; ``own`` are the deleter's."""
    return sorted(name for name in columns if field_versions.get(name, 0) > version and name not in own)


def _meet(policy: Policy, base: Any, mine: Any, now: Any, *, is_own: bool) -> _Met:
    """Bring one column together; ``is_own``: what is there now is the phone's owner's, too."""
    if now == base or (now == mine and policy is not Policy.COUNTER):  # one and one more are two
        return _Met(mine)
    if policy is Policy.BY_KEY:
        return _by_key(base, mine, now, is_own=is_own)
    if is_own and policy not in _ADDING:
        return _Met(mine)
    return _RULES[policy](base, mine, now)


def _merge(base: Any, mine: Any, now: Any) -> _Met:
    return _Met(now, lost=mine, is_lost=True)


def _server_wins(base: Any, mine: Any, now: Any) -> _Met:
    return _Met(now)


def _append(base: Any, mine: Any, now: Any) -> _Met:
    if not isinstance(mine, str) or not isinstance(now or "", str):
        return _merge(base, mine, now)
    there = now or ""
    if mine.startswith(there):  # ends of lines alone are no addition: joining has put them in order
        return _Met(mine) if mine.removeprefix(there).strip("\n") else _Met(now)
    if base is UNKNOWN:  # whole lines that both have in front were there before
        base = _shared_beginning(mine, there).rpartition("\n")[0] or UNKNOWN
    known = base or ""
    if known is UNKNOWN or not mine.startswith(known):
        return _merge(base, mine, now)
    added = mine.removeprefix(known).strip("\n")
    if not added or added in there.removeprefix(known):
        return _Met(now)
    return _Met(f"{there.rstrip(chr(10))}\n{added}" if there else added)


def _set_union(base: Any, mine: Any, now: Any) -> _Met:
    ours, theirs = _parsed(mine, list), _parsed(now, list)
    if ours is None or theirs is None:
        return _merge(base, mine, now)
    before = _parsed(base, list) or []  # unknown: nothing was taken out
    gone = [one for one in before if one not in ours]
    kept = [one for one in theirs if one not in gone]
    return _Met(_text([*kept, *(one for one in ours if one not in before and one not in kept)]))


def _max(base: Any, mine: Any, now: Any) -> _Met:
    if mine is None or now is None:
        return _Met(now if mine is None else mine)
    return _Met(max(mine, now)) if type(mine) is type(now) else _merge(base, mine, now)


def _counter(base: Any, mine: Any, now: Any) -> _Met:
    if not all(_is_number(one or 0) for one in (base, mine, now)):
        return _merge(base, mine, now)
    return _Met((now or 0) + (mine or 0) - (base or 0))


def _by_key(base: Any, mine: Any, now: Any, *, is_own: bool) -> _Met:
    ours, theirs = _parsed(mine, dict), _parsed(now, dict)
    if ours is None or theirs is None:
        return _merge(base, mine, now)
    before = _parsed(base, dict)
    if before is None:  # unknown: what the phone does not name, it did not take out
        before = {key: UNKNOWN for key in ours if ours[key] != theirs.get(key) and key in theirs}
        before |= {key: value for key, value in theirs.items() if key not in before}
        ours = theirs | ours
    keys = sorted({*before, *ours, *theirs})
    merged = merge(before, ours, theirs, keys, keys if is_own else ())
    after = {key: value for key, value in (theirs | merged.accepted).items() if value is not None}
    return _Met(_text(after), lost=_text(merged.lost), is_lost=bool(merged.lost))


_RULES: Mapping[Policy, Callable[[Any, Any, Any], _Met]] = {
    Policy.MERGE: _merge,
    Policy.SERVER_WINS: _server_wins,
    Policy.APPEND: _append,
    Policy.SET_UNION: _set_union,
    Policy.MAX: _max,
    Policy.COUNTER: _counter,
}
_ADDING = frozenset({Policy.APPEND, Policy.SET_UNION})  # take nothing away, whoever was there before


def _shared_beginning(one: str, other: str) -> str:
    length = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    return one[: min(len(one), len(other)) if length is None else length]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parsed(value: Any, kind: type[Any]) -> Any:
    """Return the list or object in a JSON text, empty for none; None when it is something else."""
    if value is None or value == "":
        return kind()
    try:
        found = json.loads(value)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, kind) else None


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
