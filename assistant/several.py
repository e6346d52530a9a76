"""The questions of one message, each as it was asked; pure.

Told by rules that rather leave a message whole: whatever is not clearly a question of its own stays with the
one it belongs to. What happened stays with the question after it ("the light is red. What should I do?"), and
what leans on a question ("does it work on iOS?"), narrows it ("I mean the HL-50") or asks nothing new
("is that possible?") with the one before it. What is told besides is left out.
"""

import itertools
import re
from dataclasses import dataclass

from assistant.letters import asked_in
from assistant.question_words import ASKS_ZH, WHAT_ZH, characters_of, words_of
from assistant.small_talk import SPACE_ZH, clauses, kind_of, wished_language
from knowledge.sentences import split_sentences
from knowledge.text import guess_language, normalise

MOST_SERVED = 4  # questions of one message that are looked up
LONGEST_SPLIT = 2_000  # characters; of a longer text nobody can tell by rules what it asks
LONGEST_LETTER = 4_000  # with what stands around its questions
LONGEST_CUT = 300  # characters of a sentence that is cut at its commas: a longer one tells more than it asks
WORDS_OF_A_CLAUSE = 2  # that carry meaning; a question behind a comma with fewer leans on what stands before
CHARACTERS_OF_A_CLAUSE = 2  # the same in Chinese
FAR_FROM_THE_START = 3  # words that carry meaning; a pronoun behind so many speaks of one of them

_WH = r"(?:how|what|when|where|which|who|whom|whose|why)"
_AUXILIARY = (
    r"(?:can|could|may|might|do|does|did|is|are|was|were|will|would|should|shall|must|has|have|had)(?:n't)?"
)
_SUBJECT = (
    r"(?:i|we|you|he|she|it|they|there|the|an?|my|our|your|their|this|that|these|those|any\w*|every\w*|each"
    r"|some\w*|all|people|customers|users)\b"
)
_INTO = (
    r"(?:(?:please|also|and|so|but|then|well|ok(?:ay)?|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly"
    r"|(?:(?:can|could|would) you |please )?(?:tell|let) (?:me|us)(?: know)?|(?:i|we)(?:'d| would)?"
    r" (?:also )?(?:like|want|need)(?:ed)? to (?:know|ask)(?: you)?|(?:i|we)(?:'m| am| are|'re| was| were)? "
    r"(?:also )?wonder(?:ing)?(?: if)?|do you know|(?:up )?to|for|in|on|at|from|until|since|by|with)[ ,:]+)*"
)
_TELLS_WHEN = rf"(?!(?:when|where) (?!{_AUXILIARY}\b|to\b))"  # "when it rains": no question
_ASKS_EN = re.compile(
    rf"^{_INTO}{_TELLS_WHEN}(?:{_WH}\b|{_AUXILIARY} \w)"
    rf"|[,:;] ?{_INTO}{_TELLS_WHEN}(?:{_WH}\b|{_AUXILIARY} {_SUBJECT}|{_AUXILIARY} \w.*\?$)"
)
_ASKS_WITHIN_EN = re.compile(rf"\b{_WH}\b")
_ASKS_WHAT_ZH = re.compile(WHAT_ZH)
_ASKS_ZH = re.compile(ASKS_ZH)
_TELLS_WHEN_ZH = re.compile(r"[下后时前中里上]$")  # "在什么情况下，…": no question
_POLAR_ZH = re.compile(r"吗|^(?:不是|难道|是不是|还是)")
_BEHIND_A_COMMA_EN = re.compile(
    rf",? (?:and|plus)(?: also)? (?=(?:up to |for |in |on |at |until )?{_WH}\b|{_AUXILIARY} {_SUBJECT})"
    rf"|, (?:also )?(?=(?:up to |for )?{_WH}(?: \w+){{0,2}} {_AUXILIARY} {_SUBJECT}|{_AUXILIARY} {_SUBJECT})",
    re.IGNORECASE,
)
_BEHIND_A_COMMA_ZH = re.compile(rf"[,，;；]\s*|{SPACE_ZH}")
_COLON = re.compile(r"[:：]")

