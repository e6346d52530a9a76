"""Read which kind of fact a question asks for, and which a sentence or table row holds; zh and en. Pure.

"What does it cost?" shares no word with "| Three points | 45 EUR |", and the encoder finds sentences about
paying nearer: that there is an amount of money says that it may be the answer. "How do I return a device?"
has more words in common with what stands under "What cannot be returned?" than with the steps.
"""

import re
from collections.abc import Mapping
from typing import Literal

from knowledge.quantities import read_quantities
from knowledge.text import normalise

Fact = Literal[
    "money",
    "charge",
    "length of time",
    "moment",
    "share",
    "count",
    "temperature",
    "distance",
    "weight",
    "voltage",
    "way",
]

_AMOUNT = "钱|元|块|美元|美金|欧元|英镑|人民币"
_TIME = "seconds?|minutes?|hours?|days?|weeks?|months?|years?"
_HAN_TIME = "秒|分钟|个?小时|个?钟头|天|日|个?工作日|周|个?星期|个?礼拜|个?月|年"
_WHEN = r"^(?:(?:and|but|so|until|since|by|from) )?when\b(?!.{0,200},)|[,;] when\b|什么时候|何时"
_HOW_MUCH = r"多少[?!.。]*$"  # of what it does not say
# What a question says where it asks for a fact of the kind; one may ask for several. Gaps are bounded: a long
# message costs no more than its length.
_ASKED: Mapping[Fact, re.Pattern[str]] = {
    "money": re.compile(
        r"\bhow much (?:is|are|do|does|did|will|would|must|should|for)\b(?! .{0,60}\b(?:cheaper|time)\b)"
        r"|\b(?:what|which)\b.{0,60}\b(?:costs?|price|pay|fees?|charged?)\b"
        r"|\bin (?:us )?(?:dollars|euros|yuan)\b"
        rf"|多少(?:{_AMOUNT})|几[块元]|[收付花交](?:多少|几)|(?:怎么|如何)(?:收费|计费|收钱|算钱)"
        rf"|(?:费用?|价格?|价钱|钱)(?:是|要|怎么|如何)?(?:多少|几|算)|{_HOW_MUCH}"
    ),
    "charge": re.compile(  # whether any
        r"\b(?:costs?|charged?|pay) (?:me |us )?(?:extra|anything|money)\b"
        r"|\b(?:is|are) there an? (?:fee|charge)\b"
        r"|要(?:不要)?(?:另外)?[付花交]?[钱费]|收(?:不收)?[费钱]"
    ),
    "length of time": re.compile(
        rf"{_WHEN}|\bhow (?:long|often|soon|fast|quickly)\b|\bwhat .{{0,60}}\b(?:delay|interval|period)\b"
        rf"|\bhow (?:many|much) (?:[a-z]+ )?(?:{_TIME}|times?)\b"
        rf"|多久|多长(?:的)?时间|(?:几|多少)(?:{_HAN_TIME})|几次|多少次|多快|{_HOW_MUCH}"
    ),
    "moment": re.compile(rf"{_WHEN}|\b(?:what|which) (?:time|hour|day|date)\b|\bby when\b|几点|几号|哪一?天"),
    "share": re.compile(
        r"\bdiscount|\bpercent|\bhow much (?:cheaper|less|of)"
        r"|\b(?:what|which)\b.{0,60}\b(?:share|part|percentage|rate)\b"
        rf"|百分之几|税率|优惠|折扣|打几?折|几折|个点|{_HOW_MUCH}"
    ),
    "count": re.compile(
        rf"\bhow many\b(?! (?:[a-z]+ )?(?:{_TIME})\b)|\bwhat .{{0,60}}\b(?:limit|number|maximum|minimum)\b"
        rf"|多少(?!{_AMOUNT}|{_HAN_TIME})|几(?!{_HAN_TIME}|[点号折块元乎])"
    ),
    "temperature": re.compile(
        r"\b(?:what|which) .{0,60}\btemperatures?|\bhow (?:cold|warm|hot)\b|多少度|几度|多[冷热]"
    ),
    "distance": re.compile(
        r"\bhow (?:high|far|deep|wide|tall|large|big|close|near)\b|多[高远深宽大]|几米|多少米"
    ),
    "weight": re.compile(r"\bhow heavy\b|\bweighs?\b|\bweight\b|多重|重量|(?:几|多少)(?:公斤|千克|克|斤)"),
    "voltage": re.compile(r"\bvolt(?:s|age)\b|电压|多少伏"),
}
# Where no fact is asked for: a way to do something. All that is said may be one, but for what cannot be done.
_WAY = re.compile(
    r"\bhow (?:do|can|could|should|would|must) (?:i|we|you|one)\b(?! know\b)|\bhow to\b"
    r"|(?:怎么|如何|怎样)(?!样|回事|会|不|没|这|那|是|了)"
)
_CANNOT = re.compile(r"\b(?:cannot|can'?t|not|never)\b|不(?:能|可|予|得|包|保|支持)|无法")
_OF_QUANTITY: Mapping[str, Fact] = {
    **dict.fromkeys(("USD", "EUR", "GBP", "CNY"), "money"),
    **dict.fromkeys(("date", "day of the year", "clock"), "moment"),
    **dict.fromkeys(("m", "cm", "mm", "km"), "distance"),
    "kg": "weight",
    "time": "length of time",
    "%": "share",
    "°": "temperature",
    "count": "count",
}
# What states a fact of the kind without a number, or in a unit that is not counted with.
_STATED: Mapping[Fact, re.Pattern[str]] = {
    "charge": re.compile(
        r"\bfree\b|\bno (?:[a-z]+ )?(?:charge|fee|cost)\b|\bcosts? nothing\b|免费|不收|不要钱"
    ),
    "length of time": re.compile(
        r"\b(?:hourly|daily|weekly|monthly|yearly|at once|immediately)\b|每[小天周月年]|立即|马上"
    ),
    "moment": re.compile(
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\bat once\b|\b(?:after|before|until|as soon as)\b"
        r"|周[一二三四五六日]|星期[一二三四五六日天]|每[天周月年]|立即|[之以][前后]"
    ),
    "weight": re.compile(r"\d ?(?:g|grams?|kilos?|lbs?|pounds?|公斤|千克|克|斤|吨)(?![a-z])"),
    "voltage": re.compile(r"\d ?(?:v|volts?|伏)(?![a-z])"),
}
_MARKER = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)、])\s+")  # counts steps, and nothing else


