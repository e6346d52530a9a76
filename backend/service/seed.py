"""The demo workspace's tickets, with the words exchanged about them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import svcs

from backend.core.access import system_actor
from backend.core.demo import demo_id, hour_ago, load
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.service.business_calendars import create_business_calendar
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind
from backend.service.messages import add_message
from backend.service.rules import TicketStatus
from backend.service.sla_policies import create_sla_policy
from backend.service.tickets import create_ticket, date_ticket, move_ticket

STATUSES = {"pendingCustomer": "pending_customer", "onHold": "on_hold"}
TICKET_COLUMNS = ("subject", "description", "type", "priority", "channel", "category")


async def seed_service(services: svcs.Container, workspace_id: str) -> None:
    """Create the demo workspace's working hours, what it promises by them, and its tickets."""
    await seed_agreements(services, workspace_id)
    await seed_tickets(services, workspace_id)


async def seed_agreements(services: svcs.Container, workspace_id: str) -> None:
    """Create the demo workspace's calendar of working hours, and its policies of promised times."""
    store = await services.aget(Store)
    content = load("agreements")

    async def create(uow: UnitOfWork) -> None:
        for row in content["calendars"]:
            fields = {name: value for name, value in row.items() if name != "key"}
            await create_business_calendar(uow, fields, id=demo_id("business_calendar", row["key"]))

    async def promise(uow: UnitOfWork) -> None:
        for row in content["policies"]:
            fields = {name: value for name, value in row.items() if name != "key"}
            fields["calendar_id"] = demo_id("business_calendar", row["calendar_id"])
            await create_sla_policy(uow, fields, id=demo_id("sla_policy", row["key"]))

    await store.write(system_actor(workspace_id), create, mutation_id="seed calendars")
    await store.write(system_actor(workspace_id), promise, mutation_id="seed policies")


async def seed_tickets(services: svcs.Container, workspace_id: str) -> None:
    """Create the demo workspace's tickets, oldest first, so that their numbers follow time."""
    store = await services.aget(Store)
    contacts = {row["key"]: row for row in load("contacts")["contacts"]}
    rows = sorted(load("tickets")["tickets"], key=lambda row: (-row["days_ago"], row["key"]))

    async def create(uow: UnitOfWork) -> None:
        for row in rows:
            await _create_one(uow, row, language=contacts[row["requester"]]["language"])

    await store.write(system_actor(workspace_id), create, mutation_id="seed tickets")


async def _create_one(uow: UnitOfWork, row: dict[str, Any], *, language: str) -> None:
    ids = {
        "contact_id": demo_id("contact", row["requester"]),
        "account_id": demo_id("account", row["account"]),
    }
    conversation = await open_conversation(
        uow,
        {**ids, "channel": row["channel"], "subject": row["subject"], "language": language},
        id=demo_id("conversation", row["key"]),
    )
    ticket = await create_ticket(
        uow,
        {
            **{name: row[name] for name in TICKET_COLUMNS},
            "assignee_id": demo_id("user", row["assignee"]) if row["assignee"] else None,
            "conversation_id": conversation.id,
            "csat": row.get("csat"),
        },
        id=demo_id("ticket", row["key"]),
    )
    moments = _moments(uow.at, row["messages"])
    await date_ticket(uow, ticket.id, moments[0])
    for position, (message, at) in enumerate(zip(row["messages"], moments, strict=True)):
        by_customer = message["from"] == "customer"
        await add_message(
            uow,
            conversation.id,
            message["body"].strip(),
            author_kind=AuthorKind.CUSTOMER if by_customer else AuthorKind.AGENT,
            author_id=ids["contact_id"] if by_customer else demo_id("user", row["assignee"]),
            at=at,
            id=demo_id("message", f"{row['key']}/{position}"),
        )
    await _finish(uow, ticket.id, row, at=moments[-1])


async def _finish(uow: UnitOfWork, ticket_id: str, row: dict[str, Any], *, at: datetime) -> None:
    """Bring the ticket to its status, as of the last thing said; it cannot be closed unless resolved."""
    status = TicketStatus(STATUSES.get(row["status"], row["status"]))
    if status is TicketStatus.CLOSED:
        await move_ticket(uow, ticket_id, TicketStatus.RESOLVED, at=at)
    await move_ticket(uow, ticket_id, status, at=at)


def _moments(now: datetime, messages: Sequence[dict[str, Any]]) -> list[datetime]:
    return [hour_ago(now, message["days_ago"], message["at"]).astimezone(UTC) for message in messages]
