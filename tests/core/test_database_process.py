"""Waiting for what a database server that has ended still holds."""

import asyncio
import socket

from backend.core.database_process import LOOPBACK, is_free, wait_until_free


async def test_a_port_is_waited_for_until_who_holds_it_lets_go() -> None:
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        held.listen()
        port = held.getsockname()[1]
        waiting = asyncio.create_task(wait_until_free(port))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert not is_free(port)
    await waiting
    assert is_free(port)


async def test_a_port_that_stays_taken_is_waited_for_a_second() -> None:
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        held.listen()
        await wait_until_free(held.getsockname()[1])
        assert not is_free(held.getsockname()[1])
