"""The demo's contracts and payments, seeded by the room's own operations."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import svcs

from backend.core.access import system_actor
from backend.core.demo import WORKSPACE_KEY, demo_id
from backend.crm.seed import seed_customers
from backend.house import House
from backend.identity.seed import seed_people
from backend.sales.contract_documents import Contract, Payment
from backend.sales.contract_rules import ContractStatus
from backend.sales.payment_rules import PaymentStatus
from backend.sales.seed import seed_sales


async def test_the_demo_holds_contracts_that_stand_where_their_days_are(house: House) -> None:
    workspace_id = demo_id("workspace", WORKSPACE_KEY)
    async with svcs.Container(house.registry) as services:
        for seed in (seed_people, seed_customers, seed_sales, seed_sales):  # the second time, nothing new
            await seed(services, workspace_id)
    uow = house.store.unit_of_work(system_actor(workspace_id))
    contracts = await uow.find(Contract, sort=[("number", 1)])
    assert [contract.number for contract in contracts] == [f"C-{n:06d}" for n in range(1, 10)]
    assert Counter(contract.status for contract in contracts) == {
        ContractStatus.ACTIVE: 5,
        ContractStatus.DRAFT: 1,
        ContractStatus.EXPIRING: 1,
        ContractStatus.EXPIRED: 1,
        ContractStatus.TERMINATED: 1,
    }
    payments = await uow.find(Payment, sort=[("number", 1)])
    assert [payment.number for payment in payments] == [f"P-{n:06d}" for n in range(1, 13)]
    assert Counter(payment.status for payment in payments) == {
        PaymentStatus.PAID: 7,
        PaymentStatus.PARTIAL: 1,
        PaymentStatus.OVERDUE: 2,
        PaymentStatus.DUE: 1,
        PaymentStatus.PLANNED: 1,
    }
    owed = await uow.access(Payment, demo_id("payment", "pay-cloud-second"))
    assert (owed.received_total, owed.currency, owed.status) == (
        Decimal(10_000),
        "CNY",
        PaymentStatus.OVERDUE,
    )
    today = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")).date()
    assert owed.due in (today - timedelta(days=2), today - timedelta(days=3))  # 3: seeded before midnight
