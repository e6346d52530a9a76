"""After an outage: the newest useful first, what has expired ends with a reason, and memory stays small."""

import itertools
from datetime import datetime, timedelta

import pytest

from backend.core.clock import HeldClock
from backend.house import House
from notifications.documents import Delivery
from notifications.recording import RecordingGateway
from notifications.windows import ENOUGH, NARROWEST, Walk, Window
from tests.crew import Crew
from tests.notifications.outage import run
from tests.notifications.pushing import LONG_AGO, make_worker, worker_in_place

ROWS = 6_000


@pytest.mark.timeout(240)
async def test_what_has_piled_up_leaves_the_newest_first_and_in_little_memory(
    crew: Crew, house: House
) -> None:
    now = house.store.clock.now() + timedelta(days=1_500)
    idle = await make_worker(house, RecordingGateway(), clock=HeldClock(LONG_AGO))
    async with worker_in_place(house, idle):
        found = await run(house, crew, rows=ROWS, now=now, seconds=5)
    mine = {"workspace_id": crew.workspace_id}
    queue = Delivery.get_pymongo_collection()
    reasons = await queue.distinct("reason", {**mine, "state": "dead"})
    await queue.delete_many(mine)
    await idle.close()
    assert found.holds, str(found)
    assert found.expired == ROWS * 2 // 3
    assert reasons == ["expired"]
    assert found.due.count == ROWS - found.expired
    assert found.sent > 0


AT = datetime.fromisoformat("2026-03-02T12:00:00+00:00")


@pytest.mark.parametrize("direction", [-1, 1])
def test_windows_cover_everything_once_and_follow_the_density(direction: int) -> None:
    end = AT + direction * timedelta(days=30)
    walk, seen = Walk(AT, end), list[Window]()
    counts = iter((0, 0, ENOUGH + 1, ENOUGH, 0))
    while (window := walk.next()) is not None:
        seen.append(window)
        walk.found(next(counts, 0))
    edges = [(one.until, one.since) if direction < 0 else (one.since, one.until) for one in seen]
    assert edges[0][0] == AT
    assert edges[-1][1] == end
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    assert [one.width for one in seen][:6] == [NARROWEST * factor for factor in (1, 8, 64, 8, 8, 64)]
    assert len(seen) < 16
