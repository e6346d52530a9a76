"""What comes first among advice, what an open ticket calls for, and that what is over calls for nothing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from assistant.advice.actions import propose_actions
from assistant.advice.documents import Recommendation, RecommendationState
from assistant.advice.experience import learn
from assistant.advice.subjects import Subject
from backend.core.ids import derived_id, new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.documents import Account
from backend.house import House
from backend.sales.contracts import create_contract, sign_contract
from backend.sales.documents import Opportunity
from backend.sales.opportunities import update_opportunity
from backend.sales.payments import create_payment
from backend.sales.rules import StageType
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind, Ticket, TicketPriority
from backend.service.messages import add_message
from backend.service.rules import TicketStatus
from backend.service.tickets import create_ticket, move_ticket
from tests.assistant.test_advice import ACTIONS, Past, past
from tests.assistant.test_paper_actions import day
from tests.assistant.test_recommendations import _OF_A_PROPOSAL, ACCEPT, RECOMMEND, SKIP, kept, listed

__all__ = ["past"]  # a fixture

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def ticket(name: str, priority: TicketPriority, *, hours: int, **fields: Any) -> Ticket:
    """Return a ticket that came so many hours ago."""
    at = NOW - timedelta(hours=hours)
    return Ticket(
        id=derived_id("ticket", name),
        number=name,
        subject=name,
        priority=priority,
        opened_at=at,
        waits_since=at,
        **fields,
    )


def answered(one: Ticket, *, again_hours_ago: int | None = None) -> Ticket:
    one.status, one.first_responded_at = TicketStatus.OPEN, NOW - timedelta(hours=1)
    one.waits_since = None if again_hours_ago is None else NOW - timedelta(hours=again_hours_ago)
    return one


def won(number: int, amount: int, currency: str) -> Opportunity:
    return Opportunity(
        id=derived_id("won", str(number)),
        name="Deal",
        account_id=derived_id("account", str(number)),
        amount=Decimal(amount),
        currency=currency,
        pipeline_id=derived_id("pipeline"),
        stage="won",
        stage_type=StageType.WON,
    )


def test_the_most_pressing_of_many_tickets_comes_first(house: House) -> None:
    tickets = [
        ticket("young_low", TicketPriority.LOW, hours=1),
        ticket("old_normal", TicketPriority.NORMAL, hours=90),
        ticket("young_normal", TicketPriority.NORMAL, hours=2),
        answered(ticket("wrote_again", TicketPriority.NORMAL, hours=200), again_hours_ago=30),
        ticket("urgent", TicketPriority.URGENT, hours=3),
        ticket("high", TicketPriority.HIGH, hours=4),
    ]
    account = Account(id=derived_id("a"), name="Many")
    subject = Subject(about=account, account=account, tickets=tickets, home_currency="EUR")
    found = propose_actions(subject, learn([], []), now=NOW, language="en")
    expected = ["urgent", "high", "old_normal", "wrote_again", "young_normal", "young_low"]
    assert [one.about.title for one in found] == expected
    # Nothing has been sold yet: no worth is known, in the workspace's own currency.
    assert {(one.value, one.currency) for one in found} == {(Decimal(0), "EUR")}


def test_an_open_ticket_that_we_answered_waits_for_its_customer(house: House) -> None:
    one = answered(ticket("T-1", TicketPriority.NORMAL, hours=9))

    def advised() -> list[tuple[str, tuple[str, ...]]]:
        found = propose_actions(Subject(about=one, tickets=[one]), learn([], []), now=NOW, language="en")
        return [(action.action, action.reasons) for action in found]

    assert advised() == []
    one.waits_since = NOW  # the customer wrote again
    assert advised() == [("answer_ticket", ("Ticket T-1 is open and waits for us.",))]
    one.reopen_count, one.waits_since = 2, None
    assert advised() == [("escalate", ("Ticket T-1 was reopened 2 times.",))]


def test_what_is_still_worked_on_is_no_failure_of_answering(house: House) -> None:
    """Of 30 answered tickets 12 were resolved and 15 came this morning: the chance fell from 0.76 to 0.41."""
    resolved = [ticket(f"r{n}", TicketPriority.NORMAL, hours=90, resolved_at=NOW) for n in range(3)]
    reopened = [ticket("again", TicketPriority.NORMAL, hours=90, reopen_count=1)]
    under_way = [ticket(f"o{n}", TicketPriority.NORMAL, hours=2) for n in range(20)]
    past_ones = [answered(one) for one in (*resolved, *reopened, *under_way)]
    one = ticket("T-1", TicketPriority.NORMAL, hours=1)
    (found,) = propose_actions(
        Subject(about=one, tickets=[one]), learn([], past_ones), now=NOW, language="en"
    )
    assert (found.chance.n, found.probability) == (4, Decimal("0.6667"))  # (3 + 1) / (4 + 2)
    assert found.factors[0].said("en") == "3 of 4 past cases"


@pytest.mark.parametrize("currency", ["EUR", "CNY"])
def test_what_a_relation_brings_is_told_in_what_the_house_sells_in(house: House, currency: str) -> None:
    sold = [won(n, 1_000 * n, currency) for n in (1, 2, 3)] + [won(4, 90_000, "USD")]
    one = ticket("T-1", TicketPriority.NORMAL, hours=1)
    (found,) = propose_actions(Subject(about=one, tickets=[one]), learn(sold, []), now=NOW, language="en")
    assert (found.value, found.currency) == (Decimal("2000.00"), currency)


async def test_who_reads_no_deals_is_told_of_who_waits_before_of_money(past: Past) -> None:
    """An agent sees no worth of an answer: that made it come last, after every payment."""
    crew, id = past.crew, new_id()
    ours = {"account_id": past.account, "currency": "CNY"}

    async def create(uow: UnitOfWork) -> None:
        contract = await create_contract(
            uow, {**ours, "name": "Watch", "value": "120000", "start": day(-300), "end": day(10)}
        )
        await sign_contract(uow, contract.id)
        await create_payment(uow, {"contract_id": contract.id, "due": day(-5), "amount": "30000"})
        await create_ticket(uow, {"subject": "Offline", "account_id": past.account}, id=id)

    await crew.house.store.write(crew.system, create)
    found = (await crew.agent.ask(ACTIONS, id=past.account, first=5))["nextBestActions"]
    assert [one["action"] for one in found] == ["answer_ticket", "renew_contract", "collect_payment"]
    assert (found[0]["about"]["id"], found[0]["value"]) == (id, 0.0)
    await crew.agent.ask(RECOMMEND, id=past.account)
    assert [one["action"] for one in await listed(crew.agent)] == [one["action"] for one in found]


async def test_nothing_is_recommended_any_more_of_what_is_over(past: Past) -> None:
    crew, rep = past.crew, past.crew.rep
    id = new_id()

    async def write(work: Any) -> None:
        await crew.house.store.write(crew.system, work)

    async def file(uow: UnitOfWork) -> None:
        talk = await open_conversation(uow, {"account_id": past.account, "subject": "Offline"})
        fields = {"subject": "Offline", "account_id": past.account, "conversation_id": talk.id}
        await create_ticket(uow, fields, id=id)
        await add_message(uow, talk.id, "Our gateway is offline.", author_kind=AuthorKind.CUSTOMER)

    async def answer(uow: UnitOfWork) -> None:
        talk = (await uow.access(Ticket, id)).conversation_id
        assert talk is not None
        await add_message(
            uow, talk, "Restart it.", author_kind=AuthorKind.AGENT, author_id=crew.agent.user_id
        )

    async def lose(uow: UnitOfWork) -> None:
        await update_opportunity(uow, past.deal, {"stage": "lost", "loss_reason": "price"})

    await write(file)
    (asked,) = (await crew.agent.ask(RECOMMEND, id=id))["recommend"]
    theirs = {one["action"]: one for one in (await rep.ask(RECOMMEND, id=past.deal))["recommend"]}
    assert (asked["action"], set(theirs)) == ("answer_ticket", {"answer_ticket", "follow_up"})
    await write(answer)
    assert await listed(crew.agent) == []
    refused = (await crew.agent.ask(ACCEPT, input={"id": asked["id"]}))["recommendationAccept"]
    assert refused["code"] == "INVALID_INPUT"
    assert refused["message"] == "id is about what is over by now; ask for recommendations anew"
    # To say that it was done already is still possible.
    done = await crew.agent.ask(SKIP, input={"id": asked["id"], "reason": "ALREADY_DONE"})
    assert done["recommendationSkip"]["state"] == "SKIPPED"
    assert [one["id"] for one in await listed(rep)] == [theirs["follow_up"]["id"]]
    await write(lose)
    assert await listed(rep) == []


async def test_a_deal_that_calls_for_another_action_is_recommended_that_alone(past: Past) -> None:
    rep = past.crew.rep
    (before,) = (await rep.ask(RECOMMEND, id=past.deal))["recommend"]
    assert before["action"] == "follow_up"

    async def let_pass(uow: UnitOfWork) -> None:
        yesterday = (uow.at - timedelta(days=2)).date()
        await update_opportunity(uow, past.deal, {"expected_close_date": yesterday})

    await past.crew.house.store.write(past.crew.system, let_pass)
    (after,) = (await rep.ask(RECOMMEND, id=past.account))["recommend"]
    assert after["action"] == "call"
    assert [one["id"] for one in await listed(rep)] == [after["id"]]
    assert (await kept(past, before["id"])).state is RecommendationState.EXPIRED


async def test_a_ticket_that_is_settled_calls_for_nothing(past: Past) -> None:
    agent, id = past.crew.agent, new_id()

    async def file(uow: UnitOfWork) -> None:
        await create_ticket(uow, {"subject": "Offline", "account_id": past.account}, id=id)

    async def settle(uow: UnitOfWork) -> None:
        await move_ticket(uow, id, TicketStatus.RESOLVED)

    await past.crew.house.store.write(past.crew.system, file)
    assert len((await agent.ask(RECOMMEND, id=id))["recommend"]) == 1
    await past.crew.house.store.write(past.crew.system, settle)
    assert await listed(agent) == []


async def test_what_two_calls_of_one_moment_propose_is_shown_and_decided_once(past: Past) -> None:
    rep, twin = past.crew.rep, new_id()
    (made,) = (await rep.ask(RECOMMEND, id=past.deal))["recommend"]

    async def propose_again(uow: UnitOfWork) -> None:
        one = await uow.access(Recommendation, made["id"])
        fields = one.model_dump(include=_OF_A_PROPOSAL | {"thing"})
        uow.save(Recommendation.model_validate({**fields, "id": twin}))

    await past.crew.house.store.write(past.crew.system, propose_again)
    (shown,) = await listed(rep)
    assert shown["id"] in (made["id"], twin)
    skipped = await rep.ask(SKIP, input={"id": shown["id"], "reason": "WRONG_TIME"})
    assert skipped["recommendationSkip"]["state"] == "SKIPPED"
    assert await listed(rep) == []
    (other,) = {made["id"], twin} - {shown["id"]}
    assert (await kept(past, other)).state is RecommendationState.EXPIRED
