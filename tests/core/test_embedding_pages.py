"""Pages that hold the chat: which may call what, as their browsers ask."""

import httpx
import pytest

from tests.crew import Crew
from tests.visitors import SITE, knock, make_key

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


async def preflight(http: httpx.AsyncClient, path: str, origin: str) -> httpx.Response:
    return await http.options(path, headers={"Origin": origin, **PREFLIGHT})


@pytest.mark.parametrize("path", ["/graphql", "/assistant/visitors", "/assistant/ask"])
async def test_a_listed_page_may_call_the_chat(crew: Crew, http: httpx.AsyncClient, path: str) -> None:
    site = f"https://{crew.workspace_id}.example"
    await make_key(crew, origins=[site])
    answer = await preflight(http, path, site)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == site
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


async def test_a_listed_page_reads_answers_and_refusals(crew: Crew, http: httpx.AsyncClient) -> None:
    site = f"https://{crew.workspace_id}.example"
    key = await make_key(crew, origins=[site])
    welcomed = await knock(http, key["id"], origin=site)
    assert (welcomed.status_code, welcomed.headers["access-control-allow-origin"]) == (200, site)
    refused = await http.post("/graphql", json={"query": "{ nonsense }"}, headers={"Origin": site})
    assert refused.headers["access-control-allow-origin"] == site
    assert "default-src 'none'" in refused.headers["content-security-policy"]


async def test_other_pages_and_other_paths_stay_closed(crew: Crew, http: httpx.AsyncClient) -> None:
    site = f"https://{crew.workspace_id}.example"
    await make_key(crew, origins=[site])
    for origin in ("https://evil.example", f"{site}.evil.example", "null", SITE.replace("https", "http")):
        for path in ("/graphql", "/assistant/visitors"):
            assert "access-control-allow-origin" not in (await preflight(http, path, origin)).headers
    for path in ("/auth/sign-in", "/auth/refresh", "/healthz", "/sync/v1/pull"):
        assert "access-control-allow-origin" not in (await preflight(http, path, site)).headers


async def test_a_key_that_is_closed_opens_no_page(crew: Crew, http: httpx.AsyncClient) -> None:
    site = f"https://{crew.workspace_id}.example"
    await make_key(crew, origins=[site], isActive=False)
    assert "access-control-allow-origin" not in (await preflight(http, "/graphql", site)).headers
