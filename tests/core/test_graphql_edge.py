"""The GraphQL edge: limits, typed refusals, masked bugs, health and metrics."""

from typing import Any

import httpx
import pytest

from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from tests.crew import Crew


def code_of(answer: dict[str, object]) -> str:
    errors = answer["errors"]
    assert isinstance(errors, list)
    return str(errors[0]["extensions"]["code"])


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("{ accounts { nodes { colour } } }", "Cannot query field 'colour'"),
        ('{ accounts(filter: { colour: { eq: "red" } }) { nodes { id } } }', "colour"),
        ("{ accounts", "Syntax Error"),
        ("{ " + " ".join(f"a{n}: me {{ id }}" for n in range(31)) + " }", "31 aliases"),
        ("{ me { " + "id " * 2_100 + "} }", "token"),
    ],
)
async def test_a_bad_query_says_what_is_wrong_with_it(crew: Crew, query: str, hint: str) -> None:
    answer = await crew.rep.post(query)
    assert code_of(answer) == "BAD_QUERY"
    assert hint in answer["errors"][0]["message"]


async def test_a_query_that_is_too_deep_is_refused_before_it_runs(crew: Crew) -> None:
    def nested(depth: int) -> str:
        return "{ accounts { nodes " + "{ deeper " * depth + "{ id }" + " }" * depth + " } }"

    def too_deep(answer: dict[str, Any]) -> list[str]:
        return [e["message"] for e in answer["errors"] if "exceeds maximum operation depth" in e["message"]]

    answer = await crew.rep.post(nested(11))
    assert code_of(answer) == "BAD_QUERY"
    assert too_deep(answer) == ["'anonymous' exceeds maximum operation depth of 12"]
    assert too_deep(await crew.rep.post(nested(9))) == []


@pytest.mark.parametrize("first", [0, -1, 101, 2_000_000_000])
async def test_a_page_size_out_of_range_is_refused(crew: Crew, first: int) -> None:
    answer = await crew.rep.post("query($n: Int!) { accounts(first: $n) { nodes { id } } }", n=first)
    assert code_of(answer) == "INVALID_INPUT"
    assert "1 to 100" in answer["errors"][0]["message"]


@pytest.mark.parametrize("cursor", ["", "x", "🙂", "eyJ4IjoxfQ", "W10", "W1siYSJdLFsxXV0", "A" * 5_000])
async def test_an_invalid_cursor_is_refused(crew: Crew, cursor: str) -> None:
    query = "query($a: String!) { accounts(first: 5, after: $a) { nodes { id } } }"
    answer = await crew.rep.post(query, a=cursor)
    if cursor:
        assert code_of(answer) == "INVALID_INPUT"
        assert "endCursor" in answer["errors"][0]["message"]


async def test_paging_meets_every_record_once(crew: Crew) -> None:
    for n in range(7):
        await crew.rep.do("accountCreate", {"name": f"N{n % 3}", "employees": n if n % 2 else None})
    for order in ("", ", orderBy: [{field: NAME}]", ", orderBy: [{field: NAME, direction: DESC}]"):
        query = f"""query($after: String) {{ accounts(first: 3, after: $after{order}) {{
            totalCount nodes {{ id name }} pageInfo {{ hasNextPage endCursor }} }} }}"""
        after, seen = None, []
        while True:
            found = (await crew.rep.ask(query, after=after))["accounts"]
            seen += found["nodes"]
            assert found["totalCount"] == 7
            if not found["pageInfo"]["hasNextPage"]:
                break
            after = found["pageInfo"]["endCursor"]
        assert len({node["id"] for node in seen}) == len(seen) == 7
        names = [node["name"] for node in seen]
        assert not order or names == sorted(names, reverse="DESC" in order)


async def test_filters_compose(crew: Crew) -> None:
    for name, employees in (("Alpha 甲", 10), ("beta 乙", 20), ("Gamma 丙", None)):
        await crew.rep.do("accountCreate", {"name": name, "employees": employees})

    async def names(filter: str) -> list[str]:
        query = f"{{ accounts(filter: {filter}, orderBy: [{{field: NAME}}]) {{ nodes {{ name }} }} }}"
        return [node["name"] for node in (await crew.rep.ask(query))["accounts"]["nodes"]]

    assert await names('{ name: { contains: "ALPHA" } }') == ["Alpha 甲"]
    assert await names('{ name: { contains: "乙" } }') == ["beta 乙"]
    assert await names('{ name: { contains: ".*" } }') == []
    assert await names("{ employees: { between: [10, 19] } }") == ["Alpha 甲"]
    assert await names("{ employees: { isNull: true } }") == ["Gamma 丙"]
    assert await names('{ or: [{ employees: { gte: 20 } }, { name: { startsWith: "g" } }] }') == [
        "Gamma 丙",
        "beta 乙",
    ]
    assert await names('{ not: { name: { eq: "beta 乙" } } }') == ["Alpha 甲", "Gamma 丙"]


async def test_a_null_where_a_value_is_needed_names_the_field(crew: Crew) -> None:
    made = await crew.rep.do("accountCreate", {"name": "a"})
    query = """mutation($i: AccountUpdateInput!) { accountUpdate(input: $i) {
        ... on InvalidInput { code fields { field message } } } }"""
    answer = await crew.rep.ask(query, i={"id": made["id"], "name": None})
    assert answer["accountUpdate"]["code"] == "INVALID_INPUT"
    assert [field["field"] for field in answer["accountUpdate"]["fields"]] == ["name"]
    kept = await crew.rep.ask("query($id: ID!) { account(id: $id) { name version } }", id=made["id"])
    assert kept == {"account": {"name": "a", "version": made["version"]}}


async def test_a_mutation_id_is_not_taken_for_another_change(crew: Crew) -> None:
    made = await crew.rep.do("accountCreate", {"name": "a", "mutationId": "m-1"})
    again = await crew.rep.do("accountCreate", {"name": "a", "mutationId": "m-1"})
    assert again == made
    refused = await crew.rep.do("contactCreate", {"familyName": "Li", "mutationId": "m-1"})
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert "make a new one" in refused["message"]
    assert await crew.rep.ask("{ contacts { nodes { id } } }") == {"contacts": {"nodes": []}}


async def test_a_bug_is_masked_and_carries_the_request_id(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(UnitOfWork, "latest", explode)
    answer = await crew.rep.http.post(
        "/graphql", json={"query": "{ accounts { nodes { id } } }"}, headers=crew.rep.headers
    )
    assert "secret detail" not in answer.text
    assert "ZeroDivision" not in answer.text
    error = answer.json()["errors"][0]
    assert error["extensions"] == {"code": "INTERNAL", "requestId": answer.headers["X-Request-Id"]}
    assert answer.headers["X-Request-Id"] in error["message"]


async def test_health_names_its_checks_and_metrics_count(
    http: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = await http.get("/healthz")
    assert healthy.status_code == 200
    assert healthy.json()["status"] == "ok"
    assert healthy.json()["checks"]["Store"] == "ok"
    metrics = (await http.get("/metrics")).text
    assert 'rapport_http_requests_total{method="GET",route="/healthz",status="200"}' in metrics
