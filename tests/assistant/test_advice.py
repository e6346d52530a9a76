"""Profiles, next best actions and suggested replies, through GraphQL."""

from datetime import timedelta
from typing import Any

import pytest

from backend.core.access import Actor
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.crm.activities import create_activity
from backend.crm.contacts import create_contact
from backend.crm.tasks import create_task
from backend.sales.documents import StageChange
from backend.sales.opportunities import create_opportunity
from backend.sales.pipelines import ensure_default_pipeline
from backend.service.conversations import open_conversation
from backend.service.documents import AuthorKind
from backend.service.messages import add_message
from backend.service.rules import TicketStatus
from backend.service.tickets import create_ticket, move_ticket
from tests.assistant.conftest import Desk
from tests.crew import Crew

ACTIONS = """query($id: ID!, $first: Int!) { nextBestActions(subjectId: $id, first: $first) {
    action value probability cost score currency about { kind id }
    factors { name weight evidence } similarCases { kind id } reasons } }"""
PROFILE = """query($id: ID!) { customerProfile(id: $id) { id kind name
    facts { key value at evidence { kind id } }
    scores { key value rank explanation at evidence { kind id } }
    risks { key label at evidence { kind id } } } }"""
REPLIES = """query($id: ID!) { suggestReplies(ticketId: $id, first: 3) { text confidence
    citations { quote ticket { id number } article { id version title } } } }"""


class Past:
    """A workspace with history: one customer with an open deal, and others whose deals are over."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.account, self.contact, self.deal = new_id(), new_id(), new_id()
        self.won = [new_id() for _ in range(4)]
        self.lost = [new_id() for _ in range(2)]

    async def make(self) -> "Past":
        await self.crew.house.store.write(self.crew.system, self._records)
        return self

    async def _records(self, uow: UnitOfWork) -> None:
        await ensure_default_pipeline(uow)
        ours = {"owner_id": self.crew.rep.user_id, "team_ids": [self.crew.teams["east"]]}
        await create_account(uow, {"name": "Baltic Fish", "lifecycle": "customer", **ours}, id=self.account)
        fields = {"full_name": "Ada Noor", "account_id": self.account, "language": "en", "role": "champion"}
        await create_contact(uow, {**fields, **ours}, id=self.contact)
        await self._deal(uow, self.deal, self.account, "proposal", 100_000, days=50, **ours)
        for n, id in enumerate([*self.won, *self.lost]):
            end = "won" if id in self.won else "lost"
            account = self.account if n == 0 else new_id()
            await self._deal(uow, id, account, end, 90_000 + n, days=200, **ours)
        spoken = {"type": "call", "channel": "phone", "direction": "outbound", "account_id": self.account}
        await create_activity(
            uow, {**spoken, "at": uow.at - timedelta(days=90), "summary": "Spoke", **ours}, id=new_id()
        )
        late = {"title": "Send the offer", "account_id": self.account, "opportunity_id": self.deal}
        await create_task(uow, {**late, "due_at": uow.at - timedelta(days=3), **ours})

    async def _deal(
        self, uow: UnitOfWork, id: str, account_id: str, stage: str, amount: int, *, days: int, **ours: Any
    ) -> None:
        steps = ["qualification", "discovery", "proposal"] + ([stage] if stage in ("won", "lost") else [])
        history = [
            StageChange(from_stage=None, to_stage=step, at=uow.at - timedelta(days=days - 2 * n), by="x")
            for n, step in enumerate(steps)
        ]
        fields = {"name": f"Deal {amount}", "account_id": account_id, "amount": str(amount), "stage": stage}
        over = {"closed_at": uow.at - timedelta(days=days - 8)} if stage in ("won", "lost") else {}
        why = {"loss_reason": "price"} if stage == "lost" else {}
        await create_opportunity(uow, {**fields, **over, **why, **ours}, id=id, history=history)


@pytest.fixture
async def past(crew: Crew) -> Past:
    return await Past(crew).make()


async def test_an_action_is_counted_from_the_past_and_its_factors_sum_to_the_score(past: Past) -> None:
    found = (await past.crew.rep.ask(ACTIONS, id=past.deal, first=5))["nextBestActions"]
    (action,) = found
    assert (action["action"], action["about"]) == ("follow_up", {"kind": "opportunity", "id": past.deal})
    # 4 of the 6 closed deals that stood in `proposal` were won: (4 + 1) / (6 + 2)
    assert (action["value"], action["probability"], action["currency"]) == (100_000.0, 0.625, "CNY")
    assert action["cost"] == 36.0
    assert action["score"] == 62_464.0
    assert sum(factor["weight"] for factor in action["factors"]) == pytest.approx(action["score"], abs=1e-6)
    assert [factor["name"] for factor in action["factors"]] == ["win_rate", "stage", "cost"]
    assert action["factors"][1]["evidence"] == "4 of 6 past cases"
    assert {case["id"] for case in action["similarCases"]} <= set(past.won)
    assert len(action["similarCases"]) == 3
    assert action["reasons"][:2] == [
        "In this stage for 46 days; won deals usually take 2.",
        "A task is overdue: Send the offer",
    ]


async def test_a_profile_shows_facts_scores_and_risks_with_evidence_and_date(past: Past) -> None:
    profile = (await past.crew.rep.ask(PROFILE, id=past.account))["customerProfile"]
    assert (profile["kind"], profile["name"]) == ("account", "Baltic Fish")
    facts = {fact["key"]: fact for fact in profile["facts"]}
    assert facts["open_pipeline"]["value"] == "100000"
    assert facts["won_value"]["evidence"] == [{"kind": "opportunity", "id": past.won[0]}]
    assert facts["preferred_channel"]["value"] == "phone (1/1)"
    assert facts["key_people"]["value"] == "Ada Noor (champion)"
    assert facts["open_tickets"]["value"] == "0"
    scores = {score["key"]: score for score in profile["scores"]}
    assert (scores["recency_days"]["value"], scores["frequency"]["value"]) == (192.0, 1.0)
    assert scores["recency_days"]["evidence"] == [{"kind": "opportunity", "id": past.won[0]}]
    assert scores["monetary"]["rank"] is None
    assert scores["monetary"]["explanation"] == "not enough customers to compare (n=4)"
    risks = {risk["key"]: risk for risk in profile["risks"]}
    assert risks.keys() == {"no_contact", "overdue_tasks"}
    for found in (*profile["facts"], *profile["scores"], *profile["risks"]):
        assert found["evidence"] or found["key"] == "open_tickets"
        assert found["at"] or found["key"] == "open_tickets"


async def test_what_the_asker_may_not_read_takes_no_part(past: Past) -> None:
    for person in (past.crew.stranger, past.crew.customer):
        for query, more in ((PROFILE, {}), (ACTIONS, {"first": 3})):
            body = await person.post(query, id=past.account, **more)
            assert body["errors"][0]["extensions"]["code"] in ("NOT_FOUND", "FORBIDDEN")
    # The agent reads the account, but no deals: nothing of their value may show.
    profile = (await past.crew.agent.ask(PROFILE, id=past.account))["customerProfile"]
    assert {"open_pipeline", "won_value"}.isdisjoint(fact["key"] for fact in profile["facts"])
    assert "monetary" not in {score["key"] for score in profile["scores"]}
    assert (await past.crew.agent.ask(ACTIONS, id=past.account, first=5))["nextBestActions"] == []


async def file_ticket(desk: Desk, subject: str, body: str, *, answer: str = "") -> str:
    """File a ticket with the customer's words; with an answer it is resolved by it."""
    crew, id = desk.crew, new_id()

    async def create(uow: UnitOfWork) -> None:
        conversation = await open_conversation(uow, {"contact_id": crew.contact_id, "subject": subject})
        fields = {"subject": subject, "description": body, "conversation_id": conversation.id}
        await create_ticket(uow, fields, id=id)
        await add_message(uow, conversation.id, body, author_kind=AuthorKind.CUSTOMER)
        if answer:
            by = crew.agent.user_id
            await add_message(uow, conversation.id, answer, author_kind=AuthorKind.AGENT, author_id=by)
            await move_ticket(uow, id, TicketStatus.RESOLVED)

    await crew.house.store.write(system_of(desk), create)
    return id


