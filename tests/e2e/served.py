"""Real processes of the app, as an operator starts them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from backend.core.ports import find_free_port

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_SECONDS = 120.0


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    return {**os.environ, "RAPPORT_DATA_DIR": str(data_dir), "RAPPORT_LOG_FORMAT": "json", **settings}


async def rapport(*command: str, data_dir: Path, **settings: str) -> str:
    """Run one command to its end; return what it printed, stderr included."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "main.py"),
        *command,
        env=environment(data_dir, **settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return f"{output.decode()}\nexit {process.returncode}"


@asynccontextmanager
async def serving(command: str, data_dir: Path, **settings: str) -> AsyncIterator[str]:
    """Run ``rapport up`` or ``serve`` while the block lasts; yield its address once it is healthy."""
    port = find_free_port()
    log = (data_dir / f"app-{port}.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "main.py"),
        command,
        env=environment(data_dir, RAPPORT_PORT=str(port), **settings),
        stdout=log,
        stderr=log,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(STARTS_WITHIN_SECONDS), httpx.AsyncClient(base_url=base) as http:
            while not await _is_healthy(http):
                assert process.returncode is None, Path(log.name).read_text()
                await asyncio.sleep(0.1)
        yield base
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        log.close()


async def _is_healthy(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).status_code == 200
    except httpx.TransportError:
        return False


async def sign_in(http: httpx.AsyncClient, email: str) -> dict[str, str]:
    """Sign in with the demo's password; return the headers of a signed-in call."""
    answer = await http.post("/auth/sign-in", json={"email": email, "password": "rapport-demo"})
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['accessToken']}"}
