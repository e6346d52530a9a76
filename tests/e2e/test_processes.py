"""Two app processes on one store, and a database that is killed under them."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from backend.core.database_directory import DatabaseDirectory
from backend.core.ids import new_id
from backend.core.ports import find_free_port
from tests.e2e.served import rapport, serving, sign_in

CREATE = """mutation($i: AccountCreateInput!) { accountCreate(input: $i) {
    __typename ... on Account { id version } ... on Error { code message } } }"""
WRITERS = 6
LOADED_WHEN_USED = frozenset(
    {
        *("torch", "sentence_transformers", "transformers", "onnx", "onnxruntime", "sklearn", "lingua"),
        *("scipy.cluster", "scipy.optimize", "scipy.sparse", "scipy.spatial", "scipy.special", "scipy.stats"),
    }
)
"""A command should answer in seconds, and each of many processes pays for what is imported: a fifth of the
processor time of a start went into parts of SciPy. ``import scipy`` alone loads none of them."""


@pytest.mark.timeout(300)
@pytest.mark.skipif(bool(os.environ.get("MONGODB_URI")), reason="kills the embedded database")
async def test_no_acknowledged_write_is_lost_when_the_database_is_killed(tmp_path: Path) -> None:
    assert "Seeded." in await rapport("seed", data_dir=tmp_path)
    async with AsyncExitStack() as stack:
        # Only the web part: listeners would index the help centre meanwhile.
        bases = [
            await stack.enter_async_context(serving("serve", tmp_path, RAPPORT_PROCESSES="web")) for _ in "ab"
        ]
        clients = [await stack.enter_async_context(httpx.AsyncClient(base_url=b, timeout=20)) for b in bases]
        headers = [await sign_in(client, "manager@demo.example") for client in clients]
        acknowledged: dict[str, int] = {}
        refusals: list[str] = []
        stop = asyncio.Event()

        async def write(number: int) -> None:
            which = number % 2
            while not stop.is_set():
                data = {"id": new_id(), "name": f"Kill {number}", "mutationId": new_id()}
                while data["id"] not in acknowledged:
                    answer = await clients[which].post(
                        "/graphql", json={"query": CREATE, "variables": {"i": data}}, headers=headers[which]
                    )
                    body = answer.json()
                    if body.get("errors"):
                        refusals.append(body["errors"][0]["extensions"]["code"])
                        await asyncio.sleep(0.1)
                    else:
                        made = body["data"]["accountCreate"]
                        assert made["__typename"] == "Account", made
                        acknowledged[made["id"]] = made["version"]

        writers = [asyncio.create_task(write(number)) for number in range(WRITERS)]
        await asyncio.sleep(1.5)
        before = len(acknowledged)
        endpoint = DatabaseDirectory(tmp_path).read_endpoint()
        assert endpoint is not None
        os.kill(endpoint.pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while len(acknowledged) < before + 40:
            assert time.monotonic() < deadline, f"writes do not go on after the kill: {set(refusals)}"
            await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*writers)

        assert before > 0
        assert set(refusals) <= {"UNAVAILABLE"}
        found: dict[str, int] = {}
        query = """query($a: String) { accounts(first: 100, after: $a) {
            nodes { id version } pageInfo { hasNextPage endCursor } } }"""
        after = None
        while True:  # what one process wrote, the other shows
            answer = await clients[1].post(
                "/graphql", json={"query": query, "variables": {"a": after}}, headers=headers[1]
            )
            page = answer.json()["data"]["accounts"]
            found |= {node["id"]: node["version"] for node in page["nodes"]}
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        assert {id: found.get(id) for id in acknowledged} == acknowledged
        assert len(set(acknowledged.values())) == len(acknowledged), "each commit has a number of its own"


async def test_a_taken_port_is_said_with_the_mend(tmp_path: Path) -> None:
    import socket

    port = find_free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        said = await rapport("serve", data_dir=tmp_path, RAPPORT_PORT=str(port))
    assert f"Cannot listen on 127.0.0.1:{port}" in said
    assert "RAPPORT_PORT" in said
    assert said.endswith("exit 1")
    assert not (tmp_path / "database").exists(), "nothing was started"


async def test_a_wrong_setting_is_said_by_name_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    said = await rapport(
        "serve", data_dir=tmp_path, RAPPORT_PORT="eight thousand", PYTHONPROFILEIMPORTTIME="1"
    )
    assert "PORT" in said
    assert "valid integer" in said
    assert said.endswith("exit 2")
    loaded = {line.rpartition("|")[2].strip() for line in said.splitlines() if "import time:" in line}
    assert "assistant.predictions.win" in loaded
    assert loaded.isdisjoint(LOADED_WHEN_USED)
