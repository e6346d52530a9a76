"""The demo workspace's customers, and what was said to them and is to be done."""

import re
from datetime import datetime
from typing import Any

import svcs

from backend.core.access import system_actor
from backend.core.demo import days_ago, demo_id, hour_ago, load
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.crm.activities import create_activity
from backend.crm.contacts import create_contact
from backend.crm.tasks import create_task

Row = dict[str, Any]


async def seed_customers(services: svcs.Container, workspace_id: str) -> None:
    """Create the demo workspace's accounts, contacts, tasks and activities, one commit each."""
    store = await services.aget(Store)
    teams = {row["key"]: row["team"] for row in load("accounts")["accounts"]}

    async def accounts(uow: UnitOfWork) -> None:
        for row in load("accounts")["accounts"]:
            await create_account(uow, _account_fields(row), id=demo_id("account", row["key"]))

    async def contacts(uow: UnitOfWork) -> None:
        for row in load("contacts")["contacts"]:
            fields = _contact_fields(row) | _shared(row, teams)
            await create_contact(uow, fields, id=demo_id("contact", row["key"]))

    async def tasks(uow: UnitOfWork) -> None:
        for row in load("tasks")["tasks"]:
            fields = _task_fields(row, uow.at) | _shared(row, teams)
            await create_task(uow, fields, id=demo_id("task", row["key"]))

    async def activities(uow: UnitOfWork) -> None:
        for row in load("activities")["activities"]:
            fields = _activity_fields(row, uow.at) | _shared(row, teams)
            await create_activity(uow, fields, id=demo_id("activity", row["key"]))

    for create in (accounts, contacts, tasks, activities):
        await store.write(system_actor(workspace_id), create, mutation_id=f"seed {create.__name__}")


def _chosen(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names if row.get(name) is not None}


def _shared(row: Row, teams: dict[str, str]) -> Row:
    """Return who has a record and which others it names; the team is the account's."""
    references = {
        f"{kind}_id": demo_id(kind, row[kind])
        for kind in ("account", "contact", "opportunity")
        if row.get(kind) is not None
    }
    owner = demo_id("user", row.get("owner") or row["assignee"])
    return {**references, "owner_id": owner, "team_ids": [demo_id("team", teams[row["account"]])]}


def _account_fields(row: Row) -> Row:
    names = ("name", "aliases", "type", "industry", "domain", "website", "phone", "email", "employees")
    return {
        **_chosen(row, *names, "billing_address", "lifecycle", "tier", "source"),
        "annual_revenue": row["annual_revenue"]["amount"],
        "currency": row["annual_revenue"]["currency"],
        "owner_id": demo_id("user", row["owner"]),
        "team_ids": [demo_id("team", row["team"])],
    }


def _contact_fields(row: Row) -> Row:
    names = ("given_name", "family_name", "full_name", "title", "department", "role", "email", "phone")
    return _chosen(row, *names, "language")


def _task_fields(row: Row, now: datetime) -> Row:
    return {
        **_chosen(row, "title", "priority"),
        "status": re.sub(r"(?=[A-Z])", "_", row["status"]).lower(),
        "due_at": days_ago(now, -row["due_in_days"]),
        "completed_at": days_ago(now, row.get("completed_days_ago")),
    }


def _activity_fields(row: Row, now: datetime) -> Row:
    return {
        **_chosen(row, "type", "channel", "direction", "duration_minutes", "summary"),
        "at": hour_ago(now, row["days_ago"], row["at"]),
    }