_ADDS_EN = r"(?:(?:and |but )?(?:also|besides|additionally|furthermore|moreover|in addition|by the way|btw"
_ADDS_EN += r"|another (?:thing|question)|one more (?:thing|question)|first(?:ly)?|second(?:ly)?|third(?:ly)?"
_ADDS_EN += r"|finally|lastly|and|plus|then)[ ,:]+)"
_ADDS_ZH = (
    r"(?:(?:另外|[还還]有(?![多几幾没沒哪])|此外|除此之外|[顺順]便|同[时時]|以及|再者|其次|首先|最[后後]|然[后後]"
    r"|第[一二三四五](?=[,，、:：]))(?:就是|一?[个個][问問][题題])?再?想?(?:[请請]?[问問])?一?下?[,，、:：]?\s*"
    r"|我?[还還]想再?(?:知道|[请請]?[问問]|了解|咨[询詢])一?下?[,，:：]?\s*"
    r"|再[请請]?[问問](?:一?下|一[个個])?[,，:：]?\s*)"
)
_ADDS = re.compile(rf"(?:{_ADDS_EN})+|(?:{_ADDS_ZH})+", re.IGNORECASE)
_MARK = re.compile(r"\s*(?:[-*+•·]\s+|[(（]?\d{1,2}(?:[)）、．]|\.(?!\d))\s*|[①-⑨]\s*)")
_MARK_WITHIN = re.compile(r"(?:(?<=[\s:：,，;；?？。.!！])|^)[(（]?(\d{1,2})(?:[)）、．]|\.(?!\d))\s*(?=\S)")
_ANNOUNCES = re.compile(
    r"(?:^|\b)(?:(?:a few|two|three|four|some|several|couple of|\d)(?: \w+)? (?:questions|things))\b"
    r"|(?:几|两|二|三|四|些|\d)\s?(?:个|件|点)\S{0,3}(?:问题|事情?|疑问)|(?:想|要)?(?:咨询|请教|请问|问)(?:一下|下)?[:：]?$"
)

_LEANS_EN = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|this|these|those|ones|(?:that|the other|which) one"
    r"|the same|(?:is|was|does|did|do|of|with|for|about|after|before|like|in|on|at|to) that)\b"
)
_STANDS_FOR_NOTHING = re.compile(
    r"\bit (?:takes?|costs?)\b.*\bto\b|\b(?:is|was|would) it (?:be )?\w+ (?:to|that|for|if)\b"
    r"|\b(?:this|these) (?:year|month|week|days?)\b"
)
_LEANS_ZH = re.compile(r"它|他们|她们|[这那][个种样款些台支种次]|前者|后者|上述|上面")
_OTHERWISE_ZH = re.compile(r".{1,8}呢")
_HAPPENED = re.compile(
    r"\b(?:forgot(?:ten)?|lost|broken?|locked|can(?:'t|not| not)|fail(?:s|ed)?|error|offline|damaged|wrong"
    r"|missing|stuck|never"
    r"|(?:do|does|did|is|are|was|will|would)(?:n't| not))\b"
    r"|忘|丢|坏|锁|不能|不了|没法|无法|失败|报错|掉线|离线|不到|没收|破损|没电"
)
_EDGES = ",，;；、 "


@dataclass(frozen=True)
class _Piece:
    """A part of a message; ``asks`` something of its own, or belongs to what stands around it."""

    text: str
    asks: bool
    adds: bool  # is opened by words such as "also"


def questions_in(text: str) -> tuple[str, ...]:
    """Return the questions that ``text`` holds, each as asked; nothing where it is one question, or none."""
    asked = asked_in(text) if len(text) <= LONGEST_LETTER else ""
    if len(asked) > LONGEST_SPLIT:
        return ()
    groups: list[list[_Piece]] = []
    before: list[_Piece] = []  # what was told, and belongs to the question after it
    for piece in _pieces(asked):
        if not piece.asks and not (groups and not before and _narrows(piece)):
            before.append(piece)
        elif groups and not before and (not piece.asks or _leans(piece.text) or not _says_enough(piece)):
            groups[-1].append(piece)
        elif piece.adds and _tells_trouble(before):
            groups += [before, [piece]]
            before = []
        else:
            groups.append([*before, piece])
            before = []
    if before and before[0].adds and _tells_trouble(before):
        groups.append(before)  # what else is told at the end is left to who reads the conversation
    found = _first_that_asks(groups)
    questions = dict.fromkeys(" ".join(piece.text for piece in group).strip() for group in found)
    return tuple(questions) if len(questions) > 1 else ()


def asking_in(question: str) -> str:
    """Return what one of `questions_in` asks, without what was told before it; all where that says nothing.

    What a customer tells is not repeated by the assistant, where it might look like its own words.
    """
    asking = [piece for piece in _pieces(question) if piece.asks or _narrows(piece)]
    says_enough = any(piece.asks and _says_enough(piece) for piece in asking)
    return " ".join(piece.text for piece in asking) if says_enough else question


def _first_that_asks(groups: list[list[_Piece]]) -> list[list[_Piece]]:
    """Put a question that says nothing by itself before the first one to that: "can you help me?"."""
    if len(groups) > 1 and not any(_says_enough(piece) for piece in groups[0]):
        return [groups[0] + groups[1], *groups[2:]]
    return groups


def _pieces(text: str) -> list[_Piece]:
    """Cut a message where a question may begin or end, without greetings, thanks and announcements."""
    found = []
    for sentence in split_sentences(text):
        for part, is_item in _items(sentence.text):
            for clause in _clauses(part):
                piece = _piece(clause, is_item=is_item)
                if piece is not None:
                    found.append(piece)
    return found


