"""The demo's quotes, seeded by the room's own operations."""

from collections import Counter

import svcs

from backend.core.access import system_actor
from backend.core.demo import WORKSPACE_KEY, demo_id
from backend.crm.seed import seed_customers
from backend.house import House
from backend.identity.seed import seed_people
from backend.sales.approval_documents import Approval
from backend.sales.quote_documents import Quote
from backend.sales.seed import seed_sales


async def test_the_demo_holds_its_quotes_and_a_second_seeding_changes_nothing(house: House) -> None:
    workspace_id = demo_id("workspace", WORKSPACE_KEY)
    uow = house.store.unit_of_work(system_actor(workspace_id))
    async with svcs.Container(house.registry) as services:
        for seed in (seed_people, seed_customers, seed_sales):
            await seed(services, workspace_id)
        before = sorted([quote.version for quote in await uow.find(Quote)])
        await seed_sales(services, workspace_id)
    quotes = sorted(await uow.find(Quote), key=lambda quote: quote.number)
    assert sorted(quote.version for quote in quotes) == before
    assert [(quote.number, quote.status.value, str(quote.gross_total)) for quote in quotes] == [
        ("Q-000001", "sent", "468143.76"),
        ("Q-000002", "in_review", "147505.68"),
        ("Q-000003", "approved", "665985.84"),
        ("Q-000004", "sent", "20031.00"),
        ("Q-000005", "draft", "7799.74"),
    ]
    asked = await uow.find(Approval)
    assert Counter(one.status.value for one in asked) == {"pending": 1, "approved": 1}
    manager, owner = demo_id("user", "manager@demo.example"), demo_id("user", "rep@demo.example")
    for one in asked:
        assert (one.requested_by, manager in one.approver_ids, owner in one.approver_ids) == (
            owner,
            True,
            False,
        )
