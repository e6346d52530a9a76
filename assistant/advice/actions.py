"""Which actions a customer's records call for, and what each is worth; pure.

Score = value × probability − cost, written as factors whose weights sum to it exactly (Decimal). Costs are
working time at a rate per currency: assumptions until a workspace sets its own. An answer that is owed has
none: the time is spent whatever it brings, so it is no reason against it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from assistant.advice.chances import Reckoning, counted, taken_up, winning
from assistant.advice.experience import SIZES, Experience
from assistant.advice.history import (
    nearest_won,
    repeat_chance,
    resolution_chance,
    smoothed,
    usual_time_in_stage,
)
from assistant.advice.paper_actions import COLLECT, RENEW_CONTRACT, calls_of_papers, quote_state
from assistant.advice.precedence import (
    ANSWER_TICKET,
    ESCALATE,
    NOT_PRESSING,
    OWED,
    Urgency,
    precedence,
    rate_of,
    urgency_of,
    waits_for_us,
)
from assistant.advice.reasons import explain
from assistant.advice.subjects import Reference, Subject, refer, refer_all
from assistant.predictions.affinity import Affinities
from backend.core.records import Record
from backend.crm.documents import Task, TaskStatus
from backend.sales.documents import Opportunity
from backend.sales.rules import StageType
from backend.service.documents import Ticket, TicketPriority
from backend.service.rules import TicketStatus
from knowledge.text import Language

OFFER = "offer_product"
HOURS = {
    "call": Decimal("0.3"),
    "follow_up": Decimal("0.2"),
    "send_quote": Decimal("1.5"),
    ANSWER_TICKET: Decimal("0.3"),
    ESCALATE: Decimal("0.5"),
    OFFER: Decimal("0.5"),
    "visit": Decimal(5),
    "renew": Decimal(1),
    COLLECT: Decimal("0.3"),
    RENEW_CONTRACT: Decimal(1),
}
QUIET_FOR = timedelta(days=60)  # a customer whom nobody has spoken to for so long is worth a word
STALLED_FOR = timedelta(days=30)  # while the won deals are too few to tell what is usual
TOO_LONG = timedelta(hours=24)  # that an urgent matter may wait for its first answer
MOST_SIMILAR = 3
CENT = Decimal("0.01")

# The fields that each number is made from: who does not see one of them is not shown the stored number.
DEAL_FIELDS = tuple(
    f"opportunity.{name}"
    for name in ("amount", "currency", "stage_type", "probability", "stage_history", "source", "contact_id")
)
TICKET_FIELDS = tuple(
    f"ticket.{name}"
    for name in (
        *("status", "priority", "category", "first_responded_at", "waits_since", "resolved_at"),
        "reopen_count",
    )
)
TALK_FIELDS = ("activity.direction", "activity.at", "activity.type", "conversation.last_message_at")
LEAD_FIELDS = ("lead.interests", "lead.account_id", "lead.contact_id")


@dataclass(frozen=True)
class Factor:
    """One part of a score, in money; ``evidence`` with ``values`` says what it was counted from."""

    name: str
    weight: Decimal
    evidence: str
    values: Mapping[str, str] = field(default_factory=dict)

    def said(self, language: Language) -> str:
        return explain(self.evidence, language, **self.values)


@dataclass(frozen=True, kw_only=True)
class NextAction:
    """``score`` is exactly the sum of the factors' weights, and value × probability − cost.

    ``thing`` is what is to be offered; ``rests_on`` names the fields that the numbers were made from;
    ``customer`` is the account, or the person of none, as far as the asker sees them.
    """

    action: str
    about: Reference
    value: Decimal
    currency: str
    chance: Reckoning
    cost: Decimal
    factors: tuple[Factor, ...]
    similar_cases: tuple[Reference, ...]
    reasons: tuple[str, ...]
    rests_on: tuple[str, ...]
    thing: str = ""
    urgency: Urgency = NOT_PRESSING
    customer: Reference | None = None

    @property
    def probability(self) -> Decimal:
        return self.chance.probability

    @property
    def score(self) -> Decimal:
        return sum((factor.weight for factor in self.factors), Decimal(0))


def propose_actions(
    subject: Subject,
    experience: Experience,
    *,
    now: datetime,
    language: Language,
    affinities: Affinities | None = None,
) -> list[NextAction]:
    """Return the actions worth more than they cost, and the answers that are owed, best first."""
    found = [
        *_for_opportunities(subject, experience, now, language),
        *_for_tickets(subject, experience, now, language),
        *_for_quiet_customers(subject, experience, now, language),
        *_for_interests(subject, experience, affinities, language),
        *_for_papers(subject, experience, now, language),
    ]
    # Who waits for an answer gets one, whatever the relation is worth (and an agent may not read deals).
    worth = [one for one in found if one.score > 0 or one.action in OWED]
    customer = subject.account or subject.contact
    whose = refer(customer) if customer is not None else None
    return in_order([replace(one, customer=whose) for one in worth])


def in_order(found: Sequence[NextAction]) -> list[NextAction]:
    """Return actions best first; those of several customers, too."""
    return sorted(found, key=lambda one: (*precedence(one, one.urgency), one.about.id, one.action, one.thing))


def _for_opportunities(
    subject: Subject, experience: Experience, now: datetime, language: Language
) -> Iterator[NextAction]:
    only = subject.about.id if isinstance(subject.about, Opportunity) else None
    for one in subject.opportunities:
        if one.stage_type is not StageType.OPEN or not one.amount or only not in (None, one.id):
            continue
        action, reasons = _opportunity_action(subject, experience, one, now, language)
        yield _scored(
            action,
            refer(one),
            one.amount,
            one.currency,
            taken_up(winning(experience, one, now=now), action, experience),
            similar=nearest_won(experience.closed, amount=one.amount, currency=one.currency),
            reasons=reasons,
            language=language,
            rests_on=DEAL_FIELDS,
        )


def _opportunity_action(
    subject: Subject, experience: Experience, one: Opportunity, now: datetime, language: Language
) -> tuple[str, list[str]]:
    """Choose what this deal needs: a word when it hangs, a call or a visit when its date is past, else its
    next step."""
    entered = max((change.at for change in one.stage_history if change.to_stage == one.stage), default=None)
    usual = usual_time_in_stage(experience.closed, one.stage) or STALLED_FOR
    stalled = entered is not None and now - entered > usual
    overdue = one.expected_close_date is not None and one.expected_close_date < now.date()
    late = [task for task in subject.tasks if task.opportunity_id == one.id and is_late(task, now)]
    reasons = []
    if entered is not None and stalled:
        reasons.append(explain("stalled", language, days=(now - entered).days, usual=usual.days))
    if overdue:
        reasons.append(explain("close_date_past", language, date=one.expected_close_date))
    reasons += [explain("task_overdue", language, title=task.title) for task in late]
    if one.next_step:
        reasons.append(explain("next_step", language, step=one.next_step))
    quoted = [quote for quote in subject.quotes if quote.opportunity_id == one.id]
    wanted, why = quote_state(quoted, now=now, language=language)
    reasons += [why] if why else []
    if overdue:
        return ("visit" if _deserves_visit(subject, experience, one) else "call"), reasons
    if wanted == "send_quote":
        return wanted, reasons
    if stalled or late or wanted:
        return "follow_up", reasons
    if one.probability >= 25 and not any(c.to_stage == "proposal" for c in one.stage_history):
        return "send_quote", [*reasons, explain("no_quote_yet", language)]
    return "follow_up", reasons or [explain("keep_going", language)]


def _deserves_visit(subject: Subject, experience: Experience, one: Opportunity) -> bool:
    """Tell whether a deal is among the largest third and its customer is one whom we visit."""
    large = experience.yardstick.levels(one, one.stage, None).get("size") == SIZES[-1]
    return large and any(activity.type == "visit" for activity in subject.activities)


def _for_tickets(
    subject: Subject, experience: Experience, now: datetime, language: Language
) -> Iterator[NextAction]:
    only = subject.about.id if isinstance(subject.about, Ticket) else None
    value, currency = _worth(subject, experience)
    chance = counted([("resolved_when_answered", resolution_chance(experience.tickets))], method="counted")
    for one in subject.tickets:
        if one.status not in (TicketStatus.NEW, TicketStatus.OPEN) or only not in (None, one.id):
            continue
        waiting = []
        if waits_for_us(one):
            key = "ticket_unanswered" if one.first_responded_at is None else "ticket_open"
            waiting.append((ANSWER_TICKET, explain(key, language, number=one.number)))
        if (why := _why_escalate(one, now, language)) is not None:
            waiting.append((ESCALATE, why))
        for action, reason in waiting:
            yield _scored(
                action,
                refer(one),
                value,
                currency,
                taken_up(chance, action, experience),
                similar=_settled_like(one, experience),
                reasons=[reason, *([explain("at_stake", language)] if value else [])],
                language=language,
                rests_on=(*TICKET_FIELDS, *DEAL_FIELDS),
                urgency=urgency_of(one),
            )


def _settled_like(one: Ticket, experience: Experience) -> list[Ticket]:
    """Return settled tickets of its category; of a ticket without one none is said to be like it."""
    like = [other for other in experience.tickets if other.category == one.category and other.resolved_at]
    return like[:MOST_SIMILAR] if one.category else []


def _why_escalate(one: Ticket, now: datetime, language: Language) -> str | None:
    if one.reopen_count >= 2:
        return explain("reopened_often", language, number=one.number, count=one.reopen_count)
    pressing = one.priority in (TicketPriority.HIGH, TicketPriority.URGENT)
    if pressing and one.first_responded_at is None and one.opened_at and now - one.opened_at > TOO_LONG:
        hours = int((now - one.opened_at).total_seconds() // 3600)
        return explain("urgent_unanswered", language, number=one.number, hours=hours)
    return None


def _for_quiet_customers(
    subject: Subject, experience: Experience, now: datetime, language: Language
) -> Iterator[NextAction]:
    """A customer who bought and has not been spoken to for long: what is open with them comes first."""
    won = [one for one in subject.opportunities if one.stage_type is StageType.WON]
    open_ones = [one for one in subject.opportunities if one.stage_type is StageType.OPEN]
    if not won or open_ones or isinstance(subject.about, Opportunity | Ticket) or not subject.knows_contacts:
        return
    last = max((one.at for one in subject.contacts_over_time()), default=None)
    if last is not None and now - last < QUIET_FOR:
        return
    value, currency = _worth(subject, experience)
    action = "visit" if any(activity.type == "visit" for activity in subject.activities) else "renew"
    reason = explain("quiet", language, days=(now - last).days) if last else explain("never", language)
    chance = counted([("bought_again", repeat_chance(experience.closed))], method="counted")
    yield _scored(
        action,
        refer(subject.account or subject.about),
        value,
        currency,
        taken_up(chance, action, experience),
        similar=nearest_won(experience.closed, amount=value, currency=currency),
        reasons=[reason],
        language=language,
        rests_on=(*DEAL_FIELDS, *TALK_FIELDS),
    )


def _for_interests(
    subject: Subject, experience: Experience, affinities: Affinities | None, language: Language
) -> Iterator[NextAction]:
    """What customers like this one were interested in, too: offered to those who bought before."""
    has = {thing for lead in subject.leads for thing in lead.interests}
    won = any(one.stage_type is StageType.WON for one in subject.opportunities)
    if affinities is None or not affinities.enough or not won or isinstance(subject.about, Ticket):
        return
    value, currency = _worth(subject, experience)
    for rule in affinities.for_customer(has, most=2):
        again = counted([("bought_again", repeat_chance(experience.closed))], method="counted")
        counts = {"good": str(rule.together), "n": str(rule.with_given), "given": rule.given}
        together = smoothed(rule.together, rule.with_given)
        chance = again.times("goes_with", together, "goes_with", counts)
        reason = explain("interested_in", language, thing=rule.thing, given=rule.given)
        yield _scored(
            OFFER,
            refer(subject.account or subject.about),
            value,
            currency,
            taken_up(chance, OFFER, experience),
            similar=nearest_won(experience.closed, amount=value, currency=currency),
            reasons=[reason],
            language=language,
            rests_on=(*DEAL_FIELDS, *LEAD_FIELDS),
            thing=rule.thing,
        )


def _for_papers(
    subject: Subject, experience: Experience, now: datetime, language: Language
) -> Iterator[NextAction]:
    """What is owed by this customer, and what ends: of a deal or a ticket only itself is asked about."""
    if isinstance(subject.about, Opportunity | Ticket):
        return
    for call in calls_of_papers(subject, experience, now=now, language=language):
        yield _scored(
            call.action,
            refer(call.about),
            call.value,
            call.about.currency,
            taken_up(call.chance, call.action, experience),
            similar=call.similar,
            reasons=call.reasons,
            language=language,
            rests_on=call.rests_on,
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
    sold = [o for o in experience.closed if o.stage_type is StageType.WON and o.amount]
    if not sold:
        return Decimal(0), subject.home_currency
    # Amounts of several currencies have no middle: that of the currency in which the house sells most often.
    counts = Counter(o.currency for o in sold)
    currency = min(counts, key=lambda name: (-counts[name], name))
    amounts = sorted(o.amount or Decimal(0) for o in sold if o.currency == currency)
    return amounts[len(amounts) // 2], currency


def _scored(
    action: str,
    about: Reference,
    value: Decimal,
    currency: str,
    chance: Reckoning,
    *,
    similar: Sequence[Record],
    reasons: Sequence[str],
    language: Language,
    rests_on: Sequence[str],
    thing: str = "",
    urgency: Urgency = NOT_PRESSING,
) -> NextAction:
    """Write the score as factors: what each step of knowledge adds, in money, less the cost."""
    value = value.quantize(CENT)
    factors = [Factor(step.name, value * step.share, step.evidence, step.values) for step in chance.steps]
    rate = rate_of(currency)
    is_owed = action in OWED
    cost = Decimal(0) if is_owed else (HOURS[action] * rate).quantize(CENT)
    spent = {"hours": str(HOURS[action]), "rate": str(rate), "currency": currency}
    factors.append(Factor("cost", -cost, "owed" if is_owed else "cost", spent))
    return NextAction(
        action=action,
        about=about,
        value=value,
        currency=currency,
        chance=chance,
        cost=cost,
        factors=tuple(factors),
        similar_cases=refer_all(similar),
        reasons=tuple(reasons),
        rests_on=tuple(rests_on),
        thing=thing,
        urgency=urgency,
    )


def is_late(task: Task, now: datetime) -> bool:
    """Tell whether a task should have been done before ``now``."""
    active = task.status in (TaskStatus.TODO, TaskStatus.IN_PROGRESS)
    return active and task.due_at is not None and task.due_at < now
