"""Keep every workspace's index current, in this process's memory.

The articles are the truth: each look reads those that changed since the last one, whichever process wrote
them. Passages are embedded in the background and kept by content, so that only new text costs; whole indexes
are written as snapshots, and what came since beside them, so that a start embeds nothing. The two are put
together in the background when they are due.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog

from backend.core.access import system_actor
from backend.core.errors import Unavailable
from backend.core.store import Store
from knowledge.documents import Article
from knowledge.edition import Edition, Meaning
from knowledge.embedding import Embedder
from knowledge.faiss_index import FaissPassageIndex
from knowledge.grown_index import GrownPassageIndex
from knowledge.shelf import Shelf
from knowledge.shelved_articles import ShelvedPassage, pack
from knowledge.snapshot_folder import SnapshotFolder
from knowledge.token_rows import Packed

P = ParamSpec("P")
T = TypeVar("T")

ARTICLES_PER_READ = 200
PASSAGES_AT_ONCE = 64  # some seconds of work, after which other workspaces have their turn
FEW_TEXTS = 3  # so many new texts are embedded within PATIENCE: a search waits for them
PATIENCE = timedelta(seconds=1)
LOOK_EVERY = timedelta(milliseconds=500)  # whether it is still worth a wait
PACE_ASSUMED = 10.0  # passages a second, before any were embedded: two slow cores
SAVE_AFTER = timedelta(seconds=2)  # a burst of edits is one snapshot
TRY_AGAIN_AFTER = timedelta(seconds=30)  # when the disk took no snapshot: it may have room again
CANNOT_WRITE = (OSError, RuntimeError, Unavailable)  # of the system, FAISS, and reading it back
REST_AFTER_SAVING = 20  # times as long as a snapshot took: one of a large base is a gigabyte to write

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a workspace's index is: passages there are, those searched by meaning, and how fast it grows.

    ``version`` is the edition that is searched now; ``failure`` why the last work on it failed, or empty.
    """

    articles: int
    passages: int
    embedded: int
    passages_per_second: float
    version: int
    is_whole: bool
    failure: str
    damaged: int

    @property
    def seconds_left(self) -> float | None:
        """Return how long the rest takes at this pace; None while nothing tells."""
        if self.embedded >= self.passages:
            return 0.0
        left = self.passages - self.embedded
        return left / self.passages_per_second if self.passages_per_second else None


@dataclass
class _Kept:
    """A shelf and who works on it; ``lock`` is held for every change of the shelf."""

    shelf: Shelf
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    work: asyncio.Task[None] | None = None
    look_again: bool = False  # something may have been committed since the work last looked
    saving: asyncio.Task[None] | None = None
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by who decides what is written
    snapshots: SnapshotFolder | None = None  # of the loaded model
    stored: Meaning | None = None  # what the disk holds, in one piece or with its additions
    stored_base: FaissPassageIndex | None = None
    pace: float = 0.0  # passages embedded a second, while it last embedded
    saved_within: float = 0.0  # seconds, the last time a whole was written …
    added_within: float = 0.0  # … and additions
    damaged: int = 0  # snapshots that had to be made again
    not_up_to_date: str = ""  # why the last work on it failed …
    not_written: str = ""  # … and the last snapshot


