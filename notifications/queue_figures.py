"""How the queue is: for Prometheus, and in a line of ``/healthz``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import svcs
from prometheus_client import Gauge

from backend.core.store import Store
from notifications.delivery import OldestDue, count_dead, due_by_channel
from notifications.outlets import LEAVING
from notifications.sending import DeliveryWorker

LOOK_EVERY = timedelta(minutes=1)
DEAD_WITHIN = timedelta(days=1)
LATE = timedelta(minutes=5)

DEPTH = Gauge("rapport_delivery_queue_depth", "Deliveries that are due and have not left", ["channel"])
OLDEST = Gauge("rapport_delivery_oldest_due_seconds", "How long the oldest of them has been due", ["channel"])
DEAD = Gauge("rapport_deliveries_dead", "Deliveries that were given up, of those that lived to the last day")


@dataclass
class QueueFigures:
    """What the last look found; before it, nothing."""

    due: dict[str, OldestDue] = field(default_factory=dict)
    dead: int = 0

    async def look(self, *, now: datetime) -> None:
        """Count, and tell Prometheus."""
        self.due = {channel.value: await due_by_channel(channel, now=now) for channel in LEAVING}
        self.dead = await count_dead(since=now - DEAD_WITHIN)
        for channel, found in self.due.items():
            DEPTH.labels(channel).set(found.count)
            OLDEST.labels(channel).set((now - found.at).total_seconds() if found.at else 0)
        DEAD.set(self.dead)

    def line(self, *, now: datetime, alerts: Mapping[str, str]) -> str:
        """Return in a few words how it is."""
        late = [
            f"{channel}: {found.count} due, the oldest for {int((now - found.at).total_seconds())} s"
            for channel, found in self.due.items()
            if found.at and now - found.at > LATE
        ]
        said = [*late, *(f"{reason}: {mend}" for reason, mend in alerts.items())]
        said += [f"{self.dead} given up within a day"] if self.dead else []
        return "; ".join(said) or "ready"


async def look_at_queue(services: svcs.Container) -> None:
    """Look at the queue (a job)."""
    figures, store = await services.aget(QueueFigures, Store)
    await figures.look(now=store.clock.now())


async def tell_status(services: svcs.Container) -> Mapping[str, str]:
    """Return the room's line of ``/healthz``."""
    figures, store, worker = await services.aget(QueueFigures, Store, DeliveryWorker)
    now = store.clock.now()
    return {"notifications": figures.line(now=now, alerts=worker.alerts.of_late(now))}
