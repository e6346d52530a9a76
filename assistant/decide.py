"""Decide what becomes of a question: answer, ask back, or hand over; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations, product

from assistant.citations import Quotation, is_exact, quote_best, shown_of, span_around, text_of
from assistant.confidence import AS_LEARNED, Adjustment, Calibration, Confidence
from assistant.contradictions import disagree
from assistant.documents import OFFERING, Decision, Reason
from assistant.measuring import FoundText, measure_words, values_of
from assistant.understand import Intent, Understood
from assistant.yes_or_no import with_what_is_named
from backend.service.rules import ConversationState
from knowledge.search import Hit, SearchResult
from knowledge.text import tokens

NEARLY_AS_GOOD = (
    0.5  # z-scores that the second article may stand below the first, to be asked whether they agree
)
MOST_OFFERED = 3
MOST_PLACES = 2  # of one article that are shown where both may be meant
# The chance that one of the first two is the right article, from which on the first few are offered: three
# taps for nothing cost customers less than one question that has to wait for a person.
LEAST_NEAR = 0.25
_CALLED_FOR = {Intent.DANGER: Reason.DANGER, Intent.GOODS_IN_DANGER: Reason.GOODS_IN_DANGER}
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
    if understood.intent in _CALLED_FOR:
        return Verdict(Decision.HANDED_OFF, _CALLED_FOR[understood.intent])
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
        FoundText.of(
            text_of(hit.title, [*hit.tags, *hit.heading_path], hit.text), dense=hit.dense, lexical=hit.lexical
        )
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

    Unless it ``may_answer``, articles are offered where one would be quoted.
    """
    if not found.hits:
        return Verdict(Decision.ABSTAINED, Reason.NOTHING_FOUND)
    if not found.model:  # by words alone, while the index is being built: nothing was learned about that
        return Verdict(Decision.ABSTAINED, Reason.KNOWLEDGE_NOT_READY)
    learned = judge(question, found, judging.calibration, strict=judging.strict)
    verdict = _by_confidence(question, found, judging.adjustment.on(learned), judging, may_answer=may_answer)
    return replace(verdict, raw=learned.first)


def _by_confidence(
    question: str, found: SearchResult, confidence: Confidence, judging: Judging, *, may_answer: bool
) -> Verdict:
    if may_answer and confidence.first >= confidence.threshold:
        return _answered(question, found, confidence, judging)
    # Strict: what is not sure is not shown, not even to choose from.
    if confidence.pair >= (confidence.pair_threshold if judging.strict else LEAST_NEAR):
        is_sure_of_two = confidence.pair >= confidence.pair_threshold
        most = 2 if is_sure_of_two else MOST_OFFERED
        offered = _verified(found.hits[:most], found, now=judging.now)
        if any(_disagree(two) for two in combinations(offered, 2)):
            return _verdict(Decision.ABSTAINED, Reason.ARTICLES_DISAGREE, confidence)
        if offered:
            reason = Reason.TWO_CANDIDATES if is_sure_of_two and len(offered) == 2 else Reason.NEAR_CANDIDATES
            return _verdict(Decision.CLARIFIED, reason, confidence, offered)
    return _verdict(Decision.ABSTAINED, Reason.LOW_CONFIDENCE, confidence)


def prefer(
    home: Verdict, abroad: Verdict, *, at_home: SearchResult, found_abroad: SearchResult, now: datetime
) -> Verdict:
    """Choose between the asker's language and the other: home unless only abroad has something to show.

    That is an answer, or articles to choose from where home found nothing sure or less likely ones. What is
    found abroad and has a translation among the hits at home is quoted from there instead.
    """
    if abroad.decision is not Decision.ANSWERED and not _offers_more(abroad, home):
        return home

    def at_its_best(quotation: Quotation) -> Quotation:
        group = found_abroad.articles[quotation.hit.article_id].locale_group
        siblings = [h for h in at_home.hits if group and at_home.articles[h.article_id].locale_group == group]
        return next(iter(_verified(siblings[:1], at_home, now=now)), quotation)

    return replace(abroad, quotations=tuple(map(at_its_best, abroad.quotations)))


def _offers_more(abroad: Verdict, home: Verdict) -> bool:
    if abroad.reason not in OFFERING:
        return False
    if home.reason is Reason.NEAR_CANDIDATES:
        return abroad.reason is Reason.TWO_CANDIDATES or abroad.confidence > home.confidence
    return home.decision is Decision.ABSTAINED and home.reason in _NOT_SURE


def answer_chosen(article_id: str, found: SearchResult, before: float, *, now: datetime) -> Verdict | None:
    """Answer from the article that the asker picked; None when it is not found or not current any more.

    What the question means is less sure than where one article is: another place of it is shown, too.
    """
    quotations = _places_in(article_id, found, now=now)
    if not quotations:
        return None
    return Verdict(Decision.ANSWERED, Reason.CHOSEN_BY_ASKER, before, 0.0, quotations, raw=before)


def _places_in(article_id: str, found: SearchResult, *, now: datetime) -> tuple[Quotation, ...]:
    """Quote the best place of an article, and one apart from it that comes as near."""
    hits = [hit for hit in (*found.hits, *found.more) if hit.article_id == article_id]
    places: list[Quotation] = []
    for one in _verified(hits, found, now=now):
        if all(one.end <= other.start or other.end <= one.start for other in places):
            places.append(one)
    return tuple(places[:MOST_PLACES])


def _answered(question: str, found: SearchResult, confidence: Confidence, judging: Judging) -> Verdict:
    if _is_expired(found.hits[0], judging.now):
        return _verdict(Decision.ABSTAINED, Reason.ARTICLE_EXPIRED, confidence)
    quotations = _places_in(found.hits[0].article_id, found, now=judging.now)
    if not quotations:
        return _verdict(Decision.ABSTAINED, Reason.QUOTE_NOT_VERIFIED, confidence)
    beside = _verified(found.beside, found, now=judging.now)
    quotations = with_what_is_named(question, quotations, beside)[:MOST_PLACES]
    rivals = [hit for hit in found.hits[1:3] if found.hits[0].score - hit.score <= NEARLY_AS_GOOD]
    others = _verified(rivals, found, now=judging.now)
    if any(_disagree(two) for two in product(quotations, others)):
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
        value, threshold = confidence.pair, LEAST_NEAR
    if reason is Reason.TWO_CANDIDATES:
        threshold = confidence.pair_threshold
    return Verdict(decision, reason, value, threshold, quotations)
