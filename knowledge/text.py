"""Look at text the way search does: one script, one width, one case; words, and characters of Chinese."""

import re
import threading
import unicodedata
from functools import cache
from typing import Literal

import Stemmer  # type: ignore[import-not-found]
from opencc import OpenCC

Language = Literal["zh", "en"]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_WORD = re.compile(rf"[^\W\d_{_HAN}]+")
_SPACES = re.compile(r"[ \t]{2,}")
_LATIN_WORD = re.compile(r"[A-Z]{2,}")
SHOUTED_WORDS = 4  # in capitals and no other: fewer may be names of products
SMALL_WORDS = frozenset(
    """
    a about am an and any are as at be been but by can could did do does for from had has have he how i if
    in into is it its me my no not of on or our shall she should so such than that the their them then there
    these they this those to us was we were what when where which who whom why will with would you your
    """.split()  # noqa: SIM905  prose reads better here
)
LONGEST_SENTENCE = 200  # characters: beyond, a text holds several sentences, and counting tells
SMALL_WORDS_SPEAK = 2  # so many are a sentence's; one may stand in a name
_QUOTED = re.compile(r"「[^」]*」|『[^』]*』|《[^》]*》|“[^”]*”|\"[^\"]*\"|`[^`]*`")
_COMPANY = re.compile(rf"[{_HAN}]{{2,}}?(?:有限公司|有限责任公司|集团)")
_LETTERS = re.compile(rf"[{_HAN}]+|[^\W\d_{_HAN}]+")
_ENGLISH_WORD = re.compile(r"\b[A-Za-z][a-z]*\b")  # not in capitals: IT and US are names
_OPENERS = frozenset(
    """
    who whom whose what when where which why how is are was were do does did can could may might will would
    shall should has have had i we my our please tell show give send find
    """.split()  # noqa: SIM905  prose reads better here
)
_CHINESE_ASKS = re.compile(
    "怎么|怎样|如何|什么|为何|哪|多少|多久|几|吗|呢|啥|咋|是否|能否|能不能|可不可以|行不行|有没有|怎麼|什麼|為何|嗎"
)
_CHINESE = re.compile(
    rf"{_CHINESE_ASKS.pattern}|[我你您请請的了吧吗这這那和与與在把被从從给給会會要能不没沒]|可以|提示|显示|顯示|出现|出現"
)
_own = threading.local()  # a stemmer keeps a cache and is not safe to share between threads


@cache
def _simplified() -> dict[int, str]:
    """Map each traditional character to its simplified one; character by character, so lengths stay."""
    characters = [chr(code) for code in range(0x3400, 0xA000)]
    folded = OpenCC("t2s").convert(",".join(characters)).split(",")
    return {ord(a): b for a, b in zip(characters, folded, strict=True) if a != b}


@cache
def _only_traditional() -> frozenset[str]:
    """Return the traditional characters that no simplified text has, unlike 乾 of 乾隆."""

    def is_simplified(character: str) -> bool:
        try:
            return bool(character.encode("gb2312"))
        except UnicodeEncodeError:
            return False

    return frozenset(c for c in map(chr, _simplified()) if not is_simplified(c))


def is_traditional(text: str) -> bool:
    """Tell whether a text has characters that only traditional Chinese writes."""
    return not _only_traditional().isdisjoint(text)


