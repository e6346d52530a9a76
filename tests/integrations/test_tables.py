"""From bytes to rows: encodings, delimiters, broken files; and CSV that no spreadsheet computes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.errors import InvalidInput
from backend.integrations import tables
from backend.integrations.tables import FORMULAS, harmless, read_table, write_table

SIMPLIFIED = "姓名,邮箱,公司\n林悦,lin@anhe.example,南京安禾诊所\n韩国栋,han@anhe.example,江南鲜达\n"
TRADITIONAL = "姓名,信箱,公司\n張偉,zhang@a.example,臺北茶行\n陳美玲,chen@a.example,高雄電機\n"
GERMAN = "Name,E-Mail,Firma\nJürgen Müller,jm@a.example,Köln Käse\nZoë Groß,zg@a.example,Fußhof\n"


def refusal(data: bytes, **said: str) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refused:
        read_table(data, **said)
    (error,) = refused.value.errors
    return error.field, error.message


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (TRADITIONAL, "big5", "big5"),
        (GERMAN, "cp1252", "cp1252"),
    ],
)
def test_every_usual_encoding_is_told_from_the_bytes(text: str, encoding: str, found: str) -> None:
    table = read_table(text.encode(encoding))
    assert table.encoding == found
    lines = text.splitlines()
    assert table.columns == tuple(lines[0].split(","))
    assert [row.cells for row in table.rows] == [tuple(line.split(",")) for line in lines[1:]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_divides_the_header(delimiter: str) -> None:
    text = delimiter.join(("Name", "E-mail", '"a,b;c"')) + "\n" + delimiter.join(("Ann", "a@b.example", "x"))
    table = read_table(text.encode())
    assert (table.delimiter, table.columns) == (delimiter, ("Name", "E-mail", "a,b;c"))


def test_rows_know_their_lines_and_empty_ones_do_not_count() -> None:
    text = 'Name,Note\r\n\r\nAnn,"two\r\nlines"\r\n ,\r\nBob,\r\n'
    found = [(row.number, row.line, row.cells) for row in read_table(text.encode()).rows]
    assert found == [(1, 3, ("Ann", "two\r\nlines")), (2, 6, ("Bob", ""))]


def test_what_is_no_table_is_refused_with_its_mend() -> None:
    assert refusal(b"") == ("file", "is empty; its first line must name the columns")
    assert refusal(b"\n \n,,\n") == ("file", "is empty; its first line must name the columns")
    assert refusal(b"Name,E-mail\n") == (
        "file",
        "holds a header and no rows below it; add rows, or send another file",
    )
    assert refusal(b"Name,Name,E-mail\nA,B,C\n") == (
        "file",
        "names a column twice: Name; give each a name of its own",
    )
    assert refusal(b"Name\nA\0B\n")[1].startswith("holds NUL characters")
    field, said = refusal(b'Name,Note\nAnn,ok\nBob,"open\nCarl,x\n')
    assert (field, said.startswith("cannot be read from line 3 on")) == ("file", True)
    assert refusal(",".join(f"c{n}" for n in range(201)).encode())[1].startswith("has 201 columns")


def test_a_wrong_encoding_is_named_with_the_line() -> None:
    assert refusal("Name\nAnn\n林悦\n".encode("gb18030"), encoding="utf-8") == (
        "encoding",
        "is not utf-8: line 3 cannot be read so; name the right one",
    )
    assert refusal(b"Name\nAnn\n", encoding="klingon") == (
        "encoding",
        "is not one that is known here; write utf-8, gb18030, big5 or cp1252",
    )
    assert read_table(SIMPLIFIED.encode("gb18030"), encoding="gb18030").columns[0] == "姓名"


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    assert len(read_table(b"Name\na\nb\nc\n").rows) == 3
    assert refusal(b"Name\na\nb\nc\nd\n")[1] == ("holds more than 3 rows; divide it, and import the parts")


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5))
def test_what_is_written_is_read_again_and_holds_no_formula(rows: list[list[str]]) -> None:
    data = write_table(("line", "message"), (tuple(row) for row in rows))
    assert data.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert read == [["line", "message"], *([harmless(cell) for cell in row] for row in rows)]
    assert not any(cell.lstrip(" ").startswith(FORMULAS) for row in read for cell in row)


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "  =1"])
def test_a_formula_is_written_as_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
