"""Let a queue pile up for ten hours, and see whether a worker that comes back stays small and useful.

``python -m tests.notifications.outage [rows]`` (``make outage``). Two of three rows have outlived their use.
What must hold: those end with a reason, the newest of the others leave first, the worker keeps no more than a
handful in memory, and nobody who looks at the queue waits for all of it. The indexes by which people look
into the queue's log are left out: with all nine a million rows take the embedded database hours.
"""

import asyncio
import contextlib
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from pymongo.asynchronous.collection import AsyncCollection

import main as front_door
from backend.app import create_app
from backend.cli import configure_logs
from backend.core.clock import HeldClock
from backend.core.ids import derived_id
from backend.core.settings import Settings
from backend.house import House, open_house
from notifications.delivery import Due, Lookout
from notifications.documents import Delivery, DeliverySort, DeliveryState, NotificationChannel
from notifications.queue_figures import QueueFigures
from notifications.queueing import drop_expired
from notifications.recording import RecordingGateway
from notifications.sending import LOOKED_FOR
from tests.crew import Crew
from tests.notifications.crash import PEOPLE, fill
from tests.notifications.pushing import make_worker

LASTED = timedelta(hours=10)
USEFUL_FOR = LASTED / 3
PER_INSERT = 5_000
SENT_FOR_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Outage:
    """What came of it; times in seconds, memory in MB above its highest before."""

    rows: int
    expired: int
    wrongly_expired: int
    expiring_s: float
    first_look_s: float
    is_newest_first: bool
    figures_s: float
    due: Due
    sent: int
    sending_s: float
    memory: float

    @property
    def holds(self) -> bool:
        """Tell whether nothing useful was given up, nothing else kept, and the newest came first."""
        return not self.wrongly_expired and self.is_newest_first and self.memory < 100

    def __str__(self) -> str:
        found = f"the newest {LOOKED_FOR} found in {self.first_look_s * 1000:.0f} ms"
        order = "in order" if self.is_newest_first else "OUT OF ORDER"
        due = f"{self.due.count:,}{'' if self.due.is_all else ' or more'} due"
        return (
            f"outage: {self.rows:,} rows: {self.expired:,} expired in {self.expiring_s:.1f} s, "
            f"{self.wrongly_expired} wrongly; {found}, {order}; figures in {self.figures_s:.1f} s ({due}); "
            f"{self.sent:,} sent in {self.sending_s:.0f} s; {self.memory:.0f} MB more"
        )


async def run(house: House, crew: Crew, *, rows: int, now: datetime, seconds: float = SENT_FOR_S) -> Outage:
    """Fill the queue as if nobody had sent anything for ten hours until ``now``, and come back."""
    await fill(crew, 0)  # the devices
    await _pile_up(crew, rows, now)
    queue, mine = _queue(), {"workspace_id": crew.workspace_id}
    before = _most_memory()
    expiring = time.perf_counter()
    await drop_expired(now=now)
    expired_at = time.perf_counter()
    dead = await queue.count_documents({**mine, "state": DeliveryState.DEAD.value})
    useful = {**mine, "state": DeliveryState.DEAD.value, "expires_at": {"$gt": now}}
    wrongly = await queue.count_documents(useful)
    looking = time.perf_counter()
    found = await Lookout(NotificationChannel.PUSH).due(now=now, most=LOOKED_FOR)
    looked = time.perf_counter()
    figures = QueueFigures()
    await figures.look(now=now)
    counted = time.perf_counter()
    worker = await make_worker(house, RecordingGateway(), clock=HeldClock(now))
    sending = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await worker.work()
    ended = time.perf_counter()
    memory = _most_memory() - before
    await worker.close()
    return Outage(
        rows=rows,
        expired=dead,
        wrongly_expired=wrongly,
        expiring_s=expired_at - expiring,
        first_look_s=looked - looking,
        is_newest_first=found == [_id(crew, number) for number in range(min(LOOKED_FOR, rows))],
        figures_s=counted - looked,
        due=figures.due[NotificationChannel.PUSH.value],
        sent=await queue.count_documents({**mine, "state": DeliveryState.SENT.value}),
        sending_s=ended - sending,
        memory=memory,
    )


async def _pile_up(crew: Crew, count: int, now: datetime) -> None:
    """Insert the rows, number 0 the newest; silent ones, which need nothing but their device."""
    alike = [
        Delivery(
            id="",
            workspace_id=crew.workspace_id,
            sort=DeliverySort.SYNC,
            type=DeliverySort.SYNC.value,
            user_id=crew.people[name].user_id,
            device_id=derived_id("crash", crew.workspace_id, name),
            collapse_key="",
            raised_at=now,
            not_before=now,
            next_at=now,
            expires_at=now,
        ).model_dump(exclude={"id", "revision_id"})
        for name in PEOPLE
    ]
    for start in range(0, count, PER_INSERT):
        bodies = []
        for number in range(start, min(start + PER_INSERT, count)):
            id, at = _id(crew, number), now - LASTED * number / count
            times = {"raised_at": at, "not_before": at, "next_at": at, "expires_at": at + USEFUL_FOR}
            bodies.append({**alike[number % len(alike)], **times, "_id": id, "collapse_key": id})
        await _queue().insert_many(bodies, ordered=False)


async def _keep_few_indexes() -> None:
    """Leave only what sending asks: the embedded database writes a row for each index one after the other."""
    for name in await _queue().index_information():
        if name != "_id_" and not name.startswith("state_"):
            await _queue().drop_index(name)


def _id(crew: Crew, number: int) -> str:
    return derived_id("outage", crew.workspace_id, str(number))


def _most_memory() -> float:
    """Return the most memory that this process ever had, in MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / (2**20 if sys.platform == "darwin" else 2**10)


def _queue() -> AsyncCollection[dict[str, Any]]:
    return Delivery.get_pymongo_collection()


async def _alone(rows: int) -> Outage:
    with tempfile.TemporaryDirectory(prefix="rapport-outage-") as folder:
        settings = Settings(data_dir=Path(folder), demo=False, log_level="error")
        configure_logs(settings)
        async with open_house(front_door.MODULES, settings, working=False) as house:
            transport = httpx.ASGITransport(create_app(house))
            async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as http:
                crew = await Crew.hire(house, http)
                await _keep_few_indexes()
                return await run(house, crew, rows=rows, now=house.store.clock.now())


def main(rows: int = 1_000_000) -> int:
    """Run it on a house of its own; return the exit status."""
    found = asyncio.run(_alone(rows))
    print(found)
    return 0 if found.holds else 1


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:2])))
