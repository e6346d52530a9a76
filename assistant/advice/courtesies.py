"""What people say around what they want: greetings, who they are, thanks, their names below; pure.

Told by short lists of phrases in both languages, which leave in what they do not know: a wish is never cut.
"""

import re

_GREETING = re.compile(
    r"\s*(?:(?:hello|hi|hey|dear|good (?:morning|afternoon|evening))"
    r"(?: (?:there|all|everyone|everybody|again|to|you|and|or|sir|madam|team|support"
    r"|customer|friends?|colleagues?|(?-i:[A-Z])[\w.'’-]*)){0,5}\s*(?:[,!:]|\.(?=\s|$)|\n|$)"
    r"|(?:尊敬的|亲爱的)?[^，,。！!？?：:\s]{0,12}"
    r"(?:您好|你好|早上好|上午好|中午好|下午好|晚上好)[，,。！!：:～~]?)\s*",
    re.IGNORECASE,
)
# "My name is Ida Lo from Lo Foods." goes; of "I am at the gate" or 我是想问… nothing does.
_NAME_EN = r"[A-Z][\w'’.-]*(?: (?:[A-Z][\w'’.-]*|de|van|von|der|da|di|bin|al))*"
_WHENCE_EN = r"(?: (?:from|at|of|with) [^.!?,;:\n]{1,60})?"
_WHO = re.compile(
    rf"\s*(?:(?:(?i:my name is|this is|i am|i'm|i’m|here is) {_NAME_EN}|{_NAME_EN} here){_WHENCE_EN}"
    r"(?:[.,!;:]|\n|$| and (?=\w))"
    r"|我(?:是|叫)(?![^，,。！!\n]{0,3}(?:想|要|在|说|不|来|问|用|买|有|刚|从|否|因|一))"
    r"[^，,。！!？?\n]{1,25}(?:[，,。！!]|\n|$))\s*"
)
_SIGNATURE = re.compile(
    r"\n\s*(?:(?:best|kind|warm|many) (?:regards|wishes|greetings)|regards"
    r"|yours (?:sincerely|faithfully|truly)|sincerely(?: yours)?|cheers"
    r"|此致|敬礼|祝好|顺祝商祺|祝(?:您)?(?:生活|工作|一切)(?:愉快|顺利))"
    r"\s*[,.!，。！]?\s*(?:\n[^\n]{0,80}){0,5}\s*$",
    re.IGNORECASE,
)
_SIGNED_IN_LINE = re.compile(r"(?<=[.!?。！？])\s*(?:best|kind|warm) regards,?[^.!?\n]{0,60}$", re.IGNORECASE)
_SETTLED = re.compile(
    r"\b(?:thanks?|thank you|cheers|works (?:now|again|fine)|(?:that|it|this) works|solved|sorted|all good)\b"
    r"|谢谢|多谢|感谢|解决了|(?:可以|能用|正常|好)了|没问题了",
    re.IGNORECASE,
)
_NOT_SETTLED = re.compile(
    r"\b(?:not?|n[o']t|but|still|however|yet|never|before|in advance|please|need)\b|n['’]t\b"
    r"|不|没(?!问题)|但|还|可是|请(?!放心)|麻烦|提前",
    re.IGNORECASE,
)


def opening_of(text: str) -> int:
    """Return where a text comes to its matter: behind greetings and behind who the writer is."""
    place = 0
    while match := _GREETING.match(text, place) or _WHO.match(text, place):
        if match.end() == place:
            break
        place = match.end()
    return place


def without_greeting(text: str) -> str:
    """Return a text without the greeting it opens with; the whole where nothing else is in it."""
    match = _GREETING.match(text)
    return _begun(text[match.end() :]) or text if match else text


def without_opening(text: str) -> str:
    """Return a text from its matter on; the whole where nothing else is in it."""
    place = opening_of(text)
    return _begun(text[place:]) or text if place else text


def _begun(text: str) -> str:
    """Return what is left of a sentence as one that begins."""
    return text[:1].upper() + text[1:]


def without_signature(text: str, name: str = "") -> str:
    """Return a text without the farewell and the names below it, and without ``name`` at its end."""
    bare = _SIGNED_IN_LINE.sub("", _SIGNATURE.sub("", text)).rstrip()
    if name and bare.endswith(name):
        bare = bare.removesuffix(name).rstrip(" \n\t-–—,，")
    return bare if bare.strip() else text


def says_it_is_settled(text: str) -> bool:
    """Tell whether a sentence thanks or says that it works now, and neither asks nor objects."""
    asks = "?" in text or "？" in text
    return not asks and bool(_SETTLED.search(text)) and not _NOT_SETTLED.search(text)
