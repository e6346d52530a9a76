"""With which words something is asked, and what of a question is left without them; pure."""

import re

from knowledge.text import SMALL_WORDS, guess_language, normalise, stem, tokens

WHAT_ZH = (
    r"怎|什么|哪|多少|多久|多长|多大|多高|多远|之几|(?<![十好])几[个天点次台支号年月周元块位条种折小秒分层米度份家款楼件岁]"
    r"|如何|为何|谁|啥|咋"
)
ASKS_ZH = rf"{WHAT_ZH}|吗|么\??$|能否|是否|可否|(?P<doubled>.)[不没](?P=doubled)|可不可以"
CHARACTERS_OF_A_NAME = 2  # one Chinese character is a deed without a thing: "怎么装", "能退吗"
CHARACTERS_OF_LITTLE = 3
CHARACTERS_SHARED = 2  # that need not stand together, for a Chinese text to speak of the same
# Words with which nothing new is asked, whatever stands before them.
_EMPTY_EN = frozenset(
    stem(word)
    for word in """
    should what do now help happen mean right really serious seriously ok okay true possible allowed much many
    long often far fast else know tell please thanks so correct sure next possibly maybe question questions
    ask works way want need like happy kindly yes no going deal matter wrong
    """.split()  # noqa: SIM905  prose reads better here
)
_EMPTY_ZH = re.compile(
    r"怎么|怎样|什么|多少|多久|多长|哪[里儿个些种款]?|如何|为[什何]|是否|能否|可否|时候|以内|之内|处理|解决|可以|应该|需要|问题"
    r"|请问|[吗呢啊呀吧么嘛的了在我你您们请问想该应办做弄搞钱好行对得这那它个一下也都还就又再是不有没能会要可几谁说真]"
)


def words_of(clause: str) -> set[str]:
    """Return the stems of what an English clause is about."""
    return {word for word in tokens(clause) if word not in SMALL_WORDS} - _EMPTY_EN


def characters_of(clause: str) -> str:
    """Return the characters of what a Chinese clause is about."""
    return "".join(one for one in _EMPTY_ZH.sub("", normalise(clause)) if one.isalnum())


def names_nothing(text: str) -> bool:
    """Tell whether a text only asks, of what was named elsewhere: "how much is it?", "要多久", "怎么装"."""
    if guess_language(text) == "zh":
        return len(characters_of(text)) < CHARACTERS_OF_A_NAME
    return not words_of(text)


def names_little(text: str) -> bool:
    """Tell whether a text has so few words of its own that more were said before: "超过了还会发吗"."""
    if guess_language(text) == "zh":
        return len(characters_of(text)) <= CHARACTERS_OF_LITTLE
    return len(words_of(text)) <= 1


def shares_words(text: str, passage: str) -> bool:
    """Tell whether ``passage`` speaks of something that ``text`` is about, in the same words."""
    if guess_language(text) != "zh":
        return not words_of(text).isdisjoint(tokens(passage))
    own, said = characters_of(text), normalise(passage)
    shared = {one for one in own if one in said}
    return len(shared) >= min(CHARACTERS_SHARED, len(set(own)) or CHARACTERS_SHARED)


def names_of(text: str) -> set[str]:
    """Return the names in a text: stems of English words, pairs of Chinese characters, none that only ask."""
    said = _EMPTY_ZH.sub(" ", normalise(text))
    return {word for word in tokens(said) if len(word) > 1 and word not in SMALL_WORDS} - _EMPTY_EN
