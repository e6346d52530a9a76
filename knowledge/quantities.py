"""Read what a sentence measures and counts: how long, how much, when; Chinese and English. Pure.

A number alone says little: 24 hours are one day, and 12 months of one thing contradict no 5 days of another.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from knowledge.text import normalise, stem

Bound = Literal["least", "most", ""]

_WORDS = dict(
    zip(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(),  # noqa: SIM905
        range(2, 16),
        strict=True,
    )
) | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100}
_HAN = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_TENS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
# Said in passing far more often than counted with.
_NO_COUNT = re.compile("万一|千万别|十分|三方|四处|两者|第[一二三四五六七八九十]+|[同某有][一]")
_NUMERAL = rf"(?:\d+(?:[.,]\d+)*|\b(?:{'|'.join(_WORDS)})\b|[{''.join(_HAN)}{''.join(_TENS)}]+)"

_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(),  # noqa: SIM905
        1,
    )
}
_MONTH = rf"\b({'|'.join(_MONTHS)})[a-z]*\.?"
_DAYS_IN_MONTH = 30.44
# Days. What people work is some five days in seven.
_TIMES = {
    "seconds?|secs?|秒钟?": 1 / 86_400,
    "minutes?|mins?|分钟": 1 / 1_440,
    "hours?|hrs?|h|个?小时|个?钟头": 1 / 24,
    "(?:working|business) days?|个?工作日": 1.4,
    "(?:(?:calendar|full|consecutive) )?days?|天|日|个?自然日": 1.0,
    "weeks?|周|个?星期|个?礼拜": 7.0,
    "months?|个月": _DAYS_IN_MONTH,
    "years?|年": 365.25,
}
_MEASURES = {
    "USD": r"usd\b|us dollars?\b|dollars?\b|美元|美金",
    "EUR": r"eur\b|euros?\b|欧元",
    "GBP": r"gbp\b|pounds?\b|英镑",
    "CNY": r"cny\b|rmb\b|yuan\b|元|块钱?|人民币",
    "%": "%|percent|per cent|个百分点",
    "°": "°c?|度|degrees?",
    **{unit: rf"{unit}\b" for unit in ("kb", "mb", "gb", "tb", "mm", "cm", "km", "kg")},
    "m": r"m\b|met(?:er|re)s?\b|米",
}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "CNY", "rmb": "CNY"}
_SIGN = r"[$€£¥]|\b(?:usd|eur|gbp|cny|rmb)\b"
# A number that says which one is meant: level 2, 二级.
ORDINAL = re.compile(
    r"\b(?:level|step|version|stage|tier|phase|grade|class|chapter|part|option|line|room|floor) ?\d+(?![.\d])"
    r"|(?:[一二三四五六七八九十]|\d+)(?:级|层|楼|号楼|号线|季度|阶段|步|章|类|档|期)"
)
NEARLY = 0.1  # by which a length may differ in other units: a month has 28 to 31 days
_LEAST = re.compile(r"(?:at least|minimum(?: of)?|no less than|not less than|至少|最少|不少于|不低于)\s*$")
_MOST = re.compile(
    r"(?:at most|up to|maximum(?: of)?|no more than|not more than|最多|至多|不超过|不多于)\s*$"
)
_LEAST_AFTER = re.compile(r"\s*(?:or more|及?以上)")
_WINDOW = 16  # characters before a number in which a bound stands


@dataclass(frozen=True)
class Quantity:
    """``value`` of a ``kind`` such as time (in days), date, EUR or a count ``of`` things, in a ``unit``."""

    kind: str
    value: float
    unit: str = ""
    of: str = ""
    bound: Bound = ""

    def contradicts(self, other: "Quantity") -> bool:
        """Tell whether both cannot be so, if they are said of one thing."""
        if {self.bound, other.bound} == {"least", "most"}:
            return False
        largest = max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) > (NEARLY * largest if self.unit != other.unit else 0)


def read_quantities(text: str) -> frozenset[Quantity]:
    """Return what the text measures and counts. Names with digits, such as HL-30, count nothing."""
    return read_and_rest(text)[0]


def read_and_rest(text: str) -> tuple[frozenset[Quantity], str]:
    """Return the quantities, and the folded text without them."""
    found: set[Quantity] = set()
    rest = normalise(text)
    for pattern, read in _READERS:
        rest = _take(pattern, read, rest, found)
    return frozenset(found), rest


def contradicting(
    mine: Iterable[Quantity], theirs: Iterable[Quantity], *, same_counts: bool = True
) -> tuple[Quantity, Quantity] | None:
    """Return a quantity of each side that the other lacks and contradicts; None without such a pair.

    Counts compare where they count the same thing by its word: without ``same_counts``, as between languages,
    where the words differ anyway, any count with any.
    """

    def key(one: Quantity) -> tuple[str, str]:
        return one.kind, one.of if same_counts else ""

    here, there = sorted(mine, key=lambda q: q.value), sorted(theirs, key=lambda q: q.value)
    for one in here:
        rivals = [other for other in there if key(other) == key(one)]
        if not rivals or not all(one.contradicts(other) for other in rivals):
            continue
        own = [other for other in here if key(other) == key(one)]
        for other in rivals:
            if all(other.contradicts(known) for known in own):
                return one, other
    return None


Reader = Callable[[re.Match[str]], Quantity | None]


def _take(pattern: re.Pattern[str], read: Reader, text: str, found: set[Quantity]) -> str:
    def taken(match: re.Match[str]) -> str:
        quantity = read(match)
        if quantity is not None:
            found.add(quantity)
        return " "

    return pattern.sub(taken, text)


def _date(year: str | None, month: int, day: str | None) -> Quantity:
    kind = "date" if year else "day of the year"
    return Quantity(kind, int(year or 0) * 372 + month * 31 + int(day or 0))


def _measured(match: re.Match[str]) -> Quantity | None:
    value, unit = _value(match["number"]), match["unit"] or ""
    if value is None:
        return None
    if match["sign"]:
        return Quantity(_SIGNS.get(match["sign"], match["sign"].upper()), value, bound=_bound(match))
    for pattern, days in _TIMES.items():
        if re.fullmatch(pattern, unit):
            return Quantity("time", value * days, pattern, bound=_bound(match))
    for kind, pattern in _MEASURES.items():
        if re.fullmatch(pattern.replace(r"\b", ""), unit):
            signed = -value if match["minus"] and kind == "°" else value
            return Quantity(kind, signed, bound=_bound(match))
    return None


def _counted(match: re.Match[str]) -> Quantity | None:
    value = _value(match["number"])
    if value is None or match["number"] == "一":
        return None
    return Quantity("count", value, of=stem(match["of"] or ""), bound=_bound(match))


def _bound(match: re.Match[str]) -> Bound:
    before = match.string[max(match.start() - _WINDOW, 0) : match.start()]
    if _LEAST.search(before) or _LEAST_AFTER.match(match.string, match.end()):
        return "least"
    return "most" if _MOST.search(before) else ""


def _value(number: str) -> float | None:
    if number in _WORDS:
        return float(_WORDS[number])
    if number[0].isdigit():
        plain = number.replace(",", "")
        return float(plain) if plain.count(".") < 2 else None  # a version
    return 1.0 if number == "one" else float(_read_han(number))


def _read_han(number: str) -> int:
    total = digit = 0
    for character in number:
        if character in _TENS:
            total += (digit or 1) * _TENS[character]
            digit = 0
        else:
            digit = digit * 10 + _HAN[character]  # such as 二零二六
    return total + digit


_UNIT = "|".join(
    [rf"(?:{pattern})(?![a-z])" for pattern in _TIMES] + [f"(?:{pattern})" for pattern in _MEASURES.values()]
)
# In this order: what one has read is no number for the next.
_READERS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (_NO_COUNT, lambda _: None),
    (ORDINAL, lambda _: None),
    (
        re.compile(r"(?:\+|\b00)\d[\d().\- …]*|\b\d{3,4}-\d{3,4}-\d{3,4}\b"),
        lambda m: Quantity("telephone", float("".join(filter(str.isdigit, m.group())))),
    ),
    (
        re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b"),
        lambda m: _date(m[1], int(m[2]), m[3]),
    ),
    (
        re.compile(r"(?:(\d{4})年)?(\d{1,2})月(?:(\d{1,2})[日号])?"),
        lambda m: _date(m[1], int(m[2]), m[3]),
    ),
    (
        re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? {_MONTH}(?:,? (\d{{4}}))?\b"),
        lambda m: _date(m[3], _MONTHS[m[2]], m[1]),
    ),
    (
        re.compile(rf"{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b"),
        lambda m: _date(m[3], _MONTHS[m[1]], m[2]),
    ),
    (re.compile(r"\b(\d{1,2}):(\d{2})\b"), lambda m: Quantity("clock", int(m[1]) * 60 + int(m[2]))),
    (
        re.compile(r"\b(\d{1,2}) ?([ap])\.?m\b\.?"),
        lambda m: Quantity("clock", (int(m[1]) % 12 + 12 * (m[2] == "p")) * 60),
    ),
    (re.compile(r"[a-z]+[-_]?\d[a-z0-9]*(?:[-.]\d+)*|\d+(?:\.\d+){2,}"), lambda _: None),
    (re.compile(rf"百分之(?P<number>{_NUMERAL})"), lambda m: Quantity("%", _value(m["number"]) or 0)),
    (
        re.compile(
            rf"(?P<minus>(?<![\w°])[-−])?(?:(?P<sign>{_SIGN}) ?)?"
            rf"(?P<number>{_NUMERAL}|\bone)[ -]?(?P<unit>{_UNIT})"
        ),
        _measured,
    ),
    (
        re.compile(rf"(?P<sign>{_SIGN}) ?(?P<number>{_NUMERAL})(?P<unit>)(?P<minus>)"),
        _measured,
    ),
    (
        re.compile(rf"(?P<number>{_NUMERAL})(?: ?(?P<of>[a-z]+|[\u4e00-\u9fff]))?"),
        _counted,
    ),
)
