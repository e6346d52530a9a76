"""Loopback ports that a server of ours may listen on."""

import asyncio
import random
import socket

LOOPBACK = "127.0.0.1"
LISTENED_ON = range(20_000, 32_768)
"""Outgoing connections are not given these, unless a system is set up so (Linux begins at 32768, others at
49152): a server that goes and comes back finds its port as it left it."""
TRIES = 100
POLL_SECONDS = 0.05
FREE_WITHIN_SECONDS = 1.0


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


async def wait_until_free(port: int) -> None:
    """Return when a server could listen there, or after a second: one that just ended may hold it yet."""
    for _ in range(round(FREE_WITHIN_SECONDS / POLL_SECONDS)):
        if is_free(port):
            return
        await asyncio.sleep(POLL_SECONDS)


def find_free_port() -> int:
    """Return a loopback port on which nothing listens at this moment."""
    for port in random.SystemRandom().sample(LISTENED_ON, TRIES):
        if is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
