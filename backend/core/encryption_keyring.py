"""The keyring: each workspace's data keys, kept in the store under a master key, and made when first needed.

A workspace has numbered data keys, the highest of which seals, and one index key for its blind indexes,
which no rotation changes. Who has the database alone has nothing; destroying the rows of a workspace makes
what it sealed unreadable for ever, in every backup that does not hold them.
"""

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from backend.core.clock import Clock
from backend.core.encryption import KEY_BYTES, Cipher, is_sealed
from backend.core.encryption_keys import MasterKeys, generate_master_key, read_master_keys
from backend.core.errors import CannotOpen
from backend.core.records import REGISTRY, Record
from backend.core.settings import Settings

DATA_KEYS = "data_keys"
FIRST_MASTER = "-"  # the row that says which master key the store began with, or was last re-wrapped under
INDEX = "index"


def data_key_id(workspace_id: str, number: int) -> str:
    """Return the id of a workspace's data key, which also binds its wrapping."""
    return f"{workspace_id}|{number}"


def index_key_id(workspace_id: str) -> str:
    """Return the id of a workspace's index key."""
    return f"{workspace_id}|{INDEX}"


class Keyring:
    """The ciphers of this process, by workspace."""

    def __init__(
        self, database: AsyncDatabase[Any], clock: Clock, codecs: CodecOptions[dict[str, Any]]
    ) -> None:
        self._database, self._clock, self._codecs = database, clock, codecs
        self._masters: MasterKeys | None = None
        self._ciphers: dict[str, Cipher] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open(self, settings: Settings) -> None:
        """Take the master keys, making one for a store that has none; call once, before anything is read.

        Raise CannotOpen when the store was sealed under a master key that is not at hand.
        """
        await self._database[DATA_KEYS].create_indexes([IndexModel([("workspace_id", 1)])])
        masters = read_master_keys(settings)
        if masters is None:
            first = await self._first_master()
            if first is not None:
                raise _no_master(first)
            generate_master_key(settings.data_dir)
            masters = read_master_keys(settings)
            assert masters is not None
        first = await self._first_master() or await self._begin_with(masters)
        if first not in masters:
            raise _no_master(first)
        self._masters = masters

    @property
    def masters(self) -> MasterKeys:
        """Return the master keys of this process."""
        if self._masters is None:
            raise CannotOpen(
                "This process has taken no master keys: open the keyring with the settings first."
            )
        return self._masters

    async def ready(self, workspace_id: str, *, generation: int | None = None) -> Cipher:
        """Return the workspace's cipher, with keys made when it has none.

        With ``generation`` (the policy version of a commit) the keys are as the store had them then or
        later: what is sealed under a key that was replaced meanwhile, the sequencer refuses as stale.
        """
        known = self._ciphers.get(workspace_id)
        if known is not None and generation in (None, known.generation):
            return known
        return await self._load(workspace_id, generation or 0)

    async def open_bodies(
        self, record: type[Record], bodies: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return stored bodies of a kind in the clear, whichever workspaces they are of."""
        if not record.encrypted:
            return list(bodies)
        return [await self._open(record, body) for body in bodies]

    async def _open(self, record: type[Record], body: dict[str, Any]) -> dict[str, Any]:
        if not any(is_sealed(body.get(name)) for name in record.encrypted):
            return body
        cipher = self._ciphers.get(body["workspace_id"])
        if cipher is not None:
            with contextlib.suppress(CannotOpen):  # another process may have rotated: look, then say so
                return cipher.open(record, body)
        cipher = await self._load(body["workspace_id"], cipher.generation if cipher else 0)
        return cipher.open(record, body)

    def forget(self, workspace_id: str) -> None:
        """Read the workspace's keys afresh the next time."""
        self._ciphers.pop(workspace_id, None)

    async def add_data_key(self, workspace_id: str, number: int) -> None:
        """Make a data key, unless another process has just made it."""
        await self._insert(workspace_id, data_key_id(workspace_id, number), number=number)

    async def _load(self, workspace_id: str, generation: int) -> Cipher:
        async with self._turns[workspace_id]:
            rows = await self._rows(workspace_id)
            if not any(row["number"] for row in rows):
                await self._make(workspace_id)
                rows = await self._rows(workspace_id)
            self._ciphers[workspace_id] = self._cipher(workspace_id, rows, generation)
        return self._ciphers[workspace_id]

    async def _rows(self, workspace_id: str) -> list[dict[str, Any]]:
        return await self._database[DATA_KEYS].find({"workspace_id": workspace_id}).to_list()

    def _cipher(self, workspace_id: str, rows: list[dict[str, Any]], generation: int) -> Cipher:
        if any(row["state"] == "destroyed" for row in rows):
            raise CannotOpen(
                f"The data keys of workspace {workspace_id} were destroyed: what they sealed cannot be read, "
                "and nothing more can be written there. Make a new workspace."
            )
        keys = {row["number"]: self.masters.unwrap(row["wrapped"], row["_id"]) for row in rows}
        index_row = next(row for row in rows if not row["number"])
        index_key = keys.pop(0)
        return Cipher(
            workspace_id,
            keys,
            index_key,
            self._codecs,
            generation=generation,
            holds_clear=index_row["holds_clear"],
        )

    async def _make(self, workspace_id: str) -> None:
        """Make the first keys of a workspace: what it holds of sealed kinds by now is clear."""
        kinds = [record for record in REGISTRY.values() if record.encrypted]
        found = [
            await self._database[kind.get_collection_name()].find_one({"workspace_id": workspace_id})
            for kind in kinds
        ]
        await self._insert(
            workspace_id, index_key_id(workspace_id), number=0, holds_clear=any(found)
        )  # first: whoever finds a data key finds it, too
        await self.add_data_key(workspace_id, 1)

    async def _insert(self, workspace_id: str, id: str, **fields: Any) -> None:
        row = {
            "_id": id,
            "workspace_id": workspace_id,
            "wrapped": self.masters.wrap(secrets.token_bytes(KEY_BYTES), id),
            "created_at": self._clock.now(),
            "state": "active",
            **fields,
        }
        try:
            await self._database[DATA_KEYS].insert_one(row)
        except DuplicateKeyError:
            return  # made by another process at the same moment: that one counts

    async def _first_master(self) -> str | None:
        row = await self._database[DATA_KEYS].find_one({"_id": FIRST_MASTER})
        return row["master"] if row else None

    async def _begin_with(self, masters: MasterKeys) -> str:
        """Note which master key this store begins with; return the one that was noted first."""
        try:
            await self._database[DATA_KEYS].insert_one({"_id": FIRST_MASTER, "master": masters.current})
        except DuplicateKeyError:
            return await self._first_master() or masters.current
        return masters.current


def _no_master(id: str) -> CannotOpen:
    return CannotOpen(
        f"The store holds values sealed under master key {id!r}, which this process was not given. Set "
        "RAPPORT_ENCRYPTION_KEYS or RAPPORT_ENCRYPTION_KEY_FILE to the keys of the process that began it."
    )
