"""An event loop in a thread of its own, for a vendor's library that would hold up everybody else's."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class VendorLoop:
    """Run coroutines beside the caller's event loop, which stays free while they compute.

    The thread starts at the first ``run``. What one loop opens (sockets, locks) stays on it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: Future[asyncio.AbstractEventLoop] = Future()
        self._stopping: asyncio.Event | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine over there and return its result; a cancelled caller cancels it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run_thread, name=self._name, daemon=True)
            self._thread.start()
        try:
            loop = await self._started()
        except asyncio.CancelledError:
            work.close()
            raise
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    async def stop(self) -> None:
        """Cancel what still runs and end the thread; nothing may ``run`` afterwards."""
        if self._thread is None:
            return
        loop = await self._started()
        assert self._stopping is not None
        loop.call_soon_threadsafe(self._stopping.set)
        await asyncio.to_thread(self._thread.join)

    async def _started(self) -> asyncio.AbstractEventLoop:
        """Return the loop over there. One caller's cancelling must not end the wait of the others."""
        return await asyncio.shield(asyncio.wrap_future(self._loop))

    def _run_thread(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._loop.set_result(asyncio.get_running_loop())
        await self._stopping.wait()
