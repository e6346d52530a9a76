"""Which actions a customer's records call for, and what each is worth; pure.

Score = value × probability − cost, written as factors whose weights sum to it exactly (Decimal). Costs are
working time at a rate per currency: assumptions until a workspace sets its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from assistant.history import (
    Chance,
    nearest_won,
    overall_chance,
    patience_chance,
    repeat_chance,
    resolution_chance,
    stage_chance,
    usual_time_in_stage,
)
from assistant.reasons import explain
from assistant.subjects import Reference, Subject, refer, refer_all
from backend.crm.documents import ActivityDirection, TaskStatus
from backend.sales.documents import Opportunity
from backend.sales.rules import StageType
from backend.service.documents import Ticket
from backend.service.rules import TicketStatus
from knowledge.text import Language

ANSWER_TICKET = "answer_ticket"
HOURS = {
    "call": Decimal("0.3"),
    "follow_up": Decimal("0.2"),
    "send_quote": Decimal("1.5"),
    ANSWER_TICKET: Decimal("0.3"),
    "visit": Decimal(5),
    "renew": Decimal(1),
}
RATES = {"CNY": Decimal(180), "EUR": Decimal(45), "USD": Decimal(50), "GBP": Decimal(40)}  # an hour of work
OTHER_RATE = Decimal(50)
QUIET_FOR = timedelta(days=60)  # a customer whom nobody has spoken to for so long is worth a word
STALLED_FOR = timedelta(days=30)  # while the won deals are too few to tell what is usual
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Factor:
    """One part of a score, in money; ``evidence`` says what it was counted from."""

    name: str
    weight: Decimal
    evidence: str


@dataclass(frozen=True, kw_only=True)
class NextAction:
    """``score`` is exactly the sum of the factors' weights, and value × probability − cost."""

    action: str
    about: Reference
    value: Decimal
    currency: str
    probability: Decimal
    cost: Decimal
    factors: tuple[Factor, ...]
    similar_cases: tuple[Reference, ...]
    reasons: tuple[str, ...]

    @property
    def score(self) -> Decimal:
        return sum((factor.weight for factor in self.factors), Decimal(0))

    @property
    def hours_worth(self) -> Decimal:
        """Return the score in hours of work, which compares across currencies."""
        return self.score / RATES.get(self.currency, OTHER_RATE)


@dataclass(frozen=True, kw_only=True)
class Experience:
    """The workspace's past, as far as the asker may read it."""

    closed: Sequence[Opportunity]
    tickets: Sequence[Ticket]


def propose_actions(
    subject: Subject, experience: Experience, *, now: datetime, language: Language
) -> list[NextAction]:
    """Return the actions worth more than they cost, and the answers that are owed, best first."""
    found = [
        *_for_opportunities(subject, experience, now, language),
        *_for_tickets(subject, experience, language),
        *_for_quiet_customers(subject, experience, now, language),
    ]
    # Who waits for an answer gets one, whatever the relation is worth (and an agent may not read deals).
    worth = [one for one in found if one.score > 0 or one.action == ANSWER_TICKET]
    return sorted(worth, key=lambda one: (-one.hours_worth, one.action, one.about.id))


def _for_opportunities(
    subject: Subject, experience: Experience, now: datetime, language: Language
) -> Iterator[NextAction]:
    only = subject.about.id if isinstance(subject.about, Opportunity) else None
    for one in subject.opportunities:
        if one.stage_type is not StageType.OPEN or not one.amount or only not in (None, one.id):
            continue
        stage, slow = stage_chance(experience.closed, one), patience_chance(experience.closed, one, now=now)
        action, reasons = _opportunity_action(subject, experience, one, now, language)
        yield _scored(
            action,
            refer(one),
            one.amount,
            one.currency,
            [("win_rate", overall_chance(experience.closed)), ("stage", stage), ("time_in_stage", slow)],
            similar=nearest_won(experience.closed, amount=one.amount, currency=one.currency),
            reasons=reasons,
            language=language,
        )


def _opportunity_action(
    subject: Subject, experience: Experience, one: Opportunity, now: datetime, language: Language
) -> tuple[str, list[str]]:
    """Choose what this deal needs: a word when it hangs, a call when its date is past, else its next step."""
    reasons = []
    entered = max((change.at for change in one.stage_history if change.to_stage == one.stage), default=None)
    usual = usual_time_in_stage(experience.closed, one.stage) or STALLED_FOR
    stalled = entered is not None and now - entered > usual
    overdue = one.expected_close_date is not None and one.expected_close_date < now.date()
    late = [t for t in subject.tasks if t.opportunity_id == one.id and _is_late(t.status, t.due_at, now)]
    if entered is not None and stalled:
        reasons.append(explain("stalled", language, days=(now - entered).days, usual=usual.days))
    if overdue:
        reasons.append(explain("close_date_past", language, date=one.expected_close_date))
    reasons += [explain("task_overdue", language, title=task.title) for task in late]
    if one.next_step:
        reasons.append(explain("next_step", language, step=one.next_step))
    if overdue:
        return "call", reasons
    if stalled or late:
        return "follow_up", reasons
    if one.probability >= 25 and not any(c.to_stage == "proposal" for c in one.stage_history):
        return "send_quote", reasons or [explain("no_quote_yet", language)]
    return "follow_up", reasons or [explain("keep_going", language)]


