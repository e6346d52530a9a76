"""Lookups by id: those that are made in the same turn of the event loop go to the store together.

A push of many rows, or many requests at once, look up one record each. One query for some dozens of ids
costs the store and the driver a tenth of as many queries for one.
"""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from backend.core.records import Record

TOGETHER = 32  # ids in one query: the embedded database's cost for each rises beyond, MongoDB's does not fall

Body = dict[str, Any]
_Waiting = dict[str, list["asyncio.Future[Body | None]"]]


class Lookups:
    """Find stored bodies by id. An answer is as new as the question, never older."""

    def __init__(self) -> None:
        self._waiting: dict[type[Record], _Waiting] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def body(self, record: type[Record], id: str) -> Body | None:
        """Return the stored body of a record, the caller's own to keep; None when there is none."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(record)
        if waiting is None:
            waiting = self._waiting[record] = {}
            loop.call_soon(self._ask, record)  # after everybody who is ready now has asked
        answer: asyncio.Future[Body | None] = loop.create_future()
        waiting.setdefault(id, []).append(answer)
        return await answer

    def _ask(self, record: type[Record]) -> None:
        waiting = self._waiting.pop(record)
        ids = list(waiting)
        for start in range(0, len(ids), TOGETHER):
            part = {id: waiting[id] for id in ids[start : start + TOGETHER]}
            task = asyncio.create_task(_answer(record, part), name=f"lookup {record.kind}")
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)


async def _answer(record: type[Record], waiting: _Waiting) -> None:
    """Give everybody who waits its body, or the error that the store answered with."""
    try:
        found = await _bodies(record, list(waiting))
    except asyncio.CancelledError:
        for answer in _open(waiting):
            answer.cancel()
        raise
    except Exception as error:  # noqa: BLE001  (everybody who waits must hear of it, whatever it is)
        for answer in _open(waiting):
            answer.set_exception(error)
        return
    for id, answers in waiting.items():
        body = found.get(id)
        for place, answer in enumerate(answers):
            if not answer.done():  # who asked may have gone
                answer.set_result(deepcopy(body) if place else body)


def _open(waiting: _Waiting) -> list["asyncio.Future[Body | None]"]:
    return [answer for answers in waiting.values() for answer in answers if not answer.done()]


async def _bodies(record: type[Record], ids: list[str]) -> Mapping[str, Body]:
    rows = record.get_pymongo_collection()
    if len(ids) == 1:
        body = await rows.find_one({"_id": ids[0]})
        return {ids[0]: body} if body else {}
    # One batch: a second command to hear that there is no more would cost as much again.
    found = rows.find({"_id": {"$in": ids}}, batch_size=len(ids) + 1)
    return {body["_id"]: body async for body in found}