def facts_asked(question: str) -> frozenset[Fact]:
    """Return the kinds of fact that a question asks for, or that it asks for a way; none for "Why …?".

    Of several lines the last one that asks for any says: a follow-up stands below the question that it
    follows, "要多久？" below "三点校准一支多少钱？", and asks for a time, no more for a price.
    """
    for line in reversed(normalise(question).splitlines()):
        asked = frozenset(fact for fact, pattern in _ASKED.items() if pattern.search(line))
        if asked:
            return asked
        if _WAY.search(line):
            return frozenset({"way"})
    return frozenset()


def facts_held(text: str, table_head: str = "") -> frozenset[Fact]:
    """Return the kinds of fact that a sentence, an item or a row under a ``table_head`` holds."""
    whole = _with_heads(text, table_head) if table_head else _MARKER.sub("", text, count=1)
    held = {_OF_QUANTITY[one.kind] for one in read_quantities(whole) if one.kind in _OF_QUANTITY}
    plain = normalise(whole)
    held |= {fact for fact, pattern in _STATED.items() if pattern.search(plain)}
    return frozenset(held | {"charge"} if "money" in held else held)


def may_hold_a_way(heading: str) -> bool:
    """Say whether what stands under a heading may be a way to do something, and not what cannot be done."""
    plain = normalise(heading)
    return bool(_WAY.search(plain)) or not _CANNOT.search(plain)


def _with_heads(row: str, table_head: str) -> str:
    """Write each cell of a row before what stands over it, and before what stands at the head of the row.

    A bare 45 under EUR, or after "Price EUR", is 45 EUR.
    """
    cells, heads = (
        [cell.strip() for cell in line.strip().strip("|").split("|")] for line in (row, table_head)
    )
    under = [f"{cell} {head}" for cell, head in zip(cells, heads, strict=False)]
    return "\n".join([*under, *(f"{cell} {word}" for cell in cells[1:] for word in cells[0].split())])
