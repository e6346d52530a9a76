"""A customer at a glance: facts, scores and risks, each with what it rests on and its date; pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from assistant.advice.outlook import Outlook, bought_at
from assistant.advice.reasons import explain
from assistant.advice.sentiment import mood, trend
from assistant.advice.subjects import Contacted, Reference, Subject, refer, refer_all
from assistant.advice.words import called
from backend.crm.documents import Activity, ActivityDirection, TaskStatus
from backend.sales.documents import Opportunity
from backend.sales.payment_rules import PaymentStatus
from backend.sales.rules import StageType
from backend.service.documents import Message, Ticket, TicketType
from knowledge.text import Language, guess_language

ENOUGH_TO_RANK = 5  # customers
USUAL_GAP_DAYS = 30  # between interactions, while a customer's own are too few to tell
QUIET_GAPS = 2  # as many usual gaps without a word are a risk
LEAST_FOR_HABIT = 5  # own words or calls
LIKELY = 0.5  # that a customer has left: above it is a risk


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fact or a risk: ``at`` is when what it rests on last changed or happened."""

    key: str
    label: str
    value: str
    at: datetime | None
    evidence: tuple[Reference, ...]
    code: str = ""  # the value without words or names, where it is another
    unit: str = ""


class _MakeFact(Protocol):
    def __call__(
        self,
        key: str,
        value: object,
        at: datetime | None,
        evidence: Sequence[Reference],
        *,
        code: str = "",
        unit: str = "",
        **blanks: str,
    ) -> Finding: ...


@dataclass(frozen=True, kw_only=True)
class Score:
    """A number; ``rank`` 1 to 5 among the customers that the asker may read, None with too few of them."""

    key: str
    label: str
    value: Decimal
    rank: int | None
    explanation: str
    at: datetime | None
    evidence: tuple[Reference, ...]
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Profile:
    id: str
    kind: str
    name: str
    computed_at: datetime
    facts: list[Finding]
    scores: list[Score]
    risks: list[Finding]


def compute_profile(
    subject: Subject,
    closed: Sequence[Opportunity],
    outlook: Outlook,
    *,
    now: datetime,
    language: Language,
    zone: tzinfo = UTC,
) -> Profile:
    """Compute everything from the records at hand; ``closed`` are all customers' deals that are over."""
    about = refer(subject.about)
    return Profile(
        id=about.id,
        kind=about.kind,
        name=about.title,
        computed_at=now,
        facts=list(_facts(subject, language, zone)),
        scores=[*_scores(subject, closed, now, language), *_foretold(outlook, now, language)],
        risks=[*_risks(subject, now, language), *_leaving(outlook, now, language)],
    )


def _facts(subject: Subject, language: Language, zone: tzinfo) -> Iterator[Finding]:
    def fact(
        key: str,
        value: object,
        at: datetime | None,
        evidence: Sequence[Reference],
        *,
        code: str = "",
        unit: str = "",
        **blanks: str,
    ) -> Finding:
        label = explain(key, language, **blanks)
        return Finding(
            key=key, label=label, value=str(value), at=at, evidence=tuple(evidence), code=code, unit=unit
        )

    if subject.account is not None:
        account = subject.account
        stands = account.lifecycle.value
        yield fact("lifecycle", called(stands, language), account.updated_at, [refer(account)], code=stands)
    spoken = subject.contacts_over_time()
    if spoken:
        last = spoken[-1]
        day = f"{last.at.astimezone(zone):%Y-%m-%d}"
        yield fact(
            "last_interaction",
            f"{called(last.channel, language)} {day}",
            last.at,
            [refer(last.record)],
            code=f"{last.channel} {day}",
        )
    if Ticket.kind not in subject.unread:
        tickets = _open_tickets(subject)
        newest = max((t.updated_at for t in subject.tickets if t.updated_at), default=None)
        # That none is open rests on all of them.
        yield fact("open_tickets", len(tickets), newest, refer_all(tickets or subject.tickets))
    for key, type in (("open_pipeline", StageType.OPEN), ("won_value", StageType.WON)):
        for currency, deals in _by_currency(subject.opportunities, type).items():
            at = max((d.updated_at for d in deals if d.updated_at), default=None)
            yield fact(key, _total(deals), at, refer_all(deals), unit=currency, currency=currency)
    yield from _habits(subject, fact, language, zone)
    yield from _people(subject, fact, language)