def _for_tickets(subject: Subject, experience: Experience, language: Language) -> Iterator[NextAction]:
    only = subject.about.id if isinstance(subject.about, Ticket) else None
    waiting = [
        one
        for one in subject.tickets
        if one.status in (TicketStatus.NEW, TicketStatus.OPEN) and only in (None, one.id)
    ]
    value, currency = _worth(subject, experience)
    for one in waiting:
        key = "ticket_unanswered" if one.first_responded_at is None else "ticket_open"
        reasons = [explain(key, language, number=one.number), explain("at_stake", language)]
        yield _scored(
            ANSWER_TICKET,
            refer(one),
            value,
            currency,
            [("resolved_when_answered", resolution_chance(experience.tickets))],
            similar=[t for t in experience.tickets if t.category == one.category and t.resolved_at][:3],
            reasons=reasons,
            language=language,
        )


def _for_quiet_customers(
    subject: Subject, experience: Experience, now: datetime, language: Language
) -> Iterator[NextAction]:
    """A customer who bought and has not been spoken to for long: what is open with them comes first."""
    won = [one for one in subject.opportunities if one.stage_type is StageType.WON]
    open_ones = [one for one in subject.opportunities if one.stage_type is StageType.OPEN]
    spoken = [a.at for a in subject.activities if a.direction is not ActivityDirection.INTERNAL]
    last = max(spoken, default=None)
    if not won or open_ones or (last is not None and now - last < QUIET_FOR):
        return
    if isinstance(subject.about, Opportunity | Ticket):
        return
    value, currency = _worth(subject, experience)
    visited = any(activity.type == "visit" for activity in subject.activities)
    reason = explain("quiet", language, days=(now - last).days) if last else explain("never", language)
    yield _scored(
        "visit" if visited else "renew",
        refer(subject.account or subject.about),
        value,
        currency,
        [("bought_again", repeat_chance(experience.closed))],
        similar=nearest_won(experience.closed, amount=value, currency=currency),
        reasons=[reason],
        language=language,
    )


def _worth(subject: Subject, experience: Experience) -> tuple[Decimal, str]:
    """Return what the relation stands for: the customer's mean won deal, its largest open, or the house's."""
    won = [o for o in subject.opportunities if o.stage_type is StageType.WON and o.amount]
    if won:
        same = [o.amount or Decimal(0) for o in won if o.currency == won[-1].currency]
        return (sum(same, Decimal(0)) / len(same)).quantize(CENT), won[-1].currency
    running = [o for o in subject.opportunities if o.stage_type is StageType.OPEN and o.amount]
    if running:
        largest = max(running, key=lambda o: o.amount or Decimal(0))
        return largest.amount or Decimal(0), largest.currency
    amounts = sorted(
        o.amount or Decimal(0)
        for o in experience.closed
        if o.stage_type is StageType.WON and o.currency == "CNY"
    )
    return (amounts[len(amounts) // 2] if amounts else Decimal(0)), "CNY"


def _scored(
    action: str,
    about: Reference,
    value: Decimal,
    currency: str,
    chances: Sequence[tuple[str, Chance | None]],
    *,
    similar: Sequence[Opportunity | Ticket],
    reasons: Sequence[str],
    language: Language,
) -> NextAction:
    """Write the score as factors: what each step of knowledge adds, in money, less the cost."""
    value = value.quantize(CENT)
    factors, probability = [], Decimal(0)
    for name, chance in chances:
        if chance is None:
            continue
        factors.append(Factor(name, value * (chance.value - probability), _evidence(chance, language)))
        probability = chance.value
    rate = RATES.get(currency, OTHER_RATE)
    cost = (HOURS[action] * rate).quantize(CENT)
    spent = explain("cost", language, hours=HOURS[action], rate=rate, currency=currency)
    factors.append(Factor("cost", -cost, spent))
    return NextAction(
        action=action,
        about=about,
        value=value,
        currency=currency,
        probability=probability,
        cost=cost,
        factors=tuple(factors),
        similar_cases=refer_all(similar),
        reasons=tuple(reasons),
    )


def _evidence(chance: Chance, language: Language) -> str:
    key = "prior" if chance.is_prior else "counted"
    return explain(key, language, good=chance.good, n=chance.n, value=chance.value)


def _is_late(status: TaskStatus, due_at: datetime | None, now: datetime) -> bool:
    return status in (TaskStatus.TODO, TaskStatus.IN_PROGRESS) and due_at is not None and due_at < now
