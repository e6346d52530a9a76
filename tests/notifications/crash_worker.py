"""A delivery worker to be killed. It takes: data directory, URI, key file, FCM's address.

Imports once, then makes a fresh process, by a fork, for each line on its standard input, and prints its id:
a hundred lives cost no more than one start. The line says by how many seconds the clock of that life is
ahead, so that nobody waits for the leases of the dead to end.
"""

import asyncio
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

import svcs
from pydantic import SecretStr

import backend.crm.module
import backend.identity.module
import notifications.module
from backend.core.clock import SystemClock
from backend.core.settings import Settings
from backend.house import open_house
from backend.identity.actors import Actors
from notifications.firebase import FirebaseGateway
from notifications.sending import DeliveryWorker

MODULES = (backend.identity.module.module, backend.crm.module.module, notifications.module.make_module(()))
LOOKS_EVERY_SECONDS = 0.1


class AheadClock:
    """The machine's clock, and something on top."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return SystemClock().now() + self._ahead


async def live(data_dir: Path, uri: str, key_file: Path, fcm: str, ahead: timedelta) -> None:
    """Send what is due, again and again, until somebody kills this process."""
    settings = Settings(data_dir=data_dir, mongodb_uri=SecretStr(uri), demo=False)
    async with open_house(MODULES, settings, working=False) as house:
        async with svcs.Container(house.registry) as services:
            actors = await services.aget(Actors)
        gateway = FirebaseGateway(key_file, fcm)
        worker = DeliveryWorker(house.store, actors, gateway, owner=str(os.getpid()), clock=AheadClock(ahead))
        while True:
            await worker.work()
            await asyncio.sleep(LOOKS_EVERY_SECONDS)


def main() -> None:
    data_dir, uri, key_file, fcm = sys.argv[1:]
    for seconds in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)  # its logs are no answers
            asyncio.run(live(Path(data_dir), uri, Path(key_file), fcm, timedelta(seconds=float(seconds))))
        print(pid, flush=True)
        os.waitpid(pid, 0)
        print("dead", flush=True)


if __name__ == "__main__":
    main()
