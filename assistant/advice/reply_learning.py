"""What agents make of suggested replies, recorded, and how later suggestions learn from it.

A source that was sent moves up, one that was rejected down; by how much is shrunk twice: a source's rate
towards that of its sort here, and that towards the even one. So one verdict moves little, many move much,
and another workspace's verdicts move nothing. Source: the shrinkage is that of Efron and Morris 1975.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from math import log
from typing import TypeVar

from assistant.advice.documents import LONGEST_REPLY, Macro, ReplyOutcome, ReplySource, ReplyVerdict
from assistant.predictions.win import sigmoid
from backend.core.errors import FieldError, Forbidden, InvalidInput
from backend.core.ids import derived_id
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Message, Ticket
from knowledge.documents import Article

K = TypeVar("K")
WEIGHT_OF_SORT = 6  # a source's verdicts count as one half beside as many of its sort
WEIGHT_OF_EVEN = 20  # and a sort's beside as many even ones
EVEN = 0.5
OUTCOMES_REMEMBERED = 2_000  # the latest, for the rates of sorts
MOST_OF_SOURCES = 2_000
SURE = 1e-6
SOURCES: Mapping[ReplySource, type[Record]] = {
    ReplySource.TICKET: Ticket,
    ReplySource.MACRO: Macro,
    ReplySource.ARTICLE: Article,
}


@dataclass(frozen=True)
class Tally:
    """How good suggestions were: (sum of goodness, number) of each source, and of each sort of source."""

    sources: Mapping[str, tuple[float, int]]
    sorts: Mapping[ReplySource, tuple[float, int]]


def goodness(verdict: ReplyVerdict, kept: float) -> float:
    """Return how right a suggestion was, 0 to 1: of an edited one, the share of its words that was kept."""
    match verdict:
        case ReplyVerdict.ACCEPTED:
            return 1.0
        case ReplyVerdict.EDITED:
            return kept
        case ReplyVerdict.REJECTED:
            return 0.0


def learned(confidence: float, source: ReplySource, source_id: str, tally: Tally) -> float:
    """Return the confidence moved by what was made of the source: its log-odds over the even ones."""
    good, n = tally.sorts.get(source, (0.0, 0))
    of_sort = (good + WEIGHT_OF_EVEN * EVEN) / (n + WEIGHT_OF_EVEN)
    good, n = tally.sources.get(source_id, (0.0, 0))
    rate = (good + WEIGHT_OF_SORT * of_sort) / (n + WEIGHT_OF_SORT)
    return sigmoid(_log_odds(confidence) + _log_odds(rate) - _log_odds(EVEN))


def _log_odds(chance: float) -> float:
    kept = min(max(chance, SURE), 1 - SURE)
    return log(kept / (1 - kept))


async def tally_of(uow: UnitOfWork, source_ids: Sequence[str]) -> Tally:
    """Return what this workspace made of sources: counts of verdicts, whoever gave them, and nothing else."""
    house = uow.as_house()
    sorts: dict[ReplySource, tuple[float, int]] = {}
    for one in await house.latest(ReplyOutcome, most=OUTCOMES_REMEMBERED):
        _add(sorts, one.source, one)
    sources: dict[str, tuple[float, int]] = {}
    wanted = {"source_id": {"$in": sorted(set(source_ids))}}
    for one in await house.find(ReplyOutcome, wanted, limit=MOST_OF_SOURCES) if source_ids else []:
        _add(sources, one.source_id, one)
    return Tally(sources, sorts)


def _add(into: dict[K, tuple[float, int]], key: K, one: ReplyOutcome) -> None:
    good, n = into.get(key, (0.0, 0))
    into[key] = good + goodness(one.verdict, one.kept), n + 1


async def record_reply(
    uow: UnitOfWork,
    *,
    ticket_id: str,
    source: ReplySource,
    source_id: str,
    verdict: ReplyVerdict,
    suggested: str = "",
    sent: str = "",
    message_id: str | None = None,
) -> ReplyOutcome:
    """Note what the actor made of a suggestion; said again, the last word counts.

    Of an edited one ``suggested`` and ``sent`` tell how much was kept; neither text is stored. Raise
    NotFound for a ticket, source or message that the actor does not see, Forbidden for customers.
    """
    if max(len(suggested), len(sent)) > LONGEST_REPLY:
        raise InvalidInput(FieldError("sent", f"is longer than {LONGEST_REPLY} characters; leave it out"))
    await uow.access(Ticket, ticket_id)
    if uow.actor.is_customer:
        raise Forbidden("suggest", "reply")
    await uow.access(SOURCES[source], source_id)
    if message_id is not None:
        await uow.access(Message, message_id)
    kept = {ReplyVerdict.ACCEPTED: 1.0, ReplyVerdict.REJECTED: 0.0}.get(verdict)
    if kept is None:
        kept = share_kept(suggested, sent)
    parts = (uow.actor.user_id, ticket_id, source_id)
    id = derived_id("reply_outcome", uow.actor.workspace_id, *parts)
    known = await uow.entailed(ReplyOutcome, {"_id": id})
    if known:
        known[0].verdict, known[0].kept, known[0].message_id = verdict, kept, message_id
        uow.entail(known[0])
        return known[0]
    outcome = ReplyOutcome(
        id=id,
        owner_id=uow.actor.user_id,
        ticket_id=ticket_id,
        source=source,
        source_id=source_id,
        verdict=verdict,
        kept=kept,
        message_id=message_id,
    )
    uow.save(outcome)
    return outcome


def share_kept(suggested: str, sent: str) -> float:
    """Return how much of a suggestion was sent, 0 to 1; half where the texts are not told."""
    if not suggested.strip() or not sent.strip():
        return EVEN
    spaced = " " in suggested.strip()  # Chinese is compared by characters
    one, other = (suggested.split(), sent.split()) if spaced else (list(suggested), list(sent))
    return round(SequenceMatcher(None, one, other, autojunk=False).ratio(), 4)
