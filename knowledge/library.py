"""Keep every workspace's index current, in this process's memory.

The articles are the truth: each look reads those that changed since the last one, whichever process wrote
them. Passages are embedded in the background and kept by content, so that only new text costs; whole indexes
are written as snapshots, so that a start embeds nothing.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import structlog

from backend.core.access import system_actor
from backend.core.errors import Unavailable
from backend.core.store import Store
from knowledge.documents import Article
from knowledge.embedding import Embedder, Places, Reading
from knowledge.passage_index import FaissPassageIndex, place_of
from knowledge.shelf import Edition, Embedded, Shelf, ShelvedPassage
from knowledge.snapshots import SnapshotDamaged, find_snapshots, load_snapshot, save_snapshot
from knowledge.text import Language
from knowledge.token_rows import pack_tokens

P = ParamSpec("P")
T = TypeVar("T")

ARTICLES_PER_READ = 200
PASSAGES_AT_ONCE = 64  # some seconds of work, after which other workspaces have their turn
FEW_TEXTS = 3  # so many new texts are embedded within PATIENCE: a search waits for them
PATIENCE = timedelta(seconds=1)
LOOK_EVERY = timedelta(milliseconds=500)  # whether it is still worth a wait
PACE_ASSUMED = 10.0  # passages a second, before any were embedded: two slow cores
SAVE_AFTER = timedelta(seconds=2)  # a burst of edits is one snapshot
REST_AFTER_SAVING = 20  # times as long as a snapshot took: one of a large base is a gigabyte to write
SNAPSHOTS_KEPT = 2  # the newest, and the one that another process may be reading

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
        return (
            (self.passages - self.embedded) / self.passages_per_second if self.passages_per_second else None
        )


@dataclass
class _Kept:
    """A shelf and who works on it; ``lock`` is held for every change of the shelf."""

    shelf: Shelf
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    work: asyncio.Task[None] | None = None
    look_again: bool = False  # something may have been committed since the work last looked
    saving: asyncio.Task[None] | None = None
    unsaved: FaissPassageIndex | None = None
    pace: float = 0.0  # passages embedded a second, while it last embedded
    saved_within: float = 0.0  # seconds, the last time
    damaged: int = 0  # snapshots that had to be made again


class Library:
    """The indexes of this process; ``close`` it when the house closes."""

    def __init__(self, store: Store, embedder: Embedder, folder: Path) -> None:
        self.embedder = embedder
        self._store, self._folder = store, folder
        self._kept: dict[str, _Kept] = {}
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="knowledge")
        self._failure = ""

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
            failure=self._failure,
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
        """Raise Unavailable with the cause when the last work on an index failed."""
        if self._failure:
            raise Unavailable(self._failure)

    async def close(self) -> None:
        """Stop the work in the background and write what is not written yet."""
        tasks = [task for kept in self._kept.values() for task in (kept.work, kept.saving) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for kept in self._kept.values():
            await self._save(kept)
        await asyncio.to_thread(self._threads.shutdown)

    # ── texts ────────────────────────────────────────────────────────────────────────────────────

    def _of(self, workspace_id: str) -> _Kept:
        return self._kept.setdefault(workspace_id, _Kept(Shelf(workspace_id)))

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
            kept.work.add_done_callback(self._report)
        return kept.work

    def _report(self, work: asyncio.Task[None]) -> None:
        if work.cancelled():
            return
        error = work.exception()
        self._failure = f"The knowledge index is not up to date: {error}" if error else ""
        if error:
            log.error("knowledge.indexing_failed", exc_info=error)

    async def _bring_up_to_date(self, kept: _Kept) -> None:
        """Embed what is missing and bind it, until nothing is left to do."""
        ready: FaissPassageIndex | None = None
        while kept.look_again:
            kept.look_again = False
            await self._read_changes(kept)
            if kept.shelf.articles and not kept.shelf.edition.is_whole:
                await self.embedder.wait_until_ready()
                ready = await self._adopt_model(kept) or ready
                await self._embed_missing(kept)
                await self._bind(kept, ready)

    async def _embed_missing(self, kept: _Kept) -> None:
        while missing := list((await self._missing(kept)).values()):
            for start in range(0, len(missing), PASSAGES_AT_ONCE):
                await self._embed(kept, missing[start : start + PASSAGES_AT_ONCE])

    async def _embed(self, kept: _Kept, passages: Sequence[ShelvedPassage]) -> None:
        start = time.monotonic()
        readings = await self.embedder.read_passages([passage.text for passage in passages])
        titles = list(dict.fromkeys(passage.title for passage in passages))
        named = dict(zip(titles, await self.embedder.read_titles(titles), strict=True))
        made = await self.run(_pack, passages, readings, named, self.embedder.places)
        async with kept.lock:
            kept.shelf.rows.update(zip((passage.digest for passage in passages), made, strict=True))
        kept.pace = len(passages) / max(time.monotonic() - start, 1e-3)

    async def _missing(self, kept: _Kept) -> dict[str, ShelvedPassage]:
        """Return the passages without a row: off the loop, for there may be a hundred thousand to look at."""
        async with kept.lock:
            return await self.run(kept.shelf.missing)

    async def _bind(self, kept: _Kept, ready: FaissPassageIndex | None) -> None:
        shelf = kept.shelf
        async with kept.lock:
            if await self.run(shelf.missing):  # taken in by a search a moment ago
                kept.look_again = True
                return
            shelf.edition = await self.run(shelf.bind, self.embedder.places, ready)
        if shelf.edition.meaning is not ready:
            kept.unsaved = shelf.edition.meaning
            self._save_soon(kept)

    async def _adopt_model(self, kept: _Kept) -> FaissPassageIndex | None:
        """Take over the rows of the loaded model's last snapshot, once; return its index."""
        shelf = kept.shelf
        if shelf.model == self.embedder.name:
            return None
        async with kept.lock:
            snapshot, damaged = await self.run(_load_newest, self._snapshots(shelf.workspace_id))
            kept.damaged += damaged
            shelf.model, shelf.rows = self.embedder.name, {}
            if snapshot is not None:
                shelf.rows = await self.run(_rows_of, snapshot)
            return snapshot

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────

    def _snapshots(self, workspace_id: str) -> Path:
        return self._folder / workspace_id / self.embedder.name

    def _save_soon(self, kept: _Kept) -> None:
        if kept.saving is None or kept.saving.done():
            kept.saving = asyncio.create_task(self._save_later(kept), name="knowledge snapshot")
            kept.saving.add_done_callback(self._report)

    async def _save_later(self, kept: _Kept) -> None:
        await asyncio.sleep(max(SAVE_AFTER.total_seconds(), REST_AFTER_SAVING * kept.saved_within))
        await self._save(kept)

    async def _save(self, kept: _Kept) -> None:
        index, kept.unsaved = kept.unsaved, None
        if index is None:
            return
        start = time.monotonic()
        mapped = await self.run(_replace_snapshot, index, self._snapshots(kept.shelf.workspace_id))
        rows = await self.run(_rows_of, mapped)
        async with kept.lock:
            await self.run(kept.shelf.swap, index, mapped, rows)
        kept.saved_within = time.monotonic() - start


