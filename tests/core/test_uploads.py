"""What may be uploaded: names, types, sizes, archives; built by hand and by hypothesis."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backend.core.archives import ArchiveLimits, check_gzip, check_tar, check_zip
from backend.core.content_types import KNOWN, USUAL
from backend.core.errors import InvalidInput
from backend.core.uploads import Declared, UploadRules, check_content, check_declared, check_file_name

RULES = UploadRules()
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"


def png(width: int = 3, height: int = 5) -> bytes:
    header = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + 3 * min(width, 9)) * min(height, 9)))
    pieces = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in pieces]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def tarred(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def checked(content_type: str, data: bytes, rules: UploadRules = RULES) -> None:
    check_content(rules, Declared("x", content_type, len(data)), data)


SAMPLES = {
    "image/png": png(),
    "image/gif": b"GIF89a\x01\0\x01\0\0\0\0;",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    b"\xff\xc0\x00\x11\x08\0\x05\0\x03\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9",
    "image/webp": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x02\0\0\x04\0\0" + bytes(8),
    "audio/mpeg": b"ID3\x03\0\0\0\0\0\0" + bytes(30),
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(30),
    "audio/amr": b"#!AMR\n" + bytes(9),
    "video/mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(30),
    "video/quicktime": b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(30),
    "application/pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
    "application/rtf": b"{\\rtf1\\ansi hello}",
    "application/msword": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512),
    "application/zip": zipped({"a.txt": b"one", "b/c.txt": b"two"}),
    DOCX: zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"}),
    ODT: zipped({"mimetype": ODT.encode(), "content.xml": b"<office/>"}, zipfile.ZIP_STORED),
    "application/x-tar": tarred((tarfile.TarInfo("a.txt"), b"one")),
    "application/gzip": gzip.compress(b"one"),
    "text/plain": "客户资料：江南鲜达\n".encode(),
    "text/csv": "姓名,电话\n陆建国,138\n".encode("gb18030"),
    "application/json": '{"a": "é"}'.encode("utf-16"),
}


@pytest.mark.parametrize("content_type", SAMPLES)
def test_content_is_taken_for_what_it_is_and_for_nothing_else(content_type: str) -> None:
    data = SAMPLES[content_type]
    checked(content_type, data)
    texts = {name for name, known in KNOWN.items() if known.family == "text"}
    old_office = {name for name, known in KNOWN.items() if known.family == "old_office"}
    alike = {
        *(texts if content_type in texts else ()),
        *(old_office if content_type in old_office else ()),
        *({"audio/mp4"} if content_type == "video/mp4" else ()),  # one box for both
        *({"video/3gpp"} if content_type == "video/quicktime" else ()),
    }
    for other in set(USUAL) - {content_type} - alike:
        with pytest.raises(InvalidInput, match="declared to be"):
            checked(other, data)


@pytest.mark.parametrize(
    ("content_type", "data", "says"),
    [
        ("image/gif", b"GIF89a/*\x01\0<script>alert(1)</script>*/", "also a web page"),
        ("image/png", png() + zipped({"a.class": b"x"}), "also a zip"),
        ("image/gif", b"GIF89a\x01\0\x01\0\0\0\0;%PDF-1.7\n", "also a PDF"),
        ("text/plain", b"%PDF-1.7\nreadable", "is not text/plain"),
        ("text/plain", b"MZ\x90\0\x03", "is not text/plain"),
        ("image/png", png(20_000, 20_000), "20000 x 20000 pixels"),
        ("image/png", png(0, 5), "without a size"),
        (
            "application/msword",
            bytes.fromhex("d0cf11e0a1b11ae1") + "_VBA_PROJECT".encode("utf-16-le"),
            "with macros",
        ),
        (
            DOCX,
            zipped({"[Content_Types].xml": b"x", "word/a.xml": b"x", "word/vbaProject.bin": b"x"}),
            "with macros",
        ),
        (
            DOCX,
            zipped({"[Content_Types].xml": b'<!DOCTYPE x [<!ENTITY a "b">]>', "word/a.xml": b"x"}),
            "declares entities",
        ),
    ],
)
def test_what_is_two_things_at_once_or_hides_something_is_refused(
    content_type: str, data: bytes, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        checked(content_type, data)


@pytest.mark.parametrize(
    "active",
    [
        '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        '<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
        '<svg><a href="java&#115;cript:x()"/></svg>',
        "<svg><foreignObject/></svg>",
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    ],
)
def test_markup_is_for_deployments_that_ask_for_it_and_never_with_a_script(active: str) -> None:
    with pytest.raises(InvalidInput, match="is not accepted here"):
        check_declared(RULES, name="x.svg", content_type="image/svg+xml", size=5)
    open_rules = UploadRules(types=frozenset({"image/svg+xml"}))
    assert check_declared(open_rules, name="x.svg", content_type="image/svg+xml", size=5).name == "x.svg"
    checked("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>')
    for data in (active.encode(), active.encode("utf-16")):
        with pytest.raises(InvalidInput, match="a script or loads something"):
            checked("image/svg+xml", data)


@pytest.mark.parametrize(
    ("name", "content_type", "size", "field"),
    [
        ("a.pdf", "application/x-msdownload", 10, "content_type"),
        ("a.pdf", "application/pdf", 0, "size"),
        ("a.pdf", "application/pdf", 25 * 1024 * 1024 + 1, "size"),
        ("a.pdf.exe", "application/pdf", 10, "name"),
        ("a", "application/pdf", 10, "name"),
        ("gpj.\u202efdp.pdf", "application/pdf", 10, "name"),
        ("a\n.pdf", "application/pdf", 10, "name"),
        ("../a.pdf", "application/pdf", 10, "name"),
        ("a\\b.pdf", "application/pdf", 10, "name"),
        ("nul.pdf", "application/pdf", 10, "name"),
        ("COM1.a.pdf", "application/pdf", 10, "name"),
        (" a.pdf", "application/pdf", 10, "name"),
        ("文" * 84 + ".pdf", "application/pdf", 10, "name"),
    ],
)
def test_a_wrong_declaration_is_refused_by_field(name: str, content_type: str, size: int, field: str) -> None:
    with pytest.raises(InvalidInput) as found:
        check_declared(RULES, name=name, content_type=content_type, size=size)
    assert [error.field for error in found.value.errors] == [field]


def test_a_right_declaration_comes_back_in_its_canonical_form() -> None:
    made = check_declared(
        RULES, name="Re\u0301sume\u0301 👩‍👧.PDF", content_type="Application/PDF; x=1", size=25 * 1024 * 1024
    )
    assert made == Declared("Résumé 👩‍👧.PDF", "application/pdf", 25 * 1024 * 1024)
    assert check_file_name("文" * 83 + ".pdf") == "文" * 83 + ".pdf"


def link(name: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, "/etc/passwd"
    return made, b""


def symlinked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def overlapping() -> bytes:
    """Return a zip whose directory names its one file twice, as Fifield's bomb does."""
    once = bytearray(zipped({"a": bytes(1000)}))
    end = once.rfind(b"PK\x05\x06")
    start = once.find(b"PK\x01\x02")
    entry = once[start:end]
    again = entry.replace(b"a", b"b")
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, 2 * len(entry), start, 0)
    return bytes(once[:start] + entry + again + tail)


