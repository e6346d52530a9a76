"""What a message means only with the one before it, or with what the workspace has set; pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from assistant.documents import Answer
from assistant.goods_in_danger import are_goods_in_danger
from assistant.hours_asked import hours_asked
from assistant.opening_hours import OpeningHours
from assistant.understand import Intent, Understood, plain_of, understand
from knowledge.text import normalise

OWN_RECORDS = (Intent.OWN_TICKETS, Intent.OWN_CONTRACTS, Intent.OWN_PAYMENTS)
# What is asked on, of nothing but a kind of thing: "那付款呢？", "and the contracts?".
_ASKS_ON_ZH = re.compile(r"(?:那么?|还有|另外|还?有)?(?P<kind>[^呢吗的]{2,6})呢")
_ASKS_ON_EN = re.compile(
    r"(?:(?:and|but|ok|so|what about|how about) )+(?:(?:my|our|the) )?(?P<kind>\w+(?: \w+)?)"
)


def in_context(
    understood: Understood,
    question: str,
    earlier: Sequence[Answer],
    *,
    hours: OpeningHours | None,
    at: datetime,
    waits: bool,
) -> Understood:
    """Return what was understood as it is meant after the asker's ``earlier`` turns, latest first.

    Of hours that nobody has set nothing is said: the question is looked up, or the wish granted. ``waits``:
    the asker is waiting for a person already.
    """
    before = earlier[0] if earlier else None
    folded = normalise(question)
    if before is not None and understood.intent is Intent.QUESTION:
        if are_goods_in_danger(folded, normalise(before.question)):
            return replace(understood, intent=Intent.GOODS_IN_DANGER)
        if before.intent in OWN_RECORDS and (asked := _asked_of_their_own(folded)):
            meant = understand(asked)
            if meant.intent in OWN_RECORDS:
                return replace(meant, language=understood.language, is_upset=understood.is_upset)
        if before.intent == Intent.OPENING_HOURS and understood.hours is None:
            understood = replace(understood, hours=hours_asked(plain_of(folded), follows_hours=True))
    if hours is None or understood.hours is None:
        return understood
    # Who asks whether somebody is there now wants them, where they are; who waits is told of their ticket.
    wants_them = understood.intent is Intent.WISH_FOR_HUMAN and (waits or hours.calendar.is_open(at))
    if wants_them or understood.intent not in (Intent.QUESTION, Intent.WISH_FOR_HUMAN):
        return understood
    return replace(understood, intent=Intent.OPENING_HOURS)


def _asked_of_their_own(folded: str) -> str:
    """Return in full what is asked on about after records of one's own; "" where it is no such thing."""
    plain = plain_of(folded)
    if asked := _ASKS_ON_ZH.fullmatch(plain.replace(" ", "")):
        return f"我的{asked['kind']}什么时候到期"
    asked = _ASKS_ON_EN.fullmatch(plain)
    return f"when are my {asked['kind']} due" if asked else ""
