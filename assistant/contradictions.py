"""Do two passages that answer one question say different things? Pure, by their words.

Two texts disagree when they say nearly the same and differ in what a number or a "not" says. That two
articles speak of different things is no contradiction.
"""

import re

from knowledge.text import normalise, tokens

ALIKE = 0.6  # of the words of both, numbers and negations aside
FEWEST_WORDS = 4

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NEGATION = re.compile(
    r"\b(not|no|never|none|cannot|can't|don't|doesn't|isn't|aren't|won't|without|nobody|nothing|refuse[ds]?)\b"
    r"|不|没|無|无|非|勿|未|禁止|拒"
)


def disagree(one: str, other: str) -> bool:
    """Tell whether two texts that are about the same differ in a number or a negation."""
    mine, theirs = _words(one), _words(other)
    if min(len(mine), len(theirs)) < FEWEST_WORDS:
        return False
    if len(mine & theirs) / len(mine | theirs) < ALIKE:
        return False
    numbers = _numbers(one), _numbers(other)
    if (
        all(numbers)
        and numbers[0] != numbers[1]
        and not (numbers[0] <= numbers[1] or numbers[1] <= numbers[0])
    ):
        return True
    return _negations(one) % 2 != _negations(other) % 2


def _words(text: str) -> set[str]:
    plain = _NEGATION.sub(" ", _NUMBER.sub(" ", normalise(text)))
    return set(tokens(plain))


def _numbers(text: str) -> set[str]:
    return {match.group().replace(",", "") for match in _NUMBER.finditer(normalise(text))}


def _negations(text: str) -> int:
    return len(_NEGATION.findall(normalise(text)))
