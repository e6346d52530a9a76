"""Hints over graphql-transport-ws: when to pull, of what, and nothing more."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.crew import Crew
from tests.mobile_sync.native_wire import WRITTEN, NativePhone
from tests.mobile_sync.test_native_pull import make_contact
from tests.mobile_sync.test_pull import make_account
from tests.mobile_sync.test_stream import opened

SUBSCRIPTION = "subscription($cursor: String) { syncHints(cursor: $cursor) { watermark collections } }"


async def subscribed(socket: ClientConnection, cursor: str | None) -> None:
    assert json.loads(await socket.recv()) == {"type": "connection_ack"}
    payload = {"query": SUBSCRIPTION, "variables": {"cursor": cursor}}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))


async def hint(socket: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await socket.recv())["payload"]["data"]["syncHints"]
    return found


async def test_a_hint_comes_for_what_the_phone_may_read_and_does_not_have(crew: Crew, server: str) -> None:
    await crew.settle()
    phone = NativePhone(crew.rep)
    await phone.pull(collections=[*WRITTEN, "pipeline"])
    missed = await make_account(
        crew.colleague, "Made before the phone listened", teamIds=[crew.teams["east"]]
    )
    async with await opened(server, {"Authorization": f"Bearer {crew.rep.token}"}) as socket:
        await subscribed(socket, phone.cursor)
        first = await hint(socket)
        assert first["collections"] == ["account"]
        page = await phone.pull_once()
        assert [line["id"] for line in page["changes"]] == [missed]
        assert int(first["watermark"]) <= int(page["watermark"])

        # Nothing is said of what somebody else may read; the next hint is for the contact alone.
        await make_account(crew.stranger, "West's", teamIds=[crew.teams["west"]])
        contact = await make_contact(crew.colleague, "王芳", teamIds=[crew.teams["east"]])
        assert (await hint(socket))["collections"] == ["contact"]
        assert [line["id"] for line in await phone.pull()] == [contact]


async def test_a_cursor_that_counts_no_more_is_left_to_the_pull(crew: Crew, server: str) -> None:
    await make_account(crew.rep, "Old")
    async with await opened(server, {"Authorization": f"Bearer {crew.rep.token}"}) as socket:
        await subscribed(socket, "nonsense")
        first = await hint(socket)
        assert "account" in first["collections"]
