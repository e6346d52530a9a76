"""What earlier turns of one conversation mean for this question; pure.

Only turns of the same conversation, by the same person, ever come in here: see `assistant.turn`.
"""

import re
from collections.abc import Sequence

from assistant.documents import OFFERING, Answer, Decision, Evidence, Reason
from assistant.letters import asked_in
from assistant.question_words import names_nothing
from assistant.small_talk import small_talk
from assistant.understand import is_question
from knowledge.text import Language, language_of_locale, normalise, share_of_han, tokens

TURNS_REMEMBERED = 6
MOST_WORDS_OF_A_FOLLOW_UP = 7  # that carry meaning; a longer question stands by itself
CHARACTERS_OF_A_FOLLOW_UP = 14  # of Chinese
LONGEST_COMPLETED = 2_000  # characters; of a longer question before it, its head is taken

_LEANS_EN = re.compile(
    r"(and|but|or|also|then|so)\b|(what|how) about\b|(and )?(in|for|with|on) (the |an? )?[\w-]+\??$"
    r"|why( not)?\??$"
    r"|.*\b(it|its|that|this|they|them|those|these|that one|this one|the same|the other one|there|one)\b"
)
_LEANS_ZH = re.compile(
    r"(那么?|还有|另外|然后|如果是|要是|换成|以及|而且|但是?|可是)"
    r"|.*(它|他们|这个|那个|这种|那种|这样|那样|前者|后者|上面|刚才|其他的?)|.{1,12}呢[？?]?$"
)
# Who corrects what was understood names the missing part only: "我问的是 HL-50", "no, I meant the gateway".
_CORRECTS = re.compile(
    r"(?:(?:no|nope|not that|sorry|well|but|不是这个|不是|不对|不)[ ,，。]*)*"
    r"(?:i (?:mean|meant|was asking|was talking|am asking|asked)(?: about| for)?\b"
    r"|我(?:是(?:想)?(?:说|问|指)|(?:想|要)?(?:说|问|指)的是)(?:关于)?)[ ,，:：]*",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(the )?(1|1st|first|former|一|第一)( one|个|篇|条)?|前者|前一个|1[.、)]?")
_SECOND = re.compile(r"(the )?(2|2nd|second|latter|二|第二)( one|个|篇|条)?|后者|后一个|2[.、)]?")
_THIRD = re.compile(r"(the )?(3|3rd|third|last|三|第三)( one|个|篇|条)?|最后(那|这)?一?(个|篇|条)|3[.、)]?")
_ONLY = re.compile(r"(yes|yep|yeah|是的?|对的?|就是(它|这个|这篇)|嗯+|没错)( (please|that one|that'?s it))?")
_NONE = re.compile(
    r"(no|nope|none( of (them|these|those|the above|it))?|neither( (one|of (them|these|those|it)))?"
    r"|(it'?s |it is )?(not|none of) (that|these|those|either|any of (them|these|those))|something else)"
    r"( please)?"
    r"|(都|全都?)不(是|对)的?|(一个|哪个|两个|三个)都不(是|对)|不是(这些|这个|它们?)?|不对|没有(一个)?(对|我要)的?"
    r"|以上都不是|其他(问题|的)?|别的(问题)?"
)


def leans_on_the_past(question: str) -> bool:
    """Tell whether a question needs the one before it to be understood."""
    plain = normalise(question).strip()
    if share_of_han(plain) > 0.3:
        short = len([c for c in plain if c.isalnum()]) <= CHARACTERS_OF_A_FOLLOW_UP
        return short and bool(_LEANS_ZH.match(plain))
    return len(set(tokens(plain))) <= MOST_WORDS_OF_A_FOLLOW_UP and bool(_LEANS_EN.match(plain))


def complete(question: str, earlier: Sequence[Answer]) -> str:
    """Return what a question asks, with the one it leans on; as it is when there is nothing to either.

    ``earlier`` are turns, latest first.
    """
    asked = asked_in(question)
    corrected = _CORRECTS.match(asked)
    named = asked[corrected.end() :] if corrected else ""
    if any(character.isalnum() for character in named):
        asked = named
    is_part = asked == named and not is_question(
        named
    )  # "我问的是 HL-50", and not "I mean how do I return it"
    leans = leans_on_the_past(asked) or leans_on_the_past(question)
    if is_part or leans or (is_question(asked) and names_nothing(asked)):
        return _after(earlier, asked) or asked
    return asked


def corrects(asked: str) -> bool:
    """Tell whether a message corrects what was understood: "no, I meant the gateway"."""
    return _CORRECTS.match(asked) is not None


