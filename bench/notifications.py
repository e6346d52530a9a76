"""How many pushes leave in a second, beside the vendor's own library, and whether anybody waits meanwhile.

A process of its own plays Firebase and Google's sign-in on loopback. Ours and the library's own
``send_each_async`` send the same messages to it, in turns, with the same service account; a heartbeat on the
event loop of each measures how long it was held up. The whole way of a delivery (claim, checks, send, settle)
is measured on the embedded database.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

import firebase_admin
import httpx
import svcs
from firebase_admin import credentials, messaging

import main
from backend.app import create_app
from backend.core.interpreter import prepare_to_serve
from backend.core.settings import Settings
from backend.house import open_house
from backend.identity.actors import Actors
from bench.figures import MORE_IS_BETTER, AtLeast, AtMost, Figure, Section
from bench.stage import Stage
from notifications.firebase import FirebaseGateway, _draft
from notifications.gateways import Outcome, PushMessage, Registration
from notifications.sending import DeliveryWorker
from tests.crew import Crew
from tests.notifications.crash import fill

MESSAGES = 1_000
WARM_UP = 200
TURNS = 3
CHUNK = 100
LIBRARYS_CHUNK = 500  # the most that it takes
WHOLE_WAYS = 300
BEAT_SECONDS = 0.001


@dataclass
class Heart:
    """The longest time that an event loop did not get to its next turn, in seconds."""

    longest: float = 0.0

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Measure while the block lasts."""
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            start = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - start - BEAT_SECONDS)


@contextlib.asynccontextmanager
async def firebase_played(folder: Path, seen: dict[str, int]) -> AsyncIterator[tuple[str, Path]]:
    """Start the peer; yield its address and a service account file. ``seen`` is filled at the end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.fake_fcm", str(folder), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    base_url, key_file = (await process.stdout.readline()).decode().split()
    yield base_url, Path(key_file)
    process.stdin.close()
    seen |= json.loads(await process.stdout.readline())
    await process.wait()


def pushes(count: int) -> list[PushMessage]:
    """Return messages of the usual size."""
    return [
        PushMessage(
            registration=Registration(kind="fid", value=f"ok-{number}"),
            title="Ticket for you: Sensor offline",
            body="经理把工单分配给了您。",
            collapse_key=f"ticket_assigned:{number}",
            ttl=timedelta(hours=4),
            data={"type": "ticket_assigned", "notificationId": f"{number:036}", "subjectKind": "ticket"},
        )
        for number in range(count)
    ]


async def per_second(send: Callable[[list[PushMessage]], Awaitable[None]], heart: Heart) -> float:
    """Return how many messages a second leave; they lie ready, as in a house one comes after the other."""
    messages = pushes(MESSAGES)
    async with heart.beating():
        start = time.perf_counter()
        await send(messages)
        return MESSAGES / (time.perf_counter() - start)


async def measure(stage: Stage) -> list[Figure]:
    prepare_to_serve()  # as the house does when it serves
    ours, theirs = [], []
    our_heart, their_heart = Heart(), Heart()
    our_peer: dict[str, int] = {}
    their_peer: dict[str, int] = {}
    async with (
        firebase_played(stage.folder(), our_peer) as (base_url, key_file),
        firebase_played(stage.folder(), their_peer) as (their_url, their_key_file),
    ):
        gateway = FirebaseGateway(key_file, base_url)

        async def send_ours(messages: list[PushMessage]) -> None:
            for start in range(0, len(messages), CHUNK):
                verdicts = await gateway.send(messages[start : start + CHUNK])
                assert all(verdict.outcome is Outcome.SENT for verdict in verdicts)

        await send_ours(pushes(WARM_UP))
        stage.say(f"sending {MESSAGES:,} pushes, {TURNS} times each way")
        for turn in range(TURNS):
            ours.append(await per_second(send_ours, our_heart))
            app = firebase_admin.initialize_app(
                credentials.Certificate(str(their_key_file)), name=f"bench-{turn}"
            )
            theirs.append(await per_second(_librarys(app, their_url), their_heart))
        whole = await _whole_ways(stage, gateway)
        await gateway.close()
    return [
        Figure(
            name="pushes_per_s",
            ours=median(ours),
            unit="/s",
            target=AtLeast(600),
            peers={"firebase-admin send_each_async": median(theirs)},
            claim="N1",
            note="median of 3 turns of 1,000 messages, in chunks of 100; the peer in chunks of 500",
        ),
        Figure(
            name="push_loop_held_ms",
            ours=our_heart.longest * 1_000,
            unit="ms",
            target=AtMost(20),
            peers={"firebase-admin send_each_async": their_heart.longest * 1_000},
            claim="N1",
            note="the longest time that the house's event loop did not get to its next turn",
        ),
        Figure(
            name="push_sockets",
            ours=our_peer["most_connections"],
            target=AtMost(100),
            peers={"firebase-admin send_each_async": their_peer["most_connections"]},
            claim="N1",
            note="open at Firebase at once",
        ),
        Figure(
            name="deliveries_whole_way_per_s",
            ours=whole,
            unit="/s",
            target=MORE_IS_BETTER,
            note="claim, checks of permission, send, settle; embedded database, one process",
        ),
    ]


def _librarys(app: firebase_admin.App, base_url: str) -> Callable[[list[PushMessage]], Awaitable[None]]:
    service = messaging._get_messaging_service(app)
    service._fcm_url = f"{base_url}/v1/projects/{app.project_id}/messages:send"

    async def send(messages: list[PushMessage]) -> None:
        drafts = [_draft(message, now_seconds=int(time.time())) for message in messages]
        for start in range(0, len(drafts), LIBRARYS_CHUNK):
            batch = await messaging.send_each_async(drafts[start : start + LIBRARYS_CHUNK], app=app)
            assert batch.failure_count == 0

    return send


async def _whole_ways(stage: Stage, gateway: FirebaseGateway) -> float:
    """Return how many deliveries a worker gets through in a second."""
    settings = Settings(data_dir=stage.folder(), demo=False)
    async with open_house(main.MODULES, settings, working=False) as house:
        transport = httpx.ASGITransport(create_app(house))
        async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as http:
            crew = await Crew.hire(house, http)
        async with svcs.Container(house.registry) as services:
            actors = await services.aget(Actors)
        stage.say(f"sending {WHOLE_WAYS:,} deliveries from the queue")
        await fill(crew, WHOLE_WAYS)
        worker = DeliveryWorker(house.store, actors, gateway, owner="bench")
        start = time.perf_counter()
        sent = 0
        while sent < WHOLE_WAYS:  # on a busy machine a worker lets go of what it has no time for
            sent += await worker.work()
            await asyncio.sleep(BEAT_SECONDS)
        return WHOLE_WAYS / (time.perf_counter() - start)


SECTION = Section(
    name="notifications",
    about="pushes a second beside the vendor's library, and how long the event loop is held up",
    minutes=1.0,
    run=measure,
)