def _load_newest(parent: Path) -> tuple[FaissPassageIndex | None, int]:
    """Return the newest snapshot that is sound, and how many were not.

    Damaged ones are removed: the articles make a new one.
    """
    damaged = 0
    for folder in find_snapshots(parent):
        try:
            return load_snapshot(folder), damaged
        except SnapshotDamaged as damage:
            log.warning("knowledge.snapshot_damaged", folder=str(folder), reason=damage.reason)
            shutil.rmtree(folder, ignore_errors=True)
            damaged += 1
    return None, damaged


def _pack(
    passages: Sequence[ShelvedPassage],
    readings: Sequence[Reading],
    titles: Mapping[str, Reading],
    places: Mapping[Language, Places],
) -> list[Embedded]:
    return [
        Embedded(
            row=reading.row.astype(np.float16),
            title=titles[passage.title].row.astype(np.float16),
            tokens=pack_tokens(reading.tokens, place_of(places, passage.indexed.language)),
        )
        for passage, reading in zip(passages, readings, strict=True)
    ]


def _rows_of(index: FaissPassageIndex) -> dict[str, Embedded]:
    """Return what was embedded for an index, by the digest at the end of each passage id."""
    rows = index.plain.reconstruct_n(0, len(index.passages)).astype(np.float16)
    empty = np.zeros((0, rows.shape[1] // 2), np.uint8)
    return {
        passage.passage_id.rpartition("#")[2]: Embedded(
            row=row,
            title=row if index.titles is None else index.titles.rows[index.titles.numbers[number]],
            tokens=empty if index.tokens is None else index.tokens.rows.row(number),
        )
        for number, (passage, row) in enumerate(zip(index.passages, rows, strict=True))
    }


def _replace_snapshot(index: FaissPassageIndex, parent: Path) -> FaissPassageIndex:
    """Write the index, let old ones go, and return it as it lies on the disk, memory-mapped.

    One of this version was of other passages: it would be kept.
    """
    shutil.rmtree(parent / f"{index.version:012d}", ignore_errors=True)
    written = save_snapshot(index, parent)
    for folder in find_snapshots(parent)[SNAPSHOTS_KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
    return load_snapshot(written, written=index)
