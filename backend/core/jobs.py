"""Scheduled jobs: APScheduler only ticks; what is due is decided by documents, under a lease."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
import svcs
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from pymongo.errors import PyMongoError

from backend.core.leases import take_lease
from backend.core.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Job:
    """Something to do again and again. ``run`` must be harmless when nothing is due."""

    name: str
    every: timedelta
    run: Callable[[svcs.Container], Awaitable[None]]


def schedule_jobs(
    scheduler: AsyncIOScheduler, jobs: list[Job], store: Store, registry: svcs.Registry, owner: str
) -> None:
    """Let ``scheduler`` tick each job; in each interval one process of all runs it."""
    for job in jobs:
        scheduler.add_job(
            _tick,
            "interval",
            seconds=job.every.total_seconds(),
            args=(job, store, registry, owner),
            id=job.name,
            max_instances=1,
            coalesce=True,
        )


async def _tick(job: Job, store: Store, registry: svcs.Registry, owner: str) -> None:
    try:
        length = max(job.every * 3, timedelta(seconds=10))
        if await take_lease(store.database, f"job|{job.name}", owner, now=store.clock.now(), length=length):
            async with svcs.Container(registry) as services:
                await job.run(services)
    except PyMongoError as error:
        log.warning("job.store_away", job=job.name, error=str(error))
    except Exception:
        log.exception("job.failed", job=job.name)
