"""Advice says nothing that is not so: a talk is contact, and what may not be read is not "none"."""

from typing import Any

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.sales.contracts import create_contract, sign_contract
from backend.sales.opportunities import update_opportunity
from backend.sales.payments import create_payment
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind
from backend.service.messages import add_message
from backend.service.rules import TicketStatus
from backend.service.tickets import create_ticket, move_ticket
from tests.assistant.test_advice import ACTIONS, PROFILE, Past, past
from tests.assistant.test_paper_actions import day, papers
from tests.crew import Person

__all__ = ["papers", "past"]  # fixtures


async def profile(person: Person, id: str) -> dict[str, dict[str, Any]]:
    found = (await person.ask(PROFILE, id=id))["customerProfile"]
    return {one["key"]: one for part in ("facts", "scores", "risks") for one in found[part]}


async def actions(person: Person, id: str) -> dict[str, dict[str, Any]]:
    found = (await person.ask(ACTIONS, id=id, first=10))["nextBestActions"]
    return {one["action"]: one for one in found}


async def lose(past: Past) -> None:
    """End the open deal, so that the customer is one who bought and has nothing under way."""

    async def end(uow: UnitOfWork) -> None:
        await update_opportunity(uow, past.deal, {"stage": "lost", "loss_reason": "price"})

    await past.crew.house.store.write(past.crew.system, end)


async def test_who_wrote_to_us_is_not_told_of_as_quiet(past: Past) -> None:
    rep = past.crew.rep
    await lose(past)
    before = await profile(rep, past.account)
    assert before["last_interaction"]["value"].startswith("phone ")
    assert "no_contact" in before
    assert (
        "nobody has spoken to them for 90 days" in (await actions(rep, past.account))["renew"]["reasons"][0]
    )

    async def write(uow: UnitOfWork) -> None:
        talk = await open_conversation(
            uow, {"contact_id": past.contact, "account_id": past.account, "channel": "email"}
        )
        await add_message(uow, talk.id, "When do you deliver?", author_kind=AuthorKind.CUSTOMER)

    await past.crew.house.store.write(past.crew.system, write)
    after = await profile(rep, past.account)
    assert after["last_interaction"]["value"].startswith("email ")
    assert [one["kind"] for one in after["last_interaction"]["evidence"]] == ["conversation"]
    assert after["preferred_channel"]["value"].endswith("(1/2)")
    assert "no_contact" not in after
    assert "renew" not in await actions(rep, past.account)


async def test_of_what_may_not_be_read_nothing_is_said_rather_than_none(past: Past) -> None:
    crew = past.crew
    await lose(past)
    fields = {"subject": "Broken", "account_id": past.account, "contact_id": past.contact}

    async def file(uow: UnitOfWork) -> None:
        await create_ticket(uow, fields)

    await crew.house.store.write(crew.system, file)
    assert (await profile(crew.manager, past.account))["open_tickets"]["value"] == "1"
    kinds = ("account", "contact", "opportunity", "pipeline")
    role = {
        "key": "cards",
        "name": "Cards",
        "levels": [{"kind": kind, "action": "READ", "level": "ALL"} for kind in kinds],
    }
    assert (await crew.admin.do("roleCreate", role, "key"))["__typename"] == "Role"
    given = {"id": crew.colleague.user_id, "roleKeys": ["cards"]}
    assert (await crew.admin.do("userUpdate", given, "id"))["__typename"] == "User"
    found = await profile(crew.colleague, past.account)
    assert {"won_value", "frequency", "key_people"} <= found.keys()
    assert {"open_tickets", "no_contact", "no_contact_yet", "last_interaction"}.isdisjoint(found)
    # Nor is a customer called quiet by who sees no talks.
    assert await actions(crew.colleague, past.account) == {}


async def test_that_none_is_open_rests_on_the_tickets_that_are_done(past: Past) -> None:
    id = new_id()

    async def settle(uow: UnitOfWork) -> None:
        await create_ticket(uow, {"subject": "Broken", "account_id": past.account}, id=id)
        await move_ticket(uow, id, TicketStatus.RESOLVED)

    await past.crew.house.store.write(past.crew.system, settle)
    fact = (await profile(past.crew.manager, past.account))["open_tickets"]
    assert (fact["value"], fact["evidence"]) == ("0", [{"kind": "ticket", "id": id}])


async def test_what_is_overdue_is_a_risk_with_its_payments(past: Past, papers: dict[str, str]) -> None:
    found = (await profile(past.crew.manager, past.account))["overdue_payments"]
    assert found["label"] == "1 payment is overdue; CNY 20000 are open."
    assert found["evidence"] == [{"kind": "payment", "id": papers["late"]}]

    async def add(uow: UnitOfWork) -> None:
        ours = {"account_id": past.account, "name": "Dollars", "value": "900", "currency": "USD"}
        contract = await create_contract(uow, {**ours, "start": day(-90), "end": day(90)})
        await sign_contract(uow, contract.id)
        await create_payment(uow, {"contract_id": contract.id, "due": day(-3), "amount": "900"})

    await past.crew.house.store.write(past.crew.system, add)
    risks = (await past.crew.manager.ask(PROFILE, id=past.account))["customerProfile"]["risks"]
    assert [one["label"] for one in risks if one["key"] == "overdue_payments"] == [
        "1 payment is overdue; CNY 20000 are open.",
        "1 payment is overdue; USD 900 are open.",
    ]


async def test_an_owed_answer_without_a_category_or_a_value_claims_neither(past: Past) -> None:
    crew, old, new = past.crew, new_id(), new_id()

    async def file(uow: UnitOfWork) -> None:
        await create_ticket(uow, {"subject": "Noise", "category": ""}, id=old)
        await move_ticket(uow, old, TicketStatus.RESOLVED)
        await create_ticket(uow, {"subject": "Invoice", "account_id": past.account}, id=new)

    await crew.house.store.write(crew.system, file)
    found = (await actions(crew.agent, new))["answer_ticket"]
    assert (found["value"], found["similarCases"]) == (0.0, [])
    assert len(found["reasons"]) == 1  # nothing is said of what the relation brings
    assert len((await actions(crew.manager, new))["answer_ticket"]["reasons"]) == 2
