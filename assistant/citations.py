"""Make quotations from what was retrieved, and check them against it; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.spans import Span, read_spans, widen
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
    """Quote the span around what the search found nearest: lists and tables whole."""
    return _quotation(hit, widen(hit.text, span_around(hit)))


def span_around(hit: Hit) -> Span:
    """Return the quotable span that holds the search's nearest sentence, item or row."""
    spans = read_spans(hit.text, 0, len(hit.text))
    middle = (hit.quote_start + hit.quote_end) // 2
    holding = [span for span in spans if span.start <= middle < span.end]
    if holding:
        return holding[0]
    # The nearest is a heading: what stands below it is meant.
    below = [span for span in spans if span.start >= hit.quote_end]
    if below:
        return below[0]
    return spans[-1] if spans else Span(hit.quote, hit.quote_start, hit.quote_end)


def shown_of(hit: Hit) -> str:
    """Return what a reader would be shown of a hit: title, headings and the span to be quoted."""
    span = span_around(hit)
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


def _quotation(hit: Hit, span: Span) -> Quotation:
    return Quotation(hit, span.text, hit.start + span.start, hit.start + span.end, span.heading)