class Library:
    """The indexes of this process; ``close`` it when the house closes."""

    def __init__(self, store: Store, embedder: Embedder, folder: Path) -> None:
        self.embedder = embedder
        self._store, self._folder = store, folder
        self._kept: dict[str, _Kept] = {}
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="knowledge")

    async def edition(self, workspace_id: str) -> Edition:
        """Return what is searched now: every text committed so far, by meaning as far as embedded.

        Waits a moment for a few new texts to be embedded, never for the model to load.
        """
        kept = self._of(workspace_id)
        await self._read_changes(kept)
        if kept.shelf.articles and not kept.shelf.edition.is_whole:
            work = self._work_on(kept)
            if self.embedder.ready and 0 < len(kept.shelf.edition.waiting) <= FEW_TEXTS:
                await asyncio.wait({work}, timeout=PATIENCE.total_seconds())
        return kept.shelf.edition

    async def wait_until_whole(self, workspace_id: str, *, patience: timedelta) -> Edition:
        """Return the edition once every text is searched by meaning, or when that would outlast ``patience``.

        For a workspace that was just filled, and for a process that has just started and reads its snapshot.
        """
        loop, kept = asyncio.get_running_loop(), self._of(workspace_id)
        deadline = loop.time() + patience.total_seconds()
        edition = await self.edition(workspace_id)
        while (
            kept.shelf.articles and not kept.shelf.edition.is_whole and (left := deadline - loop.time()) > 0
        ):
            knows_what_is_missing = self.embedder.ready and kept.shelf.model == self.embedder.name
            if knows_what_is_missing and len(await self._missing(kept)) > left * (kept.pace or PACE_ASSUMED):
                break
            work, pause = self._work_on(kept), min(left, LOOK_EVERY.total_seconds())
            await asyncio.wait({work}, timeout=pause)
            if work.done() and not work.cancelled() and work.exception():
                await asyncio.sleep(pause)  # what fails at once would be begun anew without end
            edition = kept.shelf.edition
        return edition

    @property
    def is_whole(self) -> bool:
        """True when every text that this process knows of is searched by meaning."""
        return all(kept.shelf.edition.is_whole for kept in self._kept.values() if kept.shelf.articles)

    async def progress(self, workspace_id: str) -> Progress:
        """Return how far the workspace's index is."""
        edition = await self.edition(workspace_id)
        kept = self._of(workspace_id)
        waiting = await self._missing(kept) if self.embedder.ready else dict.fromkeys(edition.passages)
        return Progress(
            articles=len(edition.articles),
            passages=len(edition.passages),
            embedded=len(edition.passages) - len(waiting),
            passages_per_second=round(kept.pace, 2),
            version=edition.version,
            is_whole=edition.is_whole,
            failure=kept.not_up_to_date or kept.not_written,
            damaged=kept.damaged,
        )

    def notice(self, workspace_id: str) -> None:
        """Begin in the background to bring a workspace's index up to date."""
        self._work_on(self._of(workspace_id))

    async def settle(self, workspace_id: str) -> Edition:
        """Return when all committed texts are searched by meaning and the snapshot is written."""
        kept = self._of(workspace_id)
        await self._work_on(kept)
        await self._save(kept)
        return kept.shelf.edition

    async def run(self, deed: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run something that takes milliseconds of computing off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: deed(*args, **kwargs))

    def check(self) -> None:
        """Raise Unavailable with the cause when the last work on an index, or its snapshot, failed."""
        for kept in self._kept.values():
            if failure := kept.not_up_to_date or kept.not_written:
                raise Unavailable(failure)

    async def close(self) -> None:
        """Stop the work in the background and write what is not written yet."""
        tasks = [task for kept in self._kept.values() for task in (kept.work, kept.saving) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for kept in self._kept.values():
            try:
                await self._save(kept, may_join=False)
            except CANNOT_WRITE as error:  # the next start embeds again what is lost: others shall be written
                log.error("knowledge.snapshot_not_written", reason=str(error))
        await asyncio.to_thread(self._threads.shutdown)

    # ── texts ────────────────────────────────────────────────────────────────────────────────────

    def _of(self, workspace_id: str) -> _Kept:
        kept = self._kept.get(workspace_id)
        if kept is None:
            kept = self._kept[workspace_id] = _Kept(Shelf(workspace_id))
        return kept

    async def _read_changes(self, kept: _Kept) -> None:
        """Take in the articles committed since the last look."""
        shelf = kept.shelf
        newest = await self._store.reader.newest_version(shelf.workspace_id)
        if newest <= shelf.seen:
            return
        async with kept.lock:
            if newest <= shelf.seen:
                return
            changed = await self._changed_articles(shelf.workspace_id, after=shelf.seen, until=newest)
            if changed:
                concerned = await self.run(shelf.take_in, changed)
                shelf.edition = await self.run(shelf.bind_words) if concerned else shelf.edition
            shelf.seen = newest

    async def _changed_articles(self, workspace_id: str, *, after: int, until: int) -> list[Article]:
        """Return the articles with ``after < version <= until``, deleted ones too, oldest change first."""
        house = system_actor(workspace_id)
        found: dict[str, Article] = {}
        most = ARTICLES_PER_READ
        while True:
            rows = await self._store.reader.by_version(
                house, Article, after=after, until=until, most=most, newest_first=False
            )
            found |= {row.id: row for row in rows}
            if len(rows) < most:
                return sorted(found.values(), key=lambda row: (row.version, row.id))
            # One commit may hold many articles, cut off in its middle: read its number again.
            if rows[-1].version - 1 > after:
                after = rows[-1].version - 1
            else:
                most *= 2

    # ── meaning ──────────────────────────────────────────────────────────────────────────────────

    def _work_on(self, kept: _Kept) -> asyncio.Task[None]:
        kept.look_again = True
        if kept.work is None or kept.work.done():
            kept.work = asyncio.create_task(self._bring_up_to_date(kept), name="knowledge index")
            kept.work.add_done_callback(partial(self._report, kept))
        return kept.work

    def _report(self, kept: _Kept, work: asyncio.Task[None]) -> None:
        if work.cancelled():
            return
        if error := work.exception():
            kept.not_up_to_date = f"The knowledge index is not up to date: {error}"
            log.error("knowledge.indexing_failed", exc_info=error)

    async def _bring_up_to_date(self, kept: _Kept) -> None:
        """Embed what is missing and bind it, until nothing is left to do."""
        while kept.look_again:
            kept.look_again = False
            await self._read_changes(kept)
            if kept.shelf.articles and not kept.shelf.is_done:
                await self.embedder.wait_until_ready()
                await self._adopt_model(kept)
                await self._embed_missing(kept)
                await self._bind(kept)
        kept.not_up_to_date = ""

    async def _embed_missing(self, kept: _Kept) -> None:
        while missing := list((await self._missing(kept)).values()):
            for start in range(0, len(missing), PASSAGES_AT_ONCE):
                await self._embed(kept, missing[start : start + PASSAGES_AT_ONCE])

    async def _embed(self, kept: _Kept, passages: Sequence[ShelvedPassage]) -> None:
        start = time.monotonic()
        readings = await self.embedder.read_passages([passage.text for passage in passages])
        titles = list(dict.fromkeys(passage.title for passage in passages))
        named = dict(zip(titles, await self.embedder.read_titles(titles), strict=True))
        made = await self.run(pack, passages, readings, named, self.embedder.places)
        async with kept.lock:
            kept.shelf.rows.update(zip((passage.digest for passage in passages), made, strict=True))
        kept.pace = len(passages) / max(time.monotonic() - start, 1e-3)

    async def _missing(self, kept: _Kept) -> dict[str, ShelvedPassage]:
        """Return the passages without a row: off the loop, for there may be a hundred thousand to look at."""
        async with kept.lock:
            return await self.run(kept.shelf.missing)

    async def _bind(self, kept: _Kept) -> None:
        shelf = kept.shelf
        async with kept.lock:
            if await self.run(shelf.missing):  # taken in by a search a moment ago
                kept.look_again = True
                return
            shelf.edition = await self.run(shelf.bind, self.embedder.places)
        if shelf.edition.meaning is not kept.stored:
            self._save_soon(kept)

    async def _adopt_model(self, kept: _Kept) -> None:
        """Rest on the loaded model's last snapshot and take over the rows of what was added to it, once."""
        shelf = kept.shelf
        if shelf.model == self.embedder.name:
            return
        async with kept.lock:
            kept.snapshots = SnapshotFolder(self._folder / shelf.workspace_id / self.embedder.name)
            snapshot, rows, damaged = await self.run(kept.snapshots.load)
            kept.damaged += damaged
            shelf.model, shelf.rows = self.embedder.name, {}
            if snapshot is not None:
                await self.run(shelf.rest_on, snapshot)
            shelf.rows = rows
            kept.stored = kept.stored_base = snapshot

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────

    def _save_soon(self, kept: _Kept) -> None:
        if kept.saving is None or kept.saving.done():
            kept.saving = asyncio.create_task(self._save_later(kept), name="knowledge snapshot")
            kept.saving.add_done_callback(partial(self._report, kept))

    async def _save_later(self, kept: _Kept) -> None:
        shelf = kept.shelf
        while shelf.edition.meaning is not kept.stored:
            is_large = shelf.is_due or shelf.base is not kept.stored_base
            rest = REST_AFTER_SAVING * (kept.saved_within if is_large else kept.added_within)
            await asyncio.sleep(max(SAVE_AFTER.total_seconds(), rest))
            try:
                await self._save(kept)
            except CANNOT_WRITE as error:  # told by health and progress; searches go on by what is in memory
                kept.not_written = f"The knowledge index cannot be written: {error}"
                log.error("knowledge.snapshot_not_written", reason=str(error))
                await asyncio.sleep(TRY_AGAIN_AFTER.total_seconds())

    async def _save(self, kept: _Kept, *, may_join: bool = True) -> None:
        """Write what the disk lacks: the whole, and what was added to it, put together first when due."""
        shelf = kept.shelf
        async with kept.writing:
            if shelf.is_joining:  # what was put together is on the disk, and waits for texts to be embedded
                return
            if shelf.base is not None and shelf.base is not kept.stored_base:
                await self._save_whole(kept)
            async with kept.lock:
                joining = shelf.begin_joining() if may_join and shelf.is_due else None
            if joining is not None:
                await self._join(kept, joining)
            meaning = shelf.edition.meaning
            if isinstance(meaning, GrownPassageIndex) and meaning is not kept.stored and not shelf.is_joining:
                assert kept.snapshots is not None
                start = time.monotonic()
                await self.run(kept.snapshots.replace_additions, meaning.added)
                kept.stored, kept.added_within = meaning, time.monotonic() - start
            kept.not_written = ""

    async def _save_whole(self, kept: _Kept) -> None:
        shelf, start = kept.shelf, time.monotonic()
        index = shelf.base
        assert index is not None
        assert kept.snapshots is not None
        held = index.tokens.rows.passages if index.tokens is not None else []
        rows = list(held) if isinstance(held, list) else []
        mapped = await self.run(kept.snapshots.replace, index)
        async with kept.lock:
            if await self.run(shelf.swap, index, mapped):
                kept.stored_base = mapped
                kept.stored = mapped if shelf.edition.meaning is mapped else None
        kept.saved_within = time.monotonic() - start
        del index, held
        await self.run(_let_go, rows)

    async def _join(self, kept: _Kept, grown: GrownPassageIndex) -> None:
        """Put base and additions together on the disk, while searches and edits go on with both."""
        shelf, start = kept.shelf, time.monotonic()
        assert kept.snapshots is not None
        try:
            means = {language: place.passages for language, place in self.embedder.places.items()}
            whole = await self.run(grown.whole, means)
            mapped = await self.run(kept.snapshots.replace, whole)
        except BaseException:
            shelf.give_up_joining()
            raise
        shelf.end_joining(mapped)
        kept.stored = kept.stored_base = mapped
        kept.saved_within = time.monotonic() - start
        await asyncio.wait({self._work_on(kept)})  # it binds, when all is embedded


def _let_go(arrays: list[Packed]) -> None:
    """Let arrays go one by one: a hundred thousand at once would hold every other thread up."""
    while arrays:
        arrays.pop()
