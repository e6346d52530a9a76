"""What operations cost, who may spend how much, and how a caller is told."""

import time
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from graphql import GraphQLSchema, build_schema, parse
from hypothesis import given
from hypothesis import strategies as st

from backend.core.cost import make_plans
from backend.core.cost_budget import CostBudget, CostLimit, spender
from backend.core.errors import RateLimited
from backend.house import House
from tests.core.test_web_hygiene import client_of
from tests.crew import Crew, Person
from tests.schema import whole_schema

PLAIN = build_schema("""
    type Query { things(first: Int! = 50): ThingConnection! thing: Thing! any: Any any_node: Node
                 pull(limit: Int!): Bulk! hits(first: Int! = 5): [Hit!]! }
    type Mutation { make(input: In!): Made! push(rows: [In]): [Thing!]! }
    input In { name: String }
    union Made = Thing | Problem
    union Any = Thing | Hit
    interface Node { id: ID! }
    type Problem { code: String! }
    type ThingConnection { nodes: [Thing!]! edges: [ThingEdge!]! pageInfo: PageInfo! totalCount: Int }
    type ThingEdge { cursor: String! node: Thing! }
    type PageInfo { endCursor: String }
    type Thing implements Node { id: ID! name: String owner: Thing things(first: Int! = 3): ThingConnection!
                                 parts: [Hit!]! versions: [Thing!]! }
    type Bulk { documents: [Thing!]! checkpoint: Checkpoint }
    type Checkpoint { cursor: String! }
    type Hit { text: String! }
""")


def cost(query: str, schema: GraphQLSchema = PLAIN, **variables: Any) -> int:
    return make_plans(schema, parse(query))[None].price(variables).requested


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ __typename }", 1),  # nothing is for nothing
        ("{ thing { id name } }", 1),
        ("{ thing { owner { owner { id } } } }", 3),
        ("{ things(first: 20) { nodes { id } } }", 2 + 20),
        ("{ things { nodes { id } pageInfo { endCursor } } }", 2 + 50),
        ("{ things(first: 20) { edges { cursor node { id owner { id } } } } }", 2 + 20 * 2),
        ("{ things(first: 20) { edges { node { owner { id } } } nodes { owner { id } } } }", 2 + 20 * 3),
        ("{ things(first: 9) { nodes { things(first: 5) { nodes { owner { id } } } } } }", 2 + 9 * 13),
        ("{ things(first: 10) { nodes { things { nodes { id } } } } }", 2 + 10 * (1 + 2 + 3)),
        ("{ a: things(first: 10) { nodes { id } } b: things(first: 10) { nodes { id } } }", 24),
        ("{ things(first: 10) { nodes { id } } things(first: 10) { nodes { name } } }", 12),  # one field
        ("{ pull(limit: 1000) { documents { id } checkpoint { cursor } } }", 2 + 1000),
        ("{ pull(limit: 2000000000) { documents { id } } }", 2 + 1000),  # the field refuses it
        ("{ hits(first: 4) { text } }", 2 + 4),
        ("{ thing { parts { text } } }", 2),  # a part of the record
        ("{ thing { versions { owner { id } } } }", 1 + 2 + 10 * 2),  # records, nobody says how many
        ("{ any { ... on Thing { owner { owner { id } } } ... on Hit { text } } }", 3),
        ("{ any_node { id ... on Thing { owner { id } } } }", 2),
        ("mutation { make(input: {}) { ... on Thing { id } } }", 10),
        ("mutation { make(input: {}) { ... on Thing { id owner { id } } ... on Problem { code } } }", 11),
        ("mutation { push(rows: [{}, {}, {}]) { id } }", 30),
        ("fragment F on Thing { owner { id } } { thing { ...F ...F } }", 2),
    ],
)  # fmt: skip
def test_the_points_of_an_operation(query: str, points: int) -> None:
    assert cost(query) == points


def test_variables_say_how_many() -> None:
    pages = "query($n: Int = 7) { things(first: $n) { nodes { id } } }"
    assert [cost(pages), cost(pages, n=30), cost(pages, n=None), cost(pages, n=-5)] == [9, 32, 9, 2]
    usual = "query($n: Int!) { things(first: $n) { nodes { id } } }"
    assert [cost(usual, n=float("inf")), cost(usual, n="x"), cost(usual, n=[1])] == [1_002, 52, 3]
    push = "mutation($r: [In]) { push(rows: $r) { id owner { id } } }"
    assert [cost(push, r=[{}] * 500), cost(push, r=[]), cost(push)] == [5_000, 1, 10]


@given(sizes=st.lists(st.integers(0, 100), min_size=1, max_size=4))
def test_pages_inside_pages_multiply(sizes: list[int]) -> None:
    query, expected = "id", 0
    for size in sizes:
        query, expected = f"things(first: {size}) {{ nodes {{ {query} }} }}", 2 + size * (1 + expected)
    assert cost(f"{{ {query} }}") == expected


