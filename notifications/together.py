"""Questions that come at once, answered by few looks: while one look lasts, the next gathers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Together(Generic[Q, A]):
    """Answer up to ``most`` questions by one ``look``, and ``at_once`` looks at a time.

    A look begins after each of its questions was asked, so no answer is older than its question. It returns
    one answer per question, in the same order; an exception in place of an answer is raised for that one
    alone, and one that the look raises for all of them.
    """

    def __init__(
        self,
        look: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        most: int,
        at_once: int = 1,
    ) -> None:
        self._look, self._most, self._at_once = look, most, at_once
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._looking = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """Return the answer. Who is cancelled meanwhile is left out of a look that has not begun."""
        waiting: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, waiting))
        if self._looking < self._at_once:
            self._looking += 1
            task = asyncio.create_task(self._work(), name="together")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await waiting

    async def _work(self) -> None:
        try:
            await self._answer_all()
        finally:  # in the step that found nobody waiting: who asks after it starts the next
            self._looking -= 1

    async def _answer_all(self) -> None:
        while part := self._next():
            try:
                answers = await self._look([question for question, _ in part])
            except asyncio.CancelledError:
                for _, waiting in part:
                    waiting.cancel()
                raise
            except Exception as error:  # noqa: BLE001  (everybody who waits must hear of it, whatever it is)
                answers = [error] * len(part)
            for (_, waiting), answer in zip(part, answers, strict=True):
                if waiting.done():  # who asked has gone
                    continue
                if isinstance(answer, Exception):
                    waiting.set_exception(answer)
                else:
                    waiting.set_result(answer)

    def _next(self) -> list[tuple[Q, "asyncio.Future[A]"]]:
        open_ones = [(question, waiting) for question, waiting in self._waiting if not waiting.done()]
        self._waiting = open_ones[self._most :]
        return open_ones[: self._most]
