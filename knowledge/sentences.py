"""Split text into sentences, Chinese and English, each with its exact place."""

import itertools
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """``text`` is exactly ``whole[start:end]``."""

    text: str
    start: int
    end: int


_END = re.compile(
    r"""
    [。！？!?…]+[”’」』）)"'\]】]*             # an end that needs no space after it …
    | \.+["'”’)\]]*(?=\s|$)                     # … and a full stop, which does
    | (?:\r\n?|\n)(?=[ \t]*(?:\r\n?|\n))        # an empty line
    | (?:\r\n?|\n)(?=[ \t]*(?:[-*+][ \t]|\d{1,3}[.)、][ \t]?|\#{1,6}[ \t]|\||>|```|~~~))  # a list item, row …
    """,
    re.VERBOSE,
)
_HEADING_OR_ROW = re.compile(r"[ \t]*(?:#{1,6}[ \t].*|\|.*\||.*\|[ \t]*)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|No|Nos|Inc|Ltd|Co|Corp|Fig|Eq|approx|est|dept|al|cf)"
    r"|\b(?:[A-Za-z]\.)*[A-Za-z]|(?:^|\n)[ \t]*\d{1,3})\.$",
    re.IGNORECASE,
)


def split_sentences(text: str) -> list[Sentence]:
    """Split into sentences in order; nothing but whitespace lies between them.

    A line break ends a sentence only before a list item, heading, table row or empty line, or after a
    heading or row: hard-wrapped prose stays whole.
    """
    cuts = [0, *sorted({*_ends(text), *(edge for line in _lines(text) for edge in line)}), len(text)]
    found = []
    for start, end in itertools.pairwise(cuts):
        part = text[start:end]
        if stripped := part.strip():
            begin = start + len(part) - len(part.lstrip())
            found.append(Sentence(stripped, begin, begin + len(stripped)))
    return found


def _ends(text: str) -> list[int]:
    ends = []
    for match in _END.finditer(text):
        if match.group().startswith(".") and _is_abbreviation(text, match):
            continue
        if (
            match.group()[0] in "!?"
            and text[match.end() : match.end() + 1].isalnum()
            and text[match.end()].isascii()
        ):
            continue  # part of an address or a name, such as `?page=2`
        ends.append(match.end())
    rows = _lines(text)
    return [end for end in ends if not any(start < end < stop for start, stop in rows)]


def _is_abbreviation(text: str, match: re.Match[str]) -> bool:
    """Tell whether the full stop belongs to ``e.g.``, ``Mr.``, an initial or a list number."""
    if match.group() != ".":
        return False
    following = text[match.end() :].lstrip()[:1]
    known = _ABBREVIATION.search(text[max(0, match.end() - 16) : match.end()])
    # "… Inc. The next" ends a sentence far less often than "e.g. this" starts none: trust the list.
    return known is not None and bool(following)


def _lines(text: str) -> list[tuple[int, int]]:
    """Find headings and table rows: each is one sentence, whatever stops it holds."""
    found, start = [], 0
    for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text):
        end = start + len(line)
        if _HEADING_OR_ROW.fullmatch(line.rstrip("\r\n")):
            found.append((start, end))
        start = end
    return found