def _items(sentence: str) -> list[tuple[str, bool]]:
    """Return the items of a sentence that is a list item, or numbers several; the sentence itself if none."""
    marks = list(_MARK_WITHIN.finditer(sentence))
    numbers = [int(mark.group(1)) for mark in marks]
    if len(marks) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        edges = [mark.start() for mark in marks] + [len(sentence)]
        head = [(sentence[: edges[0]], False)] if sentence[: edges[0]].strip() else []
        return head + [(sentence[mark.end() : end], True) for mark, end in zip(marks, edges[1:], strict=True)]
    mark = _MARK.match(sentence)
    return [(sentence[mark.end() :], True)] if mark and mark.end() < len(sentence) else [(sentence, False)]


def _clauses(sentence: str) -> list[str]:
    """Cut a sentence between questions of which each could stand alone."""
    announced = _COLON.split(sentence, maxsplit=1)
    if len(announced) == 2 and announced[1].strip() and _ANNOUNCES.search(normalise(announced[0])):
        sentence = announced[1].strip()
    if len(sentence) > LONGEST_CUT:
        return [sentence]
    pattern = _BEHIND_A_COMMA_ZH if _is_chinese(sentence) else _BEHIND_A_COMMA_EN
    found, start = [], 0
    commas = list(pattern.finditer(sentence))
    for comma, following in itertools.pairwise([*commas, None]):
        end = following.start() if following else len(sentence)
        if comma and _stand_apart(sentence[start : comma.start()], sentence[comma.end() : end]):
            found.append(sentence[start : comma.start()])
            start = comma.end()
    return [*found, sentence[start:]]


def _stand_apart(one: str, other: str) -> bool:
    """Tell whether two clauses of a sentence are two questions."""
    if _leans(other) or not (_asks(one) and _asks(other)):
        return False
    if not _is_chinese(other):
        return bool(words_of(one)) and len(words_of(other)) >= WORDS_OF_A_CLAUSE
    if min(len(characters_of(one)), len(characters_of(_bare(other)))) < CHARACTERS_OF_A_CLAUSE:
        return False
    plain, before = normalise(other).strip(), normalise(one)
    adds = bool(_ADDS.match(plain)) or any(word in plain[:6] for word in "又还也另")
    if adds or _POLAR_ZH.search(plain) or _POLAR_ZH.search(before) or _TELLS_WHEN_ZH.search(before):
        return adds
    return bool(_ASKS_WHAT_ZH.search(plain) and _ASKS_WHAT_ZH.search(before))


def _piece(clause: str, *, is_item: bool) -> _Piece | None:
    plain = normalise(clause)
    parts = clauses(plain)
    if not parts or wished_language(plain) or all(kind_of(part) is not None for part in parts):
        return None
    if _ANNOUNCES.search(plain) and not (_asks(clause) and _says_enough(_Piece(clause, True, False))):
        return None
    bare = _bare(clause)
    adds = bare != clause.strip().strip(_EDGES)
    asks = _asks(bare) or (is_item and plain.rstrip().endswith("?"))
    return _Piece(bare, asks, adds)


def _bare(clause: str) -> str:
    """Return a clause without the words that only join it to what stands before."""
    stripped = clause.strip().strip(_EDGES)
    lead = _ADDS.match(stripped)
    rest = stripped[lead.end() :] if lead else ""
    return rest if any(character.isalnum() for character in rest) else stripped


def _asks(clause: str) -> bool:
    plain = normalise(clause).strip()
    if _is_chinese(plain):
        return bool(_ASKS_ZH.search(plain))
    return bool(_ASKS_EN.search(plain)) or (plain.endswith("?") and bool(_ASKS_WITHIN_EN.search(plain)))


def _tells_trouble(told: list[_Piece]) -> bool:
    """Tell whether what is told is a matter by itself: "I forgot my password."."""
    return any(_HAPPENED.search(normalise(piece.text)) for piece in told)


def _narrows(piece: _Piece) -> bool:
    """Tell whether what asks nothing says what was meant: "I mean the HL-50", "Team or Business?"."""
    plain = normalise(piece.text).strip()
    return plain.endswith("?") or bool(
        re.match(r"(?:i mean|i meant|i am talking|namely|我是?说|我的?意思|我指)", plain)
    )


def _leans(clause: str) -> bool:
    """Tell whether a clause speaks of what was named before it."""
    plain = normalise(_bare(clause)).strip()
    if _is_chinese(plain):
        return bool(_LEANS_ZH.search(plain)) or (
            bool(_OTHERWISE_ZH.fullmatch(plain.rstrip("?!。"))) and not _ASKS_WHAT_ZH.search(plain)
        )
    pronoun = _LEANS_EN.search(plain)
    if pronoun is None or _STANDS_FOR_NOTHING.search(plain):
        return False
    return len(words_of(plain[: pronoun.start()])) < FAR_FROM_THE_START


def _says_enough(piece: _Piece) -> bool:
    if _is_chinese(piece.text):
        return bool(characters_of(piece.text))
    return bool(words_of(piece.text))


def _is_chinese(text: str) -> bool:
    return guess_language(text) == "zh"
