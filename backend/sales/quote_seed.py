"""The demo workspace's quotes, and the approvals that they went through."""

from datetime import timedelta
from functools import partial
from typing import Any

import svcs

from backend.core.access import system_actor
from backend.core.demo import demo_id, load
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork
from backend.identity.actors import Actors
from backend.sales.approval_decisions import decide_approval
from backend.sales.approval_documents import Approval
from backend.sales.approval_rules import ApprovalStatus
from backend.sales.quotes import create_quote, send_quote, submit_quote

APPROVER = "manager@demo.example"
REVIEWED = ("in_review", "approved")

Row = dict[str, Any]


async def seed_quotes(services: svcs.Container, workspace_id: str) -> None:
    """Draft the demo workspace's quotes; let their owners submit and send them, and the manager approve."""
    store, actors = await services.aget(Store, Actors)
    deals = {row["key"]: row for row in load("opportunities")["opportunities"]}
    teams = {row["key"]: row["team"] for row in load("accounts")["accounts"]}
    rows = load("quotes")["quotes"]

    async def draft(uow: UnitOfWork) -> None:
        for row in rows:
            deal = deals[row["opportunity"]]
            holders = {
                "owner_id": demo_id("user", deal["owner"]),
                "team_ids": [demo_id("team", teams[deal["account"]])],
            }
            await create_quote(uow, _fields(row, uow) | holders, id=demo_id("quote", row["key"]))

    await store.write(system_actor(workspace_id), draft, mutation_id="seed quotes")
    for row in rows:
        id, owner = demo_id("quote", row["key"]), demo_id("user", deals[row["opportunity"]]["owner"])
        seller = await actors.of_user(workspace_id, owner)
        if row["status"] == "sent":
            send = partial(send_quote, id=id, fields={})
            await store.write(seller, send, mutation_id=f"seed sent {row['key']}")
        if row["status"] in REVIEWED:
            submit = partial(submit_quote, id=id, fields={"note": row["note"]}, actors=actors)
            await store.write(seller, submit, mutation_id=f"seed submitted {row['key']}")
        if row["status"] == "approved":
            approver = await actors.of_user(workspace_id, demo_id("user", APPROVER))
            await store.write(
                approver, partial(_approve, quote_id=id), mutation_id=f"seed approved {row['key']}"
            )


async def _approve(uow: UnitOfWork, quote_id: str) -> Approval:
    (asked,) = await uow.find(Approval, {"subject_id": quote_id})
    decision = {"decision": ApprovalStatus.APPROVED, "snapshot_hash": asked.snapshot_hash}
    return await decide_approval(uow, asked.id, decision)


def _fields(row: Row, uow: UnitOfWork) -> Row:
    return {
        "opportunity_id": demo_id("opportunity", row["opportunity"]),
        "lines": row["lines"],
        "terms": row["terms"],
        "valid_until": (uow.at + timedelta(days=row["valid_in_days"])).date(),
    }
