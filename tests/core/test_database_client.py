"""The database's client: whoever is cancelled while a connection is opened leaves nothing open."""

import asyncio
import gc
import warnings

import pytest

from backend.core.database_client import make_client
from backend.house import House

READERS = 4
TURNS = range(12)
"""Of the event loop, after which the readers are cancelled: a connection's socket is opened in the midst."""


@pytest.mark.parametrize("turns", TURNS)
async def test_readers_cancelled_while_they_connect_leave_no_socket_open(house: House, turns: int) -> None:
    host, port = await house.store.client.address or ("", 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client = make_client(f"mongodb://{host}:{port}/?directConnection=true")
        await client.admin.command("ping")
        readers = [asyncio.create_task(client.admin.command("ping")) for _ in range(READERS)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for reader in readers:
            reader.cancel()
        ended = await asyncio.gather(*readers, return_exceptions=True)
        cancelled = [isinstance(end, asyncio.CancelledError) for end in ended]
        assert (await client.admin.command("ping"))["ok"] == 1  # the pool is as good as before
        await client.close()
        del client, readers, ended  # a traceback would keep what was let go
        gc.collect()
    assert [str(one.message) for one in caught] == []
    assert any(cancelled), "nobody was in the midst of it"
