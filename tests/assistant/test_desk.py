"""Next actions over one's own desk: all that is one's own, in one order, as customers' own lists have it."""

from collections.abc import Mapping
from typing import Any

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.sales.contracts import create_contract, sign_contract
from backend.sales.opportunities import create_opportunity
from backend.service.rules import TicketStatus
from backend.service.tickets import assign_ticket, create_ticket, move_ticket
from tests.assistant.test_advice import Past, past
from tests.assistant.test_paper_actions import day, papers
from tests.assistant.test_recommendations import RECOMMEND, SKIP
from tests.counting import counted_reads
from tests.crew import Crew, Person

__all__ = ["papers", "past"]  # fixtures

FIELDS = """action value probability cost score currency reasons
    about { kind id title } customer { kind id title } factors { name weight } similarCases { id }"""
DESK = f"query($first: Int! = 20) {{ nextBestActions(first: $first) {{ {FIELDS} }} }}"
ABOUT = f"query($id: ID!) {{ nextBestActions(subjectId: $id, first: 20) {{ {FIELDS} }} }}"


async def on_the_desk(person: Person, first: int = 20) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(DESK, first=first))["nextBestActions"]
    return found


async def of(person: Person, id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await person.ask(ABOUT, id=id))["nextBestActions"]
    return found


async def written(crew: Crew, *tickets: Mapping[str, Any]) -> list[str]:
    """Make tickets of the agent's, each with an account of its own unless one is given; return their ids."""
    ids = [new_id() for _ in tickets]

    async def create(uow: UnitOfWork) -> None:
        for id, fields in zip(ids, tickets, strict=True):
            await create_ticket(uow, {"subject": "Offline", **fields}, id=id)
            await assign_ticket(uow, id, assignee_id=crew.agent.user_id)

    await crew.house.store.write(crew.system, create)
    return ids


async def accounts(crew: Crew, *names: str, owner: Person | None = None) -> list[str]:
    ids = [new_id() for _ in names]

    async def create(uow: UnitOfWork) -> None:
        for id, name in zip(ids, names, strict=True):
            own = {"owner_id": owner.user_id} if owner else {}
            await create_account(uow, {"name": name, **own}, id=id)

    await crew.house.store.write(crew.system, create)
    return ids


async def test_the_agents_open_tickets_come_by_urgency_whoever_the_customer_is(past: Past) -> None:
    crew = past.crew
    baltic, nordic = await accounts(crew, "Baltic", "Nordic")
    low, urgent, unknown, settled = await written(
        crew,
        {"account_id": baltic, "priority": "low"},
        {"account_id": nordic, "priority": "urgent"},
        {"priority": "high"},  # of somebody whom nobody knows
        {"account_id": baltic, "priority": "urgent"},
    )
    (others,) = await written(crew, {"account_id": baltic, "priority": "urgent"})

    async def change(uow: UnitOfWork) -> None:
        await move_ticket(uow, settled, TicketStatus.OPEN)
        await move_ticket(uow, settled, TicketStatus.RESOLVED)
        await assign_ticket(uow, others, assignee_id=crew.colleague.user_id)

    await crew.house.store.write(crew.system, change)
    found = await on_the_desk(crew.agent)
    assert [(one["action"], one["about"]["id"]) for one in found] == [
        ("answer_ticket", urgent),
        ("answer_ticket", unknown),
        ("answer_ticket", low),
    ]
    assert [one["customer"] and one["customer"]["title"] for one in found] == ["Nordic", None, "Baltic"]
    assert await on_the_desk(crew.agent, first=1) == found[:1]


async def test_a_reps_desk_is_what_their_customers_lists_hold_of_their_own(
    past: Past, papers: dict[str, str]
) -> None:
    """Number for number and in one order; what a colleague owns of the same customer is theirs."""
    crew, rep = past.crew, past.crew.rep
    (own,) = await accounts(crew, "Own", owner=rep)
    theirs = new_id()

    async def create(uow: UnitOfWork) -> None:
        deal = {"name": "Own deal", "account_id": own, "amount": 10_000, "currency": "CNY"}
        await create_opportunity(uow, {**deal, "owner_id": rep.user_id})
        ending = {"name": "Watch", "value": "90000", "currency": "CNY", "start": day(-300), "end": day(10)}
        of_a_colleague = {"account_id": past.account, "owner_id": crew.colleague.user_id}
        await create_contract(uow, {**ending, **of_a_colleague}, id=theirs)
        await sign_contract(uow, theirs)

    await crew.house.store.write(crew.system, create)
    at_baltic, at_own = await of(crew.manager, past.account), await of(crew.manager, own)
    assert theirs in [one["about"]["id"] for one in at_baltic]
    expected = [one for one in [*at_baltic, *at_own] if one["about"]["id"] != theirs]
    found = await on_the_desk(rep)
    assert {one["about"]["id"] for one in found} >= {past.deal, papers["late"], papers["contract"]}
    assert {one["customer"]["title"] for one in found} == {"Baltic Fish", "Own"}
    assert found == sorted(expected, key=lambda one: -one["score"])
    assert [one["about"]["id"] for one in await on_the_desk(crew.colleague)] == [theirs]


async def test_what_was_turned_down_rests_on_the_desk_too(past: Past) -> None:
    rep = past.crew.rep
    (first, *_) = await on_the_desk(rep)
    assert first["about"]["id"] == past.deal
    kept = (await rep.ask(RECOMMEND, id=past.deal))["recommend"]
    (one,) = [one for one in kept if one["action"] == first["action"]]
    await rep.ask(SKIP, input={"id": one["id"], "reason": "NOT_RELEVANT"})
    assert past.deal not in [one["about"]["id"] for one in await on_the_desk(rep)]


async def test_many_customers_cost_no_more_queries_than_one(past: Past) -> None:
    crew = past.crew

    async def cost() -> int:
        await crew.agent.ask(DESK)
        async with counted_reads(crew.house) as commands:
            commands.take()
            await crew.agent.ask(DESK)
            return sum(commands.take().values())

    ids = await accounts(crew, *(f"Customer {number}" for number in range(15)))
    await written(crew, {"account_id": ids[0]})
    one = await cost()
    await written(crew, *({"account_id": id} for id in ids[1:]))
    assert len(await on_the_desk(crew.agent)) == 15
    assert await cost() == one


async def test_who_has_nothing_on_their_desk_is_told_nothing_and_customers_are_refused(past: Past) -> None:
    assert await on_the_desk(past.crew.colleague) == []
    refused = await past.crew.customer.post(DESK)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    wrong = await past.crew.agent.post(DESK, first=21)
    assert wrong["errors"][0]["message"] == "first must be 1 to 20"
