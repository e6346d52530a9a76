"""Trusted documents over HTTP and sockets: by id, by GET with an ETag, and nothing else where required."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from backend.core.errors import Unavailable
from backend.core.trusted_documents import TrustedDocuments, document_id, may_ask_freely, read_manifests
from backend.house import House
from tests.core.test_web_hygiene import client_of, served
from tests.crew import Crew

ME = "query Me { me { id } }"
PAGE = "query Page($n: Int!) { accounts(first: $n) { nodes { name } } }"
CREATE = "mutation Create($i: AccountCreateInput!) { accountCreate(input: $i) { __typename } }"
FREE = "{ me { name } }"


def manifest(folder: Path, name: str, *texts: str) -> None:
    documents = {document_id(text): text for text in texts}
    (folder / name).write_text(json.dumps(documents), encoding="utf-8")


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    manifest(tmp_path, "app-1.0.json", ME, PAGE)
    manifest(tmp_path, "app-1.1.json", ME, CREATE)
    return tmp_path


@pytest.fixture
async def strict(house: House, manifests: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(house, trusted_documents="required", trusted_documents_dir=manifests) as http:
        yield http


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json().get("errors", [])]


async def test_a_document_is_sent_by_its_id(crew: Crew, strict: httpx.AsyncClient) -> None:
    me = await strict.post("/graphql", json={"documentId": document_id(ME)}, headers=crew.rep.headers)
    assert (me.status_code, me.json()["data"]) == (200, {"me": {"id": crew.rep.user_id}})
    body = {"documentId": document_id(CREATE), "variables": {"i": {"name": "Acme"}}}
    made = await strict.post("/graphql", json=body, headers=crew.rep.headers)
    assert made.json()["data"] == {"accountCreate": {"__typename": "Account"}}
    whole = await strict.post("/graphql", json={"query": ME}, headers=crew.rep.headers)
    assert whole.json()["data"] == {"me": {"id": crew.rep.user_id}}  # the text is what is trusted


async def test_a_free_query_is_refused_where_documents_are_required(
    crew: Crew, strict: httpx.AsyncClient
) -> None:
    for query in (FREE, ME + " ", "{ __schema { types { name } } }", CREATE.replace("Create", "Other", 1)):
        body = {"query": query, "variables": {"i": {"name": "Forged"}}}
        answer = await strict.post("/graphql", json=body, headers=crew.admin.headers)
        assert (answer.status_code, answer.json()["data"]) == (403, None)
        assert codes(answer) == ["UNTRUSTED_DOCUMENT"]
    assert await crew.admin.ask("{ accounts { nodes { id } } }") == {"accounts": {"nodes": []}}


@pytest.mark.parametrize("id", ["sha256:" + "0" * 64, "", "sha256:", document_id(FREE)])
async def test_an_unknown_id_is_told(crew: Crew, strict: httpx.AsyncClient, id: str) -> None:
    answer = await strict.post("/graphql", json={"documentId": id}, headers=crew.rep.headers)
    assert (answer.status_code, codes(answer)) == (404, ["UNKNOWN_DOCUMENT"])


async def test_an_unknown_id_with_its_query_is_a_free_query(
    crew: Crew, house: House, strict: httpx.AsyncClient, manifests: Path
) -> None:
    body = {"documentId": document_id(FREE), "query": FREE}
    refused = await strict.post("/graphql", json=body, headers=crew.rep.headers)
    assert codes(refused) == ["UNTRUSTED_DOCUMENT"]
    async with client_of(house, trusted_documents="prefer", trusted_documents_dir=manifests) as http:
        taken = await http.post("/graphql", json=body, headers=crew.rep.headers)
        known = await http.post("/graphql", json={"documentId": document_id(ME)}, headers=crew.rep.headers)
    assert taken.json()["data"] == {"me": {"name": "Rep"}}
    assert known.json()["data"] == {"me": {"id": crew.rep.user_id}}


async def test_where_they_are_off_ids_mean_nothing(crew: Crew) -> None:
    answer = await crew.rep.http.post(
        "/graphql", json={"documentId": document_id(ME)}, headers=crew.rep.headers
    )
    assert (answer.status_code, codes(answer)) == (400, ["BAD_REQUEST"])


async def test_a_get_by_id_is_kept_until_the_data_change(crew: Crew, strict: httpx.AsyncClient) -> None:
    asked: dict[str, Any] = {"params": {"documentId": document_id(PAGE), "variables": '{"n": 5}'}}
    first = await strict.get("/graphql", **asked, headers=crew.rep.headers)
    assert first.json()["data"] == {"accounts": {"nodes": []}}
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert first.headers["Vary"] == "Authorization, Accept-Encoding"
    tag = first.headers["ETag"]
    known = {**crew.rep.headers, "If-None-Match": f'"other", {tag}'}
    same = await strict.get("/graphql", **asked, headers=known)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    await crew.rep.do("accountCreate", {"name": "New"})
    changed = await strict.get("/graphql", **asked, headers=known)
    assert (changed.status_code, changed.json()["data"]["accounts"]["nodes"]) == (200, [{"name": "New"}])
    assert changed.headers["ETag"] != tag


async def test_a_get_never_writes(crew: Crew, strict: httpx.AsyncClient) -> None:
    asked = {"documentId": document_id(CREATE), "variables": '{"i": {"name": "By GET"}}'}
    answer = await strict.get("/graphql", params=asked, headers=crew.rep.headers)
    assert (answer.status_code, codes(answer)) == (400, ["BAD_REQUEST"])
    assert "ETag" not in answer.headers
    assert await crew.rep.ask("{ accounts { nodes { id } } }") == {"accounts": {"nodes": []}}


async def test_a_refused_get_has_no_tag(strict: httpx.AsyncClient) -> None:
    answer = await strict.get("/graphql", params={"documentId": document_id(ME)})
    assert codes(answer) == ["UNAUTHENTICATED"]
    assert "ETag" not in answer.headers


async def test_a_socket_keeps_to_them(crew: Crew, house: House, manifests: Path) -> None:
    async with (
        served(house, trusted_documents="required", trusted_documents_dir=manifests) as port,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/graphql", protocols=["graphql-transport-ws"]) as ws,
    ):
        await ws.send_json({"type": "connection_init", "payload": dict(crew.rep.headers)})
        assert (await ws.receive_json())["type"] == "connection_ack"
        found = []
        for payload in ({"documentId": document_id(ME)}, {"query": FREE}, {"documentId": "sha256:00"}):
            await ws.send_json({"id": "1", "type": "subscribe", "payload": payload})
            found.append(await ws.receive_json())
            if found[-1]["type"] == "next":
                assert (await ws.receive_json())["type"] == "complete"
    assert found[0]["payload"]["data"] == {"me": {"id": crew.rep.user_id}}
    refused = [one["payload"][0]["extensions"]["code"] for one in found[1:]]
    assert refused == ["UNTRUSTED_DOCUMENT", "UNKNOWN_DOCUMENT"]


def test_an_api_key_may_ask_freely(crew: Crew) -> None:
    assert may_ask_freely(replace(crew.rep.actor, api_key_id="key"))
    assert not may_ask_freely(crew.admin.actor)
    assert not may_ask_freely(None)
    strict = TrustedDocuments("required", {document_id(ME): ME})
    strict.check(FREE, replace(crew.rep.actor, api_key_id="key"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps({"sha256:" + "0" * 64: ME}), "are not their SHA-256"),
        (json.dumps([ME]), "is not a JSON object"),
        (json.dumps({document_id(ME): 5}), "is not a JSON object"),
        ("{", "is not a JSON object"),
    ],
)
def test_a_broken_manifest_stops_the_start(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "app.json").write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match=said):
        read_manifests("prefer", tmp_path)
    with pytest.raises(Unavailable, match="is no folder"):
        read_manifests("required", tmp_path / "none")
