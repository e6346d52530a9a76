"""The store: one database, its records' collections, and the way in for reads and writes."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

import structlog
from beanie import init_beanie
from bson import Decimal128
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from pymongo import AsyncMongoClient, IndexModel
from pymongo.asynchronous.database import AsyncDatabase

from backend.core.access import Actor
from backend.core.audit import AUDIT, audit_entry
from backend.core.bell import Bell
from backend.core.clock import Clock
from backend.core.commits import POLICY, Commit, Committed, Outcome, Refused, Repeated
from backend.core.encryption_keyring import Keyring
from backend.core.errors import Conflict, CRMError, FieldError, InvalidInput, NotFound
from backend.core.expiring import drop_ttl_indexes, expiring
from backend.core.field_rules import veil
from backend.core.ledger import DEPARTURES, LEDGER, MUTATIONS, SEQUENCES
from backend.core.metrics import COMMIT_STALE
from backend.core.presence import Presence
from backend.core.reading import Reader
from backend.core.records import FEED_INDEX, REGISTRY, Record
from backend.core.redaction import Redactor
from backend.core.sequencer import Sequencer
from backend.core.sharing import Policies
from backend.core.unit_of_work import UnitOfWork

log = structlog.get_logger()

T = TypeVar("T")
Operation = Callable[[UnitOfWork], Awaitable[T]]


class Remembered(ABC):
    """A result of which a memo is kept with the mutation, for its repeats (``Store.remembered``)."""

    @abstractmethod
    def memo(self) -> dict[str, Any]:
        """Return what BSON can hold and no personal value."""


MOST_RUNS = 12  # how often an operation whose ground keeps moving is run before it is refused
MUTATIONS_KEPT = timedelta(days=90)


class _Decimals(TypeDecoder):
    """Read MongoDB's Decimal128 as Decimal."""

    bson_type = Decimal128

    def transform_bson(self, value: Decimal128) -> Decimal:
        return value.to_decimal()


CODECS: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, type_registry=TypeRegistry([_Decimals()]))


