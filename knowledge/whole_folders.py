"""Write folders that are there as a whole or not at all, and clear away what killed processes left."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

_UNFINISHED = ".writing"


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``folder`` to write files into; at the end it takes that name, synced.

    It takes the place of a ``folder`` that was there before; one that another process finished meanwhile
    stays. When the writing fails nothing is left of it, and what was there before stays.
    """
    earlier = _identity(folder)
    fresh, held = _begin(folder)
    try:
        yield fresh
        for path in [*fresh.iterdir(), fresh]:
            _sync(path)
        if earlier is not None and _identity(folder) == earlier:
            shutil.rmtree(folder)
        try:
            fresh.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            shutil.rmtree(fresh)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)  # a full disk shall not stay full of what is of no use
        raise
    finally:
        os.close(held)


def clear_unfinished(parent: Path) -> int:
    """Remove what was begun under ``parent`` by processes that are gone; return how many folders it were.

    Whoever writes holds a lock on its folder, which the system lets go of when the process ends, however it
    ends: process numbers say nothing where containers share a volume.
    """
    cleared = 0
    for folder in parent.glob(f".*{_UNFINISHED}"):
        try:
            held = _hold(folder)
        except FileNotFoundError:  # finished, or cleared by another process, this very moment
            continue
        if held is not None:
            shutil.rmtree(folder)
            os.close(held)
            cleared += 1
    return cleared


def _begin(folder: Path) -> tuple[Path, int]:
    """Make a folder and hold it."""
    while True:
        fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}{_UNFINISHED}")
        fresh.mkdir(parents=True)
        # Somebody who clears away may have come upon it before it was held: then another one is made.
        with contextlib.suppress(FileNotFoundError):
            held = _hold(fresh)
            if held is not None:
                if fresh.exists():
                    return fresh, held
                os.close(held)


def _hold(folder: Path) -> int | None:
    """Open a folder and lock it until it is closed; None when somebody else holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except BaseException:
        os.close(handle)
        raise
    return handle


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what tells a folder from another one of its name; None when there is none."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _sync(path: Path) -> None:
    """Push a file or a folder's entries to the disk, so that a rename never outruns the bytes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
