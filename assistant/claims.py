"""Does a draft say only what its sources say? Pure, and suspicious: what is not found is refused.

A draft is refused for a number, unit, name, address, negation, promise or cause that its sources do not have,
for a sentence that they do not carry or that only the question does ("yes, you can stop paying in winter"),
for another language, and for more words than were needed. A good draft may be refused, too; then the source's
own words are shown, which is never wrong.
"""

import re
from collections.abc import Iterator, Sequence

from knowledge.sentences import split_sentences
from knowledge.text import SMALL_WORDS, Language, normalise, share_of_han, tokens

CARRIED = 0.6  # of a sentence's words that the sources, or the question, must hold
CARRIED_BY_SOURCES = 0.45  # of those that say something: what a question supposes is no fact
MOST_LONGER = 1.5  # times its sources, and…
ROOM = 80  # …so many characters more

_NUMBER = re.compile(r"(?<![a-z])(?<![a-z]-)(?<!\d)[-−]?\d+(?:[.,]\d+)*")  # no part of HL-30
_NUMBER_WORDS: dict[str, str] = {
    **{w: str(n) for n, w in enumerate("zero one two three four five six seven eight nine ten".split())},  # noqa: SIM905
    **{w: str(n) for n, w in enumerate("eleven twelve thirteen fourteen fifteen sixteen".split(), 11)},  # noqa: SIM905
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "hundred": "100",
    "thousand": "1000",
    "million": "1000000",
    "half": "0.5",
    "twice": "2",
    "double": "2",
}
_HAN_NUMBERS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "十": 10, "百": 100}
_HAN_NUMBERS |= {"千": 1_000, "万": 10_000}
_HAN_COUNT = re.compile(
    r"([零一二两三四五六七八九十百千万]+)(?=[个位天年月日周次小分秒元块倍支台节张封米度级点条])"
)
_UNITS: tuple[tuple[str, str], ...] = (
    (r"°c|℃|degrees?|度", "degree"),
    (r"%|percent|per cent", "percent"),
    (r"working days?|business days?|个?工作日", "working day"),
    (r"days?|天|日", "day"),
    (r"hours?|h\b|个?小时", "hour"),
    (r"minutes?|min\b|分钟", "minute"),
    (r"seconds?|sec\b|s\b|秒", "second"),
    (r"weeks?|周", "week"),
    (r"months?|个?月", "month"),
    (r"years?|年", "year"),
    (r"eur\b|euros?|€|欧元", "euro"),
    (r"usd\b|dollars?|\$|美元", "dollar"),
    (r"cny\b|rmb|yuan|元|人民币", "yuan"),
    (r"km\b|m\b|cm\b|met(er|re)s?|公里|厘米|米", "metre"),
)
_UNIT_AFTER = re.compile(r"\s*(?:" + "|".join(f"(?P<u{i}>{p})" for i, (p, _) in enumerate(_UNITS)) + ")")
_NAME = re.compile(r"[A-Z][\w&-]*(?:\s+[A-Z][\w&-]*)*|\b\w*\d\w*[A-Za-z]\w*\b|\b[A-Za-z]\w*\d\w*\b")
_ADDRESS = re.compile(
    r"https?://\S+|\b[\w.+-]+@[\w-]+\.\w+|\b(?:www\.)?[\w-]+\.(?:com|org|net|io|cn|example)\b", re.IGNORECASE
)
_QUOTED = re.compile(r"[“\"《「]([^”\"》」]{1,80})[”\"》」]")
_PROMISE = re.compile(
    r"\b(guarantee[ds]?|promise[ds]?|refund(ed|s)?|compensat\w+|free( of charge)?|always|never|immediately"
    r"|at once|we will|i will|we'll|i'll|will be (sent|called|contacted|refunded|replaced)|for sure|certainly"
    r"|discount|unlimited|forever|best|all|any(body|one|thing)?|every\w*|only|must)\b"
    r"|保证|承诺|一定|退款|退还|赔偿|赔付|免费|马上|立即|立刻|永久|随时|无限|必须|所有|任何|折扣|打折|我们会|我会|将会"
)
_CAUSE = re.compile(r"\b(because|due to|caused?( by)?|since|therefore|so that)\b|因为|由于|导致|因此|所以")
_COUNTER_ZH = re.compile(r"\s?([\u4e00-\u9fff])")
_NEGATION = re.compile(
    r"\b(not|no|never|none|cannot|can't|don't|doesn't|isn't|aren't|won't|without|nobody|nothing)\b|不|没|無|无|非|勿|未|禁止"
)
_PLACEHOLDER = re.compile(
    r"\[(NAME|EMAIL|PHONE|NUMBER|ADDRESS)\]|<\|?\w+\|?>|\bAs an AI\b|作为.{0,6}(AI|人工智能)", re.IGNORECASE
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:：。！？\n]\s*|[-*]\s+|\d+[.)]\s+|[“\"(]\s*)$")
_SMALL_NAMES = frozenset({"i", "you", "yes", "no", "ok", "please", "the", "if", "it", "note"})


