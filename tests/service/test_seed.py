"""The demo's tickets, seeded by the room's own operations."""

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import svcs

from backend.core.access import system_actor
from backend.core.demo import WORKSPACE_KEY, demo_id
from backend.crm.seed import seed_customers
from backend.house import House
from backend.identity.seed import seed_people
from backend.service.documents import Conversation, Message, Ticket
from backend.service.rules import TicketStatus
from backend.service.seed import seed_service
from backend.service.sla_documents import BusinessCalendar
from backend.service.sla_rules import SlaMetric


async def test_the_demo_holds_its_tickets_with_every_word_in_its_time(house: House) -> None:
    workspace_id = demo_id("workspace", WORKSPACE_KEY)
    async with svcs.Container(house.registry) as services:
        for seed in (seed_people, seed_customers, seed_service):
            await seed(services, workspace_id)
    uow = house.store.unit_of_work(system_actor(workspace_id))
    tickets = sorted(await uow.find(Ticket), key=lambda ticket: ticket.number)
    assert [ticket.number for ticket in tickets] == [f"T-{n:06d}" for n in range(1, 20)]
    assert Counter(ticket.status.value for ticket in tickets) == {
        "resolved": 8,
        "closed": 4,
        "open": 3,
        "pending_customer": 2,
        "new": 2,
    }
    conversations = {row.id: row for row in await uow.find(Conversation)}
    for ticket in tickets:
        assert ticket.conversation_id is not None
        conversation = conversations[ticket.conversation_id]
        assert conversation.ticket_id == ticket.id
        assert conversation.principals() == ticket.principals()
        assert f"u:{ticket.account_owner_id}" in ticket.principals()
    # 北辰 3 号库: five days ago at 08:40 in Shanghai, first answered at 09:25.
    gateway = await uow.access(Ticket, demo_id("ticket", "tic-gateway-drops"))
    assert gateway.opened_at is not None
    assert gateway.first_responded_at is not None
    zone = ZoneInfo("Asia/Shanghai")
    assert gateway.opened_at.astimezone(zone).strftime("%H:%M") == "08:40"
    assert gateway.first_responded_at.astimezone(zone).strftime("%H:%M") == "09:25"
    today = datetime.now(UTC).astimezone(zone).date()
    assert (today - gateway.opened_at.astimezone(zone).date()).days in (5, 6)  # 6: seeded before midnight
    # It was promised an answer within an hour of work, whatever day of the week it was.
    first = next(clock for clock in gateway.sla if clock.metric is SlaMetric.FIRST_RESPONSE)
    assert first.policy_id == demo_id("sla_policy", "incidents")
    assert (first.started_at, first.met_at) == (gateway.opened_at, gateway.first_responded_at)
    hours = (await uow.access(BusinessCalendar, demo_id("business_calendar", "office"))).calendar
    took = hours.between(gateway.opened_at, gateway.first_responded_at)
    assert first.elapsed_seconds == took.total_seconds()
    end = next(clock for clock in gateway.sla if clock.metric is SlaMetric.RESOLUTION)
    assert end.is_paused  # it waits for the customer
    waiting = [ticket for ticket in tickets if ticket.status is TicketStatus.OPEN]
    assert all(ticket.sla_due_at for ticket in waiting)
    said = await uow.find(Message, {"conversation_id": gateway.conversation_id}, sort=[("at", 1)])
    assert [message.direction.value for message in said] == ["inbound", "outbound"] * 2
    assert said[2].body == "已经拉了网线，昨晚没有掉。"
