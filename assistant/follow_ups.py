"""How a message that follows others may be read, and which of two readings is served; pure.

"How long is its warranty?" says what is asked, but not of what; "we are on Team" may be told of the question
before it, or open a matter of its own. So a follow-up may be looked up with what stands before it, and alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.citations import Quotation
from assistant.decide import Verdict
from assistant.documents import OFFERING, Answer, Decision, Reason
from assistant.letters import asked_in
from assistant.memory import adds_to, complete, corrects, titles_offered, was_asked_back, was_offered
from assistant.question_words import names_little, names_nothing, shares_words
from assistant.understand import is_named, is_question, is_vague
from knowledge.text import normalise

TOO_LITTLE = (Reason.LOW_CONFIDENCE, Reason.NOTHING_FOUND, Reason.FOUND_IN_ARTICLE)  # for one word


@dataclass(frozen=True)
class Readings:
    """``first`` is looked up, ``other`` only where that does not settle it; empty where there is no other.

    ``leans``: ``first`` is the completed one, because the message cannot be understood alone.
    """

    question: str
    first: str
    other: str
    leans: bool
    earlier: Sequence[Answer]

    def settles(self, verdict: Verdict) -> bool:
        """Tell whether what was found for ``first`` is served without a look at ``other``."""
        if not self.other:
            return True
        if self.leans:
            return verdict.decision is Decision.ANSWERED and not self._repeats(verdict)
        return verdict.decision is Decision.ANSWERED or self._opens_another_matter(verdict)

    def prefers_other(self, verdict: Verdict, other: Verdict) -> bool:
        """Tell whether ``other`` is served, where ``first`` did not settle it."""
        if self.leans:
            # What was just shown is no answer to who asks on, unless it speaks of what they ask on about.
            return other.decision is Decision.ANSWERED or self._repeats(verdict)
        if other.decision is Decision.ANSWERED:
            return speaks_of(self.question, other.quotations)
        if other.reason not in OFFERING or is_question(self.question):
            return False
        return is_vague(self.first) or was_offered(_best(other), self.earlier)

    def _repeats(self, verdict: Verdict) -> bool:
        if verdict.decision is not Decision.ANSWERED or speaks_of(self.question, verdict.quotations):
            return False
        shown = {(one.article_id, one.start, one.end) for one in self.earlier[0].evidence if one.cited}
        best = verdict.quotations[0]
        return (best.hit.article_id, best.start, best.end) in shown

    def _opens_another_matter(self, verdict: Verdict) -> bool:
        if verdict.reason is not Reason.TWO_CANDIDATES or was_offered(_best(verdict), self.earlier):
            return False
        return not is_vague(self.first) or any(
            is_named(self.first, one.hit.title) for one in verdict.quotations
        )


def readings_of(question: str, earlier: Sequence[Answer]) -> Readings:
    """Return how a message may be read after the asker's ``earlier`` turns, latest first."""
    completed, alone = complete(question, earlier), asked_in(question)
    if completed != alone:
        stands_alone = not corrects(alone) and not names_nothing(alone)
        return Readings(question, completed, alone if stands_alone else "", leans=True, earlier=earlier)
    other = adds_to(question, earlier) if _may_go_on(question, earlier) else ""
    return Readings(question, alone, other, leans=False, earlier=earlier)


def _may_go_on(question: str, earlier: Sequence[Answer]) -> bool:
    """Tell whether a message may be of the last turn's matter: not a question in words of its own alone."""
    if not earlier or not is_question(question) or names_little(question):
        return True
    return shares_words(question, "\n".join([earlier[0].question, *titles_offered(earlier)]))


def picks_in_own_words(
    question: str, verdict: Verdict, earlier: Sequence[Answer], *, reading: str
) -> str | None:
    """Return the id of the article offered in the last turn that ``question`` leads to, if surely enough.

    Who was asked which article is meant seldom says "the second": they say more of what they want, or ask on.
    Who only says the same again has not chosen. Read (``reading``) with the question before it, anything
    leads to what was offered to that: the place must speak of what is new.
    """
    if verdict.reason is not Reason.TWO_CANDIDATES or not was_offered(_best(verdict), earlier):
        return None
    if normalise(question) == normalise(earlier[0].question):
        return None
    is_completed = reading.endswith(f"\n{asked_in(question)}")
    if is_completed and not names_nothing(question) and not speaks_of(question, verdict.quotations[:1]):
        return None
    return _best(verdict)


def ask_back_once(
    verdict: Verdict, question: str, earlier: Sequence[Answer], *, vague: bool, waits: bool
) -> Verdict:
    """Ask for more words where there are too few to look up; who was asked back before gets a person.

    One word is answered by no article, however near one comes: nothing was learned about such questions. Two
    articles are offered where one's title has the word. Who ``waits`` for a person is asked nothing back,
    unless they ask.
    """
    offers = verdict.quotations if verdict.reason in OFFERING else ()
    vague = vague and verdict.reason in (*TOO_LITTLE, *OFFERING)
    if vague and any(is_named(question, one.hit.title) for one in offers):
        vague = False
    about = [] if vague else [one.hit.article_id for one in offers]
    again = was_asked_back(earlier, offers=about) and not (about and _asks_something_else(question, earlier))
    waits = waits and not is_question(question)
    if vague and not again and not waits:
        return replace(verdict, decision=Decision.CLARIFIED, reason=Reason.ASKED_TO_REPHRASE, quotations=())
    if vague or ((again or waits) and verdict.decision is Decision.CLARIFIED):
        return replace(verdict, decision=Decision.ABSTAINED, reason=Reason.LOW_CONFIDENCE, quotations=())
    return verdict


def _asks_something_else(question: str, earlier: Sequence[Answer]) -> bool:
    """Tell whether a question has nothing of the last turn's in it, whichever article comes near to both."""
    if not earlier or not is_question(question) or names_nothing(question):
        return False
    return not shares_words(question, earlier[0].question)


def speaks_of(question: str, quotations: Sequence[Quotation]) -> bool:
    """Tell whether one of the places quoted has words of what is asked, under its headings."""
    return any(
        shares_words(question, "\n".join([*one.hit.heading_path, one.heading, one.text]))
        for one in quotations
    )


def _best(verdict: Verdict) -> str:
    return verdict.quotations[0].hit.article_id
