"""Recommendations: proposed to one person, then accepted, skipped, snoozed or expired; and their outcome."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import svcs

from assistant.advice.actions import NextAction
from assistant.advice.documents import (
    Outcome,
    Pointer,
    Recommendation,
    RecommendationState,
    ScorePart,
    SkipReason,
)
from assistant.advice.next_actions import MOST_ACTIONS, next_best_actions
from assistant.advice.pointers import readable_pointers, sees_fields
from assistant.advice.precedence import is_still_called_for, precedence, urgency_of
from assistant.advice.reasons import explain
from assistant.advice.subjects import gather_subject, refer
from backend.core.access import system_actor
from backend.core.errors import FieldError, InvalidInput, NotFound
from backend.core.ids import derived_id
from backend.core.records import Record
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Task, TaskStatus
from backend.crm.tasks import create_task
from backend.sales.contract_documents import Contract
from backend.sales.contract_rules import LIVE, UNSIGNED
from backend.sales.documents import Opportunity
from backend.sales.events import ContractStatusChanged, OpportunityStageChanged, PaymentReceived
from backend.sales.rules import StageType
from backend.service.documents import Ticket
from backend.service.events import TicketStatusChanged
from backend.service.rules import TicketStatus
from knowledge.text import language_of_locale

LIFE = timedelta(days=14)  # after which a proposal is stale
LONGEST_SNOOZE = timedelta(days=365)
MOST_LISTED = 100
PAGE = 200  # recommendations in one commit of the job
# How long what was turned down stays away: what was wrong longest, what came too early shortest.
RESTS = {
    SkipReason.NOT_RELEVANT: timedelta(days=180),
    SkipReason.TOO_COSTLY: timedelta(days=90),
    SkipReason.CUSTOMER_DECLINED: timedelta(days=180),
    SkipReason.ALREADY_DONE: timedelta(days=30),
    SkipReason.WRONG_TIME: timedelta(days=7),
}
_S = RecommendationState
FINAL = [Outcome.WON, Outcome.LOST, Outcome.PAID, Outcome.RENEWED]  # no task done says more
UNDECIDED = (_S.PROPOSED, _S.SNOOZED)


async def recommend(uow: UnitOfWork, subject_id: str, *, first: int = 5) -> list[Recommendation]:
    """Propose the next best actions about a customer to the actor, and keep them.

    What is proposed already is brought up to date; it keeps its id. What was proposed here before and is not
    advised any more expires.
    """
    if not 1 <= first <= MOST_ACTIONS:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_ACTIONS}"))
    advised = await next_best_actions(uow, subject_id, first=MOST_ACTIONS)
    found = advised[:first]
    subject = await gather_subject(uow, subject_id)
    about = [one.about.id for one in advised]
    open_ones = {
        (one.action, one.about_id, one.thing): one
        for one in await uow.entailed(
            Recommendation,
            {
                "owner_id": uow.actor.user_id,
                "state": _S.PROPOSED.value,
                "$or": [{"about_id": {"$in": about}}, {"subject_id": subject_id}],
            },
        )
    }
    if len(advised) < MOST_ACTIONS:  # else what is missing may only be worth less
        _let_go(uow, open_ones, advised, subject_id)
    account = subject.account.id if subject.account else None
    persons = {one.id: one.contact_id for one in (*subject.opportunities, *subject.tickets)}
    kept = []
    for one in found:
        known = open_ones.get((one.action, one.about.id, one.thing))
        contact = persons.get(one.about.id) or (subject.contact.id if subject.contact else None)
        record = _written(uow, one, subject_id, account, contact, known)
        if known is None:
            uow.save(record)
        else:
            uow.entail(record)
        kept.append(record)
    return kept


def _let_go(
    uow: UnitOfWork,
    open_ones: Mapping[tuple[str, str, str], Recommendation],
    advised: Sequence[NextAction],
    subject_id: str,
) -> None:
    """Let expire what was advised of the same subject, or of the same deal or ticket, and is not any more.

    Of an account others are advised other things: of a person there, what that person wants.
    """
    still = {(one.action, one.about.id, one.thing) for one in advised}
    matters = {one.about.id for one in advised if one.about.kind in (Opportunity.kind, Ticket.kind)}
    for key, one in open_ones.items():
        if key not in still and (one.subject_id == subject_id or one.about_id in matters):
            one.state = _S.EXPIRED
            uow.entail(one)


def _written(
    uow: UnitOfWork,
    one: NextAction,
    subject_id: str,
    account_id: str | None,
    contact_id: str | None,
    known: Recommendation | None,
) -> Recommendation:
    fields = {
        "action": one.action,
        "about_kind": one.about.kind,
        "about_id": one.about.id,
        "subject_id": subject_id,
        "account_id": account_id,
        "contact_id": contact_id,
        "thing": one.thing,
        "value": one.value,
        "currency": one.currency,
        "probability": one.probability,
        "low": one.chance.low,
        "high": one.chance.high,
        "n": one.chance.n,
        "cost": one.cost,
        "factors": [
            ScorePart(name=f.name, weight=f.weight, evidence=f.evidence, values=dict(f.values))
            for f in one.factors
        ],
        "similar_cases": [Pointer(kind=case.kind, id=case.id) for case in one.similar_cases],
        # What the actor did not see had no part in it.
        "rests_on": [name for name in one.rests_on if sees_fields(uow, [name])],
        "expires_at": uow.at + LIFE,
    }
    if known is not None:
        for name, value in fields.items():
            setattr(known, name, value)
        return known
    parts = (uow.actor.user_id, one.action, one.about.id, one.thing, uow.at.isoformat())
    return Recommendation(
        id=derived_id("recommendation", uow.actor.workspace_id, *parts),
        owner_id=uow.actor.user_id,
        **fields,
    )


async def find_recommendations(
    uow: UnitOfWork, *, states: Sequence[RecommendationState] = (_S.PROPOSED,), first: int = 20
) -> list[Recommendation]:
    """Return the actor's recommendations in ``states``, in the order of next actions; only what they still
    may see and, of what is undecided, what its deal, ticket or paper still calls for."""
    if not 1 <= first <= MOST_LISTED:
        raise InvalidInput(FieldError("first", f"must be 1 to {MOST_LISTED}"))
    wanted = {"owner_id": uow.actor.user_id, "state": {"$in": [state.value for state in states]}}
    found = await uow.find(Recommendation, wanted, sort=[("version", -1)], limit=MOST_LISTED)
    living = [one for one in found if one.state not in UNDECIDED or one.expires_at > uow.at]
    shown = [
        (one, about)
        for one, about in await _shown(uow, living)
        if one.state not in UNDECIDED or is_still_called_for(one.action, about)
    ]
    shown.sort(key=lambda pair: (*precedence(pair[0], urgency_of(pair[1])), pair[0].id))
    # Two calls of one moment propose the same twice: it is shown once, the first of the order.
    once: dict[object, Recommendation] = {}
    for one, _ in shown:
        proposed = (one.action, one.about_id, one.thing)
        once.setdefault(proposed if one.state is _S.PROPOSED else one.id, one)
    return list(once.values())[:first]


async def _shown(uow: UnitOfWork, found: Sequence[Recommendation]) -> list[tuple[Recommendation, Record]]:
    """Return those whose record the actor reads, with it, and of whose fields none is hidden from them."""
    about = [Pointer(kind=one.about_kind, id=one.about_id) for one in found]
    readable = await readable_pointers(uow, about)
    return [
        (one, readable[one.about_id])
        for one in found
        if one.about_id in readable and sees_fields(uow, one.rests_on)
    ]


async def accept_recommendation(
    uow: UnitOfWork,
    id: str,
    *,
    due_at: datetime | None = None,
    assignee_id: str | None = None,
    title: str = "",
) -> Recommendation:
    """Take the advice: a task is made for it, the actor's unless ``assignee_id`` names somebody."""
    one = await _undecided(uow, id)
    readable = await readable_pointers(uow, [Pointer(kind=one.about_kind, id=one.about_id)])
    about = readable[one.about_id]
    if not is_still_called_for(one.action, about):
        raise InvalidInput(FieldError("id", "is about what is over by now; ask for recommendations anew"))
    fields = {
        "title": title.strip() or _title(one, about, uow),
        "due_at": due_at,
        "account_id": await _tie(uow, about, "account", one.account_id),
        "contact_id": await _tie(uow, about, "contact", one.contact_id),
        "opportunity_id": about.id if isinstance(about, Opportunity) else None,
        "ticket_id": about.id if isinstance(about, Ticket) else None,
        "assignee_id": assignee_id,
    }
    task = await create_task(uow, {name: value for name, value in fields.items() if value is not None})
    one.state, one.task_id, one.decided_at, one.snoozed_until = _S.ACCEPTED, task.id, uow.at, None
    uow.entail(one)
    return one


