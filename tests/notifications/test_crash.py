"""The small form of ``make push-crash``: a real worker process, killed in the middle of its work."""

from pathlib import Path

import pytest

from backend.core.clock import HeldClock
from backend.house import House
from notifications.recording import RecordingGateway
from tests.crew import Crew
from tests.notifications.crash import run
from tests.notifications.pushing import LONG_AGO, make_worker, worker_in_place


@pytest.mark.timeout(400)  # the start of a process and two more lives, on whatever machine
async def test_a_worker_that_is_killed_loses_nothing_and_repeats_little(
    crew: Crew, house: House, tmp_path: Path
) -> None:
    host, port = await house.store.client.address or ("127.0.0.1", 0)
    uri = f"mongodb://{host}:{port}/?directConnection=true"
    idle = await make_worker(house, RecordingGateway(), clock=HeldClock(LONG_AGO))
    async with worker_in_place(house, idle):  # the house's own would send them first
        found = await run(house, crew, uri, tmp_path, count=200, kills=2, seed=20_261)
    await idle.close()
    assert (found.arrived, found.lost, found.more_often, found.tags_differ) == (200, 0, 0, 0), found
    assert found.twice <= 2 * 64  # what the lanes had in hand
