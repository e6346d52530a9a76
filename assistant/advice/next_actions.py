"""What the assistant advises about a customer: read the records, compute, write nothing."""

import asyncio
from collections.abc import Sequence

from assistant.advice.actions import NextAction, propose_actions
from assistant.advice.documents import Recommendation, RecommendationState, SkipReason
from assistant.advice.experience import Experience, learn
from assistant.advice.interests import affinities_of
from assistant.advice.subjects import closed_opportunities, gather_subject, judges
from backend.core.errors import FieldError, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.sales.contract_documents import Contract, Payment
from backend.service.documents import Ticket
from knowledge.text import language_of_locale

MOST_ACTIONS = 20
TICKETS_REMEMBERED = 300  # the latest changed; what chances are counted from
PAPERS_REMEMBERED = 1_000  # contracts, and payments
DECISIONS_REMEMBERED = 2_000  # the latest taken; what nobody has decided yet, or never did, crowds out none
WRONG = (SkipReason.NOT_RELEVANT, SkipReason.TOO_COSTLY)  # the advice was wrong, not only untimely


async def next_best_actions(uow: UnitOfWork, subject_id: str, *, first: int = 5) -> list[NextAction]:
    """Return up to ``first`` (1–20) actions for an account, contact, opportunity or ticket, best first.

    What was skipped here, or snoozed, is left out for as long as its reason says.
    """
    check_first(first)
    subject = await gather_subject(uow, subject_id)
    found = propose_actions(
        subject,
        await gather_experience(uow),
        now=uow.at,
        language=language_of_locale(uow.actor.locale),
        affinities=await affinities_of(uow),
    )
    return (await not_resting(uow, found))[:first]


def check_first(first: int) -> None:
    """Raise InvalidInput where so many actions are not given at once."""
    if not 1 <= first <= MOST_ACTIONS:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_ACTIONS}"))


async def not_resting(uow: UnitOfWork, found: Sequence[NextAction]) -> list[NextAction]:
    """Leave out what this person has put off or turned down, and of which the time is not over."""
    mine = {
        "owner_id": uow.actor.user_id,
        "about_id": {"$in": sorted({one.about.id for one in found})},
        "snoozed_until": {"$gt": uow.at},
    }
    rest = await uow.as_house().find(Recommendation, mine)
    resting = {(one.action, one.about_id, one.thing) for one in rest}
    return [one for one in found if (one.action, one.about.id, one.thing) not in resting]


async def gather_experience(uow: UnitOfWork) -> Experience:
    """Return what the past teaches, as far as the asker may read it; learned off the event loop."""
    closed = await closed_opportunities(uow)
    tickets = await uow.latest(Ticket, most=TICKETS_REMEMBERED) if judges(uow, Ticket) else []
    contracts = await uow.latest(Contract, most=PAPERS_REMEMBERED) if judges(uow, Contract) else []
    payments = await uow.latest(Payment, most=PAPERS_REMEMBERED) if judges(uow, Payment) else []
    return await asyncio.to_thread(
        learn, closed, tickets, await _taken_up(uow), contracts=contracts, payments=payments
    )


async def _taken_up(uow: UnitOfWork) -> dict[str, tuple[int, int]]:
    """Return for each action how many recommendations in this workspace were right, and how many wrong.

    Counts over everybody's decisions: they say what such advice is worth here, and nothing of any record.
    """
    counts: dict[str, list[int]] = {}
    decided = {"state": {"$in": [RecommendationState.ACCEPTED, RecommendationState.SKIPPED]}}
    latest_first = [("decided_at", -1)]
    for one in await uow.as_house().find(
        Recommendation, decided, sort=latest_first, limit=DECISIONS_REMEMBERED
    ):
        right = one.state is RecommendationState.ACCEPTED
        wrong = one.state is RecommendationState.SKIPPED and one.skip_reason in WRONG
        both = counts.setdefault(one.action, [0, 0])
        both[0] += right
        both[1] += wrong
    return {action: (right, wrong) for action, (right, wrong) in counts.items()}
