"""How the queue is: for Prometheus, and in a line of ``/healthz``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import svcs
from prometheus_client import Gauge

from backend.core.store import Store
from notifications.delivery import MOST_COUNTED, Due, count_dead, due_by_channel
from notifications.outlets import LEAVING
from notifications.sending import DeliveryWorker

LOOK_EVERY = timedelta(minutes=1)
DEAD_WITHIN = timedelta(days=1)
LATE = timedelta(minutes=5)

DEPTH = Gauge(
    "rapport_delivery_queue_depth",
    f"Deliveries that are due and have not left; from {MOST_COUNTED} on there may be more",
    ["channel"],
)
OLDEST = Gauge(
    "rapport_delivery_oldest_due_seconds", "How long the oldest of those counted has been due", ["channel"]
)
DEAD = Gauge(
    "rapport_deliveries_dead",
    f"Deliveries that were given up, of those that lived to the last day; up to {MOST_COUNTED}",
)


@dataclass
class QueueFigures:
    """What the last look found; before it, nothing."""

    due: dict[str, Due] = field(default_factory=dict)
    dead: int = 0

    async def look(self, *, now: datetime) -> None:
        """Count, and tell Prometheus."""
        self.due = {channel.value: await due_by_channel(channel, now=now) for channel in LEAVING}
        self.dead = await count_dead(now=now, since=now - DEAD_WITHIN)
        for channel, found in self.due.items():
            DEPTH.labels(channel).set(found.count)
            OLDEST.labels(channel).set(_late(found, now).total_seconds())
        DEAD.set(self.dead)

    def line(self, *, now: datetime, alerts: Mapping[str, str]) -> str:
        """Return in a few words how it is."""
        late = [
            f"{channel}: {found.count}{'' if found.is_all else ' or more'} due, "
            f"the oldest for {int(_late(found, now).total_seconds())} s"
            for channel, found in self.due.items()
            if _late(found, now) > LATE or not found.is_all
        ]
        said = [*late, *(f"{reason}: {mend}" for reason, mend in alerts.items())]
        said += [f"{self.dead} given up within a day"] if self.dead else []
        return "; ".join(said) or "ready"


def _late(due: Due, now: datetime) -> timedelta:
    return now - due.oldest_at if due.oldest_at else timedelta(0)


async def look_at_queue(services: svcs.Container) -> None:
    """Look at the queue (a job)."""
    figures, store = await services.aget(QueueFigures, Store)
    await figures.look(now=store.clock.now())


async def tell_status(services: svcs.Container) -> Mapping[str, str]:
    """Return the room's line of ``/healthz``."""
    figures, store, worker = await services.aget(QueueFigures, Store, DeliveryWorker)
    now = store.clock.now()
    return {"notifications": figures.line(now=now, alerts=worker.alerts.of_late(now))}
