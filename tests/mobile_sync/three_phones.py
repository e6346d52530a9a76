"""One phone of each protocol with the same words, for what must hold in all three."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from backend.core.sync import SyncedCollection
from backend.crm.synced import ACCOUNTS
from mobile_sync.wording import camel, snake
from tests.crew import Person
from tests.mobile_sync.native_wire import NativePhone, delete, patched
from tests.mobile_sync.native_wire import create as created
from tests.mobile_sync.watermelon_wire import WatermelonPhone
from tests.mobile_sync.wire import WirePhone

Values = Mapping[str, Any]


class AnyPhone(ABC):
    """A phone of one collection; ``wire`` is the phone of its protocol."""

    wire: Any

    @abstractmethod
    def __init__(self, person: Person, collection: SyncedCollection = ACCOUNTS) -> None: ...

    @abstractmethod
    async def pull(self, *, limit: int = 100) -> list[str]:
        """Pull to the end; return the ids that came, gone or not."""

    @abstractmethod
    async def page(self, *, limit: int) -> list[str]:
        """Pull one page."""

    @abstractmethod
    def held(self) -> dict[str, dict[str, Any]]:
        """Return the columns of what the phone holds, by id, as RxDB and native phones call them."""

    @abstractmethod
    async def change(self, id: str, **values: Any) -> None: ...

    @abstractmethod
    async def delete(self, id: str) -> None: ...

    @abstractmethod
    async def create(self, *rows: tuple[str, Values]) -> None:
        """Push new records in one push."""


class RxdbPhone(AnyPhone):
    def __init__(self, person: Person, collection: SyncedCollection = ACCOUNTS) -> None:
        self.wire = WirePhone(person, collection)

    async def pull(self, *, limit: int = 100) -> list[str]:
        return [row["id"] for row in await self.wire.pull(limit=limit)]

    async def page(self, *, limit: int) -> list[str]:
        return [row["id"] for row in await self.wire.pull_once(limit=limit)]

    def held(self) -> dict[str, dict[str, Any]]:
        rows: dict[str, dict[str, Any]] = self.wire.rows
        return rows

    async def change(self, id: str, **values: Any) -> None:
        await self.wire.push(self.wire.edit(id, **values))

    async def delete(self, id: str) -> None:
        await self.wire.push(self.wire.edit(id, _deleted=True))

    async def create(self, *rows: tuple[str, Values]) -> None:
        await self.wire.push(*(self.wire.insert(id, **values) for id, values in rows))


class OneNativePhone(AnyPhone):
    def __init__(self, person: Person, collection: SyncedCollection = ACCOUNTS) -> None:
        self.wire, self.name = NativePhone(person), camel(collection.name)

    async def pull(self, *, limit: int = 100) -> list[str]:
        lines = await self.wire.pull(limit=limit, collections=[self.name])
        return [line["id"] for line in lines]

    async def page(self, *, limit: int) -> list[str]:
        page = await self.wire.pull_once(limit=limit, collections=[self.name])
        return [line["id"] for line in page["changes"]]

    def held(self) -> dict[str, dict[str, Any]]:
        return {id: line["d"] for (_, id), line in self.wire.rows.items()}

    async def change(self, id: str, **values: Any) -> None:
        await self.wire.push(patched(self.wire.rows[self.name, id], **values))

    async def delete(self, id: str) -> None:
        held = self.wire.rows[self.name, id]
        await self.wire.push(delete(self.name, id) | {"baseVersion": held["v"]})

    async def create(self, *rows: tuple[str, Values]) -> None:
        await self.wire.push(*(created(self.name, **values) | {"docId": id} for id, values in rows))


class OneWatermelonPhone(AnyPhone):
    def __init__(self, person: Person, collection: SyncedCollection = ACCOUNTS) -> None:
        self.table = str(collection.record.Settings.name)
        self.wire = WatermelonPhone(person, [self.table])

    async def pull(self, *, limit: int = 100) -> list[str]:
        return [id for _, id in await self.wire.pull(limit=limit)]

    async def page(self, *, limit: int) -> list[str]:
        (changes,) = (await self.wire.pull_once(limit=limit))["changes"].values()
        return [*(raw["id"] for raw in changes["updated"]), *changes["deleted"]]

    def held(self) -> dict[str, dict[str, Any]]:
        return {
            id: {camel(name): one for name, one in raw.items()} for (_, id), raw in self.wire.rows.items()
        }

    async def change(self, id: str, **values: Any) -> None:
        named = {snake(name): value for name, value in values.items()}
        await self.wire.push(self.table, updated=[self.wire.edit(self.table, id, **named)])

    async def delete(self, id: str) -> None:
        await self.wire.push(self.table, deleted=[id])

    async def create(self, *rows: tuple[str, Values]) -> None:
        if self.wire.last is None:
            await self.wire.pull()
        raws = [
            {"id": id, "_status": "created", "_changed": ""}
            | {snake(name): one for name, one in values.items()}
            for id, values in rows
        ]
        await self.wire.push(self.table, created=raws)


PROTOCOLS = (RxdbPhone, OneNativePhone, OneWatermelonPhone)