def adds_to(question: str, earlier: Sequence[Answer]) -> str:
    """Return a short message with the question before it, which it may be told of or ask on; "" for none.

    Nothing in it says so: "we are on Team", "拆开用过了". What it means by itself comes first.
    """
    asked = asked_in(question)
    is_short = (
        len([c for c in asked if c.isalnum()]) <= CHARACTERS_OF_A_FOLLOW_UP
        if share_of_han(asked) > 0.3
        else len(set(tokens(asked))) <= MOST_WORDS_OF_A_FOLLOW_UP
    )
    return _after(earlier, asked) if is_short and _asks(asked) else ""


def _after(earlier: Sequence[Answer], asked: str) -> str:
    """Return what is asked with the question of the last turn that holds one before it; "" without any."""
    for turn in earlier:
        says_enough = turn.parts or turn.reason is not Reason.ASKED_TO_REPHRASE
        if turn.intent == "question" and says_enough and _asks(turn.question):
            return f"{asked_about(turn)[:LONGEST_COMPLETED]}\n{asked}"
    return ""


def asked_about(turn: Answer) -> str:
    """Return the question of a turn that the next message is about.

    Of several in one message that is the one for which articles were offered, else the last.
    """
    if not turn.parts:
        return turn.asked_as or turn.question
    offering = [part for part in turn.parts if part.reason in OFFERING]
    looked_up = [part for part in turn.parts if part.reason is not Reason.ASKED_TO_REPHRASE]
    part = [*looked_up, *offering][-1]
    return part.asked_as or part.question


def _asks(question: str) -> bool:
    """Tell whether a turn holds something that another may lean on: "neither", "that is not it" do not."""
    plain = normalise(question)
    return small_talk(plain) is None and not _NONE.fullmatch(_bare(question))


def chosen_article(question: str, earlier: Sequence[Answer]) -> str | None:
    """Return the id of the article that the asker picks of those asked about in the last turn."""
    offered = _offered(earlier)
    plain = _bare(question)
    for pattern, place in ((_FIRST, 0), (_SECOND, 1), (_THIRD, 2)):
        if pattern.fullmatch(plain) and len(offered) > place:
            return offered[place].article_id
    if len(offered) == 1 and _ONLY.fullmatch(plain):
        return offered[0].article_id
    named = [
        one for one in offered if _bare(one.title) in plain or (len(plain) > 3 and plain in _bare(one.title))
    ]
    return named[0].article_id if len(named) == 1 else None


def language_of_choice(question: str, earlier: Sequence[Answer]) -> Language | None:
    """Return the language in which was asked what the asker now picks an article for; None for a question.

    "2" is of no language, and a title is of its article's, not of who taps it.
    """
    picks = chosen_article(question, earlier) is not None or picks_none(question, earlier)
    return language_of_locale(earlier[0].language) if picks else None


def picks_none(question: str, earlier: Sequence[Answer]) -> bool:
    """Tell whether the asker wants none of the articles asked about in the last turn."""
    return bool(_offered(earlier)) and bool(_NONE.fullmatch(_bare(question)))


def was_offered(article_id: str, earlier: Sequence[Answer]) -> bool:
    """Tell whether the last turn let the asker choose this article."""
    return any(one.article_id == article_id for one in _offered(earlier))


def titles_offered(earlier: Sequence[Answer]) -> list[str]:
    """Return the titles of what the last turn let the asker choose from."""
    return [one.title for one in _offered(earlier)]


def _offered(earlier: Sequence[Answer]) -> list[Evidence]:
    """Return what the last turn let the asker choose from."""
    if not earlier or earlier[0].reason not in OFFERING:
        return []
    before = earlier[0]
    for_which = {number for number, part in enumerate(before.parts) if part.reason in OFFERING} or {0}
    return [one for one in before.evidence if one.cited and one.part in for_which]


def _bare(question: str) -> str:
    return " ".join(re.sub(r"[,，.。!！?？~～…]+", " ", normalise(question)).split())


def was_asked_back(earlier: Sequence[Answer], *, offers: Sequence[str] = ()) -> bool:
    """Tell whether the last turn asked back about the same matter: then people take over, nobody asks again.

    ``offers`` are the articles to choose from now, likeliest first: when that one was not to choose from
    then, it is another question.
    """
    if not earlier or earlier[0].decision is not Decision.CLARIFIED:
        return False
    if offered := _offered(earlier):
        return not offers or offers[0] in {one.article_id for one in offered}
    # Of several questions some are asked for again: nothing was misunderstood.
    return earlier[0].reason is Reason.ASKED_TO_REPHRASE and not offers and not earlier[0].parts
