"""What quotes, contracts and payments call for: proposed, done, and learned from; only to who reads them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assistant.advice.documents import Outcome
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Task
from backend.sales.contracts import create_contract, renew_contract, sign_contract
from backend.sales.payments import create_payment, receive_payment
from backend.sales.quotes import create_quote, send_quote
from tests.assistant.test_advice import ACTIONS, Past, past
from tests.assistant.test_recommendations import ACCEPT, RECOMMEND, kept
from tests.crew import Person

__all__ = ["past"]  # a fixture

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()


def day(days: int) -> Any:
    return TODAY + timedelta(days=days)


@pytest.fixture
async def papers(past: Past) -> dict[str, str]:
    """A contract that ends in ten days with a payment five days late; two others of before, one renewed."""
    ids = {name: new_id() for name in ("contract", "late", "renewed", "let_go", "paid")}
    ours = {"owner_id": past.crew.rep.user_id, "account_id": past.account, "currency": "CNY"}

    async def create(uow: UnitOfWork) -> None:
        for name, start, end in (("contract", -300, 10), ("renewed", -700, -350), ("let_go", -900, -400)):
            fields = {
                **ours,
                "name": f"Watch {name}",
                "value": "120000",
                "start": day(start),
                "end": day(end),
            }
            await create_contract(uow, fields, id=ids[name])
            await sign_contract(uow, ids[name])
        for name, due in (("late", -5), ("paid", -30)):
            plan = {"contract_id": ids["contract"], "due": day(due), "amount": "30000", "name": name}
            await create_payment(uow, plan, id=ids[name])
        await receive_payment(uow, ids["late"], {"amount": "10000"})
        await receive_payment(uow, ids["paid"], {"amount": "30000"})

    await past.crew.house.store.write(past.crew.system, create)
    return ids


async def advised(person: Person, id: str) -> dict[str, dict[str, Any]]:
    found = (await person.ask(ACTIONS, id=id, first=10))["nextBestActions"]
    return {one["action"]: one for one in found}


async def test_what_is_overdue_is_collected_and_what_ends_renewed(past: Past, papers: dict[str, str]) -> None:
    found = await advised(past.crew.rep, past.account)
    collect, renew = found["collect_payment"], found["renew_contract"]
    assert (collect["about"]["id"], collect["value"], collect["currency"]) == (
        papers["late"],
        20_000.0,
        "CNY",
    )
    # One other payment fell due, and was paid: (1 + 1) / (1 + 2).
    assert (collect["probability"], collect["factors"][0]["evidence"]) == (0.6667, "1 of 1 past cases")
    assert [case["id"] for case in collect["similarCases"]] == [papers["paid"]]
    assert "is 5 days overdue; CNY 20000" in collect["reasons"][0]
    assert (renew["about"]["id"], renew["value"]) == (papers["contract"], 120_000.0)
    assert (renew["probability"], renew["factors"][0]["evidence"]) == (0.25, "0 of 2 past cases")
    assert f"ends on {day(10)}" in renew["reasons"][0]
    for one in (collect, renew):
        assert sum(factor["weight"] for factor in one["factors"]) == pytest.approx(one["score"])
        assert one["score"] == pytest.approx(one["value"] * one["probability"] - one["cost"])
    # Of the deal by itself, nothing of other papers.
    assert {"collect_payment", "renew_contract"}.isdisjoint(await advised(past.crew.rep, past.deal))


KINDS = ("account", "contact", "opportunity", "activity", "task", "ticket", "lead", "pipeline", "payment")


@pytest.mark.parametrize(
    ("hidden", "told"),
    [("contract.value", set()), ("quote.sentAt", {"collect_payment", "renew_contract"})],
)
async def test_who_does_not_see_what_a_paper_is_judged_by_is_not_told_of_it(
    past: Past, papers: dict[str, str], hidden: str, told: set[str]
) -> None:
    """Without the contracts their payments are not looked at either."""
    crew, (kind, field) = past.crew, hidden.split(".")
    kinds = (*KINDS, "contract", "quote")
    role = {
        "key": "clerk",
        "name": "Clerk",
        "levels": [{"kind": kind, "action": "READ", "level": "ALL"} for kind in kinds],
        "fields": [{"kind": kind, "field": field, "access": "HIDDEN"}],
    }
    made = await crew.admin.do("roleCreate", role, "key")
    assert made["__typename"] == "Role", made
    clerk = {"id": crew.colleague.user_id, "roleKeys": ["clerk"]}
    assert (await crew.admin.do("userUpdate", clerk, "id"))["__typename"] == "User"
    found = await advised(crew.colleague, past.account)
    assert {"collect_payment", "renew_contract"} & set(found) == told
    assert ("120000" in str(found)) is bool(told)


async def test_money_in_and_a_renewal_are_what_came_of_advice(past: Past, papers: dict[str, str]) -> None:
    rep, house = past.crew.rep, past.crew.house
    made = {one["action"]: one for one in (await rep.ask(RECOMMEND, id=past.account))["recommend"]}
    for action in ("collect_payment", "renew_contract"):
        done = (await rep.ask(ACCEPT, input={"id": made[action]["id"]}))["recommendationAccept"]
        task = await house.store.unit_of_work(past.crew.system).access(Task, done["taskId"])
        assert task.title.startswith({"collect_payment": "Collect: "}.get(action, "Renew the contract: "))

    async def end(uow: UnitOfWork) -> None:
        await receive_payment(uow, papers["late"], {"amount": "20000"})
        successor = await renew_contract(uow, papers["contract"], {})
        await sign_contract(uow, successor.id)

    await house.store.write(past.crew.system, end)
    await house.relay.settle()
    assert (await kept(past, made["collect_payment"]["id"])).outcome is Outcome.PAID
    assert (await kept(past, made["renew_contract"]["id"])).outcome is Outcome.RENEWED
    assert {"collect_payment", "renew_contract"}.isdisjoint(await advised(rep, past.account))


async def test_a_quote_that_lies_here_is_sent_and_one_that_is_out_is_followed_up(past: Past) -> None:
    quote_id, rep = new_id(), past.crew.rep
    ours = {"owner_id": rep.user_id, "opportunity_id": past.deal, "valid_until": day(30)}

    async def draft(uow: UnitOfWork) -> None:
        await create_quote(uow, ours, id=quote_id)

    await past.crew.house.store.write(past.crew.system, draft)
    (one,) = (await advised(rep, past.deal)).values()
    assert one["action"] == "send_quote"
    assert any("is written and not sent" in reason for reason in one["reasons"])
    await past.crew.house.store.write(past.crew.system, lambda uow: send_quote(uow, quote_id, {}))
    (one,) = (await advised(rep, past.deal)).values()
    assert one["action"] == "follow_up"
    assert any("was sent less than a day ago" in reason for reason in one["reasons"])
