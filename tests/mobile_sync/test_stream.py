"""The stream on the wire: graphql-transport-ws, text frames, rows without a checkpoint."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
import svcs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from backend.crm.synced import ACCOUNTS
from backend.identity.actors import Actors
from mobile_sync.feed import present_place
from mobile_sync.hints import hints
from mobile_sync.stream import changes
from tests.crew import Crew
from tests.mobile_sync.test_pull import make_account

SUBSCRIPTION = """subscription onStream($headers: AccountInputHeaders) {
  streamAccount(headers: $headers) { documents { id name _deleted } checkpoint { cursor } } }"""


async def opened(server: str, payload: dict[str, Any]) -> ClientConnection:
    address = f"ws{server.removeprefix('http')}/graphql"
    socket = await connect(address, subprotocols=["graphql-transport-ws"])  # type: ignore[list-item]
    await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
    return socket


async def subscribe(socket: ClientConnection, token: str) -> None:
    variables = {"headers": {"Authorization": f"Bearer {token}"}}
    payload = {"query": SUBSCRIPTION, "variables": variables}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


async def bulk(socket: ClientConnection) -> dict[str, Any]:
    frame = await socket.recv()
    assert isinstance(frame, str)
    found: dict[str, Any] = json.loads(frame)["payload"]["data"]["streamAccount"]
    return found


@pytest.mark.parametrize("token_in", ["connection", "argument"])
async def test_changes_arrive_as_they_are_committed(crew: Crew, server: str, token_in: str) -> None:
    id = await make_account(crew.colleague, "Shared", teamIds=[crew.teams["east"]])
    await make_account(crew.stranger, "Hidden", teamIds=[crew.teams["west"]])
    params = {"headers": {"Authorization": f"Bearer {crew.rep.token}"}} if token_in == "connection" else {}
    async with await opened(server, params) as socket:
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        # RxDB repeats its first token in the argument for ever: the one of the socket counts.
        await subscribe(socket, "stale" if token_in == "connection" else crew.rep.token)
        # What was committed just before comes as well: the phone's pull may have been a moment too early.
        shared = {"id": id, "name": "Shared", "_deleted": False}
        assert await bulk(socket) == {"documents": [shared], "checkpoint": None}
        await crew.colleague.do("accountUpdate", {"id": id, "name": "Renamed"})
        assert await bulk(socket) == {"documents": [shared | {"name": "Renamed"}], "checkpoint": None}
        await crew.manager.do("accountUpdate", {"id": id, "teamIds": [crew.teams["west"]]})
        gone = {"id": id, "name": "", "_deleted": True}
        assert await bulk(socket) == {"documents": [gone], "checkpoint": None}


async def test_an_old_token_closes_the_socket_so_that_the_client_comes_back(crew: Crew, server: str) -> None:
    async with await opened(server, {"Authorization": "Bearer old"}) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("sort", ["rows", "hints"])
async def test_a_stream_that_is_cancelled_as_the_bell_rings_has_ended(
    crew: Crew, sort: str, turns: int
) -> None:
    """A socket that closes cancels it, in whichever turn of the loop: one that goes on would never end."""
    async with svcs.Container(crew.house.registry) as services:
        actors = await services.aget(Actors)
    await crew.house.relay.settle()
    store, reader = crew.house.store, crew.rep.actor
    place = await present_place(store.reader, reader, [ACCOUNTS])
    stream: AsyncGenerator[Any, None] = (
        changes(store, actors, reader, ACCOUNTS)
        if sort == "rows"
        else hints(store, actors, reader, [ACCOUNTS], place)
    )

    async def read() -> None:
        async with aclosing(stream):
            async for _ in stream:
                pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.2)  # until it waits for the bell
    store.bell.ring(crew.workspace_id, store.bell.newest(crew.workspace_id) + 1)
    for _ in range(turns):
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait({reading}, timeout=2)
    assert reading.cancelled()
