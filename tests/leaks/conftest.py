"""A house in which the worlds are: its budget is for people who ask for everything."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from backend.app import create_app
from backend.house import House

SPENDING = {"cost_limit": 200_000, "cost_bucket": 100_000_000, "cost_restore": 10_000_000}


@pytest.fixture(scope="session")
async def patient(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the house, for who spends more than a phone would."""
    app = create_app(replace(house, settings=house.settings.model_copy(update=SPENDING)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rapport.test") as client:
        yield client