def encrypted() -> bytes:
    data = bytearray(zipped({"a": b"secret"}))
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def lying() -> bytes:
    """Return a zip that declares ten bytes for a file that unpacks to a thousand."""
    data = bytearray(zipped({"a": bytes(1000)}))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.find(mark) + at
        data[start : start + 4] = struct.pack("<I", 10)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zipped({"a": bytes(50_000_000)}), "as a bomb does"),
        (zipped({f"{n}": b"" for n in range(10_001)}), "more than 10000 files"),
        (zipped({"1.zip": zipped({"2.zip": zipped({"a": b"x"})})}), "more than 2 deep"),
        (zipped({"1.zip": zipped({"a": bytes(50_000_000)})}), "as a bomb does"),
        (zipped({"1.gz": gzip.compress(bytes(50_000_000))}), "as a bomb does"),
        (zipped({"../../etc/cron.d/x": b"x"}), "leads out of its folder"),
        (zipped({"/etc/x": b"x"}), "leads out of its folder"),
        (zipped({"C:\\x": b"x"}), "leads out of its folder"),
        (zipped({"a\\..\\..\\x": b"x"}), "leads out of its folder"),
        (symlinked(), "with a link"),
        (overlapping(), "share their bytes"),
        (encrypted(), "with a password"),
        (lying(), "damaged"),
        (zipped({"a": b"x"}, zipfile.ZIP_BZIP2), "unusual way"),
        (zipped({"a": b"x"}, zipfile.ZIP_LZMA), "unusual way"),
        (b"#!/bin/sh\n" + zipped({"a": b"x"}), "something else around it"),
        (zipped({"a": b"x"}) + b"more", "something else around it"),
        (zipped({"a": b"x"})[:-30], "damaged"),
    ],
)
def test_a_zip_that_would_harm_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        check_zip(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (tarred(link("a", tarfile.SYMTYPE)), "link or device"),
        (tarred(link("a", tarfile.LNKTYPE)), "link or device"),
        (tarred(link("a", tarfile.CHRTYPE)), "link or device"),
        (tarred((tarfile.TarInfo("../a"), b"x")), "leads out of its folder"),
        (tarred((tarfile.TarInfo("a.zip"), zipped({"../a": b"x"}))), "leads out of its folder"),
        (tarred((tarfile.TarInfo("a"), b"x"))[:600], "damaged"),
    ],
)
def test_a_tar_that_would_harm_is_refused_packed_or_not(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        check_tar(data)
    with pytest.raises(InvalidInput, match=says):
        check_gzip(gzip.compress(data))


def test_a_bomb_in_gzip_is_refused_also_as_a_tar_header_of_its_own() -> None:
    with pytest.raises(InvalidInput, match="as a bomb does"):
        check_gzip(gzip.compress(bytes(50_000_000)))
    huge = tarfile.TarInfo("x" * 300)
    huge.pax_headers = {"comment": "y" * 5_000_000}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(huge, io.BytesIO())
    with pytest.raises(InvalidInput, match="as a bomb does"):
        check_gzip(gzip.compress(out.getvalue()))


names = st.text("abc文", min_size=1, max_size=6)
trees = st.dictionaries(names, st.binary(max_size=2_000), max_size=8)


@settings(deadline=None, max_examples=80)
@given(trees, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
def test_any_honest_archive_passes_and_the_limits_cut_exactly(files: dict[str, bytes], method: int) -> None:
    data = zipped(files, method)
    total = sum(map(len, files.values()))
    assume(not any(content.startswith((b"PK", b"\x1f\x8b")) for content in files.values()))
    assert check_zip(data, ArchiveLimits(entries=len(files), bytes=total)) == "application/zip"
    members = ((tarfile.TarInfo(name), content) for name, content in files.items())
    check_tar(tarred(*members))
    if total:
        with pytest.raises(InvalidInput, match="as a bomb does"):
            check_zip(data, ArchiveLimits(bytes=total - 1))
    if files:
        with pytest.raises(InvalidInput, match=f"more than {len(files) - 1} files"):
            check_zip(data, ArchiveLimits(entries=len(files) - 1))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 2_000), st.binary(max_size=40), st.integers(0, 40))
def test_damaged_content_is_refused_or_taken_but_breaks_nothing(
    content_type: str, at: int, put: bytes, drop: int
) -> None:
    data = SAMPLES[content_type]
    broken = data[: at % len(data)] + put + data[at % len(data) + drop :]
    refused_fields = []
    try:
        checked(content_type, broken)
    except InvalidInput as refusal:
        refused_fields = [error.field for error in refusal.errors]
    assert refused_fields in ([], ["file"])


@pytest.mark.parametrize("content_type", USUAL)
def test_nothing_at_all_is_no_file_of_any_type(content_type: str) -> None:
    if KNOWN[content_type].family != "text":
        with pytest.raises(InvalidInput):
            checked(content_type, b"")
    with pytest.raises(InvalidInput, match="has 0 bytes, not the 1"):
        check_content(RULES, Declared("x", content_type, 1), b"")


@given(st.text(max_size=300))
def test_a_name_that_is_taken_is_safe_to_store_and_to_show(name: str) -> None:
    try:
        clean = check_file_name(name)
    except InvalidInput:
        return
    assert check_file_name(clean) == clean
    assert len(clean.encode()) <= 255
    assert not set("/\\\0\n\r\u202e\u2066\u200f") & set(clean)
