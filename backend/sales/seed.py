"""The demo workspace's pipeline, leads and deals; its quotes and contracts have files of their own."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import svcs

from backend.core.access import system_actor
from backend.core.demo import days_ago, demo_id, load
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.sales.contract_seed import seed_contracts, seed_payments
from backend.sales.conversion import convert_lead
from backend.sales.documents import StageChange
from backend.sales.leads import create_lead
from backend.sales.opportunities import create_opportunity
from backend.sales.pipelines import ensure_default_pipeline
from backend.sales.quote_seed import seed_quotes

Row = dict[str, Any]


async def seed_sales(services: svcs.Container, workspace_id: str) -> None:
    """Create the demo workspace's deals, leads, the customers that some became, quotes and contracts."""
    store = await services.aget(Store)
    teams = {row["key"]: row["team"] for row in load("accounts")["accounts"]}
    actor = system_actor(workspace_id)

    async def opportunities(uow: UnitOfWork) -> None:
        for row in load("opportunities")["opportunities"]:
            fields = _opportunity_fields(row, uow.at) | {"team_ids": [demo_id("team", teams[row["account"]])]}
            id, history = demo_id("opportunity", row["key"]), _history(row, uow.at)
            await create_opportunity(uow, fields, id=id, history=history)

    async def leads(uow: UnitOfWork) -> None:
        for row in load("leads")["leads"]:
            await create_lead(uow, _lead_fields(row, uow.at), id=demo_id("lead", row["key"]))

    async def conversions(uow: UnitOfWork) -> None:
        for row in load("leads")["leads"]:
            if joined := row.get("converted"):
                choices = {f"{kind}_id": demo_id(kind, key) for kind, key in joined.items()}
                await convert_lead(uow, demo_id("lead", row["key"]), choices)

    await store.write(actor, ensure_default_pipeline)
    for create in (opportunities, leads, conversions, seed_contracts, seed_payments):
        await store.write(actor, create, mutation_id=f"seed {create.__name__}")
    await seed_quotes(services, workspace_id)


def _chosen(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names if row.get(name) is not None}


def _opportunity_fields(row: Row, now: datetime) -> Row:
    closed = row["stage"] in ("won", "lost")
    return {
        **_chosen(row, "name", "amount", "currency", "stage", "next_step", "loss_reason"),
        "expected_close_date": (now + timedelta(days=row["expected_close_in_days"])).date(),
        "closed_at": days_ago(now, row["stage_history"][-1]["days_ago"]) if closed else None,
        "account_id": demo_id("account", row["account"]),
        "contact_id": demo_id("contact", row["contact"]),
        "owner_id": demo_id("user", row["owner"]),
    }


def _history(row: Row, now: datetime) -> list[StageChange]:
    moves = [{"stage": None}, *row["stage_history"]]
    return [
        StageChange(
            from_stage=before["stage"],
            to_stage=after["stage"],
            at=now - timedelta(days=after["days_ago"]),
            by=demo_id("user", row["owner"]),
        )
        for before, after in pairwise(moves)
    ]


def _lead_fields(row: Row, now: datetime) -> Row:
    names = ("given_name", "family_name", "full_name", "company", "title", "email", "phone", "country")
    return {
        **_chosen(row, *names, "language", "source", "score", "lost_reason"),
        "status": "qualified" if row["status"] == "converted" else row["status"],
        "interests": row["interest"],
        "description": row["note"],
        "first_responded_at": days_ago(now, row.get("first_responded_days_ago")),
        "owner_id": demo_id("user", row["owner"]),
        "team_ids": [demo_id("team", row["team"])],
    }
