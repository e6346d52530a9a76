"""The demo workspace's contracts, with what is planned and what came in for them."""

from datetime import date, datetime, timedelta
from typing import Any

from backend.core.demo import days_ago, demo_id, load
from backend.core.unit_of_work import UnitOfWork
from backend.crm.home import home_zone
from backend.sales.contracts import create_contract, sign_contract, terminate_contract
from backend.sales.payments import create_payment, receive_payment

Row = dict[str, Any]

DRAFTED = ("name", "type", "value", "currency", "auto_renew", "notice_days", "parties", "description")


async def seed_contracts(uow: UnitOfWork) -> None:
    """Create the demo's contracts, oldest first, so that their numbers follow time; sign and end them."""
    teams = {row["key"]: row["team"] for row in load("accounts")["accounts"]}
    today = uow.at.astimezone(await home_zone(uow)).date()
    for row in sorted(load("contracts")["contracts"], key=lambda row: -(row["signed_days_ago"] or 0)):
        fields = {
            **{name: row[name] for name in DRAFTED},
            "start": _day(today, row["start_in_days"]),
            "end": _day(today, row["end_in_days"]),
            "account_id": demo_id("account", row["account"]),
            "contact_id": demo_id("contact", row["contact"]),
            "opportunity_id": demo_id("opportunity", row["opportunity"]) if row["opportunity"] else None,
            "owner_id": demo_id("user", row["owner"]),
            "team_ids": [demo_id("team", teams[row["account"]])],
        }
        contract = await create_contract(uow, fields, id=demo_id("contract", row["key"]))
        if row["signed_days_ago"] is not None:
            await sign_contract(uow, contract.id, signed_at=days_ago(uow.at, row["signed_days_ago"]))
        if reason := row.get("termination_reason"):
            await terminate_contract(uow, contract.id, reason)


async def seed_payments(uow: UnitOfWork) -> None:
    """Plan the demo's payments in the order of their days, and note what came in."""
    today = uow.at.astimezone(await home_zone(uow)).date()
    for row in sorted(load("payments")["payments"], key=lambda row: row["due_in_days"]):
        fields = {
            "name": row["name"],
            "contract_id": demo_id("contract", row["contract"]),
            "due": _day(today, row["due_in_days"]),
            "amount": row["amount"],
            "owner_id": demo_id("user", row["owner"]),
        }
        payment = await create_payment(uow, fields, id=demo_id("payment", row["key"]))
        for receipt in row["received"]:
            await receive_payment(uow, payment.id, _receipt(receipt, uow.at))


def _receipt(row: Row, now: datetime) -> Row:
    return {name: row[name] for name in ("amount", "method", "note")} | {"at": days_ago(now, row["days_ago"])}


def _day(today: date, days: int | None) -> date | None:
    return None if days is None else today + timedelta(days=days)