def test_fragments_in_fragments_are_planned_once() -> None:
    """Twelve levels of two spreads each are 4,096 ways; they are not walked one by one."""
    levels = "".join(
        f"fragment F{n} on Thing {{ a: owner {{ ...F{n + 1} }} b: owner {{ ...F{n + 1} }} }} "
        for n in range(40)
    )
    start = time.process_time()
    assert cost(f"{levels} fragment F40 on Thing {{ id }} {{ thing {{ ...F0 }} }}") == 2**41 - 1
    assert time.process_time() - start < 1.0


def test_what_came_is_what_is_paid() -> None:
    query = "{ things(first: 100) { edges { node { owner { id } things(first: 9) { nodes { id } } } } } }"
    price = make_plans(PLAIN, parse(query))[None].price({})
    assert price.requested == 2 + 100 * (1 + 1 + 2 + 9)
    node = {"owner": {"id": 1}, "things": {"nodes": [{"id": 1}, {"id": 2}]}}
    assert price.actual({"things": {"edges": [{"node": node}] * 3}}) == 2 + 3 * (1 + 1 + 2 + 2)
    assert price.actual(None) == 1
    flat = make_plans(PLAIN, parse("{ x: things(first: 100) { y: nodes { id owner { id } } } }"))[None].price(
        {}
    )
    assert flat.actual({"x": {"y": [{}, {}]}}) == 2 + 2 * 2


# ── buckets ──────────────────────────────────────────────────────────────────────────────────────


class Hand:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills() -> None:
    hand = Hand()
    budget = CostBudget(limit=60, size=100, restore=10, clock=hand)
    assert [budget.take("a", 60), budget.take("a", 40)] == [40, 0]
    assert budget.take("b", 60) == 40  # another's is another
    with pytest.raises(RateLimited) as refused:
        budget.take("a", 25)
    assert refused.value.retry_after.total_seconds() == 2.5
    hand.now = 2.5
    assert budget.take("a", 25) == 0
    hand.now = 1_000.0
    assert budget.take("a", 1) == 99
    with pytest.raises(CostLimit, match="may cost 61 points, more than the 60"):
        budget.take("a", 61)
    assert budget.give_back("a", 500) == 100
    assert budget.give_back("a", -500) == 0


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 60)), max_size=40))
def test_nobody_spends_more_than_the_bucket_and_what_came_back(steps: list[tuple[float, int]]) -> None:
    hand = Hand()
    budget, spent = CostBudget(limit=60, size=100, restore=10, clock=hand), 0
    for pause, points in steps:
        hand.now += pause
        try:
            budget.take("a", points)
            spent += points
        except RateLimited as refused:
            hand.now += refused.retry_after.total_seconds() + 1e-6
            budget.take("a", points)  # it said when
            spent += points
        assert spent <= 100 + 10 * hand.now + 1e-3


def test_forgotten_buckets_are_those_that_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.core.cost_budget.MOST_BUCKETS", 10)
    hand = Hand()
    budget = CostBudget(limit=60, size=100, restore=10, clock=hand)
    budget.take("poor", 60)
    for number in range(500):
        budget.take(f"c{number}", 1)
        hand.now += 0.005
    assert len(budget._buckets) <= 10
    assert budget.take("poor", 1) < 70


def test_a_caller_pays_for_itself(crew: Crew) -> None:
    names = {spender(person.actor, "1.1.1.1") for person in crew.people.values()}
    assert len(names) == len(crew.people)
    assert spender(None, "1.1.1.1") == "ip:1.1.1.1"
    assert spender(replace(crew.rep.actor, api_key_id="k"), "") != spender(crew.rep.actor, "")


TICKETS = "tickets(first: 100) { nodes { account { id } contact { id } conversation { id } } }"
TOO_MUCH = "{ " + " ".join(f"t{n}: {TICKETS}" for n in range(20)) + " }"


# ── over HTTP ────────────────────────────────────────────────────────────────────────────────────


async def test_every_answer_tells_its_cost(crew: Crew) -> None:
    for name in "ab":
        await crew.rep.do("contactCreate", {"familyName": name})
    page = await crew.rep.post("{ contacts(first: 100) { totalCount nodes { id account { id } } } }")
    cost = page["extensions"]["cost"]
    assert (cost["requested"], cost["actual"], cost["restoreRate"]) == (
        2 + 20 + 100 * 2,
        2 + 20 + 2 * 2,
        1_000,
    )
    assert 0 < cost["available"] <= 50_000
    bad = await crew.rep.post("{ accounts { nodes { colour } } }")
    assert (bad["extensions"]["cost"]["requested"], bad["extensions"]["cost"]["actual"]) == (10, 10)
    torn = await crew.rep.post("{ accounts")
    assert torn["extensions"]["cost"]["requested"] == 10


async def test_an_operation_that_costs_too_much_is_not_run(crew: Crew) -> None:
    answer = await crew.rep.post(TOO_MUCH)
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "COST_LIMIT"
    assert (error["extensions"]["cost"], error["extensions"]["most"]) == (20 * 402, 6_000)
    assert "ask for smaller pages" in error["message"]


