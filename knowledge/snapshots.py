"""Keep versions of an index as folders: complete and checked, or refused.

A version is written beside, synced, and renamed to its number; it never changes afterwards. Readers load the
newest and swap when a newer one appears. Additions to a version are kept the same way under their own number:
they are small and written often, the whole is large and written seldom.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from backend.core.errors import Unavailable
from knowledge.faiss_index import FaissPassageIndex
from knowledge.lexical import LexicalIndex
from knowledge.passage_index import IndexedPassage, Titles, Tokens
from knowledge.token_rows import TokenRows
from knowledge.whole_folders import whole_folder

LAYOUT = 3  # raise when the files below change; older snapshots are then built again
ROWS_AT_ONCE = 1_000
_MANIFEST = "manifest.json"
_ADDITIONS = ".added"


class SnapshotDamaged(Unavailable):
    """A snapshot is incomplete, altered or of another build; it must be built again from the articles."""

    code = "SNAPSHOT_DAMAGED"

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"The knowledge index in {folder} cannot be used ({reason}): rebuild it from the articles."
        )
        self.folder, self.reason = folder, reason


def save_snapshot(index: FaissPassageIndex, parent: Path, *, additions: bool = False) -> Path:
    """Write the index as ``parent/<version>`` and return it; it takes the place of one that is there.

    ``additions`` when it holds only what came after another one.
    """
    folder = parent / f"{index.version:012d}{_ADDITIONS if additions else ''}"
    with whole_folder(folder) as fresh:
        faiss.write_index(index.plain, str(fresh / "plain.faiss"))
        faiss.write_index(index.centred, str(fresh / "centred.faiss"))
        means: dict[Any, Any] = dict(index.means)
        np.savez(fresh / "means.npz", **means)
        _save_sharpeners(index, fresh)
        _save_passages(index.passages, fresh / "passages.json")
        index.lexical.save(fresh)
        digests = {path.name: _digest(path) for path in sorted(fresh.iterdir())}
        manifest = {"layout": LAYOUT, "version": index.version, "model": index.model, "sha256": digests}
        (fresh / _MANIFEST).write_text(json.dumps(manifest, indent=1))
    return folder


def load_snapshot(folder: Path, *, written: FaissPassageIndex | None = None) -> FaissPassageIndex:
    """Read one version, checking every file; raise SnapshotDamaged when anything is missing or altered.

    ``written`` is what was saved there a moment ago, if it was: then nothing is checked again, and what
    stays in memory anyway is taken over.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
        layout, digests = manifest["layout"], dict(manifest["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotDamaged(folder, f"its manifest cannot be read: {type(error).__name__}") from error
    if layout != LAYOUT:
        raise SnapshotDamaged(folder, f"its layout is {layout}, this build reads {LAYOUT}")
    try:
        for name, digest in digests.items() if written is None else ():
            if _digest(folder / name) != digest:
                raise SnapshotDamaged(folder, f"{name} is altered")
        return _read(folder, manifest, written)
    except FileNotFoundError as error:  # also when another process lets an old one go this very moment
        raise SnapshotDamaged(folder, f"{Path(error.filename or '').name} is missing") from error


def _read(folder: Path, manifest: Mapping[str, Any], written: FaissPassageIndex | None) -> FaissPassageIndex:
    with np.load(folder / "means.npz") as stored:
        means = {name: stored[name] for name in stored.files}
    return FaissPassageIndex(
        version=manifest["version"],
        model=manifest["model"],
        passages=_load_passages(folder / "passages.json") if written is None else written.passages,
        # Mapped, not read: processes share the pages, and what is not asked for costs no memory.
        plain=faiss.read_index(str(folder / "plain.faiss"), faiss.IO_FLAG_MMAP_IFC),
        centred=faiss.read_index(str(folder / "centred.faiss"), faiss.IO_FLAG_MMAP_IFC),
        means=means,
        lexical=LexicalIndex.load(folder, words=None if written is None else written.lexical.words),
        titles=_load_titles(folder),
        tokens=_load_tokens(folder),
        marks=None if written is None else written.marks,
    )


def _save_passages(passages: Sequence[IndexedPassage], file: Path) -> None:
    """Write a list a line, some passages at a time: whoever waits for Python meanwhile gets its turn."""
    with file.open("w", encoding="utf-8") as lines:
        for start in range(0, len(passages), ROWS_AT_ONCE):
            some = passages[start : start + ROWS_AT_ONCE]
            lines.write(json.dumps([[p.passage_id, p.article_id, p.language] for p in some]) + "\n")


def _load_passages(file: Path) -> list[IndexedPassage]:
    with file.open(encoding="utf-8") as lines:
        return [IndexedPassage(*row) for line in lines for row in json.loads(line)]


def _save_sharpeners(index: FaissPassageIndex, folder: Path) -> None:
    """Write the titles and token rows, where there are any."""
    if index.titles is not None:
        np.save(folder / "titles.npy", index.titles.rows)
        places: dict[Any, Any] = dict(index.titles.places)
        np.savez(folder / "title_places.npz", numbers=index.titles.numbers, **places)
    if index.tokens is not None:
        ends = index.tokens.rows.save(folder / "tokens.npy")
        places = dict(index.tokens.places)
        np.savez(folder / "token_places.npz", ends=ends, **places)


def _load_titles(folder: Path) -> Titles | None:
    if not (folder / "titles.npy").is_file():
        return None
    with np.load(folder / "title_places.npz") as stored:
        places: dict[Any, Any] = {name: stored[name] for name in stored.files if name != "numbers"}
        numbers = stored["numbers"]
    return Titles(np.asarray(np.load(folder / "titles.npy", mmap_mode="r")), numbers, places)


def _load_tokens(folder: Path) -> Tokens | None:
    if not (folder / "tokens.npy").is_file():
        return None
    with np.load(folder / "token_places.npz") as stored:
        places: dict[Any, Any] = {name: stored[name] for name in stored.files if name != "ends"}
        ends = stored["ends"]
    return Tokens(TokenRows.load(folder / "tokens.npy", ends), places)


def find_snapshots(parent: Path) -> list[Path]:
    """Return the folders of complete versions, newest first."""
    if not parent.is_dir():
        return []
    return sorted((path for path in parent.iterdir() if path.name.isdigit()), reverse=True)


def find_additions(parent: Path) -> list[Path]:
    """Return the folders of additions to some version, newest first."""
    return sorted(parent.glob(f"[0-9]*{_ADDITIONS}"), reverse=True)


def version_of(folder: Path) -> int:
    """Return the version that a folder found here is of."""
    return int(folder.name.removesuffix(_ADDITIONS))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
