"""Keeping the clocks on tickets: in the write of what moves them, and by a watch that notes what runs out."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import structlog
import svcs

from backend.core.access import system_actor
from backend.core.events import DomainEvent
from backend.core.relay import Delivery
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Ticket
from backend.service.events import SlaBreached, SlaNear
from backend.service.rules import ENDED
from backend.service.sla_policies import terms_for
from backend.service.sla_rules import SlaClock, looked_at, settled

log = structlog.get_logger()

MOST_AT_ONCE = 500  # tickets a look; the rest waits for the next


async def save_ticket(
    uow: UnitOfWork, ticket: Ticket, *events: DomainEvent, at: datetime | None = None
) -> None:
    """Save a ticket with its clocks as they stand after what happened to it at ``at`` (now)."""
    before = ticket.sla
    if ticket.sla or not ticket.progress.is_done:
        terms = await terms_for(uow, ticket)
        ticket.take_clocks(settled(ticket.sla, terms, ticket.matter, at=at or uow.at))
        if not ticket.progress.is_done:  # by what it was settled stays on it
            ticket.sla_policy_id = terms.policy_id if terms else None
            ticket.sla_policy_version = terms.policy_version if terms else None
    uow.save(ticket, *events)
    _announce(uow, ticket, before, now=uow.at)


async def restart_clocks(uow: UnitOfWork, ticket: Ticket, *, at: datetime) -> None:
    """Save a ticket whose clocks began at ``at``: what an import knows better than the clock."""
    ticket.take_clocks([])
    await save_ticket(uow, ticket, at=at)


async def look_at_clocks(uow: UnitOfWork, *, id: str, now: datetime) -> None:
    """Note on a ticket what has come near or is over by ``now``, and announce it; twice is as once."""
    ticket = await uow.find_one(Ticket, {"_id": id})
    if ticket is None or ticket.sla_next_at is None or ticket.sla_next_at > now:
        return
    ticket = await uow.access(Ticket, id, action="update")
    before = ticket.sla
    ticket.take_clocks(looked_at(before, at=now))
    uow.save(ticket)
    _announce(uow, ticket, before, now=now)


async def watch_clocks(services: svcs.Container, *, now: datetime | None = None) -> int:
    """Look at every ticket of which something runs out; return how many there were."""
    store = await services.aget(Store)
    moment = now or store.clock.now()
    due = await store.due(Ticket, "sla_next_at", by=moment, most=MOST_AT_ONCE)
    for workspace_id, id in due:
        try:
            await store.write(system_actor(workspace_id), partial(look_at_clocks, id=id, now=moment))
        except Exception:  # one ticket that cannot be written must not hold up the others
            log.exception("sla.look_failed", ticket_id=id)
    return len(due)


async def on_agreement_changed(delivery: Delivery, services: svcs.Container) -> None:
    """Let the open tickets of a workspace follow its policies and calendars. Twice is as good as once."""
    store = await services.aget(Store)
    house, after = system_actor(delivery.entry.workspace_id), ""
    while True:
        where = {"status": {"$nin": list(ENDED)}, "_id": {"$gt": after}}
        page = await store.unit_of_work(house).find(Ticket, where, sort=[("_id", 1)], limit=MOST_AT_ONCE)
        for ticket in page:
            await store.write(house, partial(settle_ticket, id=ticket.id))
        if len(page) < MOST_AT_ONCE:
            return
        after = page[-1].id


async def settle_ticket(uow: UnitOfWork, *, id: str) -> None:
    """Let a ticket's clocks follow the agreement as it stands now."""
    if await uow.find_one(Ticket, {"_id": id}) is not None:
        await save_ticket(uow, await uow.access(Ticket, id, action="update"))


def _announce(uow: UnitOfWork, ticket: Ticket, before: Sequence[SlaClock], *, now: datetime) -> None:
    """Announce each clock on which it is noted now that its time comes near or is over."""
    known = {(clock.metric, clock.started_at): clock for clock in before}
    for clock in ticket.sla:
        was = known.get((clock.metric, clock.started_at))
        if clock.due_at is None:
            continue
        if clock.breached_at is not None and (was is None or was.breached_at != clock.breached_at):
            uow.save(ticket, SlaBreached(metric=clock.metric, due_at=clock.due_at, noted_at=now))
        elif clock.warned_at is not None and (was is None or was.warned_at != clock.warned_at):
            uow.save(ticket, SlaNear(metric=clock.metric, due_at=clock.due_at, noted_at=now))