async def _tie(uow: UnitOfWork, about: Record, kind: str, id: str | None) -> str | None:
    """Return an id for the task: the record's own, else the one that was kept and is still readable."""
    if about.kind == kind:
        return about.id
    own = getattr(about, f"{kind}_id", None)
    if isinstance(own, str):
        return own
    if id is None:
        return None
    return id if id in await readable_pointers(uow, [Pointer(kind=kind, id=id)]) else None


def _title(one: Recommendation, about: Record, uow: UnitOfWork) -> str:
    language = language_of_locale(uow.actor.locale)
    title = explain(f"do_{one.action}", language, about=refer(about).title, thing=one.thing)
    return title if len(title) <= 300 else f"{title[:299]}…"


async def skip_recommendation(
    uow: UnitOfWork, id: str, *, reason: SkipReason, note: str = ""
) -> Recommendation:
    """Turn the advice down. It stays away for as long as the reason says, and is learned from."""
    if len(note) > 500:
        raise InvalidInput(FieldError("note", f"has {len(note)} characters and may have 500; shorten it"))
    one = await _undecided(uow, id)
    one.state, one.skip_reason, one.note = _S.SKIPPED, reason, note.strip()
    one.decided_at, one.snoozed_until = uow.at, uow.at + RESTS[reason]
    uow.entail(one)
    return one


