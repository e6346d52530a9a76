"""Whether a file that somebody sends may be kept: its name, what it says it is, and what it is. Pure.

``check_declared`` is asked before the bytes come, ``check_content`` when they are all there. Both raise
InvalidInput; the message says what is wrong with ``name``, ``content_type``, ``size`` or ``file``.
"""

import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass

import imagesize

from backend.core.archives import DAMAGED, check_gzip, check_tar, check_zip, refused
from backend.core.content_types import KNOWN, USUAL, ContentType, Family, is_text, shown_endings
from backend.core.errors import FieldError, InvalidInput

LONGEST_NAME = 255
"""Bytes of UTF-8. Source: NAME_MAX of Linux, APFS and exFAT's 255 units are all at least this."""

SNIFFED = 1445
"""Bytes of a file in which browsers look for markup. Source: WHATWG MIME Sniffing, §5.2 (resource header)."""

READERS_LOOK = 1024
"""Bytes in which PDF readers look for a header. Source: ISO 32000-1 annex H.3, note 13."""

READABLE_STARTS = (b"%PDF-", b"{\\rtf", b"%!PS")
"""How files begin that can be read like text, and are none."""

_JOINERS = frozenset("\u200c\u200d")  # zero width, but part of writing and of emoji
_UNSAFE = frozenset('<>:"/\\|?*')
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9¹²³]|LPT[0-9¹²³])(\..*)?", re.IGNORECASE)
_TAGS = re.compile(rb"<(!doctype\s+html|html|script|svg|iframe|body|\?php)\b", re.IGNORECASE)
_ACTIVE = re.compile(
    rb"<\s*(\w+:)?(script|iframe|object|embed|foreignobject|handler|listener|base|meta|link|form)\b"
    rb"|\bon\w+\s*=|javascript\s*:|data\s*:\s*text/html|<!\s*(entity|doctype[^>]*\[)|&#",
    re.IGNORECASE,
)
_MACROS = "_VBA_PROJECT".encode("utf-16-le")


@dataclass(frozen=True)
class UploadRules:
    """What may be uploaded: at most ``max_bytes`` of one of ``types``, images of at most ``max_pixels``."""

    max_bytes: int = 25 * 1024 * 1024
    types: frozenset[str] = frozenset(USUAL)
    max_pixels: int = 200_000_000


@dataclass(frozen=True)
class Declared:
    """What the sender says of a file, checked: a clean name, a known type, a size in bytes."""

    name: str
    content_type: str
    size: int


def check_declared(rules: UploadRules, *, name: str, content_type: str, size: int) -> Declared:
    """Return what the sender says of a file, in canonical form; raise InvalidInput if it may not come."""
    declared = content_type.partition(";")[0].strip().lower()
    if declared not in rules.types or declared not in KNOWN:
        raise _wrong(
            "content_type", f"{declared!r} is not accepted here; send a PDF, an image or an office file"
        )
    if size < 1:
        raise _wrong("size", "is 0: the file is empty; send one that is not")
    if size > rules.max_bytes:
        raise _wrong("size", f"is {size} bytes, more than {rules.max_bytes}; send a smaller file")
    clean = check_file_name(name)
    endings = KNOWN[declared].endings
    if not clean.lower().endswith(tuple(endings)):
        raise _wrong("name", f"does not end as {declared} does; end it in {' or '.join(sorted(endings))}")
    return Declared(clean, declared, size)


def check_file_name(name: str) -> str:
    """Return ``name`` composed (NFC); raise InvalidInput for one that would mislead people or file systems.

    Source: CWE-451 (a name shown backwards); Microsoft, "Naming Files, Paths, and Namespaces".
    """
    clean = unicodedata.normalize("NFC", name)
    if not clean.strip(". "):
        raise _wrong("name", "is empty; give the file one")
    if len(clean.encode("utf-8", "replace")) > LONGEST_NAME:
        raise _wrong("name", f"is longer than {LONGEST_NAME} bytes; shorten it")
    if any(_is_unseen(letter) for letter in clean):
        raise _wrong("name", "holds characters that cannot be seen or that turn the text around; rename it")
    if not _UNSAFE.isdisjoint(clean):
        raise _wrong("name", f"holds one of {' '.join(sorted(_UNSAFE))}; rename it")
    if clean != clean.strip(" ") or clean.endswith(".") or _RESERVED.fullmatch(clean):
        raise _wrong("name", "is one that some systems cannot store; rename it")
    return clean


