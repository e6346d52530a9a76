"""A demo house of its own process with a Firebase of the tests' own; a browser, the rep's app, the chat."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import svcs
from fastapi import FastAPI
from playwright.async_api import Browser

from backend.app import create_app
from backend.core.demo import FOLDER
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.house import House
from backend.identity.documents import SignInTries
from knowledge.articles import create_article
from knowledge.markdown_files import read_markdown_folder
from knowledge.search import KnowledgeBase
from tests.crew import Crew
from tests.e2e.chat_browser import Front, front_of
from tests.e2e.phone_browser import AppServer, build_rep_app, chromium
from tests.e2e.rep_day import Day
from tests.e2e.served import serving
from tests.fakes.fake_fcm import FakeFcm

SUBJECTS = ("warranty", "calibration", "returns", "battery", "gateway-setup", "plans", "delivery", "repair")


@dataclass
class DemoHouse:
    """What ``make up`` starts, and the push service that it sends to."""

    base: str
    data_dir: Path
    fcm: FakeFcm


@pytest.fixture(scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoHouse]:
    """``rapport up`` on an empty store, sending pushes to a fake FCM that speaks the real protocol."""
    data_dir = tmp_path_factory.mktemp("demo")
    async with FakeFcm() as fcm:
        settings = {
            "GOOGLE_APPLICATION_CREDENTIALS": str(fcm.service_account_file(data_dir)),
            "RAPPORT_FCM_BASE_URL": fcm.base_url,
            "RAPPORT_DATABASE_SYNC": "0",
        }
        async with serving("up", data_dir, **settings) as base:
            yield DemoHouse(base, data_dir, fcm)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rep's app, built from its sources: a folder to serve."""
    return build_rep_app(tmp_path_factory.mktemp("rep_app") / "dist")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium; tests that need it are skipped where there is none."""
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def with_rep_app(house: House, built: Path) -> FastAPI:
    """The house's web edge with the rep's app at /app: one for all phones."""
    return create_app(replace(house, settings=house.settings.model_copy(update={"app_dir": built})))


@pytest.fixture
async def app_server(with_rep_app: FastAPI) -> AsyncIterator[AppServer]:
    """A server of the rep's app; it may be stopped and started."""
    async with AppServer(with_rep_app) as server:
        yield server


@pytest.fixture
async def day(crew: Crew) -> Day:
    return await Day(crew).begin()


@pytest.fixture(scope="session")
async def informed(house: House, http: httpx.AsyncClient) -> Crew:
    """A crew with a small help centre in two languages, indexed."""
    crew = await Crew.hire(house, http)
    files = [one for one in read_markdown_folder(FOLDER / "articles") if one.key.startswith(SUBJECTS)]

    async def create(uow: UnitOfWork) -> None:
        for file in files:
            await create_article(uow, file.fields() | {"publish": True}, id=new_id())

    await house.store.write(crew.system, create)
    async with svcs.Container(house.registry) as services:
        knowledge = await services.aget(KnowledgeBase)
    await knowledge.embedder.wait_until_ready()
    await knowledge.library.settle(crew.workspace_id)
    return crew


@pytest.fixture
async def front(informed: Crew, app: FastAPI) -> AsyncIterator[Front]:
    await SignInTries.get_pymongo_collection().delete_many({"_id": {"$regex": "^visitors:"}})
    async with front_of(informed, app) as front:
        yield front
