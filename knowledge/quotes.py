"""Find the words of an article that a quotation should show: a sentence, a list item or a table row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from knowledge.facts_asked import Fact, facts_held, may_hold_a_way
from knowledge.passages import Passage
from knowledge.ranking import Floats
from knowledge.sentences import Sentence, split_sentences
from knowledge.text import tokens
from knowledge.token_rows import LEAST_SPREAD

PASSAGES_REMEMBERED = 2_000  # some kilobytes each
FACTS_REMEMBERED = 20_000  # of passages; the texts themselves are the edition's
PASSAGES_QUOTED = 6  # of one article, of those that the search found
# Of them all, the wordiest, and those with a fact of the kind asked for: on teaching halves more find no
# more, and each costs the encoder. Words hardly choose across languages.
SPANS_COMPARED, FOREIGN_SPANS_COMPARED = 4, 6
# How much a share of words, a cosine of tokens, a cosine of the whole, and a passage's score count. Chosen on
# the teaching half of eval/questions, where the sentence wanted is known. Plain differences, no z-scores:
# where all spans come alike near, as under a title that asks the same, that shall decide nothing.
WORDS_WEIGHT, TOKENS_WEIGHT, MEANING_WEIGHT, PASSAGE_WEIGHT = 1.0, 2.0, 0.5, 0.05
# What a fact of the kind asked for counts. On the teaching half of the help centre 0.3 to 0.8 do alike;
# of XQuAD the sentence with the answer is found as often with 0.4 as without, and less often with 0.6.
FACT_WEIGHT = 0.4
FACT_OFFERED = 0.7  # the same, to be compared at all: less than all of the question's words
TELLING = 0.5  # the power of a token's spread over the spans by which it weighs
# Share of a question's words in a title: then what stands at the article's head is meant, unless a sentence
# with its heading has so many of them itself.
ASKED_BY_TITLE, SPOKEN_OF = 0.8, 0.5
# So much below the best one's score another place may lie and still be what is meant: then both are shown. On
# the teaching half two are shown of a quarter of the questions in other words, and of one plain one in forty.
AS_NEAR = 0.2
TITLE_COUNTS = 0.8  # what the title says is said of every sentence, somewhat less

_HEADING = re.compile(r"#{1,6}\s")
_RULE = re.compile(r"[\s|:\-=*_`~]*")  # the line under a table's head, a fence, a ruler
_ROW = re.compile(r"\s*\|")


@dataclass(frozen=True)
class Span:
    """``text[start:end]`` of a passage; ``context`` is what it says under its heading or table head.

    ``is_headed`` when a heading of the passage stands over it; ``table_head`` of a row, else empty.
    """

    start: int
    end: int
    context: str
    is_headed: bool = False
    table_head: str = ""

    @property
    def heading(self) -> str:
        """Return the heading of the passage that stands over it, or nothing."""
        return self.context.partition("\n")[0] if self.is_headed else ""


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


@lru_cache(maxsize=FACTS_REMEMBERED)
def read_facts(text: str) -> tuple[frozenset[Fact], ...]:
    """Return the kinds of fact that each quotable span of a passage holds."""
    return tuple(_facts_of(text, span) for span in read_quotable(text).spans)


def _facts_of(text: str, span: Span) -> frozenset[Fact]:
    held = facts_held(text[span.start : span.end], span.table_head)
    return held | {"way"} if may_hold_a_way(span.heading) else held


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
            spans.append(Span(sentence.start, sentence.end, context, bool(heading), head))
    return spans or [Span(0, len(text), text)]


def _heads_a_table(sentence: Sentence, following: Sentence | None) -> bool:
    ruled = following is not None and "-" in following.text and _RULE.fullmatch(following.text)
    return bool(ruled and _ROW.match(sentence.text))


@dataclass(frozen=True)
class Nearness:
    """How near spans come to a question: the ``cosines`` of their contexts (n,), and for each of its tokens.

    ``nearest`` (n, m): the cosine of the nearest token of the span, or what the title over it counts for.
    """

    cosines: Floats
    nearest: Floats

    @property
    def tokens(self) -> Floats:
        """Return one score a span: tokens weigh by how far they tell these spans apart; 0 without tokens."""
        if not self.nearest.shape[1]:
            return np.zeros(len(self.nearest), np.float32)
        weights = (self.nearest.std(axis=0) + LEAST_SPREAD) ** TELLING
        return np.asarray(np.einsum("ij,j->i", self.nearest, weights / weights.sum()), np.float32)


@dataclass(frozen=True)
class Offer:
    """What could be quoted of an article: spans in order, and the number of the passage that each stands in.

    ``shares``: the share of the question's weighted words that each one's context holds, 0 to 1; what stands
    at the article's head, before its first heading, has the title's where that is nearly the question.
    ``facts``: 1 where it holds a fact of a kind asked for, else 0.
    """

    spans: tuple[Span, ...]
    passages: tuple[int, ...]
    shares: Floats
    facts: Floats


def offer(
    passages: Sequence[Passage],
    title: str,
    weights: Mapping[str, float],
    *,
    asked: frozenset[Fact],
    same_language: bool,
) -> Offer:
    """Return the spans of an article's passages that may be meant, a few of them, in their order.

    The wordiest, where a fact of a kind ``asked`` for counts as words do. ``passages`` (one or more) are
    those found, best first; ``weights`` those of the question's words.
    """
    read = [read_quotable(passage.text) for passage in passages[:PASSAGES_QUOTED]]
    spans = [span for some in read for span in some.spans]
    owners = [number for number, some in enumerate(read) for _ in some.spans]
    shares = _shares([held for some in read for held in some.words], weights)
    titled = _shares([frozenset(tokens(title))], weights)[0] if same_language else 0.0
    if titled >= ASKED_BY_TITLE and shares.max() < SPOKEN_OF:
        opening = [
            not span.is_headed and not passages[n].heading_path for span, n in zip(spans, owners, strict=True)
        ]
        shares[opening] = titled
    most = SPANS_COMPARED if same_language else FOREIGN_SPANS_COMPARED
    facts = np.zeros(len(spans), np.float32)
    if asked:
        held = [kinds for passage in passages[:PASSAGES_QUOTED] for kinds in read_facts(passage.text)]
        facts = np.array([not asked.isdisjoint(kinds) for kinds in held], np.float32)
    kept = sorted(np.argsort(-shares - FACT_OFFERED * facts, kind="stable")[:most].tolist())
    return Offer(tuple(spans[i] for i in kept), tuple(owners[i] for i in kept), shares[kept], facts[kept])


def choose(offered: Offer, passages: Sequence[float], nearness: Nearness | None = None) -> int:
    """Return the number of the span to quote, the first of equals: see ``rank``."""
    return rank(offered, passages, nearness)[0]


def rank(
    offered: Offer, passages: Sequence[float], nearness: Nearness | None = None, *, within: float = np.inf
) -> list[int]:
    """Return the numbers of the spans, the one to quote first; equals in their order.

    Those ``within`` that much of the best one's score.

    By words, by the kind of fact asked for, by the scores of the ``passages`` offered from and, where it is
    given, by nearness.
    """
    scores = WORDS_WEIGHT * offered.shares + FACT_WEIGHT * offered.facts
    scores = scores + PASSAGE_WEIGHT * np.array([passages[number] for number in offered.passages])
    if nearness is not None:
        scores = scores + TOKENS_WEIGHT * nearness.tokens + MEANING_WEIGHT * nearness.cosines
    order = np.argsort(-scores, kind="stable")
    best: list[int] = order[scores[order] >= scores.max() - within].tolist()
    return best


def _shares(words: Sequence[frozenset[str]], weights: Mapping[str, float]) -> Floats:
    total = sum(weights.values()) or 1.0
    held = [sum(weight for word, weight in weights.items() if word in some) for some in words]
    return np.array(held, np.float32) / np.float32(total)
