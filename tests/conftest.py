"""One house for the whole test session; each test has a workspace of its own in it."""

import asyncio
import base64
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import hypothesis
import pytest
import uvicorn
from fastapi import FastAPI

import main
from backend.app import create_app
from backend.cli import configure_logs
from backend.core.feed_audit import audit_feed
from backend.core.interpreter import spare_the_collector
from backend.core.module import Module
from backend.core.settings import Settings
from backend.core.store import Store
from backend.house import House, open_house
from tests.binding import strays
from tests.crew import Crew
from tests.longest_first import put_longest_first

if os.environ.get("MONGODB_URI"):  # a server that outlives the suite needs a master key that does
    os.environ.setdefault(
        "RAPPORT_ENCRYPTION_KEYS", "suite:" + base64.b64encode(b"rapport's tests." * 2).decode()
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:  # alone, files keep the order in which they were named
        put_longest_first(items)


SELDOM, HARDLY_EVER = timedelta(minutes=1), timedelta(days=1)

# How long an example takes says nothing of a law, and much of what else the machine does.
hypothesis.settings.register_profile("suite", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of a throw-away house; MONGODB_URI in the environment runs the suite on that server."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("house"),
        database_sync=False,
        demo=False,
        sign_in_redirects=("com.example.app:/signed-in",),
        outbound_allow=("127.0.0.0/8",),  # where the tests' own peers listen
        outbound_ports=(),
        profile_delay_seconds=3600,  # no commit of a job's between two steps of a test
    )


def unhurried(room: Module) -> Module:
    """Return the room with jobs that hardly run during a suite, but for those of seconds.

    Many walk through all workspaces, of which each test leaves one more in this house, and a commit of theirs
    may come between two steps of a test. Tests of what they do call it themselves.
    """
    jobs = [job if job.every < SELDOM else replace(job, every=HARDLY_EVER) for job in room.jobs]
    return replace(room, jobs=jobs)


@pytest.fixture(scope="session")
async def house(settings: Settings) -> AsyncIterator[House]:
    """The house, its relay and jobs running, on a real database over its wire protocol."""
    async with open_house([unhurried(room) for room in main.MODULES], settings, working=True) as house:
        spare_the_collector()  # as in a house that serves
        yield house


@pytest.fixture(scope="session")
def app(house: House) -> FastAPI:
    return create_app(house)


@pytest.fixture(scope="session")
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP without a socket, nobody signed in."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as client:
        yield client


@pytest.fixture(scope="session")
async def server(app: FastAPI) -> AsyncIterator[str]:
    """The app on a real loopback socket, for phones and WebSockets; yields ``http://127.0.0.1:port``."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await serving


AUDITED = {"mobile_sync", "crm", "sales", "service", "sync_proof"}
"""Rooms in whose tests phones' records are written by every way there is."""


@pytest.fixture
async def crew(house: House, http: httpx.AsyncClient, request: pytest.FixtureRequest) -> AsyncIterator[Crew]:
    """A fresh workspace with one person of each role; see ``tests.crew``.

    Afterwards the feed's auditor looks whether phones were told of every write; a test that writes around
    the one write path on purpose is marked ``tampers``.
    """
    crew = await Crew.hire(house, http)
    yield crew
    if request.path.parent.name in AUDITED and not request.node.get_closest_marker("tampers"):
        assert await audit_feed(house.store, crew.workspace_id) == []


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Log as JSON: a failing test prints what was logged, without frames and colours."""
    configure_logs(Settings(log_format="json", demo=False))


@pytest.fixture(scope="module", autouse=True)
def _records_stay_bound(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail in the file that leaves records bound to another database, not in all files after it."""
    yield
    if Store.bound is not None:
        assert strays(Store.bound) == [], f"{request.node.nodeid} left these bound to another database"
