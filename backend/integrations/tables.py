"""CSV files: from bytes to rows, whatever wrote them. Pure.

Encodings: UTF-8 with or without its mark, UTF-16 with it, else the likeliest of GB 18030, Big5 and
Windows-1252. Delimiters: comma, semicolon, tab or bar, whichever divides the header into most columns. Both
can be said instead. Source: RFC 4180.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import charset_normalizer

from backend.core.errors import FieldError, InvalidInput

LEGACY = ("gb18030", "big5", "cp1252")
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LOOKED_AT = 64 * 1024  # bytes: enough of a text to tell its encoding, in some milliseconds
DELIMITERS = ",;\t|"
MOST_ROWS = 50_000
MOST_COLUMNS = 200
LONGEST_CELL = 20_000  # characters


@dataclass(frozen=True)
class Row:
    """One row: ``number`` counts rows from 1 on, ``line`` is where it begins in the file."""

    number: int
    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a file holds; ``columns`` are the cells of its header, without the empty ones at its end."""

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(data: bytes, *, encoding: str = "", delimiter: str = "") -> Table:
    """Return the rows of a CSV file; those without any content do not count.

    Takes up to a second for the largest: call it off the event loop. Raise InvalidInput for a file without
    rows or with too many, broken quotes, an unknown encoding or delimiter, and a column named twice.
    """
    if delimiter and delimiter not in DELIMITERS:
        raise InvalidInput(FieldError("delimiter", "is not one that is known here; write , ; | or a tab"))
    encoding = encoding or encoding_of(data)
    text = _decoded(data, encoding)
    if "\0" in text:
        raise _wrong("holds NUL characters, so it is no text; export it again as “CSV UTF-8”")
    delimiter = delimiter or delimiter_of(text)
    records = _records(text, delimiter)
    columns = _header(next(records, (0, ()))[1])
    rows = tuple(Row(number, line, cells) for number, (line, cells) in enumerate(records, start=1))
    if not rows:
        raise _wrong("holds a header and no rows below it; add rows, or send another file")
    return Table(encoding=encoding, delimiter=delimiter, columns=columns, rows=rows)


def encoding_of(data: bytes) -> str:
    """Return the encoding of a text, as Python names it."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return encoding
    if _is_utf8(data):
        return "utf-8"
    start = data[:LOOKED_AT]
    best = charset_normalizer.from_bytes(start, cp_isolation=list(LEGACY)).best()
    if best is None:
        raise InvalidInput(
            FieldError(
                "encoding",
                "cannot be told: the file is neither UTF-8 nor GB 18030, Big5 or Windows-1252; export it "
                "again as “CSV UTF-8”, or name its encoding",
            )
        )
    return str(best.encoding)


def delimiter_of(text: str) -> str:
    """Return what divides the header into most columns; a comma when nothing does."""
    found = {one: len(next(_records(text, one), (0, ()))[1]) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: found[one])


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except LookupError:
        raise InvalidInput(
            FieldError("encoding", "is not one that is known here; write utf-8, gb18030, big5 or cp1252")
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput(
            FieldError("encoding", f"is not {encoding}: line {line} cannot be read so; name the right one")
        ) from None
    return text.removeprefix("\ufeff")


def _records(text: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (line, cells) of every record with any content, the header first."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line, count = 1, 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                count += 1
                if count > MOST_ROWS + 1:
                    raise _wrong(f"holds more than {MOST_ROWS} rows; divide it, and import the parts")
                yield line, tuple(cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise _wrong(
            f"cannot be read from line {line} on ({error}); a quote may be open there, or not be doubled"
        ) from None


def _header(cells: tuple[str, ...]) -> tuple[str, ...]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not any(letter.isalnum() for name in names for letter in name):
        raise _wrong("is empty; its first line must name the columns")
    if len(names) > MOST_COLUMNS:
        raise _wrong(f"has {len(names)} columns, more than {MOST_COLUMNS}; leave out what is not needed")
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise _wrong(f"names a column twice: {', '.join(twice)}; give each a name of its own")
    return tuple(names)


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(FieldError("file", message))


# ── what is written ──────────────────────────────────────────────────────────────────────────────

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_table(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> bytes:
    """Return a CSV file that spreadsheets open as text: UTF-8 with its mark, no cell taken for a formula.

    Source: OWASP, CSV Injection.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(harmless, columns))
    writer.writerows(map(harmless, row) for row in rows)
    return out.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet computes: with an apostrophe before what would begin a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULAS) else cell
