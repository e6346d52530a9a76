"""What an archive may hold: counted and unpacked in memory, within limits, before anybody opens it. Pure.

Refused: bombs (too much, too many, too deep, overlapping), paths that leave the folder they are unpacked
into, links and devices, what is encrypted or damaged, and archives that two programs read differently.
Source: Fifield, "A better zip bomb" (USENIX WOOT 2019); CWE-22; CWE-409.
"""

import gzip
import io
import itertools
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from backend.core.content_types import shown_type_of_zip
from backend.core.errors import FieldError, InvalidInput

T = TypeVar("T")

PIECE = 64 * 1024
DIRECTORY_ENTRY, DIRECTORY_END = b"PK\x01\x02", b"PK\x05\x06"
DIRECTORY_END_LENGTH = 22
TAR_MARK, TAR_MARK_AT = b"ustar", 257
DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, KeyError, IndexError),
)
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_ON_A_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may unpack to. ``ratio`` is unpacked to packed bytes, above one free MiB."""

    entries: int = 10_000
    bytes: int = 256 * 1024 * 1024
    ratio: int = 200
    depth: int = 2


USUAL_LIMITS = ArchiveLimits()


class _Budget:
    """What is left to unpack; shared by an archive and those inside it."""

    def __init__(self, limits: ArchiveLimits, packed: int) -> None:
        self.limits = limits
        self.entries = limits.entries
        self.bytes = min(limits.bytes, max(1024 * 1024, limits.ratio * packed))

    def take_entries(self, count: int) -> None:
        self.entries -= count
        if self.entries < 0:
            raise refused(f"holds more than {self.limits.entries} files; pack fewer into one archive")

    def take_bytes(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise refused(
                "unpacks to far more than it holds, as a bomb does; send the files by themselves, unpacked"
            )


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


class _Counted(io.RawIOBase):
    """A stream that takes what is read of it from the budget."""

    def __init__(self, stream: _Readable, budget: _Budget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, size: int = -1) -> bytes:
        wanted = PIECE if size < 0 else min(size, self._budget.bytes + 1)
        found = self._stream.read(wanted)
        self._budget.take_bytes(len(found))
        return found


def refused(message: str) -> InvalidInput:
    """Return the refusal of an upload for its content; ``message`` goes on from "file"."""
    return InvalidInput(FieldError("file", message))


def check_zip(data: bytes, limits: ArchiveLimits = USUAL_LIMITS) -> str:
    """Return the content type that a zip shows to be: office files are zips.

    Raise InvalidInput for one that must not be kept.
    """
    return _guarded(lambda: _walk_zip(data, _Budget(limits, len(data)), 1))


def check_tar(data: bytes, limits: ArchiveLimits = USUAL_LIMITS) -> None:
    """Check a tar archive; raise InvalidInput for a bad one."""
    _guarded(lambda: _walk_tar(io.BytesIO(data), _Budget(limits, len(data)), 1))


def check_gzip(data: bytes, limits: ArchiveLimits = USUAL_LIMITS) -> None:
    """Check a gzip file, and the tar archive in it if it is one; raise InvalidInput for a bad one."""
    _guarded(lambda: _walk_gzip(data, _Budget(limits, len(data)), 1))


def _guarded(walk: Callable[[], T]) -> T:
    try:
        return walk()
    except DAMAGED as error:
        raise refused(f"is damaged or of a kind that cannot be checked ({error}); pack it anew") from error


def _walk_zip(data: bytes, budget: _Budget, depth: int) -> str:
    # Counted before it is parsed: a directory alone can hold half a million entries.
    if data.count(DIRECTORY_ENTRY) > budget.entries:
        budget.take_entries(budget.entries + 1)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        budget.take_entries(len(entries))
        _refuse_second_reading(data, archive, entries)
        _refuse_names(entry.filename for entry in entries)
        shown = shown_type_of_zip(archive)
        for entry in entries:
            _refuse_entry(entry)
            if not entry.is_dir():
                with archive.open(entry) as stream:
                    _read_inner(stream, entry.filename, budget, depth, is_office=shown != "application/zip")
        return shown


def _refuse_second_reading(data: bytes, archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse a zip whose entries overlap, or that has something before its first or after its directory."""
    end = data.rfind(DIRECTORY_END) + DIRECTORY_END_LENGTH + len(archive.comment)
    places = sorted((entry.header_offset, entry.compress_size) for entry in entries)
    if (places and places[0][0] != 0) or end != len(data):
        raise refused("is a zip with something else around it; pack it anew")
    for (start, size), (after, _) in itertools.pairwise(places):
        if start + size > after:
            raise refused("is a zip whose entries share their bytes, as a bomb's do; pack it anew")