def _habits(subject: Subject, fact: _MakeFact, language: Language, zone: tzinfo) -> Iterator[Finding]:
    """When and how they like to talk, what about, and how they sound."""
    spoken = subject.contacts_over_time()
    channels = Counter(one.channel for one in spoken)
    if channels:
        channel, count = channels.most_common(1)[0]
        over_it = [one for one in spoken if one.channel == channel]
        share = f"({count}/{len(spoken)})"
        yield fact(
            "preferred_channel",
            f"{called(channel, language)} {share}",
            over_it[-1].at,
            refer_all([one.record for one in over_it[::-1]]),
            code=f"{channel} {share}",
        )
    own: list[Activity | Message] = [
        *(a for a in subject.activities if a.direction is ActivityDirection.INBOUND),
        *subject.said,
    ]
    if len(own) >= LEAST_FOR_HABIT:
        hours = Counter(one.at.astimezone(zone).hour for one in own)
        hour, count = max(hours.items(), key=lambda pair: (pair[1], -pair[0]))
        of_it = [one for one in own if one.at.astimezone(zone).hour == hour]
        last = max(one.at for one in of_it)
        yield fact("preferred_hour", f"{hour:02d}:00 ({count}/{len(own)})", last, refer_all(of_it))
    direction = trend([mood(one.body) for one in subject.said])
    if direction is not None:
        rests = refer_all(subject.said[::-1])
        said = called(direction, language)
        yield fact("sentiment_trend", said, subject.said[-1].at, rests, code=direction)
    wanted = Counter(thing for lead in subject.leads for thing in lead.interests)
    if wanted:
        of_it = [lead for lead in subject.leads if lead.interests]
        at = max((lead.updated_at for lead in of_it if lead.updated_at), default=None)
        yield fact("interests", ", ".join(name for name, _ in wanted.most_common(5)), at, refer_all(of_it))


def _foretold(outlook: Outlook, now: datetime, language: Language) -> Iterator[Score]:
    """What a year will bring; nothing where too little is known: ``lifetimeValue`` says what is missing."""
    worth = outlook.worth
    if not outlook.deals or worth.value is None:
        return
    low, high = round(worth.low or 0), round(worth.high or 0)
    yield Score(
        key="lifetime_value",
        label=explain("lifetime_value", language, currency=outlook.currency),
        value=Decimal(worth.value).quantize(Decimal("0.01")),
        rank=None,
        explanation=explain("foretold", language, n=worth.n, low=low, high=high),
        at=max(bought_at(one, now) for one in outlook.deals),
        evidence=refer_all(outlook.deals),
        unit=outlook.currency,
    )


def _leaving(outlook: Outlook, now: datetime, language: Language) -> Iterator[Finding]:
    leaves = outlook.leaves
    if leaves.value is None or leaves.value < LIKELY:
        return
    said = explain("likely_gone", language, chance=round(100 * leaves.value), n=leaves.n)
    at = max(bought_at(one, now) for one in outlook.deals)
    evidence = refer_all(outlook.deals)
    code = f"chance={round(100 * leaves.value)} n={leaves.n}"
    yield Finding(key="likely_gone", label=said, value=said, at=at, evidence=evidence, code=code)


def _people(subject: Subject, fact: _MakeFact, language: Language) -> Iterator[Finding]:
    contact = subject.contact or (subject.contacts[0] if subject.contacts else None)
    if contact is not None and contact.language:
        spoken = contact.language
        said = called(spoken, language)
        yield fact("language", said, contact.updated_at, [refer(contact)], code=spoken)
    elif subject.tickets:
        ticket = subject.tickets[-1]
        spoken = guess_language(ticket.description or ticket.subject)
        yield fact("language", called(spoken, language), ticket.opened_at, [refer(ticket)], code=spoken)
    topics = Counter(name for t in subject.tickets for name in {t.category, *t.tags} - {""})
    if topics:
        named = [name for name, _ in topics.most_common(3)]
        rests = [t for t in subject.tickets if {t.category, *t.tags} & set(named)]
        at = max((t.opened_at for t in rests if t.opened_at), default=None)
        yield fact("topics", ", ".join(named), at, refer_all(rests))
    people = [c for c in subject.contacts if c.is_active and c.role]
    if people:
        at = max((c.updated_at for c in people if c.updated_at), default=None)
        named_people = ", ".join(f"{c.full_name} ({called(c.role, language)})" for c in people)
        ids = " ".join(c.id for c in people)
        yield fact("key_people", named_people, at, refer_all(people), code=ids)


