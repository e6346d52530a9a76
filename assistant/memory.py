"""What earlier turns of one conversation mean for this question; pure.

Only turns of the same conversation, by the same person, ever come in here: see `assistant.turn`.
"""

import re
from collections.abc import Collection, Sequence

from assistant.documents import Answer, Decision, Reason
from knowledge.text import normalise, share_of_han, tokens

TURNS_REMEMBERED = 6
MOST_WORDS_OF_A_FOLLOW_UP = 7  # that carry meaning; a longer question stands by itself
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
_FIRST = re.compile(r"(the )?(1|1st|first|former|一|第一)( one|个|篇|条)?|前者|前一个|1[.、)]?")
_SECOND = re.compile(r"(the )?(2|2nd|second|latter|二|第二)( one|个|篇|条)?|后者|后一个|2[.、)]?")


def leans_on_the_past(question: str) -> bool:
    """Tell whether a question needs the one before it to be understood."""
    plain = normalise(question).strip()
    if share_of_han(plain) > 0.3:
        short = len([c for c in plain if c.isalnum()]) <= 14
        return short and bool(_LEANS_ZH.match(plain))
    return len(set(tokens(plain))) <= MOST_WORDS_OF_A_FOLLOW_UP and bool(_LEANS_EN.match(plain))


def complete(question: str, earlier: Sequence[Answer]) -> str:
    """Return the question with the one it leans on; as it is when it leans on none.

    ``earlier`` are turns, latest first.
    """
    if not leans_on_the_past(question):
        return question
    for turn in earlier:
        if turn.intent == "question" and turn.reason is not Reason.ASKED_TO_REPHRASE:
            before = (turn.asked_as or turn.question)[:LONGEST_COMPLETED]
            return f"{before}\n{question}"
    return question


def chosen_article(question: str, earlier: Sequence[Answer]) -> str | None:
    """Return the id of the article that the asker picks of those asked about in the last turn."""
    if not earlier or earlier[0].reason is not Reason.TWO_CANDIDATES:
        return None
    offered = [one for one in earlier[0].evidence if one.cited]
    plain = normalise(question).strip().rstrip(".。!！")
    for pattern, place in ((_FIRST, 0), (_SECOND, 1)):
        if pattern.fullmatch(plain) and len(offered) > place:
            return offered[place].article_id
    named = [
        one
        for one in offered
        if normalise(one.title) in plain or (len(plain) > 3 and plain in normalise(one.title))
    ]
    return named[0].article_id if len(named) == 1 else None


def was_asked_back(earlier: Sequence[Answer], *, offers: Collection[str] = ()) -> bool:
    """Tell whether the last turn asked back about the same matter: then people take over, nobody asks again.

    ``offers`` are the articles to choose from now: when none of them was to choose from then, it is another
    question.
    """
    if not earlier or earlier[0].decision is not Decision.CLARIFIED:
        return False
    if earlier[0].reason is Reason.TWO_CANDIDATES:
        offered = {one.article_id for one in earlier[0].evidence if one.cited}
        return not offers or not offered.isdisjoint(offers)
    return earlier[0].reason is Reason.ASKED_TO_REPHRASE and not offers