def _refuse_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & 0x1:
        raise refused("is a zip with a password, which cannot be checked; send it without")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise refused(f"is a zip with a link ({entry.filename!r}); pack the file that it points to")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refused("is a zip packed in an unusual way; pack it with deflate")


def _refuse_names(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or _ON_A_DRIVE.match(name) or "\0" in name:
            raise refused(
                f"holds a path that leads out of its folder ({name!r}); pack it with plain relative paths"
            )
        if name in seen:
            raise refused(f"holds two files under the name {name!r}; give them names of their own")
        seen.add(name)


def _walk_tar(stream: _Readable, budget: _Budget, depth: int) -> None:
    with tarfile.open(fileobj=_Counted(stream, budget), mode="r|") as archive:
        for member in archive:
            budget.take_entries(1)
            _refuse_names([member.name])
            if not (member.isfile() or member.isdir()):
                raise refused(f"holds a link or device ({member.name!r}); pack plain files only")
            if member.size > budget.bytes:
                budget.take_bytes(member.size)
            if member.isfile() and (inner := archive.extractfile(member)) is not None:
                _read_inner(inner, member.name, budget, depth, is_office=False, counted=True)


def _walk_gzip(data: bytes, budget: _Budget, depth: int) -> None:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
        head = packed.read(TAR_MARK_AT + len(TAR_MARK))
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
        if _is_tar(head):
            _walk_tar(packed, budget, depth)
        else:
            _read_inner(packed, "its content", budget, depth, is_office=False)


def _read_inner(
    stream: _Readable, name: str, budget: _Budget, depth: int, *, is_office: bool, counted: bool = False
) -> None:
    """Read one packed file to its end: its sizes may lie. An archive in it is unpacked, too."""
    pieces: list[bytes] = []
    inner_archive = False
    while piece := stream.read(PIECE):
        if not counted:
            budget.take_bytes(len(piece))
        if not pieces:
            inner_archive = _is_archive(piece)
            if is_office:
                _refuse_in_office(name, piece)
        if inner_archive or not pieces:
            pieces.append(piece)
    if inner_archive:
        _descend(b"".join(pieces), budget, depth + 1)


def _descend(data: bytes, budget: _Budget, depth: int) -> None:
    if depth > budget.limits.depth:
        raise refused(f"holds archives more than {budget.limits.depth} deep; unpack the inner ones first")
    if data.startswith(b"PK"):
        _walk_zip(data, budget, depth)
    elif data.startswith(b"\x1f\x8b"):
        _walk_gzip(data, budget, depth)
    else:
        _walk_tar(io.BytesIO(data), budget, depth)


def _refuse_in_office(name: str, head: bytes) -> None:
    if name.lower().endswith("vbaproject.bin"):
        raise refused("is an office document with macros; save it without them")
    if name.lower().endswith((".xml", ".rels")) and _DOCTYPE.search(head):
        raise refused("is an office document that declares entities, which none needs; save it anew")


def _is_archive(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")) or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    return head[TAR_MARK_AT : TAR_MARK_AT + len(TAR_MARK)] == TAR_MARK