def system_of(desk: Desk) -> Actor:
    return desk.crew.system


async def test_the_answer_of_a_similar_resolved_ticket_is_suggested(desk: Desk) -> None:
    answer = "Please move the gateway to the wired port: the office Wi-Fi restarts at night, nothing is lost."
    old = await file_ticket(
        desk, "Gateway drops every night", "Our gateway goes offline at 2 am each night.", answer=answer
    )
    await file_ticket(
        desk, "Invoice title is wrong", "Please reissue our invoice.", answer="Reissued, sorry."
    )
    new = await file_ticket(
        desk, "Gateway offline at night", "Each night around two our gateway is offline for a while."
    )
    found = (await desk.crew.agent.ask(REPLIES, id=new))["suggestReplies"]
    from_tickets = [reply for reply in found if reply["citations"][0]["ticket"]]
    assert from_tickets[0]["text"] == answer
    assert from_tickets[0]["citations"][0]["ticket"]["id"] == old
    assert 0 < from_tickets[0]["confidence"] <= 1
    assert [reply["confidence"] for reply in found] == sorted(
        (reply["confidence"] for reply in found), reverse=True
    )
    internal = {desk.ids[key] for key, file in desk.files.items() if file.visibility == "internal"}
    for reply in found:
        (citation,) = reply["citations"]
        assert (citation["ticket"] is None) != (citation["article"] is None)
        if citation["article"]:
            assert citation["article"]["id"] not in internal
            assert citation["quote"] in desk.files[desk.keys[citation["article"]["id"]]].body


async def test_replies_are_suggested_to_staff_alone(desk: Desk) -> None:
    ticket = await file_ticket(desk, "Probe lost", "We lost a probe.")
    refused = await desk.crew.customer.post(REPLIES, id=ticket)
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    unseen = await desk.crew.stranger.post(REPLIES, id=ticket)
    assert unseen["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_list_is_suggested_under_what_it_is_a_list_of(desk: Desk) -> None:
    """By itself, what may not be returned would tell who asks "can I return them?" that they may be."""
    asked = "上周多买了一箱 HL-10，30 个没拆封，可以退吗？"
    ticket = await file_ticket(desk, "多买了 30 个温度标签，可以退吗", asked)
    found = (await desk.crew.agent.ask(REPLIES, id=ticket))["suggestReplies"]
    (reply,) = [one for one in found if one["citations"][0]["quote"].startswith("- ")]
    assert reply["citations"][0]["article"]["title"] == "退货与退款"
    assert reply["text"] == f"**哪些不能退？**\n\n{reply['citations'][0]['quote']}"
