"""Decide what becomes of a question: answer, ask back, or hand over; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from assistant.citations import Quotation, coverage_of, is_exact, quote_best, span_around
from assistant.confidence import Calibration, Confidence, SpanFeatures
from assistant.documents import Decision, Reason
from assistant.understand import Intent, Understood
from knowledge.search import Hit, SearchResult
from knowledge.text import tokens


@dataclass(frozen=True)
class Verdict:
    """``quotations`` are verified; empty unless answered or clarified from articles."""

    decision: Decision
    reason: Reason
    confidence: float
    threshold: float
    quotations: tuple[Quotation, ...] = ()


def decide_without_search(understood: Understood) -> Verdict | None:
    """Decide what needs no article: small talk, the wish for a human. None: look it up."""
    match understood.intent:
        case Intent.WISH_FOR_HUMAN:
            return Verdict(Decision.HANDED_OFF, Reason.CUSTOMER_ASKED_FOR_HUMAN, 0.0, 0.0)
        case Intent.GREETING | Intent.THANKS:
            return Verdict(Decision.CLARIFIED, Reason.SMALL_TALK, 0.0, 0.0)
        case Intent.QUESTION:
            return None


def measure_span(question: str, hits: Sequence[Hit]) -> SpanFeatures:
    """Measure how the span that would be quoted fits the question."""
    if not hits:
        return SpanFeatures()
    asked = tokens(question)
    return SpanFeatures(coverage=coverage_of(asked, hits[0], span_around(hits[0])))


def judge(question: str, found: SearchResult, calibration: Calibration) -> Confidence:
    """Return how sure the first hit, and the first two, are to answer."""
    return calibration.judge(found.features, measure_span(question, found.hits))


def decide(question: str, found: SearchResult, calibration: Calibration, *, now: datetime) -> Verdict:
    """Decide from what the search in one language found, on calibrated confidence alone."""
    if not found.hits:
        return Verdict(Decision.ABSTAINED, Reason.NOTHING_FOUND, 0.0, 0.0)
    if not found.model:  # by words alone, while the index is being built: nothing was learned about that
        return Verdict(Decision.ABSTAINED, Reason.KNOWLEDGE_NOT_READY, 0.0, 0.0)
    confidence = judge(question, found, calibration)
    if confidence.first >= confidence.threshold:
        return _answered(found, confidence, now=now)
    candidates = found.hits[:2]
    if len(candidates) == 2 and confidence.pair >= confidence.pair_threshold:
        quotations = _verified(candidates, found, now=now)
        if len(quotations) == 2:
            return _verdict(Decision.CLARIFIED, Reason.TWO_CANDIDATES, confidence, quotations)
    return _verdict(Decision.ABSTAINED, Reason.LOW_CONFIDENCE, confidence)


def prefer(
    home: Verdict, abroad: Verdict, *, at_home: SearchResult, found_abroad: SearchResult, now: datetime
) -> Verdict:
    """Choose between the asker's language and the other: home unless only abroad has the answer.

    When what answers abroad has a translation among the hits at home, that is quoted instead.
    """
    if abroad.decision is not Decision.ANSWERED:
        return home
    group = found_abroad.articles[abroad.quotations[0].hit.article_id].locale_group
    siblings = [h for h in at_home.hits if group and at_home.articles[h.article_id].locale_group == group]
    quotations = _verified(siblings[:1], at_home, now=now)
    return replace(abroad, quotations=quotations) if quotations else abroad


def _answered(found: SearchResult, confidence: Confidence, *, now: datetime) -> Verdict:
    if _is_expired(found.hits[0], now):
        return _verdict(Decision.ABSTAINED, Reason.ARTICLE_EXPIRED, confidence)
    quotations = _verified(found.hits[:1], found, now=now)
    if not quotations:
        return _verdict(Decision.ABSTAINED, Reason.QUOTE_NOT_VERIFIED, confidence)
    return _verdict(Decision.ANSWERED, Reason.FOUND_IN_ARTICLE, confidence, quotations)


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
