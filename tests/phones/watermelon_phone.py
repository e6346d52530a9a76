"""Drive a real WatermelonDB client, a phone, from an asyncio test."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from tests.phones.node_phone import NodePhone

Raw = dict[str, Any]


class WatermelonPhone(NodePhone):
    """An unmodified WatermelonDB client in a Node process of its own, its store in memory.

    ``url`` is where ``pull`` and ``push`` are, ``tables`` what its schema holds. It talks to the server only
    in ``sync``: between two of them it is offline.
    """

    script: ClassVar[str] = "watermelon_phone.mjs"

    def __init__(
        self,
        url: str,
        *,
        tables: Sequence[Mapping[str, Any]],
        token: str,
        name: str = "phone",
        timeout: timedelta = timedelta(seconds=30),
    ) -> None:
        environment = {
            "WATERMELON_PHONE_URL": url,
            "WATERMELON_PHONE_TOKEN": token,
            "WATERMELON_PHONE_TABLES": json.dumps(tables),
        }
        super().__init__(environment, name=name, timeout=timeout)

    async def open(
        self, tables: Sequence[Mapping[str, Any]], *, version: int, steps: Sequence[Mapping[str, Any]]
    ) -> None:
        """Start the app anew with another schema; ``steps`` bring the store from the one before to it."""
        await self._ask("open", tables=list(tables), version=version, steps=list(steps))

    async def sync(self, **options: Any) -> list[dict[str, Any]]:
        """Synchronise until nothing is on its way; return what each round did.

        Options: ``limit`` of rows in an answer, ``keepsVersions`` of rows with edits (True, as recommended),
        ``migrationsEnabledAtVersion``.
        """
        rounds: list[dict[str, Any]] = await self._ask("sync", **options)
        return rounds

    async def sync_once(self, **options: Any) -> dict[str, Any]:
        """Synchronise once, whether there is more or not."""
        done: dict[str, Any] = await self._ask("sync_once", **options)
        return done

    async def lose(self, **answers: int) -> None:
        """Let so many of the next answers to ``pull`` or ``push`` be lost on the way."""
        await self._ask("lose", answers=answers)

    async def create(self, table: str, **values: Any) -> str:
        """Make a record on the phone; return its id."""
        made: str = await self._ask("create", table=table, values=values)
        return made

    async def update(self, table: str, id: str, **values: Any) -> None:
        """Change a record on the phone."""
        await self._ask("update", table=table, id=id, values=values)

    async def remove(self, table: str, id: str) -> None:
        """Delete a record on the phone."""
        await self._ask("remove", table=table, id=id)

    async def dump(self, table: str) -> dict[str, Raw]:
        """Return the raw records of a table by id; deleted ones are absent."""
        found: list[Raw] = await self._ask("dump", table=table)
        return {raw["id"]: raw for raw in found}

    async def unsynced(self) -> bool:
        """Tell whether anything waits to be pushed."""
        waiting: bool = await self._ask("unsynced")
        return waiting
