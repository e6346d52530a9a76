"""Fuzz what strangers reach: REST by its OpenAPI, GraphQL by its schema, sign-in, tokens, ids, raw bodies.

Whatever comes, the answer is a typed one: never a 500, a masked bug or a stack trace. ``RAPPORT_FUZZ``
multiplies the examples (``make fuzz``).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from backend.house import House
from tests.core.test_web_hygiene import client_of, served
from tests.crew import Crew

TIMES = int(os.environ.get("RAPPORT_FUZZ", "1"))
# Money in inputs, not a number and beyond all reason included.
DECIMALS = st.decimals().map(str) | st.sampled_from(["", "1e9999", "-0", "０.５", "twelve", "9" * 400])
schemathesis.graphql.scalar("Decimal", DECIMALS.map(schemathesis.graphql.nodes.String))
SIGNS_OF_A_BUG = ("INTERNAL", "Traceback", "Something went wrong", "Error(", 'File "/')


def examples(count: int) -> settings:
    """Return how a fuzz run goes: without deadlines, and without shrinking for minutes in the suite."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        derandomize=TIMES == 1,
        database=None,
    )


def judge(status: int, text: str, about: object) -> None:
    """Fail on what only a bug answers."""
    is_away = status == 503 and '"code":"UNAVAILABLE"' in text  # this house has no mail server
    assert status < 500 or is_away, f"{status} {text[:500]} to {about!r}"
    assert not [sign for sign in SIGNS_OF_A_BUG if sign in text], f"{text[:800]} to {about!r}"


@pytest.fixture(scope="module")
async def base(house: House) -> AsyncIterator[str]:
    """The house on a socket, with budgets that no fuzzing empties."""
    async with served(house, cost_bucket=10**9, introspection="anyone") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def free(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The house without a socket, for laws that hypothesis runs in loops of their own."""
    async with client_of(house, cost_bucket=10**9) as http:
        yield http


def call_all(schema: Any, count: int, *callers: dict[str, str]) -> int:
    """Call every operation of ``schema`` with generated cases; return how many answers were judged.

    ``callers`` are the headers of people who take turns; in a long run each calls every operation.
    """
    judged = 0
    for place, found in enumerate(schema.get_all_operations()):
        for headers in callers if TIMES > 1 else [callers[place % len(callers)]]:
            judged += call(found.ok(), count, headers)
    return judged


def call(operation: Any, count: int, headers: dict[str, str]) -> int:
    """Call one operation with generated cases; return how many answers were judged."""
    judged = 0

    @examples(count)
    @given(case=operation.as_strategy())
    def fuzz(case: Any) -> None:
        nonlocal judged
        answer = case.call(headers=headers)
        judge(answer.status_code, answer.text, case.as_curl_command())
        judged += 1

    fuzz()
    return judged


# The house serves on another thread meanwhile, and its driver draws request numbers from the process's
# `random`: Hypothesis, which looks whether that moved, cannot tell whose draw it was.
beside_the_house = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module inside strategies:hypothesis.errors.HypothesisDeprecationWarning"
)


@beside_the_house
async def test_rest_by_its_openapi(base: str, crew: Crew) -> None:
    schema = await asyncio.to_thread(schemathesis.openapi.from_url, f"{base}/openapi.json")
    assert await asyncio.to_thread(call_all, schema, 3, {}, crew.customer.headers) > 20


@beside_the_house
async def test_graphql_by_its_schema(base: str, crew: Crew) -> None:
    headers = crew.admin.headers
    schema = await asyncio.to_thread(schemathesis.graphql.from_url, f"{base}/graphql", headers=headers)
    assert await asyncio.to_thread(call_all, schema, 1, headers, crew.customer.headers) > 100


# ── by hand: what a schema does not tell ─────────────────────────────────────────────────────────

ODD = st.one_of(
    st.text(max_size=300),
    st.sampled_from(
        ["", "\x00", "a@b", "🙂@例子.公司", "'; DROP", "{$ne: 1}", "../../etc/passwd", "null", "A" * 9_000]
    ),
)
JSONS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=6,
)


@examples(25)
@given(email=JSONS, password=JSONS, device=JSONS, extra=JSONS)
async def test_sign_in_bodies(
    free: httpx.AsyncClient, email: Any, password: Any, device: Any, extra: Any
) -> None:
    body = {"email": email, "password": password, "device": device, "extra": extra}
    answer = await free.post("/auth/sign-in", json=body)
    judge(answer.status_code, answer.text, body)
    assert answer.status_code in (401, 422, 429)


@examples(40)
@given(token=st.binary(max_size=200) | ODD.map(lambda text: text.encode()))
async def test_tokens(free: httpx.AsyncClient, token: bytes) -> None:
    value = b"Bearer " + token.replace(b"\r", b"").replace(b"\n", b"").replace(b"\x00", b"")
    answer = await free.post("/graphql", json={"query": "{ me { id } }"}, headers={b"Authorization": value})
    judge(answer.status_code, answer.text, value)
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@examples(40)
@given(id=ODD)
async def test_ids(free: httpx.AsyncClient, crew: Crew, id: str) -> None:
    query = "query($id: ID!) { account(id: $id) { id } contact(id: $id) { id } ticket(id: $id) { id } }"
    body = {"query": query, "variables": {"id": id}}
    answer = await free.post("/graphql", json=body, headers=crew.rep.headers)
    judge(answer.status_code, answer.text, id)
    assert answer.json()["data"] == {"account": None, "contact": None, "ticket": None}


@examples(40)
@given(body=JSONS | st.fixed_dictionaries({}, optional=dict.fromkeys(
    ("query", "variables", "operationName", "extensions", "documentId"), JSONS)))  # fmt: skip
async def test_graphql_bodies(free: httpx.AsyncClient, body: Any) -> None:
    answer = await free.post("/graphql", json=body)
    judge(answer.status_code, answer.text, body)
    assert answer.json()["errors"][0]["extensions"]["code"]


@examples(40)
@given(
    body=st.binary(max_size=300),
    kind=st.sampled_from(["application/json", "application/json; charset=x", "", "a/b"]),
)
async def test_raw_bodies(free: httpx.AsyncClient, body: bytes, kind: str) -> None:
    for path in ("/graphql", "/auth/sign-in", "/auth/refresh"):
        answer = await free.post(path, content=body, headers={"Content-Type": kind})
        judge(answer.status_code, answer.text, (path, kind, body))
        assert 400 <= answer.status_code < 500 or answer.json()["errors"]
