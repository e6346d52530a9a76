"""What is offered to whom: what customers with the same interests wanted, too, as far as the reader sees."""

from datetime import timedelta
from typing import Any

import pytest

from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.sales.documents import StageChange
from backend.sales.leads import create_lead
from backend.sales.opportunities import create_opportunity
from backend.sales.pipelines import ensure_default_pipeline
from tests.crew import Crew, Person

ACTIONS = """query($id: ID!) { nextBestActions(subjectId: $id, first: 20) { action thing probability score
    factors { name weight evidence } reasons } }"""
AFFINITY = """query($id: ID) { productAffinity(id: $id) { n
    rules { given thing confidence low high together withGiven } } }"""
PROFILE = "query($id: ID!) { customerProfile(id: $id) { facts { key value evidence { kind id } } } }"
BASKETS = [["gateway", "probe"]] * 20 + [["cable", "case"]] * 20


@pytest.fixture
async def buyer(crew: Crew) -> str:
    """An account that bought once and asked about a gateway; 40 others wanted two things each."""
    id = new_id()
    ours: dict[str, Any] = {"owner_id": crew.rep.user_id, "team_ids": [crew.teams["east"]]}

    async def create(uow: UnitOfWork) -> None:
        await ensure_default_pipeline(uow)
        for number, interests in enumerate(BASKETS):
            await create_lead(uow, {"full_name": f"Lead {number}", "interests": interests, **ours})
        await create_account(uow, {"name": "Baltic Fish", **ours}, id=id)
        lead = await create_lead(uow, {"full_name": "Ada Noor", "interests": ["gateway"], **ours})
        lead.account_id = id
        history = [
            StageChange(from_stage=None, to_stage=stage, at=uow.at - timedelta(days=days), by="x")
            for stage, days in (("proposal", 40), ("won", 30))
        ]
        deal = {"name": "First", "account_id": id, "amount": "9000", "stage": "won"}
        await create_opportunity(
            uow, {**deal, "closed_at": uow.at - timedelta(days=30), **ours}, history=history
        )

    await crew.house.store.write(crew.system, create)
    return id


async def offers(person: Person, account: str) -> list[dict[str, Any]]:
    found = (await person.ask(ACTIONS, id=account))["nextBestActions"]
    return [one for one in found if one["action"] == "offer_product"]


async def test_a_customer_is_offered_what_others_with_the_same_interest_wanted(
    crew: Crew, buyer: str
) -> None:
    found = (await crew.rep.ask(AFFINITY, id=buyer))["productAffinity"]
    (rule,) = found["rules"]  # of all rules the one that is about what they have and for what they lack
    assert (found["n"], rule["given"], rule["thing"]) == (40, "gateway", "probe")
    assert (rule["together"], rule["withGiven"]) == (20, 20)  # a basket of one thing says nothing of pairs
    assert rule["low"] <= rule["confidence"] <= rule["high"] <= 1

    (offer,) = await offers(crew.rep, buyer)
    assert offer["thing"] == "probe"
    assert offer["reasons"] == ["Customers interested in gateway often want probe, too."]
    assert [one["name"] for one in offer["factors"]] == ["bought_again", "goes_with", "cost"]
    again, together, _ = (one["weight"] for one in offer["factors"])
    # 20 of 20 are no certainty: 21 of 22 (Laplace).
    assert together == pytest.approx(-again / 22, rel=1e-2)
    assert sum(one["weight"] for one in offer["factors"]) == pytest.approx(offer["score"], abs=1e-6)

    (interests,) = [
        one
        for one in (await crew.rep.ask(PROFILE, id=buyer))["customerProfile"]["facts"]
        if one["key"] == "interests"
    ]
    assert interests["value"] == "gateway"
    assert [one["kind"] for one in interests["evidence"]] == ["lead"]


async def test_nothing_is_offered_from_leads_that_the_reader_does_not_see(crew: Crew, buyer: str) -> None:
    moved = {"id": buyer, "ownerId": crew.stranger.user_id, "teamIds": [crew.teams["west"]]}
    assert (await crew.manager.do("accountUpdate", moved))["__typename"] == "Account"
    assert await offers(crew.stranger, buyer) == []
    assert (await crew.stranger.ask(AFFINITY, id=None))["productAffinity"] == {"n": 0, "rules": []}
    facts = (await crew.stranger.ask(PROFILE, id=buyer))["customerProfile"]["facts"]
    assert "interests" not in {one["key"] for one in facts}
    assert len(await offers(crew.manager, buyer)) == 1