class Store:
    """Where the records of all workspaces live. Open one per process, in the app's lifespan."""

    bound: ClassVar["Store | None"] = None
    """The store that is open in this process: Beanie binds a document class to one database."""

    def __init__(
        self, client: AsyncMongoClient[Any], database_name: str, clock: Clock, *, secret: str | None = None
    ) -> None:
        # The secret keys the audit's digests.
        self.redactor = Redactor(secret)
        self.client = client
        self.database: AsyncDatabase[Any] = client.get_database(database_name, codec_options=CODECS)
        self.clock = clock
        self.keyring = Keyring(self.database, clock, CODECS)
        self.reader = Reader(self.database, clock, self.keyring)
        self.bell = Bell(self.database)
        self.presence = Presence(self.database, clock)
        self.policies = Policies(self.reader.policy_version)
        self.bell.on_policy += [self.policies.forget, self.keyring.forget, self.reader.hot.forget]
        self.others: tuple[type[Any], ...] = ()  # the documents that are no records
        self._noting: set[asyncio.Task[None]] = set()
        self._sequencers: dict[str, Sequencer] = {}
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def open(self, documents: Sequence[type[Record]], others: Sequence[type[Any]] = ()) -> None:
        """Bind the documents to this database and make their indexes. ``others`` are not records.

        Raises: RuntimeError while another store is open in this process, which goes on undisturbed.
        """
        if Store.bound is not None and Store.bound is not self:
            raise RuntimeError(
                f"The store {Store.bound.database.name} is open in this process, and records can be bound "
                "to one only: close it first, or open the other one in a process of its own."
            )
        Store.bound = self
        self.others = tuple(others)
        await drop_ttl_indexes(self.database)
        await init_beanie(database=self.database, document_models=[*documents, *others])
        for record in documents:
            await record.get_pymongo_collection().create_indexes([FEED_INDEX])
        rows = [("workspace_id", 1), ("scope", 1), ("kind", 1), ("seq", 1)]
        await self.database[DEPARTURES].create_indexes([IndexModel(rows)])
        await self.database[LEDGER].create_indexes([IndexModel([("workspace_id", 1), ("seq", 1)])])
        walked, searched = (
            [("workspace_id", 1), ("seq", 1)],
            [("workspace_id", 1), ("subjects", 1), ("seq", 1)],
        )
        await self.database[AUDIT].create_indexes([IndexModel(walked), IndexModel(searched)])
        await self.database[MUTATIONS].create_indexes([expiring("at", MUTATIONS_KEPT)])
        await self.database[SEQUENCES].create_indexes([IndexModel([("moved_at", 1)])])
        await self.presence.open()
        # A transaction cannot make a collection on every server: make them now.
        await self.database[SEQUENCES].update_one({"_id": "-"}, {"$set": {"seq": 0}}, upsert=True)

    async def close(self) -> None:
        """Finish what was submitted, and make room for another store. Safe when it was never opened."""
        try:
            await self.notes()
            await self.presence.flush()
            await asyncio.gather(*(sequencer.drain() for sequencer in self._sequencers.values()))
        finally:
            if Store.bound is self:
                Store.bound = None

    async def workspace_ids(self) -> list[str]:
        """Return the workspaces that anything was ever committed to, for jobs that serve all of them."""
        rows = self.database[SEQUENCES].find({"_id": {"$ne": "-"}}, {"_id": 1})
        return [row["_id"] async for row in rows]

    async def due(self, record: type[Record], date: str, *, by: datetime, most: int) -> list[tuple[str, str]]:
        """Return (workspace id, id) of the living records, of all workspaces, whose ``date`` has come.

        The earliest first. For jobs, which then act in each workspace as the house. ``date`` needs an index.
        """
        where = {date: {"$ne": None, "$lte": by}, "deleted_at": None}
        rows = record.get_pymongo_collection().find(where, {"workspace_id": 1}).sort(date, 1).limit(most)
        return [(row["workspace_id"], row["_id"]) async for row in rows]

    def sequencer(self, workspace_id: str) -> Sequencer:
        """Return this process's sequencer of the workspace."""
        if workspace_id not in self._sequencers:
            self._sequencers[workspace_id] = Sequencer(
                self.client,
                self.database,
                workspace_id,
                on_commit=self.bell.ring,
                on_policy=self.bell.ring_policy,
                own=self.reader.own,
            )
        return self._sequencers[workspace_id]

    def unit_of_work(self, actor: Actor) -> UnitOfWork:
        """Return a fresh unit for ``actor``. What it stages is lost unless ``write`` made it."""
        return UnitOfWork(self.reader, actor, self.clock.now())

    async def write(
        self, actor: Actor, operation: Operation[T], *, mutation_id: str | None = None, purpose: str = ""
    ) -> T:
        """Run ``operation`` and commit what it staged, all or nothing; return its result.

        The operation may run several times (when another commit came between its reads and its
        commit), so it must have no effect but through its unit. With ``mutation_id`` a repeat by the
        same person has no effect and returns the record that the first run returned, as it is now; for
        another ``purpose`` the id is refused with InvalidInput.
        """
        key = _mutation_key(actor, mutation_id) if mutation_id else None
        turn: contextlib.AbstractAsyncContextManager[None] = contextlib.nullcontext()
        for _ in range(MOST_RUNS):
            async with turn:
                uow = self.unit_of_work(actor)
                try:
                    result = await operation(uow)
                except CRMError:
                    # A repeat may be refused only because the first run succeeded.
                    row = await self.database[MUTATIONS].find_one({"_id": key}) if key else None
                    if row is None:
                        raise
                    replayed: T = await self._replayed(actor, row, purpose)
                    return replayed
                if not uow.dirty:
                    uow.veil()
                    return result
                outcome = await self._submit(uow, key, result, purpose)
                if isinstance(outcome, Committed):
                    uow.stamp(outcome.seq)
                    uow.veil()
                    return result
                if isinstance(outcome, Repeated):
                    again: T = await self._replayed(actor, outcome.row, purpose)
                    return again
                if isinstance(outcome, Refused):
                    raise outcome.error
            COMMIT_STALE.inc()
            if outcome.kind == POLICY:
                self.policies.forget(outcome.id)
            # Whoever wants the same record runs again one after the other: together all but one would fail.
            turn = self._turns.setdefault((outcome.kind, outcome.id), asyncio.Lock())
        raise Conflict(
            "This record is being changed too often at the moment; nothing of yours was written. Try again.",
            current_version=0,
        )

    async def remembered(self, actor: Actor, mutation_id: str) -> tuple[int, dict[str, Any]] | None:
        """Return the commit and the memo that the person's mutation left; None when it left none."""
        row = await self.database[MUTATIONS].find_one({"_id": _mutation_key(actor, mutation_id)})
        return (int(row["seq"]), dict(row["result"]["memo"])) if row and "memo" in row["result"] else None

    async def note(
        self,
        actor: Actor,
        action: str,
        *,
        kind: str = "",
        id: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Commit one audit entry by itself; see ``UnitOfWork.note``."""

        async def stage(uow: UnitOfWork) -> None:
            uow.note(action, kind=kind, id=id, details=details)

        await self.write(actor, stage)

    def note_soon(self, noting: Coroutine[Any, Any, None]) -> None:
        """Run ``noting`` beside the caller: how long it takes must not show in an answer."""
        task = asyncio.create_task(noting, name="audit note")
        self._noting.add(task)
        task.add_done_callback(self._noted)

    async def notes(self) -> None:
        """Return when all that ``note_soon`` was given so far is written."""
        await asyncio.gather(*self._noting, return_exceptions=True)

    def _noted(self, task: asyncio.Task[None]) -> None:
        self._noting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("audit.note_lost", exc_info=error)

    async def _submit(self, uow: UnitOfWork, key: str | None, result: object, purpose: str) -> Outcome:
        policy = await self.policies.of(uow.actor.workspace_id)
        await uow.settle(policy)
        record = result if isinstance(result, Record) else None
        commit = uow.commit(mutation_key=key, result=record, purpose=purpose)
        if isinstance(result, Remembered):
            commit.result["memo"] = result.memo()
        commit.audit = audit_entry(commit, self.redactor)
        await self._seal(commit)
        return await self.sequencer(uow.actor.workspace_id).submit(commit)

    async def _seal(self, commit: Commit) -> None:
        """Seal the personal values of ``commit``; a key that is replaced meanwhile makes it stale."""
        for place, write in enumerate(commit.writes):
            record = REGISTRY[write.kind]
            if record.encrypted:
                cipher = await self.keyring.ready(commit.workspace_id, generation=commit.policy)
                commit.writes[place] = replace(write, body=cipher.seal(record, write.body), before=None)

    async def _replayed(self, actor: Actor, row: dict[str, Any], purpose: str) -> Any:
        """Return what the first run of a mutation returned, in its present state."""
        reference = row["result"]
        if reference["purpose"] != purpose:
            raise InvalidInput(
                FieldError(
                    "mutation_id", "was used for another change already; make a new one for each change"
                )
            )
        if reference["kind"] is None:
            return None
        kind = REGISTRY[reference["kind"]]
        record = await self.reader.get(kind, reference["id"])
        if record is None:
            raise NotFound(kind.kind, reference["id"])
        veil(record, actor.mask(kind.kind))
        return record


def _mutation_key(actor: Actor, mutation_id: str) -> str:
    return f"{actor.workspace_id}|{actor.user_id}|{mutation_id}"
