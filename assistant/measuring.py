"""Measure how a question's words stand in what was found, beside what the search itself measured; pure.

The words that a near miss lacks are the best sign of it: "Can I pay with PayPal?" finds the article on
paying, and none of what was found says PayPal.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from knowledge.ranking import Features
from knowledge.text import tokens

TEXTS_REMEMBERED = 500  # some kilobytes each
ALONE = 0.7  # the cosine that a second article has where there is none: what everything has with e5


@dataclass(frozen=True)
class FoundText:
    """One article found: ``words`` are those of title, headings and passage."""

    words: frozenset[str]
    dense: float
    lexical: float

    @classmethod
    def of(cls, text: str, *, dense: float, lexical: float) -> "FoundText":
        return cls(_words(text), dense, lexical)


@lru_cache(maxsize=TEXTS_REMEMBERED)
def _words(text: str) -> frozenset[str]:
    """Return the words of a text; the same articles are found again and again."""
    return frozenset(tokens(text))


def measure_words(
    asked: Sequence[str], found: Sequence[FoundText], shown: str, heading: str
) -> dict[str, float]:
    """Measure the question's tokens against the articles found, best first, and the text that would be shown.

    ``heading`` is what stands over the first: title and headings, or nothing.
    Characters of Chinese by themselves say little; their pairs count. Nothing found: nothing measured.
    """
    whole = set(asked)
    telling = [word for word in whole if len(word) > 1 or word.isascii()] or list(whole)
    if not found or not telling:
        return {}
    top, quoted = found[0], set(tokens(shown))
    everything = frozenset[str]().union(*(one.words for one in found))
    others = frozenset[str]().union(*(one.words for one in found[1:]))
    latin = [word for word in telling if word.isascii() and (len(word) > 2 or word.isdigit())]
    held = _share(telling, top.words)
    second = found[1] if len(found) > 1 else None
    rest = [one.dense for one in found[1:]]
    return {
        "span_coverage": _share(list(whole), quoted),
        "known": _share(telling, everything),
        "held": held,
        "quoted": _share(telling, quoted),
        "latin": _share(latin, top.words) if latin else 1.0,
        "alone": _share(telling, top.words - others),
        "terms": math.log1p(len(whole)),
        "gap": top.dense - (second.dense if second else ALONE),
        "lexical_gap": (top.lexical - (second.lexical if second else 0.0)) / len(asked),
        "others": sum(rest) / len(rest) if rest else ALONE,
        "titled": float(bool(heading.strip())),
        "headed": _share(telling, set(tokens(heading))),
        "better_elsewhere": max(_share(telling, one.words) for one in found) - held,
    }


def values_of(features: Features, words: Mapping[str, float]) -> dict[str, float]:
    """Name every number that a confidence may be learned from."""
    return {
        "best_cosine": features.best_cosine,
        "margin": features.margin,
        "top_z": features.top_z,
        "lexical_per_term": features.lexical_per_term,
        "lexical_of_dense_top": features.lexical_of_dense_top,
        "coverage": features.coverage,
        "agreement": features.agreement,
        "nearness": features.nearness,
        "nearness_lead": features.nearness_lead,
        "nearness_rise": features.nearness_rise,
        "lead": features.lead,
        "title": features.title,
        "quote": features.quote,
        "quote_lead": features.quote_lead,
        **words,
    }


def _share(wanted: Sequence[str], words: frozenset[str] | set[str]) -> float:
    return sum(word in words for word in wanted) / len(wanted) if wanted else 0.0
