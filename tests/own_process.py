"""A Python module run in a process of its own: what opens a house cannot run beside the suite's."""

import asyncio
import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENDS_WITHIN_S = 30  # after it was told to: it stops servers of its own


async def run_module(
    module: str, *arguments: str, patience_s: float, **environment: str
) -> tuple[int | None, str]:
    """Run ``python -m module``; return its exit status and all that it said.

    Raises: TimeoutError when it is not done within ``patience_s``; it is gone then.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), patience_s)
    finally:
        await _end(process)
    return process.returncode, said.decode()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGINT)  # as Ctrl-C does: it ends what it began
    try:
        await asyncio.wait_for(process.communicate(), ENDS_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()
