"""Find the words of a passage that a quotation should show: a sentence, a list item or a table row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from knowledge.ranking import Floats, Statistics
from knowledge.sentences import Sentence, split_sentences
from knowledge.text import tokens

PASSAGES_REMEMBERED = 2_000  # some kilobytes each
SPANS_COMPARED = 12  # of one passage, the wordiest: what one run of the encoder takes
# Of meaning beside words. Chosen on the teaching half of eval/questions, where the sentence wanted is known:
# the encoder tells sentences of one passage apart worse than words do, and with their headings better.
MEANING_WEIGHT = 0.15

_HEADING = re.compile(r"#{1,6}\s")
_RULE = re.compile(r"[\s|:\-=*_`~]*")  # the line under a table's head, a fence, a ruler
_ROW = re.compile(r"\s*\|")


@dataclass(frozen=True)
class Span:
    """``text[start:end]`` of a passage; ``context`` is what it says under its heading or table head."""

    start: int
    end: int
    context: str


@dataclass(frozen=True)
class Quotable:
    """What of a passage can be quoted, in order, and the search tokens of each span's context."""

    spans: tuple[Span, ...]
    words: tuple[frozenset[str], ...]


@lru_cache(maxsize=PASSAGES_REMEMBERED)
def read_quotable(text: str) -> Quotable:
    """Cut a passage into spans; those that searches find again and again are cut once."""
    spans = split_spans(text)
    return Quotable(tuple(spans), tuple(frozenset(tokens(span.context)) for span in spans))


def split_spans(text: str) -> list[Span]:
    """Return what of a passage can be quoted, in order; headings only where there is nothing else."""
    spans: list[Span] = []
    heading = table_head = ""
    sentences = split_sentences(text)
    for number, sentence in enumerate(sentences):
        following = sentences[number + 1] if number + 1 < len(sentences) else None
        if _HEADING.match(sentence.text):
            heading = sentence.text.lstrip("# ")
        elif _RULE.fullmatch(sentence.text):
            continue
        elif _heads_a_table(sentence, following):
            table_head = sentence.text
        else:
            head = table_head if _ROW.match(sentence.text) else ""
            context = "\n".join(part for part in (heading, head, sentence.text) if part)
            spans.append(Span(sentence.start, sentence.end, context))
    return spans or [Span(0, len(text), text)]


def _heads_a_table(sentence: Sentence, following: Sentence | None) -> bool:
    ruled = following is not None and "-" in following.text and _RULE.fullmatch(following.text)
    return bool(ruled and _ROW.match(sentence.text))


def share_of(words: Sequence[frozenset[str]], weights: Mapping[str, float]) -> Floats:
    """Return for each span's words the share of the question's weighted words that it holds, 0 to 1."""
    total = sum(weights.values()) or 1.0
    held = [sum(weight for word, weight in weights.items() if word in some) for some in words]
    return np.array(held, np.float32) / np.float32(total)


def worth_comparing(shared: Floats) -> list[int]:
    """Return the numbers of the spans whose meaning is compared, in their order: the wordiest ones."""
    return sorted(np.argsort(-shared, kind="stable")[:SPANS_COMPARED].tolist())


def pick_span(spans: Sequence[Span], shared: Floats, cosines: Floats | None) -> Span:
    """Return the best span by words and, when cosines of contexts to the question are given, by meaning."""
    scores = (1 - MEANING_WEIGHT) * Statistics.of(shared).z(shared)
    if cosines is not None:
        scores = scores + MEANING_WEIGHT * Statistics.of(cosines).z(cosines)
    return spans[int(np.argmax(scores))]  # the first of equals