def _scores(
    subject: Subject, closed: Sequence[Opportunity], now: datetime, language: Language
) -> Iterator[Score]:
    """Recency, frequency, monetary value. Source: Hughes, Strategic Database Marketing, 1994 (RFM)."""
    won = [one for one in subject.opportunities if one.stage_type is StageType.WON]
    customers: dict[str, list[Opportunity]] = {}
    for one in closed:
        if one.stage_type is StageType.WON and one.account_id:
            customers.setdefault(one.account_id, []).append(one)
    if not won:
        return
    last = max(won, key=lambda one: bought_at(one, now))
    at = bought_at(last, now)
    days = Decimal((now - at).days)
    others = [Decimal((now - max(bought_at(o, now) for o in deals)).days) for deals in customers.values()]
    rank, said = _rank(days, others, language, low_is_good=True)
    yield Score(
        key="recency_days",
        label=explain("recency_days", language),
        value=days,
        rank=rank,
        explanation=said,
        at=at,
        evidence=(refer(last),),
    )
    counts = [Decimal(len(deals)) for deals in customers.values()]
    rank, said = _rank(Decimal(len(won)), counts, language)
    evidence = refer_all(won)
    yield Score(
        key="frequency",
        label=explain("frequency", language),
        value=Decimal(len(won)),
        rank=rank,
        explanation=said,
        at=at,
        evidence=evidence,
    )
    for currency, deals in _by_currency(won, StageType.WON).items():
        # Amounts of other currencies are not comparable without a dated rate, so they are left out.
        totals = [_total([o for o in all if o.currency == currency]) for all in customers.values()]
        rank, said = _rank(_total(deals), [total for total in totals if total], language)
        yield Score(
            key="monetary",
            label=explain("monetary", language, currency=currency),
            value=_total(deals),
            rank=rank,
            explanation=said,
            at=at,
            evidence=refer_all(deals),
            unit=currency,
        )


def _risks(subject: Subject, now: datetime, language: Language) -> Iterator[Finding]:
    def risk(key: str, at: datetime | None, evidence: Sequence[Reference], **blanks: object) -> Finding:
        said = explain(key, language, **blanks)
        code = " ".join(f"{name}={value}" for name, value in sorted(blanks.items()))
        return Finding(key=key, label=said, value=said, at=at, evidence=tuple(evidence), code=code)

    spoken = subject.contacts_over_time()
    if subject.knows_contacts and not spoken:
        yield risk("no_contact_yet", None, [refer(subject.about)])
    elif subject.knows_contacts:
        quiet, usual = (now - spoken[-1].at).days, _usual_gap_days(spoken)
        if quiet > QUIET_GAPS * usual:
            yield risk("no_contact", spoken[-1].at, [refer(spoken[-1].record)], days=quiet, usual=usual)
    active = (TaskStatus.TODO, TaskStatus.IN_PROGRESS)
    late = [t for t in subject.tasks if t.status in active and t.due_at and t.due_at < now]
    if late:
        yield risk("overdue_tasks", min(t.due_at for t in late if t.due_at), refer_all(late), count=len(late))
    owed = [one for one in subject.payments if one.status is PaymentStatus.OVERDUE]
    for currency in sorted({one.currency for one in owed}):
        of_it = [one for one in owed if one.currency == currency]
        still_open = sum((one.amount - one.received_total for one in of_it), Decimal(0))
        since = min((one.overdue_at for one in of_it if one.overdue_at), default=None)
        blanks = {"count": len(of_it), "open": f"{still_open:f}", "currency": currency}
        yield risk("overdue_payments", since, refer_all(of_it), **blanks)
    incidents = [t for t in _open_tickets(subject) if t.type in (TicketType.INCIDENT, TicketType.PROBLEM)]
    if incidents:
        at = max((t.opened_at for t in incidents if t.opened_at), default=None)
        yield risk("open_incidents", at, refer_all(incidents), count=len(incidents))
    for ticket in subject.tickets:
        if ticket.csat is not None and ticket.csat <= 2:
            yield risk("low_satisfaction", ticket.resolved_at, [refer(ticket)], csat=ticket.csat)


def _open_tickets(subject: Subject) -> list[Ticket]:
    return [ticket for ticket in subject.tickets if not ticket.progress.is_done]


def _by_currency(deals: Sequence[Opportunity], type: StageType) -> dict[str, list[Opportunity]]:
    found: dict[str, list[Opportunity]] = {}
    for one in deals:
        if one.stage_type is type and one.amount is not None:
            found.setdefault(one.currency, []).append(one)
    return found


def _total(deals: Sequence[Opportunity]) -> Decimal:
    return sum((one.amount or Decimal(0) for one in deals), Decimal(0))


def _usual_gap_days(spoken: Sequence[Contacted]) -> int:
    """Return the median days between interactions; USUAL_GAP_DAYS while fewer than three gaps are known."""
    gaps = sorted((later.at - earlier.at).days for earlier, later in pairwise(spoken))
    return max(1, gaps[len(gaps) // 2]) if len(gaps) >= 3 else USUAL_GAP_DAYS


def _rank(
    mine: Decimal, all: Sequence[Decimal], language: Language, *, low_is_good: bool = False
) -> tuple[int | None, str]:
    """Return the fifth, 1 to 5, that a value falls into among all customers', and how that was counted.

    Those level with it count by half: where most bought once, to have done so is neither best nor worst.
    """
    if len(all) < ENOUGH_TO_RANK:
        return None, explain("alone", language, n=len(all))
    worse = sum(other > mine if low_is_good else other < mine for other in all)
    level = sum(other == mine for other in all)
    rank = min(5, max(1, -(-5 * (2 * worse + level) // (2 * len(all)))))
    others = max(0, level - 1)  # but the customer itself
    return rank, explain("rank", language, worse=worse, level=others, n=len(all))
