"""S10: how long until what one phone writes is on another, while a hundred a second are written."""

import asyncio
import time

import orjson
from websockets.asyncio.client import connect

from backend.core.ids import new_id
from bench.load import at
from bench.sync.ours import Ours, created

PER_SECOND = 100
WRITES = 1_000
ARRIVE_WITHIN_S = 30

STREAM = "subscription { streamAccount { documents { id } } }"


async def write_to_visible(phone: Ours, token: str, base: str) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds, from sending an edit to its row on a phone that streams."""
    sent: dict[str, float] = {}
    took: list[float] = []
    url = base.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"], max_size=None) as socket:  # type: ignore[list-item]
        opening = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        await socket.send(orjson.dumps(opening).decode())
        await socket.recv()
        asked = {"id": "1", "type": "subscribe", "payload": {"query": STREAM}}
        await socket.send(orjson.dumps(asked).decode())

        async def listen() -> None:
            while len(took) < WRITES:
                event = orjson.loads(await socket.recv())
                now = time.perf_counter()
                if event["type"] != "next":
                    continue
                rows = event["payload"]["data"]["streamAccount"]["documents"]
                ids = [row["id"] for row in rows if row["id"] in sent]
                took.extend(now - sent.pop(id) for id in ids)

        async def write(name: str) -> None:
            id = new_id()
            sent[id] = time.perf_counter()
            await phone.push_all([created(id, {"name": name})])

        await asyncio.sleep(0.5)  # the stream begins; what is written before it would never come
        async with asyncio.timeout(WRITES / PER_SECOND + ARRIVE_WITHIN_S):
            listening = asyncio.create_task(listen())
            begun = time.perf_counter()
            async with asyncio.TaskGroup() as writing:
                for number in range(WRITES):
                    writing.create_task(write(f"Visible {number}"))
                    await asyncio.sleep(max(0.0, begun + (number + 1) / PER_SECOND - time.perf_counter()))
            await listening
    took.sort()
    return at(took, 0.5), at(took, 0.99)