def check_content(rules: UploadRules, declared: Declared, data: bytes) -> None:
    """Raise InvalidInput unless ``data`` is what was declared, and harmless as far as can be told from it.

    Takes up to a second or so of computing for the largest: call it off the event loop.
    """
    if len(data) != declared.size:
        raise refused(f"has {len(data)} bytes, not the {declared.size} that were declared; send it again")
    known = KNOWN[declared.content_type]
    match known.family:
        case Family.ZIP:
            _check_zip(known, data)
        case Family.TAR:
            _recognise(known, data)
            check_tar(data)
        case Family.GZIP:
            _recognise(known, data)
            check_gzip(data)
        case Family.TEXT:
            _check_text(known, data)
        case Family.MARKUP:
            _check_markup(known, data)
        case _:
            _recognise(known, data)
            _refuse_two_in_one(known, data)
    if known.family is Family.IMAGE:
        _check_pixels(rules, data)
    if known.family is Family.OLD_OFFICE and _MACROS in data:
        raise refused("is an office document with macros; save it without them")


def _check_zip(known: ContentType, data: bytes) -> None:
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise _not_what_it_says(known)
    if check_zip(data) != known.name:
        raise _not_what_it_says(known)


def _check_text(known: ContentType, data: bytes) -> None:
    if not is_text(data) or data.lstrip().startswith(READABLE_STARTS):
        raise _not_what_it_says(known)


def _check_markup(known: ContentType, data: bytes) -> None:
    """Refuse markup that does something; markup that does nothing is still only ever downloaded."""
    if not is_text(data) or b"<" not in data:
        raise _not_what_it_says(known)
    plain = data.decode("utf-16").encode() if data.startswith((b"\xff\xfe", b"\xfe\xff")) else data
    if _ACTIVE.search(plain):
        raise refused("holds a script or loads something when opened; send it as a PDF or an image")


def _recognise(known: ContentType, data: bytes) -> None:
    if shown_endings(data).isdisjoint(known.endings):
        raise _not_what_it_says(known)


def _refuse_two_in_one(known: ContentType, data: bytes) -> None:
    """Refuse a file that is something else as well: an image that is also a web page, a PDF or a zip."""
    if known.family is not Family.DOCUMENT and b"%PDF-" in data[:READERS_LOOK]:
        raise refused("is also a PDF; send it as what it is")
    if known.name == "application/pdf" and not data.startswith(b"%PDF-"):
        raise refused("has something before the PDF in it; save it anew")
    if _TAGS.search(data[:SNIFFED]):
        raise refused("is also a web page; send it as what it is")
    if zipfile.is_zipfile(io.BytesIO(data)):
        raise refused("is also a zip; send it as what it is")


def _check_pixels(rules: UploadRules, data: bytes) -> None:
    """Refuse an image by its header: it is never decoded here, but every phone that shows it does."""
    try:
        width, height = imagesize.get(io.BytesIO(data))
    except DAMAGED as error:
        raise refused(f"is a damaged image ({error}); send it again") from error
    if width < 1 or height < 1:
        raise refused("is an image without a size, so a damaged one; send it again")
    if width * height > rules.max_pixels:
        raise refused(
            f"is an image of {width} x {height} pixels, more than {rules.max_pixels} in all; scale it down"
        )


def _not_what_it_says(known: ContentType) -> InvalidInput:
    return refused(f"is not {known.name}, which it was declared to be; declare what it is")


def _is_unseen(letter: str) -> bool:
    category = unicodedata.category(letter)
    return (category[0] == "C" or category in ("Zl", "Zp")) and letter not in _JOINERS


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(FieldError(field, message))
