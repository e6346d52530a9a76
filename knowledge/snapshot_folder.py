"""The snapshots of one workspace and model on the disk: the newest sound one, and what takes its place."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from knowledge.faiss_index import FaissPassageIndex
from knowledge.shelf import embedded_of
from knowledge.shelved_articles import Embedded
from knowledge.snapshots import (
    SnapshotDamaged,
    find_additions,
    find_snapshots,
    load_snapshot,
    save_snapshot,
    version_of,
)
from knowledge.whole_folders import clear_unfinished

SNAPSHOTS_KEPT = 2  # the newest, and the one that another process may be reading

log = structlog.get_logger(__name__)


class SnapshotFolder:
    """Everything under ``path``; one thread of this process at a time writes there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()

    def load(self) -> tuple[FaissPassageIndex | None, dict[str, Embedded], int]:
        """Return the newest snapshot that is sound, what was added to it by digest, and how many were not.

        Damaged ones are removed: the articles make a new one; so is what killed processes left unfinished.
        """
        if cleared := clear_unfinished(self._path):
            log.info("knowledge.unfinished_snapshots_cleared", folder=str(self._path), count=cleared)
        whole, added, damaged = None, None, 0
        for folder in find_snapshots(self._path):
            whole, harm = _load_sound(folder)
            damaged += harm
            if whole is not None:
                break
        for folder in find_additions(self._path):
            added, harm = _load_sound(folder)
            damaged += harm
            if added is not None:
                break
        rows = {} if added is None else dict(_rows_of(added))
        return whole, rows, damaged

    def replace(self, index: FaissPassageIndex) -> FaissPassageIndex:
        """Write the index, let old ones go, and return it as it lies on the disk, memory-mapped.

        It takes the place of one of this version, which was of other passages.
        """
        with self._writing:
            written = save_snapshot(index, self._path)
            for folder in find_snapshots(self._path)[SNAPSHOTS_KEPT:]:
                shutil.rmtree(folder, ignore_errors=True)
            for folder in find_additions(self._path):
                if version_of(folder) <= index.version:
                    shutil.rmtree(folder, ignore_errors=True)
            return load_snapshot(written, written=index)

    def replace_additions(self, index: FaissPassageIndex) -> None:
        """Write what was added to a snapshot since it was made, and let older ones go.

        What there is of this version may lie beside another snapshot, and hold less.
        """
        with self._writing:
            save_snapshot(index, self._path, additions=True)
            for folder in find_additions(self._path)[SNAPSHOTS_KEPT:]:
                shutil.rmtree(folder, ignore_errors=True)


def _load_sound(folder: Path) -> tuple[FaissPassageIndex | None, bool]:
    try:
        return load_snapshot(folder), False
    except SnapshotDamaged as damage:
        log.warning("knowledge.snapshot_damaged", folder=str(folder), reason=damage.reason)
        shutil.rmtree(folder, ignore_errors=True)
        return None, True


def _rows_of(index: FaissPassageIndex) -> Iterator[tuple[str, Embedded]]:
    """Yield what was embedded for an index, by the digest at the end of each passage id."""
    for number, passage in enumerate(index.passages):
        yield passage.passage_id.rpartition("#")[2], embedded_of(index, number)
