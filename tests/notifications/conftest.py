"""A fake push vendor, the gateway to it, and a post office between the house and them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from backend.house import House
from notifications.firebase import FirebaseGateway
from tests.fakes.fake_fcm import FakeFcm
from tests.notifications.pushing import PostOffice


@pytest.fixture
async def post(house: House, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with FakeFcm() as fcm:
        gateway = FirebaseGateway(
            fcm.service_account_file(tmp_path), fcm.base_url, http_timeout=timedelta(seconds=10)
        )
        async with PostOffice.open(house, fcm, gateway) as post:
            yield post
        await gateway.close()
