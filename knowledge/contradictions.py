"""Do two sentences about the same matter say different things of it? Pure, by their words.

They do when they differ in a quantity or in a denial, and in nothing by which they speak of two things.
"""

import re
from collections.abc import Set
from difflib import SequenceMatcher
from enum import StrEnum

from knowledge.quantities import ORDINAL, contradicting, read_and_rest
from knowledge.text import SMALL_WORDS, normalise, tokens

CLOSE = 0.6  # of the words of both, where only a denial tells them apart: it may belong to another clause

_DENIAL = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|cannot|nor|neither|without|unable|forbidden|prohibited|refuse[ds]?)\b"
    r"|n[’']t\b|无法|没法|[不没无未勿非]|禁止|别再|请别|拒绝"
)
_NO_DENIAL = re.compile(
    "不仅|不但|不过|不同|不断|不论|不管|无论|差不多|没错|未来|不久|对不起|不超过|不少于|不低于|不多于|非常|除非"
    r"|不是.{1,20}?而是|not\b[^.;!?]{1,40}\bbut\b"
    "|no longer than|no later than|no more than|not more than|no less than|not less than"
)
_MAY = re.compile(r"可以|能够|不可|不能|可|能|会|可否|\b(?:can|could|may|might|will|would|do|does|did)\b")
_WORD = re.compile(r"[A-Za-z][A-Za-z’'-]*\d[A-Za-z0-9-]*|[A-Za-z][A-Za-z’'-]*")
_CODE = re.compile(r"[a-z]+-?\d+[a-z0-9]*")
_SENTENCE_END = re.compile(r"[.!?:\n]\s*$|^\s*$")
_MONTH_NAME = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december)"
)
_HAN_RUN = re.compile(r"[\u4e00-\u9fff]+")


class Contradiction(StrEnum):
    NUMBERS = "numbers"
    OPPOSITE = "opposite"


def find_contradiction(one: str, other: str) -> Contradiction | None:
    """Return in what two sentences of one language that share most words contradict each other."""
    (mine, my_rest), (theirs, their_rest) = read_and_rest(one), read_and_rest(other)
    differ = contradicting(mine, theirs) is not None
    opposite = _denials(one) % 2 != _denials(other) % 2 and share(*map(words_of_matter, (one, other))) > CLOSE
    if not (differ or opposite) or speak_of_others(one, other):
        return None
    if _one_for_another(my_rest, their_rest, or_narrower=not differ):
        return None
    return Contradiction.NUMBERS if differ else Contradiction.OPPOSITE


def speak_of_others(one: str, other: str) -> bool:
    """Tell whether each names a thing, place or plan that the other does not."""
    mine, theirs = _names(one), _names(other)
    return bool(mine - theirs and theirs - mine)


def share(one: Set[object], other: Set[object]) -> float:
    """Return how much of all their words two have in common, 0 to 1."""
    return len(one & other) / max(len(one | other), 1)


def words_of_matter(text: str) -> frozenset[str]:
    """Return the words by which a sentence speaks of its matter: without quantities, denials and ``can``."""
    rest = read_and_rest(text)[1]
    return frozenset(tokens(_MAY.sub(" ", _DENIAL.sub(" ", rest))))


def _denials(text: str) -> int:
    return len(_DENIAL.findall(_NO_DENIAL.sub(" ", read_and_rest(text)[1])))


def _names(text: str) -> frozenset[str]:
    """Return what is named: words with digits in them, and words in capitals within a sentence."""
    codes = {match.group() for pattern in (_CODE, ORDINAL) for match in pattern.finditer(normalise(text))}
    words = [match for match in _WORD.finditer(text) if match.group().lower() not in SMALL_WORDS]
    if not any(match.group().islower() for match in words) and not _HAN_RUN.search(text):
        return frozenset(codes)  # a title in capitals, or one name: tells nothing
    capital = {
        match.group().lower()
        for match in words
        if match.group()[0].isupper() and not _SENTENCE_END.search(text[: match.start()])
    }
    return frozenset(codes | {name for name in capital if not _MONTH_NAME.fullmatch(name)})


def _one_for_another(one: str, other: str, *, or_narrower: bool) -> bool:
    """Tell whether one word stands for another in sentences that are the same otherwise: two things.

    ``or_narrower``: or one begins with a word more, as in drafts of invoices and invoices.
    """
    mine, theirs = (_units(_MAY.sub(" ", _DENIAL.sub(" ", text))) for text in (one, other))
    changes = [
        change
        for change in SequenceMatcher(None, mine, theirs, autojunk=False).get_opcodes()
        if change[0] != "equal"
    ]
    if len(changes) != 1:
        return False
    kind, start, end, begin, stop = changes[0]
    if or_narrower and kind != "replace" and start == begin == 0:
        return True
    here, there = mine[start:end], theirs[begin:stop]
    if kind != "replace" or len(here) != len(there):
        return False
    return len(here) == 1 if here[0].isascii() else len(here) >= 2


def _units(text: str) -> list[str]:
    """Return English stems without small words, and single Han characters, in order."""
    return [token for token in tokens(text) if not (_HAN_RUN.fullmatch(token) and len(token) > 1)]
