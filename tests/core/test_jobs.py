"""Scheduled jobs: the scheduler only ticks, and of all processes one does the work."""

import asyncio
from datetime import timedelta

import svcs
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from backend.core.ids import new_id
from backend.core.jobs import Job, schedule_jobs
from backend.house import House

TICK = timedelta(seconds=0.1)


async def test_of_two_processes_one_runs_a_job_and_a_failure_is_not_its_end(house: House) -> None:
    ran: list[str] = []
    name = f"test.{new_id()}"
    schedulers = []
    for owner in ("first", "second"):

        async def run(services: svcs.Container, owner: str = owner) -> None:
            ran.append(owner)
            if len(ran) == 2:
                raise ValueError("this time it fails")

        job = Job(name=name, every=TICK, run=run)
        scheduler = AsyncIOScheduler()
        schedule_jobs(scheduler, [job], house.store, house.registry, owner)
        scheduler.start()
        schedulers.append(scheduler)
    async with asyncio.timeout(20):
        while len(ran) < 6:
            await asyncio.sleep(0.05)
    for scheduler in schedulers:
        scheduler.shutdown(wait=False)
    assert len(set(ran)) == 1
