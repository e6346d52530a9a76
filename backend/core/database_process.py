"""One ``secantusd-py`` process: start it, ask who it is, end it."""

import asyncio
import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from backend.core.database_directory import DatabaseDirectory, DatabaseUnavailable
from backend.core.ports import LOOPBACK

log = structlog.get_logger(__name__)

PROGRAM = "secantusd-py"
POLL_SECONDS = 0.05
ANSWER_SECONDS = 2.0
STOP_SECONDS = 15.0  # the server drains its connections for up to 5 s, then writes a checkpoint


async def start_server(
    directory: DatabaseDirectory, port: int, *, sync_on_commit: bool, timeout: timedelta
) -> asyncio.subprocess.Process:
    """Start the server on a free loopback port and return it when it answers.

    Raises: DatabaseUnavailable with the server's last words; nothing is left running then.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SECANTUS_")}
    command = _compose_command(directory, port, sync_on_commit=sync_on_commit)
    try:
        with directory.log_path.open("ab") as server_log:
            log_start = server_log.tell()
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=server_log,
                stderr=server_log,
                cwd=directory.path,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches us first; the server goes after its clients
            )
    except OSError as error:
        raise DatabaseUnavailable(
            f"Cannot start {command[0]} ({error.strerror}); run `make install`."
        ) from error
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            while await ask_process_id(port) != process.pid:
                if process.returncode is not None:
                    raise _explain_end(directory, log_start, f"ended with code {process.returncode}")
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        await end_server(process)
        raise _explain_end(
            directory, log_start, f"does not answer in {timeout.total_seconds():g} s"
        ) from None
    except BaseException:
        await end_server(process)
        raise
    return process


def _compose_command(directory: DatabaseDirectory, port: int, *, sync_on_commit: bool) -> list[str]:
    beside_python = Path(sys.executable).with_name(PROGRAM)
    program = str(beside_python) if beside_python.exists() else shutil.which(PROGRAM)
    if program is None:
        raise DatabaseUnavailable(
            f"{PROGRAM} is not installed; run `make install`, or set MONGODB_URI to a MongoDB replica set."
        )
    command = [program, "--config", str(directory.configuration_path), "--log-level", "WARNING"]
    command += ["--host", LOOPBACK, "--port", str(port), "--storage-path", str(directory.store_path)]
    return [*command, "--sync-on-commit"] if sync_on_commit else command


def _explain_end(directory: DatabaseDirectory, log_start: int, how: str) -> DatabaseUnavailable:
    with directory.log_path.open("rb") as server_log:
        server_log.seek(log_start)
        words = server_log.read().decode(errors="replace")
    if "resource busy" in words.casefold():
        return DatabaseUnavailable(
            f"Another process has the store {directory.store_path} open; "
            "stop it, or set RAPPORT_DATA_DIR to another directory."
        )
    last_line = (words.strip().splitlines() or ["it said nothing"])[-1]
    return DatabaseUnavailable(f"The embedded database {how} ({last_line}); read {directory.log_path}.")


async def end_server(process: asyncio.subprocess.Process) -> None:
    """End our server: asked first, so that it writes a checkpoint, then forced; return when it is gone."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        log.warning("database_killed", process=process.pid, after_seconds=STOP_SECONDS)
        process.kill()
        await process.wait()


async def end_foreign_server(pid: int) -> None:
    """End a server that is not our child, the same way. Raises: DatabaseUnavailable when it stays."""
    loop = asyncio.get_running_loop()
    for ask in (signal.SIGTERM, signal.SIGKILL):
        deadline = loop.time() + STOP_SECONDS
        try:
            os.kill(pid, ask)
            while loop.time() < deadline:
                await asyncio.sleep(POLL_SECONDS)
                os.kill(pid, 0)
                if _is_zombie(pid):
                    return
        except ProcessLookupError:
            return
    raise DatabaseUnavailable(
        f"Process {pid}, a database server of an earlier run, does not end; end it by hand."
    )


def _is_zombie(pid: int) -> bool:
    """Say whether the process has ended and only waits for its parent to notice (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return False


async def ask_process_id(port: int) -> int | None:
    """Return the process id of the database server on this loopback port; None if none answers."""
    try:  # a plain connection first: a driver would wait out its whole time where nobody listens
        async with asyncio.timeout(ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.close()
        await writer.wait_closed()
    except (OSError, TimeoutError):
        return None
    milliseconds = int(ANSWER_SECONDS * 1000)
    client: AsyncMongoClient[Any] = AsyncMongoClient(
        LOOPBACK,
        port,
        directConnection=True,
        serverSelectionTimeoutMS=milliseconds,
        connectTimeoutMS=milliseconds,
        socketTimeoutMS=milliseconds,
    )
    try:
        return int((await client.admin.command("serverStatus"))["pid"])
    except PyMongoError:
        return None  # something else listens there, or the server is on its way up or down
    finally:
        await client.close()
