"""Read the numbers of a sentence, and whether it denies something; Chinese and English. Pure."""

import re

from knowledge.text import normalise

_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_WORDS = dict(
    zip(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(),  # noqa: SIM905
        range(2, 16),
        strict=True,
    )
) | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100}
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b")
_HAN = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_HAN_NUMBER = re.compile(f"[{''.join(_HAN)}{''.join(_UNITS)}]+")
# Said in passing far more often than counted with.
_NO_COUNT = re.compile("一(?![十百千万零二三四五六七八九])|万一|千万别|十分|百分之?|三方|四处|两者")
_DENIAL = re.compile(
    r"\b(?:not|no|never|cannot|nor|neither|without|unable|forbidden|prohibited)\b|n[’']t\b|[不没無无未勿]|禁止|别再|请别"
)
_NO_DENIAL = re.compile(
    "不仅|不但|不过|不同|不断|不论|不管|无论|差不多|没错|未来|不久|对不起|no longer than|no later than"
)


def read_numbers(text: str) -> frozenset[float]:
    """Return the numbers that the text names, in digits or words; ``one`` and a lone 一 are none."""
    plain = normalise(text)
    found = {float(match.replace(",", "")) for match in _DIGITS.findall(plain) if match.count(".") < 2}
    found |= {float(_WORDS[match]) for match in _WORD.findall(plain)}
    for match in _HAN_NUMBER.findall(_NO_COUNT.sub(" ", plain)):
        found.add(float(_read_han(match)))
    return frozenset(found)


def denies(text: str) -> bool:
    """Tell whether the text says that something is not so."""
    return _DENIAL.search(_NO_DENIAL.sub(" ", normalise(text))) is not None


def _read_han(number: str) -> int:
    total = digit = 0
    for character in number:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = digit * 10 + _HAN[character]  # such as 二零二六
    return total + digit