def normalise(text: str) -> str:
    """Fold width and compatibility forms (NFKC), case, and traditional to simplified Chinese."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return folded.translate(_simplified()) if _HAN_CHARACTER.search(folded) else folded


def undressed(text: str) -> str:
    """Return a question as the encoder should read it: without ornaments, not shouted, in simplified Chinese.

    Pictures and marks of direction say nothing about what is asked, and move the row all the same: with two
    emoji at its end a question was answered with another paragraph. Signs such as ° and ℃ stay. A text of
    nothing else stays as it is. By traditional characters the encoder finds less, also in passages of them.
    """
    kept = "".join(" " if _is_picture(c) else c for c in text if not _is_unseen(c))
    kept = _SPACES.sub(" ", kept).strip()
    if not any(character.isalnum() for character in kept):
        return text
    if is_traditional(kept) and guess_language(kept) == "zh":
        kept = kept.translate(_simplified())
    shouted = kept.isupper() and len(_LATIN_WORD.findall(kept)) >= SHOUTED_WORDS
    return kept.lower() if shouted else kept


def _is_picture(character: str) -> bool:
    code = ord(character)
    return (0x2190 <= code <= 0x2BFF or code >= 0x1F000) and unicodedata.category(character) in ("So", "Sk")


def _is_unseen(character: str) -> bool:
    """Tell whether a character only says how others are shown: direction, joining, variation, keycap."""
    return (
        unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f" or character == "\u20e3"
    )


def guess_language(text: str, *, default: Language = "en") -> Language:
    """Tell Chinese from English; in a sentence that names things of the other, by its own words.

    A long text, and a sentence that tells nothing else, is Chinese when Han characters outnumber Latin words.
    Good for questions and passages in these two languages; ``default`` when there is neither.
    """
    han, words = len(_HAN_CHARACTER.findall(text)), len(_WORD.findall(text))
    if not han and not words:
        return default
    own = _language_of_own_words(text) if han and words and len(text) <= LONGEST_SENTENCE else None
    return own or ("zh" if han >= max(words, 1) else "en")


def _language_of_own_words(text: str) -> Language | None:
    """Tell in which language a mixed sentence speaks; None when its words do not tell.

    What is quoted and the names of companies are of no language. English speaks by its small words, Chinese
    by those that make a sentence; who asks something after the English of an error asks in Chinese.
    """
    own = _COMPANY.sub(" ", _QUOTED.sub(" ", text))
    runs = _LETTERS.findall(own)
    if not runs:
        return None
    small = sum(word.lower() in SMALL_WORDS for word in _ENGLISH_WORD.findall(own))
    first_is_han, last_is_han = (_HAN_CHARACTER.match(runs[at]) is not None for at in (0, -1))
    speaks_chinese = _CHINESE.search(own) is not None
    asks_chinese = last_is_han and _CHINESE_ASKS.search(runs[-1]) is not None
    if not _HAN_CHARACTER.search(own):
        named_alone = small and not _CHINESE.search(_COMPANY.sub(" ", text))
        return "en" if small >= SMALL_WORDS_SPEAK or named_alone else None
    if first_is_han:
        return "zh" if speaks_chinese and (last_is_han or _CHINESE.search(runs[0])) else None
    if not last_is_han:
        return "en" if small >= SMALL_WORDS_SPEAK else None
    if asks_chinese and small <= SMALL_WORDS_SPEAK:
        return "zh"
    opens = runs[0].lower() in _OPENERS and small >= SMALL_WORDS_SPEAK
    return "en" if opens else None


def language_of_locale(locale: str) -> Language:
    """Reduce a locale such as ``zh-CN``, ``zh_Hant`` or ``en-GB`` to the language that search tells apart."""
    return "zh" if locale.lower().startswith("zh") else "en"


def tokens(text: str) -> list[str]:
    """Split into search tokens: stemmed words without the smallest ones, Han characters and their pairs.

    A text of nothing but small words keeps them, so that no question is empty for want of a noun.
    """
    words: list[str] = []
    small: list[str] = []
    for run in _RUN.findall(normalise(text)):
        if _HAN_CHARACTER.match(run):
            words.extend(run)
            words.extend(run[i : i + 2] for i in range(len(run) - 1))
        elif run in SMALL_WORDS:
            small.append(run)
        else:
            words.append(stem(run))
    return words or small


def stem(word: str) -> str:
    """Return the stem that a word, folded by `normalise`, is searched by."""
    if not word.isascii():
        return word
    stemmer = getattr(_own, "stemmer", None)
    if stemmer is None:
        stemmer = _own.stemmer = Stemmer.Stemmer("english")
    return str(stemmer.stemWord(word))


def estimate_tokens(text: str) -> int:
    """Estimate the pieces the encoder's tokenizer makes: some 0.7 a Han character, one per 3.5 others."""
    han = len(_HAN_CHARACTER.findall(text))
    return round(0.7 * han + (len(text) - han) / 3.5)


def share_of_han(text: str) -> float:
    """Return the share of letters and digits that are Han characters, 0 to 1."""
    written = sum(character.isalnum() for character in text)
    return len(_HAN_CHARACTER.findall(text)) / written if written else 0.0
