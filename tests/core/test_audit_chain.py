"""The law of the audit's chain: no tampering goes unseen. Without a database."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.core.audit import audit_document, chain_start
from backend.core.audit_check import BreakKind, ChainCheck
from backend.core.redaction import plain
from backend.core.store import CODECS

WORKSPACE = "01a20a3a-0c74-7460-8942-8dae19667cb3"
START = datetime(2026, 1, 1, tzinfo=UTC)
OLDEST = datetime(1900, 1, 1)  # noqa: DTZ001  (hypothesis adds the zone)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.datetimes(timezones=st.just(UTC), min_value=OLDEST)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=6,
)
actions = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["create", "update", "sign_in.failed"]),
        "kind": st.sampled_from(["account", "contact"]),
        "id": st.uuids().map(str),
        "diff": st.dictionaries(
            st.sampled_from(["name", "tier"]), st.tuples(values, values).map(plain), max_size=2
        ),
    }
)
entries = st.builds(
    lambda found, seconds: {
        "at": START + timedelta(milliseconds=seconds),
        "actor_id": "u-1",
        "actions": found,
    },
    st.lists(actions, min_size=1, max_size=2),
    st.integers(0, 10**9),
)
transactions = st.lists(
    st.tuples(st.lists(entries, min_size=1, max_size=3), st.integers(0, 2)), min_size=2, max_size=5
)


def stored(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as it comes back from the database."""
    return dict(bson.decode(bson.encode(document), CODECS))


def chain(
    parts: list[tuple[list[dict[str, Any]], int]], workspace_id: str = WORKSPACE
) -> list[dict[str, Any]]:
    """Return the documents of transactions with these entries, each with some numbers refused at its end."""
    head, seq, made = chain_start(workspace_id), 0, []
    for group, refused in parts:
        first, seq = seq + 1, seq + len(group) + refused
        numbered = [(entry, first + place) for place, entry in enumerate(group)]
        document = audit_document(workspace_id, first, seq, head, numbered)
        head = document["hash"]
        made.append(stored(document))
    return made


def verdict(documents: list[dict[str, Any]], counter: int, *, expect: str = "") -> ChainCheck:
    """Check documents as they lie in the store: found by workspace, in the order of their numbers."""
    found = ChainCheck(WORKSPACE, expect=expect)
    mine = [row for row in documents if row.get("workspace_id") == WORKSPACE and type(row.get("seq")) is int]
    for document in sorted(mine, key=lambda row: int(row["seq"])):
        if not found.take(document):
            return found
    found.finish(counter)
    return found


