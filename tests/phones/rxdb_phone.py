"""Drive a real RxDB client, a phone, from an asyncio test."""

import asyncio
import itertools
import json
import os
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from tests.phones.node import PHONES_DIR, ensure_node_modules, find_node

Document = dict[str, Any]

_STDERR_LINES = 60
_EXIT_TIMEOUT_SECONDS = 5.0
_ANSWER_LIMIT_BYTES = 64 * 1024 * 1024  # "dump" answers a whole collection in one line


class PhoneError(Exception):
    """A command failed on the phone, or the phone did not answer in time. Carries the phone's last words."""


class RxdbPhone:
    """An unmodified RxDB client in a Node process of its own.

    ``schemas`` maps a collection's name to its RxJsonSchema; each collection replicates with
    ``pullX``, ``pushX`` and ``streamX`` of the GraphQL server at ``http_url``. The phone's store is in
    memory: it lives as long as the ``async with`` block. ``pause`` cuts the network and ``resume`` mends it.
    Every command raises PhoneError when it fails or takes longer than ``timeout``.
    """

    def __init__(
        self,
        http_url: str,
        *,
        schemas: Mapping[str, Mapping[str, Any]],
        token: str,
        name: str = "phone",
        timeout: timedelta = timedelta(seconds=30),
    ) -> None:
        self.name = name
        self._timeout_seconds = timeout.total_seconds()
        self._environment = {
            "RXDB_PHONE_HTTP": http_url,
            "RXDB_PHONE_WS": "ws" + http_url.removeprefix("http"),
            "RXDB_PHONE_TOKEN": token,
            "RXDB_PHONE_SCHEMAS": json.dumps(schemas),
        }
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
            str(PHONES_DIR / "rxdb_phone.mjs"),
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

    # -------------------------------------------------------------------------------------- commands

    async def start(self, *, pull_batch: int = 50, push_batch: int = 10, retry_ms: int = 100) -> None:
        """Start to replicate every collection and return when each has been pulled to its end once."""
        await self._ask("start", pullBatch=pull_batch, pushBatch=push_batch, retryMs=retry_ms)

    async def insert(self, collection: str, document: Mapping[str, Any]) -> Document:
        """Store a new document on the phone and return it as stored."""
        stored: Document = await self._ask("insert", collection=collection, document=dict(document))
        return stored

    async def patch(self, collection: str, document_id: str, patch: Mapping[str, Any]) -> Document:
        """Change fields of a document on the phone and return it as stored."""
        stored: Document = await self._ask("patch", collection=collection, id=document_id, patch=dict(patch))
        return stored

    async def remove(self, collection: str, document_id: str) -> None:
        """Delete a document on the phone."""
        await self._ask("remove", collection=collection, id=document_id)

    async def in_sync(self) -> None:
        """Wait until everything local is pushed and no pull is under way."""
        await self._ask("in_sync")

    async def resync(self) -> None:
        """Ask for a pull of every collection now."""
        await self._ask("resync")

    async def pause(self) -> None:
        """Go offline: requests in flight are lost, new ones fail, the socket is closed."""
        await self._ask("pause")

    async def resume(self) -> None:
        """Come back online and pull; follow with ``in_sync`` to wait until all is exchanged."""
        await self._ask("resume")

    async def dump(self, collection: str) -> list[Document]:
        """Return all documents of a collection, ordered by id; deleted ones are absent."""
        documents: list[Document] = await self._ask("dump", collection=collection)
        return documents

    async def get(self, collection: str, document_id: str) -> Document | None:
        """Return one document, or None when the phone does not hold it."""
        document: Document | None = await self._ask("get", collection=collection, id=document_id)
        return document

    async def count(self, collection: str) -> int:
        """Return how many documents of a collection the phone holds."""
        number: int = await self._ask("count", collection=collection)
        return number

    async def errors(self) -> list[dict[str, str]]:
        """Return and forget the replication errors so far: ``{collection, code, message}``."""
        recorded: list[dict[str, str]] = await self._ask("errors")
        return recorded

    async def counts(self) -> dict[str, int]:
        """Return how many documents were ``received`` and ``sent``, and how many ``conflicts`` resolved."""
        numbers: dict[str, int] = await self._ask("counts")
        return numbers

    async def token(self, token: str) -> None:
        """Use another bearer token from the next request, and from the next connect of the socket."""
        await self._ask("token", token=token)

    async def wait_for(self, collection: str, document_id: str, **fields: Any) -> Document:
        """Return the document as soon as it is on the phone with these field values."""
        seen: Document | None = None

        async def poll() -> Document:
            nonlocal seen
            while True:
                seen = await self.get(collection, document_id)
                if seen is not None and fields.items() <= seen.items():
                    return seen
                await asyncio.sleep(0.02)

        try:
            return await asyncio.wait_for(poll(), self._timeout_seconds)
        except TimeoutError:
            wanted = f"{collection} {document_id} with {fields}"
            raise PhoneError(self._with_last_words(f"waited in vain for {wanted}; it holds {seen}")) from None

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
