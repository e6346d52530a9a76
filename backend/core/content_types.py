"""The content types that can be uploaded, and what content shows itself to be. Pure.

Content is recognised by its magic numbers; a zip is looked into, because office files are zips.
"""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import puremagic

TEXT_CONTROLS = frozenset(range(0x20)) - frozenset(b"\t\n\r\f")


class Family(StrEnum):
    """Which checks a content type needs."""

    IMAGE = "image"
    MEDIA = "media"
    DOCUMENT = "document"
    OLD_OFFICE = "old_office"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    TEXT = "text"
    MARKUP = "markup"


@dataclass(frozen=True)
class ContentType:
    """One content type: its name, the endings that its files have, and its family."""

    name: str
    endings: frozenset[str]
    family: Family


def _known(family: Family, **endings: str) -> Iterable[tuple[str, ContentType]]:
    for name, given in endings.items():
        yield name, ContentType(name, frozenset(given.split()), family)


_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

KNOWN: dict[str, ContentType] = dict(
    (
        *_known(
            Family.IMAGE,
            **{
                "image/png": ".png",
                "image/jpeg": ".jpg .jpeg .jpe .jfif",
                "image/gif": ".gif",
                "image/webp": ".webp",
                "image/heic": ".heic .heif",
                "image/heif": ".heif .heic",
                "image/avif": ".avif",
                "image/bmp": ".bmp .dib",
                "image/tiff": ".tif .tiff",
            },
        ),
        *_known(
            Family.MEDIA,
            **{
                "audio/mpeg": ".mp3 .mpga",
                "audio/mp4": ".m4a .f4a .mp4",
                "audio/wav": ".wav",
                "audio/ogg": ".ogg .oga .opus",
                "audio/amr": ".amr",
                "video/mp4": ".mp4 .m4v",
                "video/quicktime": ".mov .qt",
                "video/3gpp": ".3gp .3ga .3gpp",
                "video/webm": ".webm",
            },
        ),
        *_known(Family.DOCUMENT, **{"application/pdf": ".pdf", "application/rtf": ".rtf"}),
        *_known(
            Family.OLD_OFFICE,
            **{
                "application/msword": ".doc .dot",
                "application/vnd.ms-excel": ".xls .xlt",
                "application/vnd.ms-powerpoint": ".ppt .pps",
            },
        ),
        *_known(
            Family.ZIP,
            **{
                "application/zip": ".zip",
                f"{_OOXML}wordprocessingml.document": ".docx",
                f"{_OOXML}spreadsheetml.sheet": ".xlsx",
                f"{_OOXML}presentationml.presentation": ".pptx",
                f"{_ODF}text": ".odt",
                f"{_ODF}spreadsheet": ".ods",
                f"{_ODF}presentation": ".odp",
            },
        ),
        *_known(Family.TAR, **{"application/x-tar": ".tar"}),
        *_known(Family.GZIP, **{"application/gzip": ".gz .tgz"}),
        *_known(
            Family.TEXT,
            **{
                "text/plain": ".txt .log .md",
                "text/csv": ".csv",
                "text/markdown": ".md",
                "text/vcard": ".vcf",
                "text/calendar": ".ics",
                "application/json": ".json",
                "message/rfc822": ".eml",
            },
        ),
        *_known(
            Family.MARKUP,
            **{
                "image/svg+xml": ".svg",
                "text/html": ".html .htm",
                "application/xhtml+xml": ".xhtml",
                "application/xml": ".xml",
                "text/xml": ".xml",
            },
        ),
    )
)

USUAL = tuple(name for name, known in KNOWN.items() if known.family is not Family.MARKUP)
"""What may be uploaded unless a setting says otherwise: all but markup, which can hold scripts."""

_ENDINGS = frozenset(ending for known in KNOWN.values() for ending in known.endings)
_FLAVOURS = {
    "word/": f"{_OOXML}wordprocessingml.document",
    "xl/": f"{_OOXML}spreadsheetml.sheet",
    "ppt/": f"{_OOXML}presentationml.presentation",
}


def shown_endings(data: bytes) -> frozenset[str]:
    """Return the known endings (``.png``) whose magic numbers ``data`` carries; empty when it has none.

    Of several, those of the longest: a WAV begins like every RIFF file.
    """
    if not data:
        return frozenset()
    try:
        found = puremagic.magic_string(data)
    except puremagic.PureError:
        return frozenset()
    fitting = [(match.confidence, match.extension.lower()) for match in found]
    fitting = [(confidence, ending) for confidence, ending in fitting if ending in _ENDINGS]
    best = max((confidence for confidence, _ in fitting), default=0.0)
    return frozenset(ending for confidence, ending in fitting if confidence == best)


def shown_type_of_zip(archive: zipfile.ZipFile) -> str:
    """Return which kind of zip it is: an office document by what is in it, else ``application/zip``.

    Source: ECMA-376 part 2 §7.2 (content types part), OpenDocument 1.3 part 2 §3.3 (mimetype).
    """
    names = archive.namelist()
    if "[Content_Types].xml" in names:
        for start, found in _FLAVOURS.items():
            if any(name.startswith(start) for name in names):
                return found
    if names and names[0] == "mimetype":
        with archive.open("mimetype") as stream:
            said = stream.read(100).decode("ascii", "replace").strip()
        return said if said in KNOWN else "application/zip"
    return "application/zip"


def is_text(data: bytes) -> bool:
    """Tell whether ``data`` is text: UTF-8, UTF-16 with its mark, or GB 18030, without control characters."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _decodes(data, "utf-16")
    if not TEXT_CONTROLS.isdisjoint(data):
        return False
    return _decodes(data, "utf-8") or _decodes(data, "gb18030")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
