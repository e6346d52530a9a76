"""Make quotations from what was retrieved, and check them against it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.spans import Span, join_section, read_spans, widen
from knowledge.search import Hit, SearchResult
from knowledge.text import tokens


@dataclass(frozen=True)
class Quotation:
    """A span of one article version; ``start`` and ``end`` place it in that version's body."""

    hit: Hit
    text: str
    start: int
    end: int
    heading: str = ""


def quote_best(hit: Hit) -> Quotation:
    """Quote what stands around what the search found nearest: lists, tables, short sections whole."""
    span = span_to_show(hit.text, hit.quote_start, hit.quote_end)
    return Quotation(hit, span.text, hit.start + span.start, hit.start + span.end, span.heading)


def span_to_show(text: str, start: int, end: int) -> Span:
    """Return what of a passage is shown where ``text[start:end]`` is the nearest to the question."""
    spans = read_spans(text, 0, len(text))
    number = _around(spans, start, end)
    return (
        Span(text[start:end], start, end)
        if number is None
        else widen(text, join_section(text, spans, number))
    )


def span_around(hit: Hit) -> Span:
    """Return the paragraph, sentence, list or table that holds the search's nearest sentence, item or row."""
    spans = read_spans(hit.text, 0, len(hit.text))
    number = _around(spans, hit.quote_start, hit.quote_end)
    return Span(hit.quote, hit.quote_start, hit.quote_end) if number is None else spans[number]


def _around(spans: Sequence[Span], start: int, end: int) -> int | None:
    middle = (start + end) // 2
    holding = [number for number, span in enumerate(spans) if span.start <= middle < span.end]
    # The nearest may be a heading: what stands below it is meant.
    below = [number for number, span in enumerate(spans) if span.start >= end]
    return next(iter([*holding, *below]), len(spans) - 1 if spans else None)


def shown_of(hit: Hit) -> str:
    """Return what a reader would be shown of a hit: title, headings and the span to be quoted."""
    span = span_to_show(hit.text, hit.quote_start, hit.quote_end)
    return text_of(hit.title, [*hit.heading_path, span.heading], span.text)


def text_of(title: str, headings: Sequence[str], text: str) -> str:
    """Return a passage with what stands over it."""
    return "\n".join([title, *headings, text])


def share_of(asked: Sequence[str], text: str) -> float:
    """Return the share of distinct tokens that ``text`` holds, 0 to 1."""
    wanted = set(asked)
    return len(wanted & set(tokens(text))) / len(wanted) if wanted else 0.0


def is_exact(quotation: Quotation, found: SearchResult) -> bool:
    """Tell whether the quoted words stand, letter by letter, at their place in the text retrieved."""
    article = found.articles.get(quotation.hit.article_id)
    if article is None or article.version_number != quotation.hit.article_version or not quotation.text:
        return False
    return article.body[quotation.start : quotation.end] == quotation.text
