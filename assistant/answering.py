"""What a turn works with, and the turns under way: one a process."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from assistant.calibration_runs import CalibrationRun, adjustment_of
from assistant.confidence import Adjustment
from assistant.opening_hours import OpeningHours, find_opening_hours
from assistant.policy import AssistantPolicy, find_policy
from assistant.writer import Writer
from backend.core.sharing import BELIEVED_SECONDS
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.service.sla_documents import BusinessCalendar
from knowledge.search import KnowledgeBase

T = TypeVar("T")

SETTINGS = (AssistantPolicy.kind, CalibrationRun.kind, BusinessCalendar.kind)
MOST_BELIEVED = 1_000  # workspaces


@dataclass(frozen=True, kw_only=True)
class InForce:
    """How a workspace answers: its policy, when people are there (None: nobody has said), and what feedback
    made of the learned calibration.
    """

    policy: AssistantPolicy
    hours: OpeningHours | None
    adjustment: Adjustment


@dataclass(frozen=True)
class _Believed:
    """What is in force ``until`` then, unless this process commits settings after its ``last`` of them."""

    in_force: InForce
    last: int
    until: float


@dataclass(kw_only=True)
class Answering:
    """The store, the knowledge base, who may still listen, and a writer where a language model is set.

    ``close`` it before them.
    """

    store: Store
    knowledge: KnowledgeBase
    actors: Actors
    writer: Writer | None = None
    _under_way: set[asyncio.Task[object]] = field(default_factory=set)
    _believed: dict[str, _Believed] = field(default_factory=dict)

    async def in_force(self, uow: UnitOfWork) -> InForce:
        """Return the workspace's policy and adjustment, whoever asks; the caller must not change them.

        What another process sets is obeyed some seconds later, as sharing rules are; what this one sets, at
        once.
        """
        workspace_id = uow.actor.workspace_id
        last = self.store.reader.own.last_of(workspace_id, SETTINGS)
        known = self._believed.get(workspace_id)
        if known is None or known.last != last or known.until <= time.monotonic():
            until = time.monotonic() + BELIEVED_SECONDS
            policy, adjustment = await asyncio.gather(find_policy(uow), adjustment_of(uow))
            hours = await find_opening_hours(uow, policy)
            known = _Believed(InForce(policy=policy, hours=hours, adjustment=adjustment), last, until)
            if len(self._believed) >= MOST_BELIEVED:
                self._believed.clear()
            self._believed[workspace_id] = known
        return known.in_force

    def begin(self, turn: Coroutine[object, object, T]) -> asyncio.Task[T]:
        """Run ``turn`` to its end, also when whoever waits for it goes away: a question asked is answered."""
        task = asyncio.create_task(turn, name="turn")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Return when no turn is under way any more, and let the writer go."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self.writer is not None:
            await self.writer.close()

    def _ended(self, task: "asyncio.Task[T]") -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited has raised it; if nobody did, the question is asked again
