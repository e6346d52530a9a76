"""What a message asks, out of what people write around it: letters, greetings, words of one who speaks; pure.

A search reads every word, and a greeting with a signature outweighs the one question between them. Where
nothing is around a question it stays as it is, letter by letter.
"""

import re

from assistant.question_words import names_nothing
from assistant.small_talk import SmallTalk, kind_of
from knowledge.text import normalise

LINES_OF_A_LETTER = 3
LONGEST_SALUTATION = 60  # characters of a line

_SALUTATION = re.compile(
    r"(dear|hi|hello|hey|good (morning|afternoon|evening|day)|to whom it may concern)\b[^?？]*"
    r"|(尊敬的|敬爱的|亲爱的)[^?？]*|(你好|您好|各位好|大家好)[^?？]*"
)
_CLOSING = re.compile(
    r"(((with |many |kind |kindest |best |warm |warmest )+(and )?)*(thanks|thank you|regards|wishes"
    r"|greetings)"
    r"( (in advance|and|kind|best|warm|for your \w+|regards|thanks|so much|very much|again))*"
    r"|best|cheers|sincerely|(yours|respectfully)( \w+)?|sent from (my )?\w+( \w+)*|get outlook for \w+"
    r"|looking forward to .*|-- ?|[-_*=]{2,}"
    r"|此致|敬礼|顺祝.*|祝好|祝.{0,6}(安好|愉快|顺利|安|祺)|谢谢|多谢|感谢|盼复|期待.{0,6}回复"
    r"|发自我的.*|来自.{0,8}手机)[,.!，。！]*"
)
_ASKS_AT_ONCE = re.compile(r"[?？]")

_SPOKEN = r"(?:um+|uh+|erm*|hmm+)"
_OPENS_EN = re.compile(
    rf"(?:(?:{_SPOKEN}|yeah|yes|hi|hello|hey|ok(?:ay)?|so|well|like|you know|just|i(?: was|'m"
    rf"| am) (?:just )?wondering"
    r"(?: if| whether)?|i (?:just )?wanted to ask(?: you)?)(?:[ ,.]+|$))+",
    re.IGNORECASE,
)
_WITHIN_EN = re.compile(rf"\b(?:{_SPOKEN}|(?:like )?you know)\b[ ,]*", re.IGNORECASE)
_SPOKEN_EN = re.compile(rf"\b{_SPOKEN}\b", re.IGNORECASE)
_ONE_ZH = (
    r"喂+|嗯+|呃+|额+|哦+|噢+|那个|就是说?|然后|你好|您好|我?想请?问一?下?|请问一?下?"
    r"|麻烦问一?下?|我?想咨询一?下?"
)
_OPENS_ZH = re.compile(rf"(?:(?:{_ONE_ZH})[,，、 ]*){{2,}}|(?:[喂嗯呃]+)[,，、 ]*")
_MARKS = r"[,.!?;，。！？；～…\n]"
_PART_ENDS = re.compile(rf"(?<={_MARKS})(?!{_MARKS})|(?<=[\u4e00-\u9fff])(?=[ \u3000]+[\u4e00-\u9fff])")
_AT_THE_HEAD = frozenset({SmallTalk.GREETING, SmallTalk.THANKS, SmallTalk.FINE, SmallTalk.UNHELPED})
_AT_THE_END = frozenset({SmallTalk.THANKS, SmallTalk.FINE})


def asked_in(text: str) -> str:
    """Return what ``text`` asks without what stands around it; all of it where nothing else would be left."""
    bare = _unspoken(_without_small_talk(_body_of_letter(text)))
    return bare if any(character.isalnum() for character in bare) else text


def _body_of_letter(text: str) -> str:
    """Return what a letter asks; a text without salutation and closing is none, and stays."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < LINES_OF_A_LETTER:
        return text
    kept = list(lines)
    if len(kept[0]) <= LONGEST_SALUTATION and _SALUTATION.fullmatch(normalise(kept[0])):
        kept = kept[1:]
    end = next((at for at, line in enumerate(kept) if at and _CLOSING.fullmatch(normalise(line))), len(kept))
    if end == len(kept) and len(kept) == len(lines):
        return text
    body = "\n".join(kept[:end])
    return " ".join(_asking(_sentences(body))) or body


def _asking(sentences: list[str]) -> list[str]:
    """Return those that ask; with one that names nothing ("What now?"), what was told before it."""
    kept: list[str] = []
    told: list[str] = []
    for sentence in sentences:
        told.append(sentence.strip())
        if _ASKS_AT_ONCE.search(sentence):
            kept += told if names_nothing(sentence) else told[-1:]
            told = []
    return kept


def _sentences(body: str) -> list[str]:
    return [one for one in re.split(r"(?<=[?？。！!])|(?<=\.)\s+|\n", body) if one.strip()]


def _without_small_talk(text: str) -> str:
    """Drop greetings, thanks and complaints before what is asked, and thanks behind it."""
    parts = [part for part in _PART_ENDS.split(text) if part]
    first, end = 0, len(parts)
    while first < end and _kind(parts[first]) in _AT_THE_HEAD:
        first += 1
    while end > first and _kind(parts[end - 1]) in _AT_THE_END:
        end -= 1
    if (first, end) == (0, len(parts)) or first == end:
        return text
    return "".join(parts[first:end]).strip().rstrip(",;，；、")


def _kind(part: str) -> SmallTalk | None:
    return kind_of(" ".join(re.sub(r"[,.!?;，。！？；～…\n]+", " ", normalise(part)).split()))


def _unspoken(text: str) -> str:
    """Drop the words with which somebody who speaks wins time; a typed message has none."""
    opening = _OPENS_EN.match(text)
    if opening and (_SPOKEN_EN.search(opening.group()) or len(opening.group().split()) > 2):
        text = text[opening.end() :]
    if _SPOKEN_EN.search(text):
        text = _WITHIN_EN.sub("", text)
    opening = _OPENS_ZH.match(text)
    return (text[opening.end() :] if opening else text).strip()
