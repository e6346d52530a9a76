"""Read a slip of the pen as the word that was meant, where there is no doubt which one; pure.

Only a word that neither English nor the articles know is read otherwise, and only as a word of the articles
that the asker may read: what they may not read has no say, so a reading betrays none of it. The likely slips
of a word are some hundreds; each is looked up in the index that is there anyway, so nothing is built or kept
for a base of any size. Slips of pinyin are not looked for.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from string import ascii_lowercase

from zxcvbn.matching import RANKED_DICTIONARIES

from knowledge.text import SMALL_WORDS, normalise, stem

Holding = Callable[[str], Iterator[str]]
"""The texts of the passages that the asker may read and that hold a stem."""

MOST_SLIPS = 4  # in one question; with more unknown words than that it is in no English that we could mend
LONG = 8  # letters from which on a wrong letter, too, is looked for: short words have too many neighbours
CLEARLY = 5  # times as many passages as hold the next likely word, or as common in English as one none has
COMMON = 12_000  # words so far down English by frequency are meant less often than any that an article has
TEXTS_LOOKED_AT = 50  # for the very form of a word that English lists do not know

# Nothing that holds a digit, a hyphen, an inner capital or any other mark: such are names, numbers, codes.
_WORD = re.compile(r"(?<!\S)(\(?)([A-Za-z][a-z]{4,19})(?=(?:['’]s)?[)?.!,;:…]*(?:\s|$))")
_SENTENCE_ENDS = (".", "!", "?", "\n")
_ENDING = re.compile(r"(es|(?<!s)s|ed|ing|ers?|ly)$")
# Lists that come with the checking of passwords. One at a time: it adds what users give it to the same table.
_WRITTEN = ("english_wikipedia", "us_tv_and_film")
_LISTED = (*_WRITTEN, "female_names", "male_names", "surnames", "passwords")


def is_plain(text: str) -> bool:
    """Tell at a glance whether all words that might be slips are English, so that none need be looked up."""
    return all(_is_english(word) for _, word in _candidates(text))


def mend(text: str, holding: Holding) -> str:
    """Return an English question with its slips read as the words meant; as it is where there are none.

    A slip is two neighbours swapped, or a letter too few or too many; in long words a wrong letter, too. The
    first letter is not doubted. A word that may mean two others is left alone.
    """
    unknown: list[tuple[int, str]] = []
    for start, word in _candidates(text):
        if not _is_english(word) and not _has(holding, stem(word)):
            unknown.append((start, word))
        if len(unknown) > MOST_SLIPS:
            return text
    mended = text
    for start, word in reversed(unknown):
        if meant := _meant(word, holding):
            written = text[start : start + len(word)]
            meant = meant.capitalize() if written[0].isupper() else meant
            mended = mended[:start] + meant + mended[start + len(word) :]
    return mended


def _candidates(text: str) -> Iterator[tuple[int, str]]:
    """Yield the plain words of some length, lowered, with their places; names are left out."""
    for found in _WORD.finditer(text):
        start, word = found.start(2), found[2]
        if word[0].islower() or _begins_sentence(text[max(0, start - 8) : start], at_all=start <= 8):
            yield start, word.lower()


def _begins_sentence(before: str, *, at_all: bool) -> bool:
    said = before.rstrip(" \t(")
    return said.endswith(_SENTENCE_ENDS) if said else at_all


def _meant(word: str, holding: Holding) -> str | None:
    """Return the one word that the slips nearest to ``word`` lead to; None for none, or for several."""
    for forms in (_slips(word), _wrong_letters(word) if len(word) >= LONG else set[str]()):
        held = {form for form in forms if _is_held(form, holding)}
        best = _clearest(held, holding)
        rivals = min(map(_rank, forms - held), default=_UNLISTED)
        if best is not None and rivals >= min(COMMON, CLEARLY * _rank(best)):
            return best
        if held or rivals < COMMON:
            return None
    return None


def _clearest(held: set[str], holding: Holding) -> str | None:
    """Return the word that far more passages hold than the others, which may be other forms of it."""
    if len(held) < 2 or not held.isdisjoint(SMALL_WORDS):  # of which nobody counts the passages
        return min(held) if len(held) == 1 else None
    counts = {root: sum(1 for _ in holding(root)) for root in {stem(form) for form in held}}
    best, *others = sorted(counts, key=lambda root: (-counts[root], root))
    if others and counts[best] < CLEARLY * counts[others[0]]:
        return None
    return min((form for form in held if stem(form) == best), key=lambda form: (_rank(form), form))


def _is_held(form: str, holding: Holding) -> bool:
    """Tell whether a form is a real word and the asker's articles hold it, in whatever inflection."""
    if form in SMALL_WORDS:
        return True
    root = stem(form)
    if not _has(holding, root):
        return False
    return _rank(form) < _UNLISTED or _is_written(form, islice(holding(root), TEXTS_LOOKED_AT))


def _is_written(form: str, texts: Iterable[str]) -> bool:
    """Tell whether one of the texts has this very form."""
    there = re.compile(rf"(?<![^\W_]){form}(?![^\W_])")
    return any(there.search(normalise(text)) for text in texts)


def _has(holding: Holding, root: str) -> bool:
    return next(holding(root), None) is not None


def _slips(word: str) -> set[str]:
    """Return what ``word`` may be a slip of: neighbours swapped, a letter missing, one too many."""
    places = range(1, len(word))
    swapped = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in places[:-1]}
    without = {word[:i] + word[i + 1 :] for i in places}
    added = {word[:i] + c + word[i:] for i in (*places, len(word)) for c in ascii_lowercase}
    return (swapped | without | added) - {word}


def _wrong_letters(word: str) -> set[str]:
    return {word[:i] + c + word[i + 1 :] for i in range(1, len(word)) for c in ascii_lowercase} - {word}


_UNLISTED = 10**9


def _rank(word: str) -> int:
    """Return how far down the English words by frequency a word stands."""
    ranks: list[int] = [RANKED_DICTIONARIES[name].get(word, _UNLISTED) for name in _WRITTEN]
    return min(ranks)


def _is_listed(word: str) -> bool:
    """Tell whether a word is of English, a person's name, or a word or brand that many have as password."""
    return any(word in RANKED_DICTIONARIES[name] for name in _LISTED)


def _is_english(word: str) -> bool:
    """Tell whether a word or what it is an inflection of is listed."""
    bare = _ENDING.sub("", word)
    return _is_listed(word) or _is_listed(bare) or _is_listed(bare + "e")