@given(transactions)
@settings(max_examples=60, deadline=None)
def test_an_untouched_chain_holds_whatever_it_says(parts: list[tuple[list[dict[str, Any]], int]]) -> None:
    documents = chain(parts)
    found = verdict(documents, documents[-1]["seq"])
    assert found.broken is None
    assert found.entries == sum(len(group) for group, _ in parts)
    assert found.head == documents[-1]["hash"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return ([path] if path else []) + [p for key, one in inner for p in places(one, (*path, key))]


Documents = list[dict[str, Any]]
Tamper = Callable[[Documents, int, st.DataObject], None]


def _spot(victim: dict[str, Any], data: st.DataObject) -> tuple[Any, Any]:
    """Return a container inside the document and one of its keys."""
    *path, last = data.draw(st.sampled_from(places(victim)))
    holder: Any = victim
    for step in path:
        holder = holder[step]
    return holder, last


def change(documents: Documents, at: int, data: st.DataObject) -> None:
    holder, last = _spot(documents[at], data)
    old, new = holder[last], data.draw(values.map(plain) | st.just("x") | st.just(START))
    assume(repr(new) != repr(old))
    holder[last] = new
    documents[at] = stored(documents[at])


def drop(documents: Documents, at: int, data: st.DataObject) -> None:
    holder, last = _spot(documents[at], data)
    del holder[last]


def add(documents: Documents, at: int, data: st.DataObject) -> None:
    entry = documents[at]["entries"][0]
    data.draw(st.sampled_from([documents[at], entry, entry["actions"][0]]))["more"] = 1


def swap(documents: Documents, at: int, data: st.DataObject) -> None:
    one, other = documents[at], documents[at - 1]
    kept = data.draw(st.sampled_from([{"_id"}, {"_id", "seq"}, {"_id", "seq", "first"}]))
    for name in set(one) - kept:
        one[name], other[name] = other[name], one[name]


def lift(documents: Documents, at: int, data: st.DataObject) -> None:
    del documents[at]


def cut(documents: Documents, at: int, data: st.DataObject) -> None:
    del documents[at:]


def turn(documents: Documents, at: int, data: st.DataObject) -> None:
    assume(len(documents[at]["entries"]) > 1)
    documents[at]["entries"].reverse()


@given(transactions, st.data())
@pytest.mark.parametrize("tamper", [change, drop, add, swap, lift, cut, turn])
@settings(max_examples=40, deadline=None)
def test_any_single_tampering_is_found(
    tamper: Tamper, parts: list[tuple[list[dict[str, Any]], int]], data: st.DataObject
) -> None:
    documents = chain(parts)
    counter = documents[-1]["seq"]
    tamper(documents, data.draw(st.integers(0, len(documents) - 1)), data)
    assert verdict(documents, counter).broken is not None


GROUP: list[tuple[list[dict[str, Any]], int]] = [
    ([{"at": START, "actor_id": "u-1", "actions": [{"action": "create", "kind": "a", "id": f"{n}-{m}"}]}
      for m in range(3)], 0)
    for n in range(4)
]  # fmt: skip


def test_each_break_is_named() -> None:
    whole = chain(GROUP)

    def after(tamper: Any) -> tuple[BreakKind, int]:
        documents = copy.deepcopy(whole)
        tamper(documents)
        broken = verdict(documents, 12).broken
        assert broken is not None
        return broken.kind, broken.seq

    def exchange(documents: Documents) -> None:
        for name in set(documents[1]) - {"_id"}:
            documents[1][name], documents[2][name] = documents[2][name], documents[1][name]

    assert after(lambda d: d[1]["entries"][1].update(actor_id="u-2")) == (BreakKind.CHANGED, 5)
    assert after(lambda d: d[1].update(count=2)) == (BreakKind.CHANGED, 6)
    assert after(lambda d: d.pop(1)) == (BreakKind.MISSING, 4)
    assert after(lambda d: d.pop(0)) == (BreakKind.MISSING, 1)
    assert after(lambda d: d[1]["entries"].pop()) == (BreakKind.MISSING, 6)
    assert after(exchange) == (BreakKind.REORDERED, 4)
    assert after(lambda d: d[2]["entries"].reverse()) == (BreakKind.REORDERED, 7)
    assert after(lambda d: d.pop()) == (BreakKind.TAIL_CUT, 10)
    assert after(lambda d: d.clear()) == (BreakKind.TAIL_CUT, 1)


def test_a_whole_new_chain_holds_but_not_with_a_head_that_was_kept_elsewhere() -> None:
    whole = chain(GROUP)
    kept = whole[1]["hash"]
    assert verdict(whole, 12, expect=kept).broken is None
    assert verdict(whole, 12, expect=whole[2]["entries"][0]["hash"]).broken is None
    forged = copy.deepcopy(GROUP)
    forged[0][0][0]["actor_id"] = "u-2"
    again = chain(forged)
    assert verdict(again, 12).broken is None
    broken = verdict(again, 12, expect=kept).broken
    assert broken is not None
    assert broken.kind is BreakKind.UNEXPECTED


def test_a_workspace_older_than_its_trail_begins_where_the_trail_begins() -> None:
    document = audit_document(WORKSPACE, 8, 8, chain_start(WORKSPACE), [(GROUP[0][0][0], 8)])
    assert verdict([stored(document)], 8).broken is None
    elsewhere = audit_document(WORKSPACE, 8, 8, chain_start("another"), [(GROUP[0][0][0], 8)])
    assert verdict([stored(elsewhere)], 8).broken is not None
