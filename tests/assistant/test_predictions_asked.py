"""Predictions through GraphQL: learned where there is enough, honest where not, blind to what is hidden."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from assistant.advice.outlook import Purchases, foretell, purchases_by_customer
from assistant.advice.predictions import _worth_most
from assistant.advice.subjects import closed_opportunities
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.crm.accounts import create_account
from backend.identity.documents import Workspace
from backend.sales.documents import Opportunity, StageChange
from backend.sales.leads import create_lead
from backend.sales.opportunities import create_opportunity
from backend.sales.pipelines import ensure_default_pipeline
from tests.assistant.test_advice import ACTIONS, PROFILE, Past, past
from tests.crew import Crew, Person

__all__ = ["past"]  # a fixture

WIN = """query($id: ID!) { winPrediction(opportunityId: $id) { probability low high n enoughData method
    factors { name share evidence } } }"""
CHURN = (
    "query($id: ID!) { churnPrediction(id: $id) { value low high n needed enoughData method explanation } }"
)
WORTH = """query($id: ID!, $weeks: Float!) { lifetimeValue(id: $id, weeks: $weeks) { currency weeks purchases
    prediction { value low high n needed enoughData explanation } } }"""
AFFINITY = """query($id: ID) { productAffinity(id: $id) { n needed enoughData
    rules { given thing confidence low high lift together withGiven } } }"""
GROUPS = """{ customerGroups { n needed enoughData silhouette
    groups { size daysSincePurchase purchases money members { id } } } }"""
LATENT = """{ latentOpportunities { account { id } expected currency low high stillBuys n purchases
    lastBoughtAt } }"""
BUYERS, DEALS_EACH = 40, 3


class Market:
    """A workspace with enough behind it: deals won and lost, customers who came back, interests."""

    def __init__(self, crew: Crew) -> None:
        self.crew, self.rng = crew, random.Random(11)
        self.accounts = [new_id() for _ in range(BUYERS)]
        self.open = new_id()

    async def make(self) -> "Market":
        await self.crew.house.store.write(self.crew.system, self._records)
        return self

    async def _records(self, uow: UnitOfWork) -> None:
        await ensure_default_pipeline(uow)
        ours: dict[str, Any] = {"owner_id": self.crew.rep.user_id, "team_ids": [self.crew.teams["east"]]}
        for number, id in enumerate(self.accounts):
            await create_account(uow, {"name": f"Customer {number}", **ours}, id=id)
            for again in range(1 + number % DEALS_EACH):
                await self._deal(uow, id, "won", 900 - 120 * again - 5 * number, source="fair", **ours)
            await self._deal(uow, id, "lost", 400 - number, source="web", **ours)
            await self._deal(uow, id, "lost", 390 - number, source="web" if number % 4 else "fair", **ours)
            wanted = ["probe", "gateway"] if number % 2 else ["probe", "cable", "gateway"]
            lead = await create_lead(
                uow, {"full_name": f"Lead {number}", "interests": wanted, "company": "x", **ours}
            )
            lead.account_id = id if number else None
        await self._deal(uow, self.accounts[0], "proposal", 20, id=self.open, source="fair", **ours)

    async def _deal(
        self, uow: UnitOfWork, account_id: str, stage: str, days: int, *, id: str = "", **more: Any
    ) -> None:
        steps = ["qualification", "discovery", "proposal"] + ([stage] if stage in ("won", "lost") else [])
        history = [
            StageChange(from_stage=None, to_stage=step, at=uow.at - timedelta(days=days - 3 * n), by="x")
            for n, step in enumerate(steps)
        ]
        amount = self.rng.randrange(1_000, 90_000)
        fields = {"name": f"Deal {amount}", "account_id": account_id, "amount": str(amount), "stage": stage}
        over = {"closed_at": uow.at - timedelta(days=days - 9)} if stage in ("won", "lost") else {}
        why = {"loss_reason": "price"} if stage == "lost" else {}
        await create_opportunity(uow, {**fields, **over, **why, **more}, id=id or new_id(), history=history)


@pytest.fixture
async def market(crew: Crew) -> Market:
    return await Market(crew).make()


async def ask(person: Person, query: str, **variables: Any) -> Any:
    (found,) = (await person.ask(query, **variables)).values()
    return found


async def test_with_enough_behind_it_everything_is_learned_with_n_and_interval(market: Market) -> None:
    rep = market.crew.rep
    win = await ask(rep, WIN, id=market.open)
    assert (win["method"], win["enoughData"]) == ("naive_bayes_isotonic", True)
    assert win["n"] == 79 + 80  # won and lost
    assert win["low"] <= win["probability"] <= win["high"]
    assert sum(factor["share"] for factor in win["factors"]) == pytest.approx(win["probability"], abs=1e-9)
    shares = {factor["name"]: factor for factor in win["factors"]}
    assert shares.keys() == {"win_rate", "stage", "source", "person", "size", "pace"}
    assert shares["source"]["share"] > 0.1  # deals from the fair were won, those from the web lost
    assert shares["source"]["evidence"].startswith("fair: ")

    actions = await ask(rep, ACTIONS, id=market.open, first=5)
    (action,) = [one for one in actions if one["about"]["id"] == market.open]
    assert action["probability"] == win["probability"]
    weights = sum(factor["weight"] for factor in action["factors"])
    assert weights == pytest.approx(action["score"], abs=1e-6)
    assert action["score"] == pytest.approx(
        action["value"] * action["probability"] - action["cost"], abs=1e-6
    )

    account = market.accounts[2]
    churn = await ask(rep, CHURN, id=account)
    assert (churn["enoughData"], churn["n"], churn["needed"]) == (True, BUYERS, 30)
    assert 0 <= churn["low"] <= churn["value"] <= churn["high"] <= 1
    worth = await ask(rep, WORTH, id=account, weeks=52.0)
    assert (worth["currency"], worth["purchases"]) == ("CNY", 3)
    found = worth["prediction"]
    assert found["low"] <= found["value"] <= found["high"]
    shorter = await ask(rep, WORTH, id=account, weeks=4.0)
    assert shorter["prediction"]["value"] < found["value"]

    affinity = await ask(rep, AFFINITY, id=None)
    assert (affinity["n"], affinity["enoughData"]) == (BUYERS, True)
    groups = await ask(rep, GROUPS)
    assert (groups["n"], sum(group["size"] for group in groups["groups"])) == (BUYERS, BUYERS)
    latent = await ask(rep, LATENT)
    assert len(latent) == 10
    assert market.accounts[0] not in {one["account"]["id"] for one in latent}  # a deal is under way there
    assert [one["expected"] for one in latent] == sorted((one["expected"] for one in latent), reverse=True)


async def test_with_too_little_behind_it_nothing_is_made_up(past: Past) -> None:
    rep = past.crew.rep
    win = await ask(rep, WIN, id=past.deal)
    assert (win["method"], win["n"], win["probability"]) == ("stage_counts", 6, 0.625)
    assert win["factors"][1]["evidence"] == "4 of 6 past cases"
    churn = await ask(rep, CHURN, id=past.account)
    assert (churn["value"], churn["low"], churn["enoughData"], churn["n"]) == (None, None, False, 4)
    assert churn["explanation"] == "not enough data: 4 of 30 cases"
    worth = (await ask(rep, WORTH, id=past.account, weeks=52.0))["prediction"]
    assert (worth["value"], worth["enoughData"]) == (None, False)
    affinity = await ask(rep, AFFINITY, id=past.account)
    assert affinity == {"n": 0, "needed": 30, "enoughData": False, "rules": []}
    groups = await ask(rep, GROUPS)
    assert (groups["n"], groups["enoughData"], groups["groups"]) == (4, False, [])
    assert await ask(rep, LATENT) == []
    over = await rep.post(WIN, id=past.won[0])
    assert over["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    long = await rep.post(WORTH, id=past.account, weeks=1e9)
    assert long["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_of_no_past_the_stages_own_probability_is_said_with_n(crew: Crew) -> None:
    deal = new_id()

    async def create(uow: UnitOfWork) -> None:
        await ensure_default_pipeline(uow)
        fields = {"name": "First", "amount": "1000", "stage": "proposal", "owner_id": crew.rep.user_id}
        await create_opportunity(uow, fields, id=deal)

    await crew.house.store.write(crew.system, create)
    win = await ask(crew.rep, WIN, id=deal)
    assert (win["method"], win["n"], win["enoughData"]) == ("stage_prior", 0, False)
    assert (win["low"], win["high"]) == (0.0, 1.0)
    assert "(n=0)" in win["factors"][1]["evidence"]


HIDING = {
    "key": "clerk",
    "name": "Clerk",
    "levels": [
        {"kind": kind, "action": "READ", "level": "ALL"}
        for kind in ("account", "contact", "opportunity", "activity", "task", "ticket", "lead", "pipeline")
    ]
    + [{"kind": "recommendation", "action": action, "level": "OWN"} for action in ("CREATE", "READ")],
    "fields": [{"kind": "opportunity", "field": "amount", "access": "HIDDEN"}],
}


async def test_a_hidden_amount_shows_through_no_factor_and_no_value(market: Market) -> None:
    crew = market.crew
    made = await crew.admin.do("roleCreate", HIDING, "key")
    assert made["__typename"] == "Role", made
    changed = await crew.admin.do("userUpdate", {"id": crew.colleague.user_id, "roleKeys": ["clerk"]}, "id")
    assert changed["__typename"] == "User", changed
    clerk, account = crew.colleague, market.accounts[2]
    amounts = {
        str(one.amount).split(".")[0]
        for one in await crew.house.store.unit_of_work(crew.system).find(Opportunity)
    }
    everything = ""
    for query, variables in (
        (ACTIONS, {"id": account, "first": 5}),
        (ACTIONS, {"id": market.open, "first": 5}),
        (PROFILE, {"id": account}),
        (WIN, {"id": market.open}),
        (WORTH, {"id": account, "weeks": 52.0}),
        (GROUPS, {}),
        (LATENT, {}),
    ):
        everything += str(await clerk.post(query, **variables))
    assert not [amount for amount in amounts if amount in everything]
    win = await ask(clerk, WIN, id=market.open)
    assert "size" not in {factor["name"] for factor in win["factors"]}
    assert (await ask(clerk, WORTH, id=account, weeks=52.0))["prediction"]["value"] is None
    profile = await ask(clerk, PROFILE, id=account)
    assert {"won_value", "open_pipeline"}.isdisjoint(fact["key"] for fact in profile["facts"])
    assert "monetary" not in {score["key"] for score in profile["scores"]}
    groups = await ask(clerk, GROUPS)
    assert (groups["n"], groups["groups"]) == (0, [])


async def test_predictions_are_for_staff_and_for_what_they_see(market: Market) -> None:
    crew = market.crew
    for person, codes in ((crew.customer, {"FORBIDDEN", "NOT_FOUND"}), (crew.stranger, {"NOT_FOUND"})):
        for query, variables in (
            (WIN, {"id": market.open}),
            (CHURN, {"id": market.accounts[1]}),
            (WORTH, {"id": market.accounts[1], "weeks": 52.0}),
        ):
            body = await person.post(query, **variables)
            assert body["errors"][0]["extensions"]["code"] in codes
    for query in (GROUPS, LATENT):
        assert (await crew.customer.post(query))["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await ask(crew.stranger, GROUPS))["n"] == 0
    assert (await ask(crew.stranger, AFFINITY, id=market.accounts[1]))["rules"] == []


async def test_of_who_bought_once_it_is_not_known_whether_they_left(market: Market) -> None:
    """The model cannot call them gone: to say that they surely stay would be a lie."""
    once, thrice = market.accounts[0], market.accounts[2]
    found = await ask(market.crew.rep, CHURN, id=once)
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
    assert (found["n"], found["needed"], found["enoughData"]) == (1, 2, False)
    assert found["explanation"] == "not enough data: 1 of 2 cases"
    known = await ask(market.crew.rep, CHURN, id=thrice)
    assert known["enoughData"]
    assert known["low"] <= known["value"] <= known["high"]
    latent = (await market.crew.rep.ask("{ latentOpportunities(first: 50) { purchases stillBuys } }"))[
        "latentOpportunities"
    ]
    assert {one["purchases"] for one in latent} == {1, 2, 3}
    assert all((one["stillBuys"] is None) is (one["purchases"] == 1) for one in latent)


async def test_money_is_told_in_the_workspaces_currency_unless_another_is_named(market: Market) -> None:
    crew, buyer, nobody = market.crew, market.accounts[0], new_id()
    groups = "query($c: String) { customerGroups(currency: $c) { n } }"
    trend = "query($c: String) { marketTrend(of: MONEY, currency: $c) { n } }"

    async def move(uow: UnitOfWork) -> None:
        home = await uow.access(Workspace, uow.actor.workspace_id, action="update")
        home.currency = "EUR"
        uow.save(home)
        await create_account(uow, {"name": "Bought nothing"}, id=nobody)

    assert (await ask(crew.manager, groups, c=None))["n"] == BUYERS
    months = (await ask(crew.manager, trend, c=None))["n"]
    assert months > 12
    await crew.house.store.write(crew.system, move)
    assert (await ask(crew.manager, groups, c=None))["n"] == 0
    assert (await ask(crew.manager, trend, c=None))["n"] == 0
    assert (await ask(crew.manager, groups, c=" cny "))["n"] == BUYERS
    assert (await ask(crew.manager, trend, c="cny"))["n"] == months
    for id, currency in ((buyer, "CNY"), (nobody, "EUR")):
        assert (await ask(crew.manager, WORTH, id=id, weeks=52.0))["currency"] == currency
    for query in (groups, trend):
        (error,) = (await crew.manager.post(query, c="Euro"))["errors"]
        assert error["extensions"]["code"] == "INVALID_INPUT"
        assert error["message"] == "currency must be a code of three letters, such as EUR"


class Counted(list[Opportunity]):
    """A list that knows how often it was gone through."""

    times = 0

    def __iter__(self) -> Iterator[Opportunity]:
        self.times += 1
        return super().__iter__()


async def test_what_all_deals_teach_is_learned_once_for_all_customers(market: Market) -> None:
    """Learned anew for each, a thousand customers took eleven seconds; it tells the same of each of them."""
    unit = market.crew.house.store.unit_of_work(market.crew.system)
    closed = Counted(await closed_opportunities(unit))
    bought = purchases_by_customer(closed)
    closed.times = 0
    found = dict(_worth_most(bought, closed, unit.at))
    assert closed.times == 1
    assert found.keys() == set(market.accounts)
    for id in market.accounts[:5]:
        alone = foretell(bought[id], Purchases(closed, unit.at), now=unit.at, home="")
        assert found[id] == alone
