"""A phone in a Node process of its own, driven by JSON lines from an asyncio test."""

import asyncio
import itertools
import json
import os
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.phones.node import PHONES_DIR, ensure_node_modules, find_node

_STDERR_LINES = 60
_EXIT_TIMEOUT_SECONDS = 5.0
_ANSWER_LIMIT_BYTES = 64 * 1024 * 1024  # "dump" answers a whole collection in one line


class PhoneError(Exception):
    """A command failed on the phone, or the phone did not answer in time. Carries the phone's last words."""


class NodePhone:
    """A client in Node: lives as long as the ``async with`` block, its store in memory.

    Every command raises PhoneError when it fails or takes longer than ``timeout``.
    """

    script: ClassVar[str]

    def __init__(self, environment: Mapping[str, str], *, name: str, timeout: timedelta) -> None:
        self.name = name
        self._timeout_seconds = timeout.total_seconds()
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._ids = itertools.count(1)
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)

    # ------------------------------------------------------------------------------------------ life

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(ensure_node_modules)
        self._process = await asyncio.create_subprocess_exec(
            str(find_node()),
            str(PHONES_DIR / self.script),
            env={**os.environ, **self._environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_ANSWER_LIMIT_BYTES,
        )
        self._readers = [
            asyncio.create_task(self._read_answers(self._process)),
            asyncio.create_task(self._read_stderr(self._process)),
        ]
        try:
            await self._wait(self._ready, "switch on")
        except BaseException:
            await self._switch_off()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._switch_off()

    async def exit(self) -> None:
        """Switch the phone off; what it did not push is lost."""
        await self._switch_off()

    # ------------------------------------------------------------------------------------------ wire

    async def _ask(self, op: str, **args: Any) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise PhoneError(self._with_last_words(f"cannot {op}: it is not running"))
        command_id = next(self._ids)
        answer = self._answers[command_id] = asyncio.get_running_loop().create_future()
        process.stdin.write(json.dumps({"id": command_id, "op": op, "args": args}).encode() + b"\n")
        try:
            return await self._wait(answer, op)
        finally:
            del self._answers[command_id]

    async def _wait(self, answer: asyncio.Future[Any], op: str) -> Any:
        try:
            return await asyncio.wait_for(answer, self._timeout_seconds)
        except TimeoutError:
            late = f"{op} took longer than {self._timeout_seconds:g} s"
            raise PhoneError(self._with_last_words(late)) from None

    async def _read_answers(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            answer = json.loads(line)
            if "ready" in answer:
                self._ready.set_result(True)
                continue
            waiting = self._answers.get(answer["id"])
            if waiting is None or waiting.done():
                continue  # its caller gave up
            if answer["ok"]:
                waiting.set_result(answer["result"])
            else:
                waiting.set_exception(PhoneError(f"{self.name}: {answer['error']}"))
        await process.wait()
        died = PhoneError(self._with_last_words(f"ended with exit code {process.returncode}"))
        for waiting in [self._ready, *self._answers.values()]:
            if not waiting.done():
                waiting.set_exception(died)

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self._stderr.append(line.decode(errors="replace").rstrip())

    def _with_last_words(self, what: str) -> str:
        words = "\n".join(self._stderr) or "(nothing)"
        return f"{self.name}: {what}. Its standard error:\n{words}"

    async def _switch_off(self) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()  # the end of its input ends the phone
        try:
            await asyncio.wait_for(process.wait(), _EXIT_TIMEOUT_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        await asyncio.gather(*self._readers)
        self._ready.cancel()