def refuse(draft: str, *, sources: Sequence[str], question: str, language: Language) -> str:
    """Return why ``draft`` must not be shown, or nothing when all it says stands in ``sources``.

    ``question`` may lend words and names to a sentence, but no number, unit, promise, cause or negation.
    """
    text, source = draft.strip(), "\n".join(sources)
    checks = (
        _about_form(text, source, language),
        *(f"number {one}" for one in sorted(_numbers(text) - _numbers(source))),
        *(f"unit {one}" for one in sorted(_measures(text) - _measures(source))),
        *(f"count {one}" for one in _miscounted(text, source)),
        *(f"address {one}" for one in _missing(_ADDRESS, text, source)),
        *(f"promise {one}" for one in _missing(_PROMISE, text, source)),
        *(f"cause {one}" for one in _missing(_CAUSE, text, source)),
        *_names_missing(text, source, question),
        *_sentences_not_carried(text, sources, question),
    )
    return next((one for one in checks if one), "")


def _about_form(text: str, source: str, language: Language) -> str:
    if not text:
        return "nothing written"
    if _PLACEHOLDER.search(text):
        return "a placeholder"
    if len(text) > MOST_LONGER * len(source) + ROOM:
        return "too long"
    written: Language = "zh" if share_of_han(text) > 0.3 else "en"
    return "" if written == language else "another language"


def _numbers(text: str) -> set[str]:
    plain = normalise(text)
    found = {_value(match.group()) for match in _NUMBER.finditer(plain)}
    found |= {_NUMBER_WORDS[word] for word in re.findall(r"[a-z]+", plain) if word in _NUMBER_WORDS}
    return (
        found
        | {_han_value(match.group(1)) for match in _HAN_COUNT.finditer(plain)}
        | ({"1"} if re.search(r"\bone\b|\bsingle\b|\ba\b|\ban\b|一", plain) else set())
    )


def _value(number: str) -> str:
    plain = number.replace("−", "-")
    plain = re.sub(r",(?=\d{3}\b)", "", plain).replace(",", ".")
    whole, dot, rest = plain.partition(".")
    rest = rest.rstrip("0")
    return f"{whole.lstrip('-')}{dot}{rest}" if rest else whole.lstrip("-")


def _han_value(number: str) -> str:
    total = part = 0
    for character in number:
        value = _HAN_NUMBERS[character]
        if value >= 10:
            total, part = total + (part or 1) * value, 0
        else:
            part = value
    return str(total + part)


def _measures(text: str) -> set[str]:
    """Return each number with the unit that follows it, as ``30 minute``."""
    plain = normalise(text)
    found = set()
    for match in _NUMBER.finditer(plain):
        unit = _UNIT_AFTER.match(plain, match.end())
        if unit is not None:
            which = next(i for i in range(len(_UNITS)) if unit.group(f"u{i}"))
            found.add(f"{_value(match.group())} {_UNITS[which][1]}")
    return found


def _miscounted(text: str, source: str) -> list[str]:
    """Return the numbers that count something else in the source: five times are no five years.

    A number that stands alone, in a table say, may count whatever the source speaks of.
    """
    claimed, there, plain = _counters(text), _counters(source), normalise(source)
    return sorted(
        f"{number} {counter}"
        for number, counters in claimed.items()
        for counter in counters - there.get(number, set()) - {""}
        if "" not in there.get(number, {""}) or counter not in plain
    )


def _counters(text: str) -> dict[str, set[str]]:
    """Return for each number what follows it, the first character of it; nothing where it stands alone."""
    plain = normalise(text)
    found: dict[str, set[str]] = {}
    for match in _NUMBER.finditer(plain):
        counter = _COUNTER_ZH.match(plain, match.end())
        found.setdefault(_value(match.group()), set()).add(counter.group(1) if counter else "")
    return found


def _missing(pattern: re.Pattern[str], text: str, source: str) -> list[str]:
    plain, there = normalise(text), normalise(source)
    return sorted({m.group() for m in pattern.finditer(plain)} - {m.group() for m in pattern.finditer(there)})


def _names_missing(text: str, source: str, question: str) -> Iterator[str]:
    known = set(re.findall(r"[\w-]+", normalise(f"{source}\n{question}")))
    for match in _NAME.finditer(text):
        for word in match.group().split():
            plain = normalise(word)
            starts = match.group().startswith(word) and _SENTENCE_START.search(text[: match.start()])
            if plain in known or plain in _SMALL_NAMES or (starts and word.isalpha() and not word.isupper()):
                continue
            yield f"name {word}"
    there = normalise(source)
    for match in _QUOTED.finditer(text):
        if normalise(match.group(1)) not in there:
            yield f"quotation {match.group(1)}"


def _sentences_not_carried(text: str, sources: Sequence[str], question: str) -> Iterator[str]:
    """Yield the sentences whose words the sources do not hold, or that deny what they say.

    A draft that only says the question again is no answer, either.
    """
    pieces = [sentence.text for source in sources for sentence in split_sentences(source)]
    whole, asked = set(tokens("\n".join(sources))), set(tokens(question))
    for sentence in split_sentences(text):
        words = set(tokens(sentence.text))
        if len(words) < 2:
            continue
        if len(words & (whole | asked)) < CARRIED * len(words):
            yield f"not in the sources: {sentence.text[:60]}"
            continue
        telling = (words - SMALL_WORDS) or words
        if len(telling & whole) < CARRIED_BY_SOURCES * len(telling):
            yield f"only in the question: {sentence.text[:60]}"
            continue
        nearest = max(pieces, key=lambda piece: len(words & set(tokens(piece))), default="")
        if bool(_NEGATION.search(normalise(sentence.text))) != bool(_NEGATION.search(normalise(nearest))):
            yield f"denies its source: {sentence.text[:60]}"
    if not (set(tokens(text)) & whole) - asked:
        yield "nothing of the sources"
