"""Decide what becomes of a question: answer, ask back, or hand over; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from assistant.citations import Quotation, is_exact, quote_best, shown_of, span_around, text_of
from assistant.confidence import AS_LEARNED, Adjustment, Calibration, Confidence
from assistant.contradictions import disagree
from assistant.documents import Decision, Reason
from assistant.measuring import FoundText, measure_words, values_of
from assistant.understand import Intent, Understood
from backend.service.rules import ConversationState
from knowledge.search import Hit, SearchResult
from knowledge.text import tokens

NEARLY_AS_GOOD = (
    0.5  # z-scores that the second article may stand below the first, to be asked whether they agree
)
_NOT_SURE = (Reason.LOW_CONFIDENCE, Reason.NOTHING_FOUND)


@dataclass(frozen=True)
class Verdict:
    """``quotations`` are verified; empty unless answered or clarified from articles.

    ``raw`` is the confidence before the workspace's own calibration.
    """

    decision: Decision
    reason: Reason
    confidence: float = 0.0
    threshold: float = 0.0
    quotations: tuple[Quotation, ...] = ()
    raw: float = 0.0


@dataclass(frozen=True)
class Judging:
    """What a verdict is judged by: what was learned, what the workspace's feedback adds, and the time."""

    calibration: Calibration
    now: datetime
    adjustment: Adjustment = AS_LEARNED
    strict: bool = False


def decide_without_search(
    understood: Understood, *, is_customer: bool, state: ConversationState, people_first: bool
) -> Verdict | None:
    """Decide what needs no article: danger, small talk, the wish for a human, people who are there already.

    ``people_first``: the workspace wants people to answer first, and they are there. None: look it up.
    """
    if understood.intent is Intent.DANGER:
        return Verdict(Decision.HANDED_OFF, Reason.DANGER)
    if is_customer and state is ConversationState.HUMAN:
        return Verdict(Decision.HANDED_OFF, Reason.PERSON_ANSWERS)
    match understood.intent:
        case Intent.WISH_FOR_HUMAN:
            return Verdict(Decision.HANDED_OFF, Reason.CUSTOMER_ASKED_FOR_HUMAN)
        case Intent.GREETING | Intent.THANKS | Intent.FINE | Intent.WHO_ANSWERS:
            return Verdict(Decision.CLARIFIED, Reason.SMALL_TALK)
    if is_customer and people_first:
        return Verdict(Decision.HANDED_OFF, Reason.HUMAN_FIRST)
    return None


def measure(question: str, found: SearchResult) -> dict[str, float]:
    """Measure everything that a confidence is learned from."""
    first = found.hits[0]
    heading = "\n".join([first.title, *first.heading_path])
    texts = [
        FoundText.of(text_of(hit.title, hit.heading_path, hit.text), dense=hit.dense, lexical=hit.lexical)
        for hit in found.hits
    ]
    return values_of(found.features, measure_words(tokens(question), texts, shown_of(first), heading))


def judge(
    question: str, found: SearchResult, calibration: Calibration, *, strict: bool = False
) -> Confidence:
    """Return how sure the first hit, and the first two, are to answer; hits must not be empty."""
    return calibration.judge(
        measure(question, found),
        found.language,
        same_language=found.features.same_language,
        strict=strict,
    )


def decide(question: str, found: SearchResult, judging: Judging, *, may_answer: bool = True) -> Verdict:
    """Decide from what the search in one language found, on calibrated confidence alone.

    Unless it ``may_answer``, two articles are offered where one would be quoted.
    """
    if not found.hits:
        return Verdict(Decision.ABSTAINED, Reason.NOTHING_FOUND)
    if not found.model:  # by words alone, while the index is being built: nothing was learned about that
        return Verdict(Decision.ABSTAINED, Reason.KNOWLEDGE_NOT_READY)
    learned = judge(question, found, judging.calibration, strict=judging.strict)
    verdict = _by_confidence(found, judging.adjustment.on(learned), judging, may_answer=may_answer)
    return replace(verdict, raw=learned.first)


