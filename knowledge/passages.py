"""Cut an article into passages that a reader could be shown: sections, with lists and tables whole.

Every passage is an exact slice of the body, so that a quotation can be checked by code, and nothing but
whitespace is left out between passages.
"""

import bisect
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge.sentences import split_sentences
from knowledge.text import estimate_tokens

MAX_TOKENS = 450  # the encoder reads 512; the rest is for the title and the headings
MIN_TOKENS = 100  # sections shorter than this share a passage with what follows them


@dataclass(frozen=True)
class Passage:
    """``text`` is exactly ``body[start:end]``; ``heading_path`` names its sections, outermost first."""

    ordinal: int
    heading_path: tuple[str, ...]
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class _Block:
    start: int
    end: int
    path: tuple[str, ...]
    is_heading: bool
    cuts: tuple[int, ...]  # where it may be cut when it alone is too long: items, rows, lines


def split_passages(title: str, body: str, *, max_tokens: int = MAX_TOKENS) -> list[Passage]:
    """Split a Markdown ``body`` into passages of up to some ``max_tokens``, in order.

    A passage starts at a heading unless what precedes it is still short; a block longer than a passage is cut
    between items, rows, lines or sentences. A heading equal to ``title`` is left out of the path.
    """
    groups: list[list[_Block]] = []
    for block in _fit(_blocks(title, body), body, max_tokens):
        if groups and _joins(groups[-1], block, body, max_tokens):
            groups[-1].append(block)
        else:
            groups.append([block])
    found: list[Passage] = []
    for group in groups:
        start, end = _trim(body, group[0].start, group[-1].end)
        if start < end:
            found.append(Passage(len(found), _common_path(group), body[start:end], start, end))
    return found


def text_to_embed(title: str, passage: Passage) -> str:
    """Write what the encoder and the lexical index read: title and sections, then the passage."""
    return "\n".join([" › ".join([title, *passage.heading_path]), passage.text])


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")


def _blocks(title: str, body: str) -> Iterator[_Block]:
    """Yield the top-level blocks; each reaches to the next one, so that no character is lost."""
    lines = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", body)), len(body)]
    tokens = _parser().parse(body)
    tops = [i for i, token in enumerate(tokens) if token.level == 0 and token.map and token.nesting >= 0]
    starts = [_line_start(lines, tokens[i]) for i in tops]
    path: tuple[tuple[int, str], ...] = ()
    ends = [*starts, len(body)]
    if body[: ends[0]].strip():  # such as the definition of a link, which makes no block
        yield _Block(0, ends[0], (), False, ())
    for i, start, end in zip(tops, starts, ends[1:], strict=True):
        token = tokens[i]
        if token.type == "heading_open":
            level, name = int(token.tag[1:]), _plain(tokens[i + 1])
            path = tuple(step for step in path if step[0] < level)
            if name and name.casefold() != title.strip().casefold():
                path = (*path, (level, name))
        names = tuple(name for _, name in path)
        yield _Block(start, end, names, token.type == "heading_open", _cuts(tokens, i, lines, start, end))


def _line_start(lines: list[int], token: Token) -> int:
    assert token.map is not None
    return lines[min(token.map[0], len(lines) - 1)]


def _plain(inline: Token) -> str:
    """Read a heading without its marks."""
    return "".join(child.content for child in inline.children or [] if child.content).strip()


def _cuts(tokens: list[Token], index: int, lines: list[int], start: int, end: int) -> tuple[int, ...]:
    """Find where a block may be cut: before each item of a list, each row of a table, each line of code."""
    kind = tokens[index].type
    if kind in ("bullet_list_open", "ordered_list_open", "blockquote_open"):
        inner = (t for t in _inside(tokens, index) if t.level == 1 and t.map and t.nesting >= 0)
        places: Iterable[int] = (_line_start(lines, token) for token in inner)
    elif kind in ("table_open", "fence", "code_block", "html_block"):
        places = lines[bisect.bisect_right(lines, start) : bisect.bisect_left(lines, end)]
    else:
        places = ()
    return tuple(sorted({place for place in places if start < place < end}))


def _inside(tokens: list[Token], index: int) -> Iterator[Token]:
    for token in tokens[index + 1 :]:
        if token.level == 0:
            return
        yield token


def _fit(blocks: Iterable[_Block], body: str, max_tokens: int) -> Iterator[_Block]:
    """Cut blocks that alone are longer than a passage."""
    for block in blocks:
        if estimate_tokens(body[block.start : block.end]) <= max_tokens:
            yield block
            continue
        edges = [block.start, *_finer(block, body, max_tokens), block.end]
        piece_start = block.start
        for here, following in itertools.pairwise(edges[1:]):
            if estimate_tokens(body[piece_start:following]) > max_tokens:
                yield _Block(piece_start, here, block.path, block.is_heading, ())
                piece_start = here
        yield _Block(piece_start, block.end, block.path, block.is_heading, ())


def _finer(block: _Block, body: str, max_tokens: int) -> list[int]:
    """Return the block's cuts, and inside parts still too long those of sentences, then of characters."""
    edges = [block.start, *block.cuts, block.end]
    cuts: set[int] = set(block.cuts)
    for start, end in itertools.pairwise(edges):
        if estimate_tokens(body[start:end]) <= max_tokens:
            continue
        inner = [start, *(start + s.start for s in split_sentences(body[start:end])), end]
        cuts.update(inner[1:-1])
        for a, b in itertools.pairwise(inner):
            if estimate_tokens(body[a:b]) > max_tokens:
                cuts.update(_hard_cuts(body, a, b, max_tokens))
    return sorted(cut for cut in cuts if block.start < cut < block.end)


def _hard_cuts(body: str, start: int, end: int, max_tokens: int) -> Iterator[int]:
    """Cut a text without sentences every ``max_tokens`` characters, after a space if there is one."""
    while end - start > max_tokens:
        limit = start + max_tokens
        space = max(body.rfind(blank, start + 1, limit) for blank in " \t\n")
        start = space + 1 if space > start else limit
        yield start


def _joins(group: list[_Block], block: _Block, body: str, max_tokens: int) -> bool:
    """Tell whether the block goes into the passage that is being gathered."""
    if estimate_tokens(body[group[0].start : block.end]) > max_tokens:
        # A heading alone says nothing: rather a passage somewhat long than a heading without its text.
        return group[-1].is_heading and len(group) == 1
    return not block.is_heading or estimate_tokens(body[group[0].start : group[-1].end]) < MIN_TOKENS


def _common_path(group: list[_Block]) -> tuple[str, ...]:
    """Name the innermost section that holds all the passage says; headings alone say nothing."""
    paths = [block.path for block in group if not block.is_heading] or [block.path for block in group]
    shared: list[str] = []
    for steps in zip(*paths, strict=False):
        if len(set(steps)) > 1:
            break
        shared.append(steps[0])
    return tuple(shared)


def _trim(body: str, start: int, end: int) -> tuple[int, int]:
    part = body[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