async def test_who_has_spent_all_is_told_when_to_come_again(crew: Crew, house: House) -> None:
    creates = " ".join(f'n{n}: accountCreate(input: {{name: "N{n}"}}) {{ __typename }}' for n in range(10))
    async with client_of(house, cost_limit=100, cost_bucket=100, cost_restore=1) as http:
        made, answer = [
            await http.post("/graphql", json={"query": f"mutation {{ {creates} }}"}, headers=crew.rep.headers)
            for _ in range(2)
        ]
        assert made.json()["data"] == {f"n{n}": {"__typename": "Account"} for n in range(10)}
        stranger = Person(crew.stranger.user_id, crew.stranger.token, crew.stranger.actor, http)
        assert (await stranger.ask("{ me { id } }"))["me"] == {"id": crew.stranger.user_id}
    assert (answer.status_code, answer.json()["data"]) == (429, None)
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert 0 < error["extensions"]["retryAfter"] <= 100
    assert error["extensions"]["retryAfter"] <= int(answer.headers["Retry-After"]) <= 100
    assert len((await crew.rep.ask("{ accounts { nodes { id } } }"))["accounts"]["nodes"]) == 10


async def test_a_flood_of_bad_queries_is_stopped(house: House) -> None:
    async with client_of(house, cost_limit=100, cost_bucket=100, cost_restore=1) as http:
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 50:
            statuses.append((await http.post("/graphql", json={"query": "{ nothing }"})).status_code)
    assert statuses[:10] == [200] * 10
    assert statuses[-1] == 429


async def test_a_socket_spends_from_the_same_budget(crew: Crew, server: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server}/graphql", protocols=["graphql-transport-ws"]) as ws,
    ):
        await ws.send_json(
            {"type": "connection_init", "payload": {"Authorization": crew.rep.headers["Authorization"]}}
        )
        assert (await ws.receive_json())["type"] == "connection_ack"
        await ws.send_json({"id": "1", "type": "subscribe", "payload": {"query": TOO_MUCH}})
        refused = await ws.receive_json()
        await ws.send_json({"id": "2", "type": "subscribe", "payload": {"query": "{ me { id } }"}})
        told = await ws.receive_json()
    assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "COST_LIMIT")
    assert told["payload"]["data"] == {"me": {"id": crew.rep.user_id}}
    assert told["payload"]["extensions"]["cost"]["requested"] == 1


async def test_only_who_is_signed_in_sees_the_schema(crew: Crew, house: House) -> None:
    query = "{ __schema { types { name } } }"
    hint = "{ acounts { nodes { id } } }"
    nobody = await crew.rep.http.post("/graphql", json={"query": query})
    assert nobody.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert nobody.json()["data"] is None
    assert "accounts" not in (await crew.rep.http.post("/graphql", json={"query": hint})).text
    assert "Did you mean 'accounts'" in str(await crew.rep.post(hint))
    assert len((await crew.rep.ask(query))["__schema"]["types"]) > 100
    async with client_of(house, introspection="anyone") as http:
        assert "errors" not in (await http.post("/graphql", json={"query": query})).json()


def test_the_real_schema_prices_what_phones_and_the_bench_send() -> None:
    schema = whole_schema()
    pull = "query($l: Int!) { pullAccount(limit: $l) { documents { id name } checkpoint { cursor } } }"
    push = "mutation($r: [AccountInputPushRow]) { pushAccount(accountPushRow: $r) { id } }"
    create = (
        "mutation($i: AccountCreateInput!) { accountCreate(input: $i) { __typename ... on Account { id } } }"
    )
    page = """query($a: String) { accounts(first: 100, after: $a) {
        edges { node { id name type lifecycle ownerId updatedAt } } pageInfo { hasNextPage endCursor } } }"""
    assert cost(pull, schema, l=1_000) == 1_002  # ten of them for 10,000 records: a fifth of a bucket
    assert cost(push, schema, r=[{}] * 500) == 5_000
    assert cost(create, schema) == 10
    assert cost('{ searchKnowledge(query: "x") { __typename } }', schema) == 40 + 2 + 5
    assert cost("mutation($i: AskInput!) { ask(input: $i) { text } }", schema) == 40 + 10
    assert cost(page, schema) == 102


def test_pricing_takes_microseconds() -> None:
    """Counted in processor time, best of many: what the price adds to a cached page of 100."""
    schema = whole_schema()
    query = "query($n: Int!) { contacts(first: $n) { edges { node { id familyName account { id } } } } }"
    plan, budget = make_plans(schema, parse(query))[None], CostBudget(limit=6_000, size=10**9, restore=1_000)
    data = {"contacts": {"edges": [{"node": {"id": "x", "familyName": "y", "account": None}}] * 100}}

    def once() -> float:
        start = time.process_time()
        for _ in range(100):
            price = plan.price({"n": 100})
            budget.take("a", price.requested)
            budget.give_back("a", price.requested - price.actual(data))
        return (time.process_time() - start) / 100

    once()
    assert min(once() for _ in range(5)) < 60e-6
