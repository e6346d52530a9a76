"""A demo house of its own process, with a Firebase of the tests' own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.served import serving
from tests.fakes.fake_fcm import FakeFcm


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
