"""What every answer carries and every request keeps to, over real HTTP."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import trustme
import uvicorn

from backend.app import create_app
from backend.cli import server_config
from backend.core.errors import Unavailable
from backend.core.settings import Settings
from backend.house import House
from tests.crew import Crew

PARTS_OF_POLICY = {"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"}


def client_of(
    house: House, *, client: tuple[str, int] = ("127.0.0.1", 1), **changed: Any
) -> httpx.AsyncClient:
    """A client of the same house behind another edge: one with other settings."""
    other = replace(house, settings=house.settings.model_copy(update=changed))
    transport = httpx.ASGITransport(create_app(other), client=client)
    return httpx.AsyncClient(transport=transport, base_url="http://rapport.test")


@contextlib.asynccontextmanager
async def served(house: House, **changed: Any) -> AsyncIterator[int]:
    """The same house on a loopback socket, as ``rapport serve`` serves it; yields the port."""
    settings = house.settings.model_copy(update=changed)
    server = uvicorn.Server(server_config(create_app(replace(house, settings=settings)), settings))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        await serving


# ── headers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/healthz", 405),
        ("POST", "/auth/sign-in", 422),
        ("GET", "/graphql", 400),
        ("GET", "/graphql?query={__typename}", 200),
        ("DELETE", "/graphql", 405),
    ],
)
async def test_every_answer_carries_the_security_headers(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert set(answer.headers["Content-Security-Policy"].split("; ")) == PARTS_OF_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer.headers
    assert len(answer.headers["X-Request-Id"]) == 36


async def test_what_is_somebodys_own_is_not_kept_by_caches(crew: Crew) -> None:
    own = await crew.rep.http.post("/graphql", json={"query": "{ me { id } }"}, headers=crew.rep.headers)
    assert own.headers["Cache-Control"] == "no-store"
    refused = await crew.rep.http.post("/auth/sign-in", json={"email": "a@b.example", "password": "x"})
    assert (refused.status_code, refused.headers["Cache-Control"]) == (401, "no-store")
    assert "Cache-Control" not in (await crew.rep.http.get("/healthz")).headers


@pytest.mark.parametrize(
    ("hsts", "forwarded", "client", "given"),
    [
        ("auto", "https", "127.0.0.1", True),
        ("auto", "http", "127.0.0.1", False),
        ("auto", "https", "198.51.100.7", False),  # no proxy of ours: anybody can send the header
        ("always", "http", "127.0.0.1", True),
        ("off", "https", "127.0.0.1", False),
    ],
)
async def test_hsts_is_for_https_as_a_trusted_proxy_tells_it(
    house: House, hsts: str, forwarded: str, client: str, given: bool
) -> None:
    async with client_of(house, client=(client, 1), hsts=hsts) as http:
        answer = await http.get("/healthz", headers={"X-Forwarded-Proto": forwarded})
    assert answer.headers.get("Strict-Transport-Security") == ("max-age=31536000" if given else None)


async def test_only_a_named_proxy_says_where_a_request_comes_from(house: House) -> None:
    """Shown by the budget, which callers that are not signed in have by network address."""

    async def left(peer: str) -> list[int]:
        changed = {"trusted_proxies": ("10.0.0.0/8",), "cost_bucket": 6_000, "cost_restore": 1}
        async with client_of(house, client=(peer, 1), **changed) as http:
            body = {"query": "{ nothing }"}
            froms = [{"X-Forwarded-For": address} for address in ("203.0.113.8", "203.0.113.9")]
            answers = [await http.post("/graphql", json=body, headers=one) for one in froms]
            return [answer.json()["extensions"]["cost"]["available"] for answer in answers]

    assert await left("10.1.2.3") == [5_990, 5_990]
    first, second = await left("192.0.2.1")
    assert first == 5_990
    assert 5_980 <= second < 5_990  # a point comes back each second


async def test_foreign_host_names_are_refused(house: House) -> None:
    async with client_of(house, allowed_hosts=("crm.example", "*.shop.example")) as http:
        hosts = (
            "crm.example",
            "crm.example:8000",
            "cn.shop.example",
            "evil.example",
            "shop.example.evil.example",
        )
        statuses = [(await http.get("/healthz", headers={"Host": host})).status_code for host in hosts]
    assert statuses == [200, 200, 200, 400, 400]


async def test_only_listed_origins_may_read_answers(house: House) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with client_of(house, allowed_origins=("https://office.example",)) as http:
        ours = await http.options("/graphql", headers={"Origin": "https://office.example", **asked})
        foreign = await http.options("/graphql", headers={"Origin": "https://evil.example", **asked})
        part = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "upload-offset"}
        upload = await http.options("/files/x", headers={"Origin": "https://office.example", **part})
        lookalike = await http.get("/healthz", headers={"Origin": "https://office.example.evil.example"})
    assert (ours.status_code, ours.headers["Access-Control-Allow-Origin"]) == (200, "https://office.example")
    assert "Access-Control-Allow-Credentials" not in ours.headers
    assert upload.status_code == 200
    assert foreign.status_code == 400
    for refused in (foreign, lookalike):
        assert "Access-Control-Allow-Origin" not in refused.headers


# ── sizes and times ──────────────────────────────────────────────────────────────────────────────


async def test_a_body_that_announces_too_much_is_not_read(http: httpx.AsyncClient) -> None:
    answer = await http.post("/auth/sign-in", content=b"x" * 1_000_001)
    assert answer.status_code == 413
    assert answer.json() == {
        "message": "The request is larger than the 1,000,000 bytes that are taken here; send it in parts.",
        "code": "BODY_TOO_LARGE",
        "mostBytes": 1_000_000,
    }
    assert answer.headers["Connection"] == "close"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/graphql", "/auth/sign-in"])
async def test_a_body_without_a_length_is_counted_while_it_comes(server: str, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.rpartition(":")[2]))
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    for size in (600_000, 400_001):  # and no end: the answer does not wait for one
        writer.write(f"{size:x}\r\n".encode() + b" " * size + b"\r\n")
        await writer.drain()
    head_, _, body = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n\r\n")
    writer.close()
    assert head_.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "BODY_TOO_LARGE"


async def test_a_large_body_is_for_pushes_alone(crew: Crew) -> None:
    padding = "x" * 1_100_000
    query = "query($s: String!) { searchKnowledge(query: $s) { __typename } }"
    body = {"query": query, "variables": {"s": padding}}
    large = await crew.rep.http.post("/graphql", json=body, headers=crew.rep.headers)
    assert (large.status_code, large.json()["errors"][0]["extensions"]["code"]) == (413, "BODY_TOO_LARGE")
    push = "mutation($r: [AccountInputPushRow]) { pushAccount(accountPushRow: $r) { id } }"
    rows = [{"newDocumentState": {"id": "no uuid", "name": padding, "_deleted": False}}]
    pushed = await crew.rep.http.post(
        "/graphql", json={"query": push, "variables": {"r": rows}}, headers=crew.rep.headers
    )
    assert pushed.status_code == 200
    assert "BODY_TOO_LARGE" not in pushed.text
    nobody = await crew.rep.http.post("/graphql", json={"query": push, "variables": {"r": rows}})
    assert (nobody.status_code, nobody.json()["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_body_that_does_not_arrive_is_not_waited_for(house: House) -> None:
    async with served(house, body_seconds=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /auth/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        head, _, body = (await asyncio.wait_for(reader.read(), 20)).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "BODY_TOO_SLOW"


async def test_a_message_on_a_socket_has_a_size(server: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server}/graphql", protocols=["graphql-transport-ws"]) as ws,
    ):
        await ws.send_json({"type": "connection_init"})
        assert (await ws.receive_json())["type"] == "connection_ack"
        await ws.send_str("x" * 1_000_001)
        message = await ws.receive()
        assert (message.type, ws.close_code) == (aiohttp.WSMsgType.CLOSE, 1009)


# ── forms of requests ────────────────────────────────────────────────────────────────────────────

CREATE = 'mutation { accountCreate(input: {name: "Forged"}) { __typename } }'


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "GET", "params": {"query": CREATE}},
        {
            "method": "POST",
            "content": json.dumps({"query": CREATE}),
            "headers": {"Content-Type": "text/plain"},
        },
        {"method": "POST", "data": {"query": CREATE}},
        {
            "method": "POST",
            "data": {"operations": json.dumps({"query": CREATE}), "map": "{}"},
            "files": {"0": b"x"},
        },
        {"method": "POST", "json": [{"query": CREATE}, {"query": CREATE}]},
    ],
    ids=["get", "text", "form", "multipart", "batch"],
)
async def test_a_page_elsewhere_cannot_write_by_a_form(crew: Crew, request_: dict[str, Any]) -> None:
    request_ = {**request_, "headers": {**crew.rep.headers, **request_.get("headers", {})}}
    answer = await crew.rep.http.request(url="/graphql", **request_)
    assert answer.status_code in (400, 405)
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert await crew.rep.ask("{ accounts { nodes { id } } }") == {"accounts": {"nodes": []}}


async def test_a_wrong_body_is_named_by_field_and_not_repeated(http: httpx.AsyncClient) -> None:
    answer = await http.post("/auth/sign-in", json={"email": "a@b.example", "password": ["hunter2-of-mine"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_INPUT")
    assert [one["field"] for one in answer.json()["fields"]] == ["password"]
    assert "hunter2" not in answer.text


async def test_a_bug_outside_of_graphql_is_masked(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("backend.identity.sign_in.sign_in", explode)
    answer = await http.post("/auth/sign-in", json={"email": "a@b.example", "password": "x"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "INTERNAL"
    assert answer.json()["requestId"] == answer.headers["X-Request-Id"]
    assert "secret detail" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def pair(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, issued = tmp_path_factory.mktemp("tls"), authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(folder / "certificate.pem", append=True)
    return {"tls_certificate": folder / "certificate.pem", "tls_key": folder / "key.pem"}


async def test_https_is_served_from_tls_1_2_on(
    house: House, authority: trustme.CA, pair: dict[str, Path]
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with served(house, **pair) as port:
        async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=trusting) as http:
            answer = await http.get("/healthz")
        assert answer.status_code == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "Server" not in answer.headers
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            trusting.minimum_version = trusting.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    config = server_config(create_app(house), house.settings.model_copy(update=pair))
    config.load()
    assert config.ssl is not None
    assert config.ssl.minimum_version is ssl.TLSVersion.TLSv1_2


def test_half_of_a_certificate_is_refused(house: House, pair: dict[str, Path], tmp_path: Path) -> None:
    app = create_app(house)
    certificate, key = pair["tls_certificate"], pair["tls_key"]
    with pytest.raises(Unavailable, match="needs both RAPPORT_TLS_CERTIFICATE and RAPPORT_TLS_KEY"):
        server_config(app, Settings(tls_certificate=certificate))
    with pytest.raises(Unavailable, match="belong together"):
        server_config(app, Settings(tls_certificate=key, tls_key=certificate))
    with pytest.raises(Unavailable, match="No such file"):
        server_config(app, Settings(tls_certificate=tmp_path / "none.pem", tls_key=key))