def _by_confidence(
    found: SearchResult, confidence: Confidence, judging: Judging, *, may_answer: bool
) -> Verdict:
    if may_answer and confidence.first >= confidence.threshold:
        return _answered(found, confidence, judging)
    candidates = found.hits[:2]
    if len(candidates) == 2 and confidence.pair >= confidence.pair_threshold:
        quotations = _verified(candidates, found, now=judging.now)
        if len(quotations) == 2:
            if _disagree(quotations):
                return _verdict(Decision.ABSTAINED, Reason.ARTICLES_DISAGREE, confidence)
            return _verdict(Decision.CLARIFIED, Reason.TWO_CANDIDATES, confidence, quotations)
    return _verdict(Decision.ABSTAINED, Reason.LOW_CONFIDENCE, confidence)


def prefer(
    home: Verdict, abroad: Verdict, *, at_home: SearchResult, found_abroad: SearchResult, now: datetime
) -> Verdict:
    """Choose between the asker's language and the other: home unless only abroad has something to show.

    That is an answer, or two articles to choose from where home found nothing sure. What is found abroad
    and has a translation among the hits at home is quoted from there instead.
    """
    nothing_sure = home.decision is Decision.ABSTAINED and home.reason in _NOT_SURE
    if abroad.decision is not Decision.ANSWERED and not (
        nothing_sure and abroad.reason is Reason.TWO_CANDIDATES
    ):
        return home

    def at_its_best(quotation: Quotation) -> Quotation:
        group = found_abroad.articles[quotation.hit.article_id].locale_group
        siblings = [h for h in at_home.hits if group and at_home.articles[h.article_id].locale_group == group]
        return next(iter(_verified(siblings[:1], at_home, now=now)), quotation)

    return replace(abroad, quotations=tuple(map(at_its_best, abroad.quotations)))


def answer_chosen(article_id: str, found: SearchResult, before: float, *, now: datetime) -> Verdict | None:
    """Answer from the article that the asker picked; None when it is not found or not current any more."""
    hits = [hit for hit in found.hits if hit.article_id == article_id]
    quotations = _verified(hits[:1], found, now=now)
    if not quotations:
        return None
    return Verdict(Decision.ANSWERED, Reason.CHOSEN_BY_ASKER, before, 0.0, quotations, raw=before)


def _answered(found: SearchResult, confidence: Confidence, judging: Judging) -> Verdict:
    if _is_expired(found.hits[0], judging.now):
        return _verdict(Decision.ABSTAINED, Reason.ARTICLE_EXPIRED, confidence)
    quotations = _verified(found.hits[:1], found, now=judging.now)
    if not quotations:
        return _verdict(Decision.ABSTAINED, Reason.QUOTE_NOT_VERIFIED, confidence)
    rivals = [hit for hit in found.hits[1:3] if found.hits[0].score - hit.score <= NEARLY_AS_GOOD]
    if any(_disagree((*quotations, rival)) for rival in _verified(rivals, found, now=judging.now)):
        return _verdict(Decision.ABSTAINED, Reason.ARTICLES_DISAGREE, confidence)
    return _verdict(Decision.ANSWERED, Reason.FOUND_IN_ARTICLE, confidence, quotations)


def _disagree(two: Sequence[Quotation]) -> bool:
    one, other = two
    if one.hit.locale[:2] != other.hit.locale[:2]:
        return False
    # Not the whole sections quoted: what else they say would hide that they speak of the same.
    return disagree(span_around(one.hit).text, span_around(other.hit).text)


def _verified(hits: Sequence[Hit], found: SearchResult, *, now: datetime) -> tuple[Quotation, ...]:
    quotations = (quote_best(hit) for hit in hits if not _is_expired(hit, now))
    return tuple(quotation for quotation in quotations if is_exact(quotation, found))


def _is_expired(hit: Hit, now: datetime) -> bool:
    return hit.valid_until is not None and hit.valid_until <= now


def _verdict(
    decision: Decision, reason: Reason, confidence: Confidence, quotations: tuple[Quotation, ...] = ()
) -> Verdict:
    value, threshold = confidence.first, confidence.threshold
    if decision is Decision.CLARIFIED:
        value, threshold = confidence.pair, confidence.pair_threshold
    return Verdict(decision, reason, value, threshold, quotations)