async def snooze_recommendation(uow: UnitOfWork, id: str, *, until: datetime) -> Recommendation:
    """Put the advice off; a job proposes it again at ``until``."""
    if not uow.at < until <= uow.at + LONGEST_SNOOZE:
        raise InvalidInput(FieldError("until", "must lie between now and a year from now"))
    one = await _undecided(uow, id)
    one.state, one.snoozed_until, one.expires_at = _S.SNOOZED, until, until + LIFE
    uow.entail(one)
    return one


async def _undecided(uow: UnitOfWork, id: str) -> Recommendation:
    """Return the actor's own recommendation, to be decided.

    Raise NotFound for somebody else's and for what may not be seen any more, InvalidInput once decided.
    """
    one = await uow.access(Recommendation, id)
    if one.owner_id != uow.actor.user_id or not await _shown(uow, [one]):
        raise NotFound(Recommendation.kind, id)
    if one.state not in UNDECIDED:
        raise InvalidInput(FieldError("id", f"is {one.state} already; ask for recommendations anew"))
    (whole,) = await uow.entailed(Recommendation, {"_id": id})
    same = {
        "owner_id": one.owner_id,
        "action": one.action,
        "about_id": one.about_id,
        "thing": one.thing,
        "state": _S.PROPOSED.value,
    }
    for twin in await uow.entailed(Recommendation, same):
        if twin.id != id:  # of a call at the same moment: what is decided of one is decided of it
            twin.state = _S.EXPIRED
            uow.entail(twin)
    return whole


# ── what came of it, and what time does ──────────────────────────────────────────────────────────


async def on_matter_ended(delivery: Delivery, services: svcs.Container) -> None:
    """Note what came of accepted advice: a deal won or lost, a ticket resolved, money in, a task done."""
    store = await services.aget(Store)
    house = system_actor(delivery.entry.workspace_id)
    unit = store.unit_of_work(house)
    found = await _outcome(unit, delivery)
    if found is None:
        return
    outcome, where = found

    async def note(uow: UnitOfWork) -> None:
        accepted = {**where, "state": _S.ACCEPTED.value, "outcome": {"$nin": FINAL}}
        for one in await uow.entailed(Recommendation, accepted):
            if one.outcome is not outcome:
                one.outcome, one.outcome_at = outcome, uow.at
                uow.entail(one)

    await store.write(house, note)


async def _outcome(unit: UnitOfWork, delivery: Delivery) -> tuple[Outcome, dict[str, str]] | None:
    event, id = delivery.event, delivery.entry.record_id
    match event:
        case OpportunityStageChanged():
            ends = {StageType.WON: Outcome.WON, StageType.LOST: Outcome.LOST}
            return (ends[event.type], {"about_id": id}) if event.type in ends else None
        case TicketStatusChanged():
            resolved = event.after == TicketStatus.RESOLVED.value
            return (Outcome.RESOLVED, {"about_id": id}) if resolved else None
        case PaymentReceived():
            return (Outcome.PAID, {"about_id": id}) if event.is_paid else None
        case ContractStatusChanged():
            return await _renewed(unit, id) if event.after in LIVE and event.before in UNSIGNED else None
    if delivery.entry.kind != Task.kind:
        return None
    task = await unit.find_one(Task, {"_id": id})
    ends_of_task = {TaskStatus.DONE: Outcome.DONE, TaskStatus.CANCELLED: Outcome.DROPPED}
    if task is None or task.status not in ends_of_task:
        return None
    return ends_of_task[task.status], {"task_id": id}


async def _renewed(unit: UnitOfWork, id: str) -> tuple[Outcome, dict[str, str]] | None:
    """Return which contract the signed one follows, if any."""
    signed = await unit.find_one(Contract, {"_id": id})
    return (Outcome.RENEWED, {"about_id": signed.renews_id}) if signed and signed.renews_id else None


async def tend_recommendations(services: svcs.Container) -> None:
    """Let stale proposals expire, and propose again what was snoozed until now."""
    store = await services.aget(Store)
    for workspace_id in await store.workspace_ids():
        await store.write(system_actor(workspace_id), _tend)


async def _tend(uow: UnitOfWork) -> None:
    undecided = {"state": {"$in": [state.value for state in UNDECIDED]}}
    due = {"$or": [{"expires_at": {"$lte": uow.at}}, {"snoozed_until": {"$lte": uow.at}}]}
    ids = [one.id for one in await uow.find(Recommendation, {**undecided, **due}, limit=PAGE)]
    for one in await uow.entailed(Recommendation, {"_id": {"$in": ids}}) if ids else []:
        if one.expires_at <= uow.at:
            one.state = _S.EXPIRED
        else:
            one.state, one.snoozed_until = _S.PROPOSED, None
        uow.entail(one)
