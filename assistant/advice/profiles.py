"""Profiles of customers: computed as each asker may see them, and kept by the house with their history."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assistant.advice.actions import DEAL_FIELDS, LEAD_FIELDS, TALK_FIELDS
from assistant.advice.documents import CustomerProfile, Pointer, ProfileFact, ProfileVersion
from assistant.advice.outlook import Purchases, foretell
from assistant.advice.paper_actions import PAYMENT_FIELDS
from assistant.advice.pointers import readable_pointers, sees_fields
from assistant.advice.profile import Finding, Profile, Score, compute_profile
from assistant.advice.subjects import closed_opportunities, gather_subject
from backend.core.errors import NotFound
from backend.core.ids import derived_id
from backend.core.records import Record
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account, Contact
from knowledge.text import language_of_locale

VERSIONS_KEPT = 50
MOST_EVIDENCE_KEPT = 1_000  # records behind one fact; with more it is not kept, for nobody could be shown it
BOUGHT = (*DEAL_FIELDS, "opportunity.closed_at", "opportunity.account_id")
SAID = ("message.body", "conversation.contact_id", "conversation.account_id")
WHOSE = ("ticket.account_id", "ticket.contact_id", "activity.account_id", "activity.contact_id")
# The fields that each fact is made from; a key that is not here is not kept.
RESTS_ON: Mapping[str, Sequence[str]] = {
    "lifecycle": ("account.lifecycle",),
    "last_interaction": (*TALK_FIELDS, "activity.channel", "conversation.channel"),
    "open_tickets": ("ticket.status", "ticket.resolved_at", *WHOSE),
    "open_pipeline": BOUGHT,
    "won_value": BOUGHT,
    "preferred_channel": (*TALK_FIELDS, "activity.channel", "conversation.channel"),
    "preferred_hour": (*TALK_FIELDS, *SAID),
    "sentiment_trend": SAID,
    "interests": LEAD_FIELDS,
    "language": ("contact.language", "ticket.description", "ticket.subject"),
    "topics": ("ticket.category", "ticket.tags", *WHOSE),
    "key_people": ("contact.role", "contact.is_active", "contact.account_id"),
    "recency_days": BOUGHT,
    "frequency": BOUGHT,
    "monetary": BOUGHT,
    "lifetime_value": BOUGHT,
    "likely_gone": BOUGHT,
    "no_contact": TALK_FIELDS,
    "no_contact_yet": TALK_FIELDS,
    "overdue_tasks": ("task.status", "task.due_at"),
    "overdue_payments": PAYMENT_FIELDS,
    "open_incidents": ("ticket.status", "ticket.type", *WHOSE),
    "low_satisfaction": ("ticket.csat", *WHOSE),
}
# Figures over all customers, or that nothing rests on: only for who reads the whole kinds they come from.
OVER_ALL = frozenset({"recency_days", "frequency", "monetary", "lifetime_value", "likely_gone"})


async def customer_profile(uow: UnitOfWork, id: str) -> Profile:
    """Return the profile of an account or contact (or of whose opportunity or ticket it is), as of now."""
    subject = await gather_subject(uow, id, with_words=True)
    closed = await closed_opportunities(uow)
    past = await asyncio.to_thread(Purchases, closed, uow.at)
    outlook = await asyncio.to_thread(
        foretell, subject.opportunities, past, now=uow.at, home=subject.home_currency
    )
    return compute_profile(
        subject,
        closed,
        outlook,
        now=uow.at,
        language=language_of_locale(uow.actor.locale),
        zone=_zone(uow.actor.time_zone),
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


async def profile_history(uow: UnitOfWork, id: str) -> CustomerProfile | None:
    """Return the kept profile of an account or contact: the facts all of whose evidence the asker reads.

    None while none was computed yet. Raise NotFound for a customer that is not visible, Forbidden for
    customers themselves.
    """
    subject = await gather_subject(uow, id)
    about = subject.account if isinstance(subject.about, Account) else subject.contact or subject.account
    if about is None:
        raise NotFound("customer", id)
    kept = await uow.as_house().find_one(CustomerProfile, {"subject_id": about.id})
    if kept is None:
        return None
    facts = [*kept.facts, *(fact for version in kept.history for fact in version.facts)]
    readable = await readable_pointers(uow, [one for fact in facts for one in fact.evidence])
    history = [
        version.model_copy(update={"facts": _visible(uow, version.facts, readable)})
        for version in kept.history
    ]
    shown: CustomerProfile = kept.model_copy(
        update={"facts": _visible(uow, kept.facts, readable), "history": history}
    )
    return shown


def _visible(
    uow: UnitOfWork, facts: Iterable[ProfileFact], readable: Mapping[str, Record]
) -> list[ProfileFact]:
    return [
        fact
        for fact in facts
        if sees_fields(uow, fact.rests_on)
        and all(one.id in readable for one in fact.evidence)
        and (fact.evidence or _reads_whole(uow, fact))
        and (fact.key not in OVER_ALL or _reads_whole(uow, fact))
    ]


def _reads_whole(uow: UnitOfWork, fact: ProfileFact) -> bool:
    """Tell whether the asker reads every record of each kind that a fact was made from."""
    kinds = {name.partition(".")[0] for name in fact.rests_on}
    return all(uow.actor.level(kind, "read") == "all" for kind in kinds)


# ── kept by the house ────────────────────────────────────────────────────────────────────────────


async def recompute_profile(uow: UnitOfWork, subject_id: str) -> CustomerProfile | None:
    """Compute a customer's profile anew, for the house; a new version when a fact changed.

    None, and nothing kept, when the customer is gone or was erased.
    """
    known = await uow.entailed(CustomerProfile, {"subject_id": subject_id})
    try:
        subject = await gather_subject(uow, subject_id, with_words=True)
    except NotFound:
        for one in known:
            forget_profile(uow, one)
        return None
    about = subject.about
    if not isinstance(about, Account | Contact) or getattr(about, "erased_at", None):
        for one in known:
            forget_profile(uow, one)
        return None
    closed = await closed_opportunities(uow)
    past = await asyncio.to_thread(Purchases, closed, uow.at)
    outlook = await asyncio.to_thread(
        foretell, subject.opportunities, past, now=uow.at, home=subject.home_currency
    )
    profile = compute_profile(subject, closed, outlook, now=uow.at, language="en")
    if known:
        kept = known[0]
        _take(kept, _facts(profile), uow.at)
    else:
        kept = CustomerProfile(
            id=derived_id("customer_profile", uow.actor.workspace_id, about.id),
            owner_id=None,
            subject_kind=about.kind,
            subject_id=about.id,
            contact_id=about.id if isinstance(about, Contact) else None,
            account_id=subject.account.id if subject.account else None,
            computed_at=uow.at,
            facts=_facts(profile),
        )
    uow.entail(kept)
    return kept


def _take(kept: CustomerProfile, facts: list[ProfileFact], at: datetime) -> None:
    """Let ``kept`` say ``facts`` from now on; what it said before goes to its history."""
    before = {_name(fact): fact for fact in kept.facts}
    after = {_name(fact): fact for fact in facts}
    gone = [fact for name, fact in before.items() if name not in after or after[name].value != fact.value]
    new = any(name not in before for name in after)
    for name, fact in after.items():
        same = name in before and before[name].value == fact.value
        fact.since = before[name].since if same else kept.number + 1
    if gone or new:
        past = ProfileVersion(number=kept.number, until=at, facts=gone)
        kept.history = [past, *kept.history][:VERSIONS_KEPT]
        kept.number, kept.computed_at = kept.number + 1, at
        kept.facts = facts
    elif [fact.evidence for fact in facts] != [fact.evidence for fact in kept.facts]:
        kept.facts, kept.computed_at = facts, at


def _name(fact: ProfileFact) -> tuple[str, str]:
    return fact.key, fact.unit


def _facts(profile: Profile) -> list[ProfileFact]:
    """Return what a profile says as codes, numbers and pointers."""
    found: list[Finding | Score] = [*profile.facts, *profile.scores, *profile.risks]
    kept = [_fact(one) for one in found if one.key in RESTS_ON]
    return [fact for fact in kept if len(fact.evidence) <= MOST_EVIDENCE_KEPT]


def _fact(one: Finding | Score) -> ProfileFact:
    value = one.code or one.value if isinstance(one, Finding) else str(one.value)
    return ProfileFact(
        key=one.key,
        value=value,
        unit=one.unit,
        at=one.at,
        evidence=[Pointer(kind=found.kind, id=found.id) for found in one.evidence],
        rests_on=list(RESTS_ON[one.key]),
    )


def forget_profile(uow: UnitOfWork, kept: CustomerProfile) -> None:
    """Delete a kept profile and all that it said: a tombstone keeps its words otherwise."""
    kept.facts, kept.history = [], []
    uow.delete(kept)
