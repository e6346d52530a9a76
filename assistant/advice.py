"""What the assistant tells staff about a customer: read the records, compute, write nothing."""

from assistant.actions import Experience, NextAction, propose_actions
from assistant.profile import Profile, compute_profile
from assistant.subjects import closed_opportunities, gather_subject
from backend.core.errors import FieldError, InvalidInput
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Ticket
from knowledge.text import language_of_locale

MOST_ACTIONS = 20
TICKETS_REMEMBERED = 300  # the latest changed; what chances are counted from


async def next_best_actions(uow: UnitOfWork, subject_id: str, *, first: int = 5) -> list[NextAction]:
    """Return up to ``first`` (1–20) actions for an account, contact, opportunity or ticket, best first."""
    if not 1 <= first <= MOST_ACTIONS:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_ACTIONS}"))
    subject = await gather_subject(uow, subject_id)
    experience = Experience(
        closed=await closed_opportunities(uow), tickets=await uow.latest(Ticket, most=TICKETS_REMEMBERED)
    )
    language = language_of_locale(uow.actor.locale)
    return propose_actions(subject, experience, now=uow.at, language=language)[:first]


async def customer_profile(uow: UnitOfWork, id: str) -> Profile:
    """Return the profile of an account or contact (or of whose opportunity or ticket it is)."""
    subject = await gather_subject(uow, id)
    closed = await closed_opportunities(uow)
    return compute_profile(subject, closed, now=uow.at, language=language_of_locale(uow.actor.locale))
