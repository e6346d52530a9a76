"""Group commit: many business commits, one transaction, one run of sequence numbers.

The counter of the workspace is incremented first, inside the transaction, so that commit order is
sequence order: whoever reads the counter's value W sees every change up to W, and none is ever added
below it. Two processes that commit at once conflict on the counter; the loser retries.

No business code runs while the transaction is open. Operations run before it against what they read
(optimistically); here their base versions are compared with the store, and a commit whose ground has
moved is handed back as ``Stale`` to be run again. Source: H. T. Kung, J. T. Robinson, "On Optimistic
Methods for Concurrency Control", 1981; docs/adr/0002.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import stamina
from pymongo import AsyncMongoClient, DeleteOne, ReplaceOne, ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ClientBulkWriteException,
    ConnectionFailure,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from backend.core.audit import AUDIT, audit_document, audit_id, chain_start
from backend.core.commits import (
    Commit,
    Committed,
    Outcome,
    Refused,
    Write,
    hoped_for,
    judge,
    mutation_row,
)
from backend.core.errors import Conflict, Unavailable
from backend.core.ids import new_id
from backend.core.ledger import (
    DEPARTURES,
    LEDGER,
    MUTATIONS,
    SEQUENCES,
    departure_id,
    departures_of,
    ledger_id,
)
from backend.core.many_writes import Request, write_one_by_one, write_together
from backend.core.metrics import COMMIT_BATCH, COMMIT_RETRIES
from backend.core.own_commits import OwnCommits

LARGEST_BATCH = 64  # commits in one transaction: more makes the first of them wait longer
LARGEST_WRITES = 500  # records in one transaction, which MongoDB keeps in memory until it commits
LONGEST_WAIT = timedelta(milliseconds=15)  # for company; half of what a transaction takes
DEADLINE = timedelta(seconds=5)
DURABLE = WriteConcern(w="majority", j=True)
WRITE_CONFLICT = 112
DUPLICATE_KEY = 11000

FailPoint = Callable[[], Awaitable[None]]


class Sequencer:
    """Commit for one workspace in this process; commits that wait together go together."""

    def __init__(
        self,
        client: AsyncMongoClient[Any],
        database: AsyncDatabase[Any],
        workspace_id: str,
        on_commit: Callable[[str, int], None],
        on_policy: Callable[[str], None],
        own: OwnCommits,
    ) -> None:
        self._client, self._database, self._workspace_id = client, database, workspace_id
        self._on_commit, self._on_policy, self._own = on_commit, on_policy, own
        self._audited = (0, chain_start(workspace_id))  # number and hash of our last audit document
        self._waiting: list[tuple[Commit, asyncio.Future[Outcome]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._enough: asyncio.Event | None = None
        self._wanted = 0
        self._writes_together = True  # until the server turns out not to know how
        self.after_counter: FailPoint | None = None  # tests stop here: counter taken, nothing committed

    async def submit(self, commit: Commit) -> Outcome:
        """Commit durably, or say why not. Raise Unavailable when the store does not answer in time."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((commit, future))
        if self._enough is not None and len(self._waiting) >= self._wanted:
            self._enough.set()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name=f"sequencer {self._workspace_id}")
        return await future

    async def drain(self) -> None:
        """Wait until everything submitted so far is decided."""
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _work(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                outcomes = await self._commit_durably([commit for commit, _ in batch])
            except Exception as error:  # noqa: BLE001  (every waiter must hear of it, whatever it is)
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                if not future.done():  # the waiter may have been cancelled; the commit stands
                    future.set_result(outcome)
            await self._gather(min(len(batch) + len(self._waiting), LARGEST_BATCH))

    async def _gather(self, usual: int) -> None:
        """Wait a moment until those just answered have asked again: fewer, larger transactions.

        ``usual`` is how many were answered or were waiting meanwhile. Who writes alone never waits.
        """
        if usual == 1 or len(self._waiting) >= usual:
            return
        self._enough, self._wanted = asyncio.Event(), usual
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT.total_seconds()):
                await self._enough.wait()
        self._enough = None

    def _next_batch(self) -> list[tuple[Commit, asyncio.Future[Outcome]]]:
        size = writes = 0
        for commit, _ in self._waiting[:LARGEST_BATCH]:
            writes += len(commit.writes)
            if size and writes > LARGEST_WRITES:
                break
            size += 1
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        return batch

    async def _commit_durably(self, batch: list[Commit]) -> list[Outcome]:
        """Commit what waits together; when that founders on a unique value, each by itself."""
        try:
            return await self._commit_together(batch)
        except _Duplicate as duplicate:
            if len(batch) == 1:
                return [Refused(_taken(duplicate))]
        return [outcome for commit in batch for outcome in await self._commit_durably([commit])]

    async def _commit_together(self, batch: list[Commit]) -> list[Outcome]:
        """Try until decided: a lost answer to the last step is cleared up by looking for our own mark.

        The first try is hopeful: it writes without looking first, and what is there already (a repeated
        mutation, a version that moved) makes the transaction fail as a whole. The next looks first.
        """
        mark = new_id()
        pending: list[Outcome] = []
        looks_first = False
        try:
            async for attempt in stamina.retry_context(
                on=is_transient,
                attempts=None,
                timeout=DEADLINE,
                wait_initial=0.004,
                wait_max=0.25,
                wait_jitter=0.02,
            ):
                with attempt:
                    if attempt.num > 1:
                        COMMIT_RETRIES.inc()
                    if not await self._landed(pending, mark):
                        pending = []
                        try:
                            pending = await self._transact(batch, mark, pending, looks_first=looks_first)
                        except (_Moved, _Duplicate):
                            if looks_first:
                                raise
                            pending, looks_first = [], True
                            pending = await self._transact(batch, mark, pending, looks_first=True)
        except PyMongoError as error:
            if not is_transient(error):
                raise
            raise Unavailable(
                "The database did not take the change within 5 seconds. Try again with the same mutationId: "
                "if it was written after all, you get the same answer."
            ) from error
        COMMIT_BATCH.observe(len(batch))
        newest = max((outcome.seq for outcome in pending if isinstance(outcome, Committed)), default=0)
        if newest:
            self._on_commit(self._workspace_id, newest)
        if newest and any(commit.shapes_access for commit in batch):
            self._on_policy(self._workspace_id)
        return pending

    async def _landed(self, pending: list[Outcome], mark: str) -> bool:
        """Tell whether an attempt whose answer was lost is in the ledger after all."""
        newest = max((outcome.seq for outcome in pending if isinstance(outcome, Committed)), default=0)
        if not newest:
            return False
        row = await self._database[LEDGER].find_one(
            {"_id": ledger_id(self._workspace_id, newest)}, {"mark": 1}
        )
        return row is not None and row["mark"] == mark

    async def _transact(
        self, batch: list[Commit], mark: str, pending: list[Outcome], *, looks_first: bool = True
    ) -> list[Outcome]:
        async with (
            self._client.start_session() as session,
            await session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=DURABLE),
        ):
            # Numbers first: nobody else can commit to this workspace until this transaction is over.
            top, policy = await self._take_numbers(batch, session)
            if self.after_counter is not None:
                await self.after_counter()
            repeated = await self._known_mutations(batch, session) if looks_first else {}
            versions = await self._current_versions(batch, session) if looks_first else hoped_for(batch)
            outcomes = judge(batch, top - len(batch) + 1, policy, repeated, versions)
            accepted = [(c, o.seq) for c, o in zip(batch, outcomes, strict=True) if isinstance(o, Committed)]
            if not accepted:
                await session.abort_transaction()
                return outcomes
            prev = await self._audit_head(top - len(batch), session)
            audit = audit_document(
                self._workspace_id, top - len(batch) + 1, top, prev, [(c.audit, seq) for c, seq in accepted]
            )
            ledger = _ledger_document(accepted, mark)
            await self._write(accepted, ledger, audit, session)
            pending[:] = outcomes
        self._audited = (top, audit["hash"])
        kinds = [{write.kind for write in commit.writes} for commit, _ in accepted]
        # The numbers that were taken and not used are behind those that were.
        unused = [set[str]()] * (len(batch) - len(accepted))
        self._own.note(self._workspace_id, top - len(batch) + 1, [*kinds, *unused], ledger["commits"])
        return outcomes

    async def _audit_head(self, before: int, session: AsyncClientSession) -> str:
        """Return the hash that the next audit document follows; read only when others wrote the last one."""
        if self._audited[0] == before:
            return self._audited[1]
        trail, workspace = self._database[AUDIT], self._workspace_id
        last = await trail.find_one({"_id": audit_id(workspace, before)}, {"hash": 1}, session=session)
        if last is None:  # older than its trail, or cut; then verify-audit shows the gap
            newest = trail.find({"workspace_id": workspace}, {"hash": 1}, session=session)
            last = next(iter(await newest.sort("seq", -1).limit(1).to_list()), None)
        return str(last["hash"]) if last else chain_start(workspace)

    async def _take_numbers(self, batch: list[Commit], session: AsyncClientSession) -> tuple[int, int]:
        """Return the highest number taken, and the version of the sharing policy that counts for it."""
        moves = int(any(commit.shapes_access for commit in batch))
        row = await self._database[SEQUENCES].find_one_and_update(
            {"_id": self._workspace_id},
            {
                "$inc": {"seq": len(batch), "policy": moves},
                "$currentDate": {"moved_at": True},
                "$setOnInsert": {"epoch": 1, "min_seq": 0},
            },
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        assert row is not None
        return int(row["seq"]), int(row.get("policy", moves)) - moves

    async def _known_mutations(
        self, batch: list[Commit], session: AsyncClientSession
    ) -> dict[str | None, dict[str, Any]]:
        keys = [commit.mutation_key for commit in batch if commit.mutation_key is not None]
        if not keys:
            return {}
        rows = self._database[MUTATIONS].find({"_id": {"$in": keys}}, session=session)
        return {row["_id"]: row async for row in rows}

    async def _current_versions(
        self, batch: list[Commit], session: AsyncClientSession
    ) -> dict[tuple[str, str], int]:
        wanted: dict[str, list[str]] = defaultdict(list)
        for write in (write for commit in batch for write in commit.writes):
            wanted[write.collection].append(write.id)
        versions: dict[tuple[str, str], int] = {}
        for collection, ids in wanted.items():
            # Not by workspace: an id that another workspace uses is taken, too.
            rows = self._database[collection].find({"_id": {"$in": ids}}, {"version": 1}, session=session)
            versions |= {(collection, row["_id"]): row["version"] async for row in rows}
        return versions

    async def _write(
        self,
        accepted: list[tuple[Commit, int]],
        ledger: dict[str, Any],
        audit: dict[str, Any],
        session: AsyncClientSession,
    ) -> None:
        requests: list[Request] = []
        departures: dict[str, ReplaceOne[Any] | DeleteOne] = {}
        for commit, seq in accepted:
            for write in commit.writes:
                body = _stamped(write, seq)
                if write.base_version:
                    expected = {"_id": write.id, "version": write.base_version}
                    requests.append(Request(write.collection, body, expected))
                else:
                    requests.append(Request(write.collection, body))
                departures |= _departures(commit.workspace_id, write, seq)
            if commit.mutation_key is not None:
                requests.append(Request(MUTATIONS, mutation_row(commit, seq)))
        requests += [Request(LEDGER, ledger), Request(AUDIT, audit)]
        if await self._send(requests, session) != len(requests):
            raise _Moved
        if departures:
            # One request for each row, and each sort together: a change of sort costs a round trip.
            sorted_out = sorted(departures.values(), key=lambda one: isinstance(one, DeleteOne))
            await self._database[DEPARTURES].bulk_write(sorted_out, ordered=True, session=session)

    async def _send(self, requests: list[Request], session: AsyncClientSession) -> int:
        """Write to several collections, in order within each; return how many records were met."""
        try:
            if self._writes_together:
                try:
                    return await write_together(self._client, self._database.name, requests, session)
                except InvalidOperation:  # MongoDB before 8.0; nothing was sent
                    self._writes_together = False
            return await write_one_by_one(self._database, requests, session)
        except (BulkWriteError, ClientBulkWriteException) as error:
            failed = (error.details or {}).get("writeErrors") or []
            if any(one.get("code") == DUPLICATE_KEY for one in failed):
                raise _Duplicate(failed[0].get("keyPattern") or {}) from error
            raise


class _Moved(Exception):
    """A record has another version than the commit was made for."""


class _Duplicate(Exception):
    """An id, a mutation or a unique value is there already; ``args[0]`` is the index's key."""


def _taken(duplicate: _Duplicate) -> Conflict:
    names = ", ".join(name for name in duplicate.args[0] if name not in ("_id", "workspace_id")) or "id"
    return Conflict(
        f"Another record has the same {names}; choose another, or change that record.", current_version=0
    )


def is_transient(error: Exception) -> bool:
    """Tell whether the same transaction may succeed when it is tried again."""
    if isinstance(error, ConnectionFailure):
        return True
    if not isinstance(error, PyMongoError):
        return False
    labels = ("TransientTransactionError", "UnknownTransactionCommitResult")
    code = error.code if isinstance(error, OperationFailure) else None
    return any(error.has_error_label(label) for label in labels) or code == WRITE_CONFLICT


def _stamped(write: Write, seq: int) -> dict[str, Any]:
    body = write.body
    body["version"] = seq
    if write.base_version:  # what a new record holds is all of its first version: no need to say so
        body["field_versions"] = body["field_versions"] | dict.fromkeys(write.changed, seq)
    return body


def _departures(workspace_id: str, write: Write, seq: int) -> dict[str, ReplaceOne[Any] | DeleteOne]:
    """Return what the feed must note, by row: one for each scope left, none any more for each (re)entered."""
    left = sorted(set(write.old_scopes) - set(write.new_scopes))
    entered = sorted(set(write.new_scopes) - set(write.old_scopes)) if write.base_version else []
    rows = departures_of(workspace_id, write.kind, write.id, seq, left)
    requests: dict[str, ReplaceOne[Any] | DeleteOne] = {
        row["_id"]: ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in rows
    }
    ids = (departure_id(workspace_id, write.kind, write.id, scope) for scope in entered)
    return requests | {one: DeleteOne({"_id": one}) for one in ids}


def _ledger_document(accepted: list[tuple[Commit, int]], mark: str) -> dict[str, Any]:
    workspace_id, last = accepted[-1][0].workspace_id, accepted[-1][1]
    return {
        "_id": ledger_id(workspace_id, last),
        "workspace_id": workspace_id,
        "seq": last,
        "mark": mark,
        "commits": [
            {
                "seq": seq,
                "at": commit.at,
                "actor_id": commit.actor_id,
                "mutation_key": commit.mutation_key,
                "entries": commit.entries,
            }
            for commit, seq in accepted
        ],
    }
