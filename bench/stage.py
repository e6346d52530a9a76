"""The stage: what the sections of one run share, made when the first of them asks for it."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
from rich.console import Console

from tests.e2e.served import serving, sign_in

READY_WITHIN_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class DemoHouse:
    """``rapport up`` with its demo company, started a second time on the same data, on a real socket."""

    base: str
    data_dir: Path
    first_start_s: float
    indexed_after_s: float
    second_start_s: float

    async def sign_in(self, person: str) -> dict[str, str]:
        """Return the headers of ``person`` (``rep``, ``manager``, ``customer``) of the demo company."""
        async with httpx.AsyncClient(base_url=self.base, timeout=60) as http:
            return await sign_in(http, f"{person}@demo.example")


class Stage:
    """One run. Sections put what they start on ``stack``: it is taken down, last first, at the end."""

    def __init__(self, console: Console) -> None:
        self.console, self.stack = console, AsyncExitStack()
        self._demo: DemoHouse | None = None

    async def __aenter__(self) -> "Stage":
        await self.stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stack.__aexit__(kind, error, trace)

    def say(self, text: str) -> None:
        """Tell whoever waits what is being done."""
        self.console.print(f"  {text}", style="dim", highlight=False)

    def folder(self) -> Path:
        """Return a new folder that the end of the run removes."""
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-bench-")))

    async def demo_house(self) -> DemoHouse:
        """Return the demo company, served. The same one for all sections: leave it usable."""
        if self._demo is None:
            self._demo = await self._start_twice()
        return self._demo

    async def _start_twice(self) -> DemoHouse:
        data_dir = self.folder()
        self.say("starting the demo company, twice")
        start = time.perf_counter()
        async with serving("up", data_dir) as base:
            first = time.perf_counter() - start
            indexed = await self._indexed(base)
        start = time.perf_counter()
        base = await self.stack.enter_async_context(serving("up", data_dir))
        second = time.perf_counter() - start
        await self._indexed(base)
        return DemoHouse(
            base=base,
            data_dir=data_dir,
            first_start_s=first,
            indexed_after_s=indexed,
            second_start_s=second,
        )

    async def _indexed(self, base: str) -> float:
        """Wait until the help centre is found by meaning and not by words alone; return the seconds."""
        start = time.perf_counter()
        async with httpx.AsyncClient(base_url=base, timeout=60) as http:
            while time.perf_counter() - start < READY_WITHIN_SECONDS:
                if (await http.get("/healthz")).json()["checks"]["knowledge"] == "ready":
                    return time.perf_counter() - start
                await asyncio.sleep(0.5)
        raise RuntimeError(f"the knowledge base did not get ready in {READY_WITHIN_SECONDS:.0f} seconds")
