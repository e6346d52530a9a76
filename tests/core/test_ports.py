"""Ports: one that nobody takes meanwhile, and waiting for what a server that has ended still holds."""

import asyncio
import socket

from backend.core.ports import LISTENED_ON, LOOPBACK, find_free_port, is_free, wait_until_free


def test_a_free_port_is_none_that_outgoing_connections_are_given_by_default() -> None:
    found = [find_free_port() for _ in range(20)]
    assert all(port in LISTENED_ON and is_free(port) for port in found)
    assert len(set(found)) > 1
    with socket.socket() as held:
        held.bind((LOOPBACK, found[0]))
        held.listen()
        assert not is_free(found[0])


async def test_a_port_is_waited_for_until_who_holds_it_lets_go() -> None:
    with socket.socket() as held:
        port = find_free_port()
        held.bind((LOOPBACK, port))
        held.listen()
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
