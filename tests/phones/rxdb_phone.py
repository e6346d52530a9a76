"""Drive a real RxDB client, a phone, from an asyncio test."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from tests.phones.node_phone import NodePhone, PhoneError

__all__ = ["PhoneError", "RxdbPhone"]

Document = dict[str, Any]


class RxdbPhone(NodePhone):
    """An unmodified RxDB client in a Node process of its own.

    ``schemas`` maps a collection's name to its RxJsonSchema; each collection replicates with
    ``pullX``, ``pushX`` and ``streamX`` of the GraphQL server at ``http_url``. The phone's store is in
    memory: it lives as long as the ``async with`` block. ``pause`` cuts the network and ``resume`` mends it.
    Every command raises PhoneError when it fails or takes longer than ``timeout``.
    """

    script: ClassVar[str] = "rxdb_phone.mjs"

    def __init__(
        self,
        http_url: str,
        *,
        schemas: Mapping[str, Mapping[str, Any]],
        token: str,
        name: str = "phone",
        timeout: timedelta = timedelta(seconds=30),
    ) -> None:
        environment = {
            "RXDB_PHONE_HTTP": http_url,
            "RXDB_PHONE_WS": "ws" + http_url.removeprefix("http"),
            "RXDB_PHONE_TOKEN": token,
            "RXDB_PHONE_SCHEMAS": json.dumps(schemas),
        }
        super().__init__(environment, name=name, timeout=timeout)

    # -------------------------------------------------------------------------------------- commands

    async def start(self, *, pull_batch: int = 50, push_batch: int = 10, retry_ms: int = 100) -> None:
        """Start to replicate every collection and return when each has been pulled to its end once."""
        await self._ask("start", pullBatch=pull_batch, pushBatch=push_batch, retryMs=retry_ms)

    async def insert(self, collection: str, document: Mapping[str, Any]) -> Document:
        """Store a new document on the phone and return it as stored."""
        stored: Document = await self._ask("insert", collection=collection, document=dict(document))
        return stored

    async def patch(self, collection: str, document_id: str, patch: Mapping[str, Any]) -> Document:
        """Change fields of a document on the phone and return it as stored."""
        stored: Document = await self._ask("patch", collection=collection, id=document_id, patch=dict(patch))
        return stored

    async def remove(self, collection: str, document_id: str) -> None:
        """Delete a document on the phone."""
        await self._ask("remove", collection=collection, id=document_id)

    async def in_sync(self) -> None:
        """Wait until everything local is pushed and no pull is under way."""
        await self._ask("in_sync")

    async def resync(self) -> None:
        """Ask for a pull of every collection now."""
        await self._ask("resync")

    async def pause(self) -> None:
        """Go offline: requests in flight are lost, new ones fail, the socket is closed."""
        await self._ask("pause")

    async def resume(self) -> None:
        """Come back online and pull; follow with ``in_sync`` to wait until all is exchanged."""
        await self._ask("resume")

    async def dump(self, collection: str) -> list[Document]:
        """Return all documents of a collection, ordered by id; deleted ones are absent."""
        documents: list[Document] = await self._ask("dump", collection=collection)
        return documents

    async def get(self, collection: str, document_id: str) -> Document | None:
        """Return one document, or None when the phone does not hold it."""
        document: Document | None = await self._ask("get", collection=collection, id=document_id)
        return document

    async def count(self, collection: str) -> int:
        """Return how many documents of a collection the phone holds."""
        number: int = await self._ask("count", collection=collection)
        return number

    async def errors(self) -> list[dict[str, str]]:
        """Return and forget the replication errors so far: ``{collection, code, message}``."""
        recorded: list[dict[str, str]] = await self._ask("errors")
        return recorded

    async def counts(self) -> dict[str, int]:
        """Return how many documents were ``received`` and ``sent``, and how many ``conflicts`` resolved."""
        numbers: dict[str, int] = await self._ask("counts")
        return numbers

    async def token(self, token: str) -> None:
        """Use another bearer token from the next request, and from the next connect of the socket."""
        await self._ask("token", token=token)

    async def wait_for(self, collection: str, document_id: str, **fields: Any) -> Document:
        """Return the document as soon as it is on the phone with these field values."""
        seen: Document | None = None

        async def poll() -> Document:
            nonlocal seen
            while True:
                seen = await self.get(collection, document_id)
                if seen is not None and fields.items() <= seen.items():
                    return seen
                await asyncio.sleep(0.02)

        try:
            return await asyncio.wait_for(poll(), self._timeout_seconds)
        except TimeoutError:
            wanted = f"{collection} {document_id} with {fields}"
            raise PhoneError(self._with_last_words(f"waited in vain for {wanted}; it holds {seen}")) from None
