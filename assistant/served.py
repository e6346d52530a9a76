"""What became of the questions of a message, and of the message; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.citations import Quotation
from assistant.decide import Verdict
from assistant.documents import OFFERING, Decision, Reason
from assistant.drafting import Draft
from assistant.own_records import OwnFacts
from assistant.understand import Intent
from knowledge.search import SearchResult

HANDED_OVER = (Decision.ABSTAINED, Decision.HANDED_OFF)


@dataclass(frozen=True, kw_only=True)
class Served:
    """One question with what looking it up gave; ``asked_as`` is what was looked up."""

    question: str
    verdict: Verdict
    intent: Intent = Intent.QUESTION
    asked_as: str = ""
    found: tuple[SearchResult, ...] = ()
    facts: OwnFacts | None = None
    draft: Draft | None = None

    @property
    def reading(self) -> str:
        """Return what was looked up where that is not what was asked, else nothing."""
        return self.asked_as if self.asked_as != self.question else ""

    @property
    def text_of_draft(self) -> str:
        """Return what the language model wrote if it may be shown, else nothing."""
        return self.draft.text if self.draft is not None else ""

    @property
    def is_open(self) -> bool:
        """Tell whether it waits: for people, or for the asker to pick an article."""
        return self.verdict.decision in HANDED_OVER or self.verdict.reason in OFFERING


def postponed(question: str) -> Served:
    """Return a question of which is said that it is to be asked again: too many came at once."""
    return Served(question=question, verdict=Verdict(Decision.CLARIFIED, Reason.ASKED_TO_REPHRASE))


def settle(parts: Sequence[Served]) -> tuple[Served, ...]:
    """Return the questions of one message as they are told: one at most is asked back about.

    Where more than one is open, people get them all, with one ticket.
    """
    if sum(part.is_open for part in parts) < 2:
        return tuple(parts)
    return tuple(_passed_on(part) if part.is_open else part for part in parts)


def _passed_on(part: Served) -> Served:
    if part.verdict.decision in HANDED_OVER:
        return part
    verdict = replace(part.verdict, decision=Decision.ABSTAINED, reason=Reason.LOW_CONFIDENCE, quotations=())
    return replace(part, verdict=verdict)


def weakest(parts: Sequence[Served]) -> Served:
    """Return the part that tells what became of the whole message: of those served worst the least sure."""
    return min(parts, key=lambda part: (-_weight(part.verdict), part.verdict.confidence))


def _weight(verdict: Verdict) -> int:
    if verdict.decision in HANDED_OVER:
        return 3
    if verdict.decision is Decision.ANSWERED:
        return 0
    return 2 if verdict.reason in OFFERING else 1


def shown_together(parts: Sequence[Served]) -> list[list[Served]]:
    """Put answered questions together that one and the same quotation answers, in the order of asking."""
    groups: dict[object, list[Served]] = {}
    for number, part in enumerate(parts):
        places = _places(part.verdict.quotations)
        groups.setdefault(number if part.text_of_draft or not places else places, []).append(part)
    return list(groups.values())


def _places(quotations: Sequence[Quotation]) -> tuple[tuple[str, int, int], ...]:
    return tuple((one.hit.article_id, one.start, one.end) for one in quotations)
