"""Cut a passage into the spans that can be quoted: a paragraph or its sentences, a whole list, a whole table.

Pure. A span is an exact slice of the article's body, so that a citation can be checked by code.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from knowledge.sentences import split_sentences

LONGEST_PARAGRAPH = 320  # characters; a longer one is quoted by sentence, with its neighbours
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(?P<name>.*?)[ \t#]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)、])[ \t]+\S|[ \t]*\d{1,3}、\S")
_FENCE = re.compile(r"[ \t]{0,3}(?:```|~~~)")
_LEADS_ON = (":", "：")


@dataclass(frozen=True)
class Span:
    """``text`` is exactly ``body[start:end]``; ``heading`` names the section it stands in, or is empty."""

    text: str
    start: int
    end: int
    heading: str = ""


@dataclass(frozen=True)
class _Block:
    start: int
    end: int
    kind: str  # heading, text, list, table or code
    heading: str


def read_spans(body: str, start: int, end: int) -> list[Span]:
    """Return what can be quoted of ``body[start:end]``, in order; headings name spans and are none.

    A list or table stays whole, with the paragraph that leads to it (``…:``).
    """
    spans: list[Span] = []
    lead: _Block | None = None
    for block in _blocks(body, start, end):
        if lead is not None:
            if block.kind in ("list", "table", "code"):
                spans.append(_span(body, lead.start, block.end, block.heading))
                lead = None
                continue
            spans.extend(_text_spans(body, lead))
            lead = None
        if block.kind == "text" and body[block.start : block.end].rstrip("*_ \t\r\n").endswith(_LEADS_ON):
            lead = block
        elif block.kind == "text":
            spans.extend(_text_spans(body, block))
        elif block.kind != "heading":
            spans.append(_span(body, block.start, block.end, block.heading))
    if lead is not None:
        spans.extend(_text_spans(body, lead))
    return spans


def join_section(body: str, spans: Sequence[Span], number: int) -> Span:
    """Return the span with all that stands under its heading, unless that is longer than a paragraph may be.

    Of "Yes. | a table" the sentence says nothing without the table, nor the table without the sentence; a
    list or table that follows a sentence stays with it however long the section is.
    """
    first = last = number
    while first > 0 and _follows(body, spans[first - 1], spans[first]):
        first -= 1
    while last + 1 < len(spans) and _follows(body, spans[last], spans[last + 1]):
        last += 1
    span = spans[number]
    start, end = spans[first].start, spans[last].end
    if end - start <= LONGEST_PARAGRAPH:
        return _span(body, start, end, span.heading)
    following = spans[number + 1] if number < last else span
    if is_listed(following.text) and not is_listed(span.text):
        return _span(body, span.start, following.end, span.heading)
    return span


def is_listed(text: str) -> bool:
    """Tell whether a text begins with an item of a list or a row of a table, and nothing leads to it."""
    return bool(_ITEM.match(text)) or text.lstrip().startswith("|")


def _follows(body: str, one: Span, other: Span) -> bool:
    """Tell whether a span follows another under the same heading."""
    return not body[one.end : other.start].strip()


def widen(body: str, span: Span) -> Span:
    """Return the span, or for one sentence of a long paragraph the sentence with the ones around it."""
    if "\n" in span.text or len(span.text) >= LONGEST_PARAGRAPH:
        return span
    left, right = body.rfind("\n", 0, span.start) + 1, body.find("\n", span.end)
    right = len(body) if right < 0 else right
    line = body[left:right]
    if len(line) <= LONGEST_PARAGRAPH or is_listed(line):
        return span
    sentences = [(left + s.start, left + s.end) for s in split_sentences(line)]
    at = next((i for i, (s, e) in enumerate(sentences) if s <= span.start < e), None)
    if at is None:
        return span
    near = sentences[max(0, at - 1) : at + 2]
    begin, stop = near[0][0], near[-1][1]
    return _span(body, begin, stop, span.heading) if stop - begin <= 2 * LONGEST_PARAGRAPH else span


def _span(body: str, start: int, end: int, heading: str) -> Span:
    part = body[start:end]
    start += len(part) - len(part.lstrip("\r\n"))
    text = body[start:end].rstrip()
    return Span(text, start, start + len(text), heading)


def _text_spans(body: str, block: _Block) -> Iterator[Span]:
    if block.end - block.start <= LONGEST_PARAGRAPH:
        yield _span(body, block.start, block.end, block.heading)
        return
    for sentence in split_sentences(body[block.start : block.end]):
        yield Span(sentence.text, block.start + sentence.start, block.start + sentence.end, block.heading)


def _blocks(body: str, start: int, end: int) -> Iterator[_Block]:
    """Group lines: a blank line ends a paragraph or table; a list goes on over blank lines between items."""
    heading, open_kind, opened, closed = "", "", start, start
    in_fence = blank = False
    for left, right in _lines(body, start, end):
        line = body[left:right].rstrip("\r\n")
        if not line.strip() and not in_fence:
            blank = True
            continue
        kind = _kind(line, open_kind, in_fence=in_fence, blank=blank)
        goes_on = open_kind == kind and (kind == "list" or not blank) and kind != "heading"
        if open_kind and not goes_on and not in_fence:
            yield _Block(opened, closed, open_kind, heading)
            opened = left
        elif not open_kind:
            opened = left
        if kind == "heading":
            found = _HEADING.match(line)
            heading = found["name"] if found else heading
        if _FENCE.match(line):
            in_fence = not in_fence
        open_kind, closed, blank = kind, right, False
    if open_kind:
        yield _Block(opened, closed, open_kind, heading)


def _kind(line: str, open_kind: str, *, in_fence: bool, blank: bool) -> str:
    if in_fence or _FENCE.match(line):
        return "code"
    if _HEADING.match(line):
        return "heading"
    if line.lstrip().startswith("|"):
        return "table"
    if _ITEM.match(line):
        return "list"
    # A line below an item belongs to it when it is indented, or when no blank line lies between.
    if open_kind == "list" and (line[:1] in " \t" or not blank):
        return "list"
    return "text"


def _lines(body: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    left = start
    while left < end:
        stop = body.find("\n", left, end)
        right = end if stop < 0 else stop + 1
        yield left, right
        left = right
