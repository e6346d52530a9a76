"""The access predicate: MongoDB and memory decide alike, roles merge most-permissively."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.core.access import (
    REACH,
    Actor,
    Grant,
    Level,
    allows,
    grant,
    merge_grants,
    predicate,
    system_actor,
)

levels = st.sampled_from(list(Level))
names = st.sampled_from(["ann", "bo", "cy"])
teams = st.sampled_from(["east", "west"])
principals = st.one_of(
    names.map(lambda n: f"u:{n}"), teams.map(lambda t: f"t:{t}"), st.sampled_from(["c:1", "p:public", "w"])
)
grants = st.builds(lambda level: grant(read=level), levels)


@st.composite
def actors(draw: st.DrawFn) -> Actor:
    return Actor(
        workspace_id=draw(st.sampled_from(["w1", "w2"])),
        user_id=draw(names),
        grants={"account": draw(grants)},
        team_ids=tuple(draw(st.sets(teams))),
        subordinate_ids=tuple(draw(st.sets(names))),
        contact_id=draw(st.sampled_from([None, "1"])),
        audiences=tuple(draw(st.sets(st.just("public")))),
    )


def matches(filter: dict[str, Any], record: dict[str, Any]) -> bool:
    """Decide the predicate's filter the slow, obvious way."""
    if filter["workspace_id"] != record["workspace_id"] or "_id" in filter:
        return False
    return "acl" not in filter or any(one in filter["acl"]["$in"] for one in record["acl"])


@given(actors(), st.sampled_from(["w1", "w2"]), st.sets(principals.filter(lambda p: p != "w")))
def test_the_database_and_memory_decide_alike(actor: Actor, workspace_id: str, readers: set[str]) -> None:
    record = {"workspace_id": workspace_id, "acl": ["w", *readers]}
    in_memory = allows(actor, "account", "read", workspace_id=workspace_id, acl=record["acl"])
    assert in_memory == matches(predicate(actor, "account"), record)


@given(actors(), st.sets(principals))
def test_scopes_see_what_the_predicate_sees(actor: Actor, readers: set[str]) -> None:
    acl = ["w", *sorted(readers - {"w"})]
    by_scope = bool(set(actor.scopes("account")) & set(acl))
    assert by_scope == allows(actor, "account", "read", workspace_id=actor.workspace_id, acl=acl)


@given(actors(), levels, levels)
def test_a_further_level_never_reaches_less(actor: Actor, one: Level, other: Level) -> None:
    low, high = sorted((one, other), key=REACH.__getitem__)
    if high is not Level.ALL:
        near, far = (replace(actor, grants={"account": grant(read=level)}) for level in (low, high))
        assert near.principals("account") <= far.principals("account")


@given(st.lists(st.dictionaries(st.sampled_from(["account", "ticket", "*"]), grants, max_size=3), max_size=3))
def test_merged_roles_reach_as_far_as_the_furthest(roles: list[dict[str, Grant]]) -> None:
    merged = merge_grants(roles)
    for kind in ("account", "ticket"):
        each = [REACH[(r.get(kind) or r.get("*") or Grant()).level("read")] for r in roles]
        found = merged.get(kind) or merged.get("*") or Grant()
        assert REACH[found.level("read")] == max(each, default=0)


def test_nobody_reaches_another_workspace() -> None:
    system = system_actor("w1")
    assert predicate(system, "account") == {"workspace_id": "w1"}
    assert not allows(system, "account", "read", workspace_id="w2", acl=["w"])
