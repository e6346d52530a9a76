"""Kill the worker at random points, ``kill -9``, and count what arrives (``make push-crash``).

A real process sends to a real HTTP peer out of a real store. It is killed in the middle of its work, again
and again; another takes over when the leases of the dead have ended. What must hold in the end: every
notification arrived; none more than twice; and both under one tag, so that a phone shows one. A kill waits
until what the one before interrupted has been settled: two crashes over one delivery make two duplicates.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from pymongo.asynchronous.collection import AsyncCollection

import main as front_door
from backend.app import create_app
from backend.core.ids import derived_id
from backend.core.settings import Settings
from backend.core.unit_of_work import UnitOfWork
from backend.house import House, open_house
from notifications.catalogue import TEST
from notifications.delivery import LEASE
from notifications.documents import Delivery, Device, Notification, Platform, RegistrationKind
from tests.crew import Crew
from tests.fakes.fake_fcm import FakeFcm

PER_COMMIT = 100
PEOPLE = ("rep", "agent", "manager", "colleague")
UNSETTLED = {"$in": ["due", "leased"]}


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What came of a run."""

    notifications: int
    kills: int
    arrived: int
    lost: int
    twice: int
    more_often: int
    tags_differ: int

    @property
    def holds(self) -> bool:
        return not (self.lost or self.more_often or self.tags_differ)

    def __str__(self) -> str:
        return (
            f"push-crash: {self.notifications:,} notifications, {self.kills} kills: "
            f"{self.arrived:,} arrived, {self.lost} lost, {self.twice} twice, {self.more_often} more often, "
            f"{self.tags_differ} under more than one tag"
        )


async def run(
    house: House, crew: Crew, uri: str, folder: Path, *, count: int, kills: int, seed: int
) -> Tally:
    """Fill the queue, send it with workers that die, and count."""
    dice = random.Random(seed)
    async with FakeFcm() as fcm:
        key_file = fcm.service_account_file(folder)
        ids = await fill(crew, count)
        nursery = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.notifications.crash_worker",
            str(house.settings.data_dir), uri, str(key_file), fcm.base_url,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await _kill_again_and_again(nursery, fcm, dice, crew.workspace_id, count=count, kills=kills)
        finally:
            nursery.kill()
            await nursery.wait()
        return tally(fcm, ids, kills)


async def fill(crew: Crew, count: int) -> dict[str, str]:
    """Put ``count`` notifications and their rows in; return the collapse key of each, by its id."""
    store = crew.house.store
    keys: dict[str, str] = {}

    async def devices(uow: UnitOfWork) -> None:
        for name in PEOPLE:
            person = crew.people[name]
            device = Device(
                id=derived_id("crash", crew.workspace_id, name),
                owner_id=person.user_id,
                session_id=person.actor.session_id,
                registration_kind=RegistrationKind.FID,
                value=f"ok-{name}-{crew.workspace_id}",
                platform=Platform.ANDROID,
                registered_at=uow.at,
            )
            uow.save(device)

    await store.write(crew.system, devices)
    for start in range(0, count, PER_COMMIT):
        numbers = range(start, min(start + PER_COMMIT, count))
        told = [
            Notification(
                id=derived_id("crash", crew.workspace_id, str(number)),
                owner_id=crew.people[PEOPLE[number % len(PEOPLE)]].user_id,
                type=TEST.key,
                title=f"No. {number}",
                body="短信",
            )
            for number in numbers
        ]

        async def save(uow: UnitOfWork, told: list[Notification] = told) -> None:
            for one in told:
                uow.save(one)

        await store.write(crew.system, save)
        now = store.clock.now()
        rows = [
            Delivery(
                id=derived_id("delivery", one.id),
                workspace_id=crew.workspace_id,
                type=TEST.key,
                notification_id=one.id,
                user_id=one.owner_id or "",
                device_id=derived_id("crash", crew.workspace_id, PEOPLE[number % len(PEOPLE)]),
                collapse_key=f"{TEST.key}:{one.id}",
                raised_at=now,
                not_before=now,
                next_at=now + timedelta(microseconds=number),
                expires_at=now + timedelta(days=1),
            )
            for number, one in zip(numbers, told, strict=True)
        ]
        await Delivery.insert_many(rows)
        keys |= {row.notification_id: row.collapse_key for row in rows}
    return keys


async def _kill_again_and_again(
    nursery: asyncio.subprocess.Process,
    fcm: FakeFcm,
    dice: random.Random,
    workspace_id: str,
    *,
    count: int,
    kills: int,
) -> None:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    unsettled = {"workspace_id": workspace_id, "state": UNSETTLED}
    held: list[str] = []
    for life in range(kills + 1):
        nursery.stdin.write(f"{life * (LEASE.total_seconds() + 1)}\n".encode())
        pid = int(await nursery.stdout.readline())
        if life == kills:
            while await _queue().count_documents(unsettled):
                await asyncio.sleep(0.1)
        else:
            while held and await _queue().count_documents({"_id": {"$in": held}, **unsettled}):
                await asyncio.sleep(0.05)
            more = dice.randrange(max(1, count // (kills + 1) // 2))
            until = len(fcm.received) + more
            while len(fcm.received) < until and await _queue().count_documents(unsettled):
                await asyncio.sleep(0.005)
            await asyncio.sleep(dice.random() / 20)
        os.kill(pid, signal.SIGKILL)
        await nursery.stdout.readline()
        held = [
            row["_id"] for row in await _queue().find(unsettled | {"state": "leased"}, {"_id": 1}).to_list()
        ]


def tally(fcm: FakeFcm, keys: dict[str, str], kills: int) -> Tally:
    """Count what the vendor got of these notifications."""
    times, tags = Counter[str](), defaultdict[str, set[str]](set)
    for received in fcm.received:
        id = received.message["data"]["notificationId"]
        times[id] += 1
        tags[id].add(received.message["android"]["notification"]["tag"])
    return Tally(
        notifications=len(keys),
        kills=kills,
        arrived=len(times.keys() & keys.keys()),
        lost=len(keys.keys() - times.keys()),
        twice=sum(times[id] == 2 for id in keys),
        more_often=sum(times[id] > 2 for id in keys),
        tags_differ=sum(tags[id] != {key} for id, key in keys.items() if id in tags),
    )


def _queue() -> AsyncCollection[dict[str, Any]]:
    return Delivery.get_pymongo_collection()


async def _alone(count: int, kills: int, seed: int) -> Tally:
    with tempfile.TemporaryDirectory(prefix="rapport-crash-") as folder:
        settings = Settings(data_dir=Path(folder), demo=False)
        async with open_house(front_door.MODULES, settings, working=False) as house:
            transport = httpx.ASGITransport(create_app(house))
            async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as http:
                crew = await Crew.hire(house, http)
                host, port = await house.store.client.address or ("127.0.0.1", 0)
                uri = f"mongodb://{host}:{port}/?directConnection=true"
                return await run(house, crew, uri, Path(folder), count=count, kills=kills, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    found = asyncio.run(_alone(given.count, given.kills, given.seed))
    print(found)
    sys.exit(not found.holds)


if __name__ == "__main__":
    main()
