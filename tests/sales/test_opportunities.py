"""Opportunities over GraphQL: the promised interface and the rules of moving stage."""

from datetime import datetime
from typing import Any

import pytest

from backend.core.ids import new_id
from tests.crew import Crew

FIELDS = """id version name amount currency stage stageType probability forecastCategory closedAt lossReason
    expectedCloseDate stageHistory { from to by }"""
ONE = f"query($id: ID!) {{ opportunity(id: $id) {{ {FIELDS} }} }}"


async def opened(crew: Crew, **fields: Any) -> dict[str, Any]:
    data = {"name": "二期冷库监测", "teamIds": [crew.teams["east"]], **fields}
    made = await crew.rep.do("opportunityCreate", data, FIELDS)
    assert made.pop("__typename") == "Opportunity", made
    return made


async def test_an_opportunity_is_created_read_updated_listed_and_deleted(crew: Crew) -> None:
    await crew.house.relay.settle()
    account = await crew.rep.do("accountCreate", {"name": "清源生物"})
    contact = await crew.rep.do("contactCreate", {"fullName": "林悦"})
    opportunity_id = new_id()
    made = await opened(
        crew,
        id=opportunity_id,
        amount="386000.50",
        expectedCloseDate="2027-05-01",
        accountId=account["id"],
        contactId=contact["id"],
    )
    assert made == {
        "id": opportunity_id,
        "version": made["version"],
        "name": "二期冷库监测",
        "amount": "386000.50",
        "currency": "CNY",
        "stage": "qualification",
        "stageType": "OPEN",
        "probability": 10,
        "forecastCategory": "PIPELINE",
        "closedAt": None,
        "lossReason": "",
        "expectedCloseDate": "2027-05-01",
        "stageHistory": [{"from": None, "to": "qualification", "by": crew.rep.user_id}],
    }
    assert await crew.rep.ask(ONE, id=opportunity_id) == {"opportunity": made}
    related = await crew.rep.ask(
        """query($account: ID!) { opportunities(
            filter: {accountId: {eq: $account}, amount: {gte: "386000"},
                     expectedCloseDate: {lte: "2027-05-01"}},
            orderBy: [{field: AMOUNT, direction: DESC}]
        ) { nodes { account { name } contact { fullName } stageName { zh en }
            pipeline { isDefault stages { key type probability } } } } }""",
        account=account["id"],
    )
    assert related["opportunities"]["nodes"] == [
        {
            "account": {"name": "清源生物"},
            "contact": {"fullName": "林悦"},
            "stageName": {"zh": "初步接洽", "en": "Qualification"},
            "pipeline": {
                "isDefault": True,
                "stages": [
                    {"key": "qualification", "type": "OPEN", "probability": 10},
                    {"key": "discovery", "type": "OPEN", "probability": 25},
                    {"key": "proposal", "type": "OPEN", "probability": 50},
                    {"key": "negotiation", "type": "OPEN", "probability": 75},
                    {"key": "won", "type": "WON", "probability": 100},
                    {"key": "lost", "type": "LOST", "probability": 0},
                ],
            },
        }
    ]
    assert (await crew.rep.do("opportunityDelete", {"id": opportunity_id}))["__typename"] == "Deleted"
    assert (await crew.rep.post(ONE, id=opportunity_id))["data"] == {"opportunity": None}


async def test_a_deal_is_won_reopened_and_lost_and_remembers_every_move(crew: Crew) -> None:
    made = await opened(crew, amount="100")
    won = await crew.colleague.do("opportunityUpdate", {"id": made["id"], "stage": "won"}, FIELDS)
    assert (won["stageType"], won["probability"], won["forecastCategory"]) == ("WON", 100, "CLOSED")
    assert datetime.fromisoformat(won["closedAt"]).tzinfo is not None
    again = await crew.rep.do("opportunityUpdate", {"id": made["id"], "stage": "proposal"}, FIELDS)
    assert (again["stageType"], again["probability"], again["closedAt"]) == ("OPEN", 50, None)
    lost = await crew.rep.do(
        "opportunityUpdate",
        {"id": made["id"], "stage": "lost", "lossReason": "price", "closedAt": "2026-03-01T00:00:00Z"},
        FIELDS,
    )
    assert (lost["lossReason"], lost["closedAt"]) == ("price", "2026-03-01T00:00:00+00:00")
    last = await crew.rep.do("opportunityUpdate", {"id": made["id"], "stage": "negotiation"}, FIELDS)
    assert (last["lossReason"], last["closedAt"]) == ("", None)
    assert [(move["from"], move["to"]) for move in last["stageHistory"]] == [
        (None, "qualification"),
        ("qualification", "won"),
        ("won", "proposal"),
        ("proposal", "lost"),
        ("lost", "negotiation"),
    ]
    assert last["stageHistory"][1]["by"] == crew.colleague.user_id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage": "won"}, "amount is needed to win an opportunity; send it together with the stage"),
        (
            {"stage": "lost"},
            "loss_reason is needed to lose an opportunity; send it with the stage, such as price or noBudget",
        ),
        (
            {"stage": "signed"},
            (
                "stage 'signed' is not a stage of this pipeline; choose one of "
                "qualification, discovery, proposal, negotiation, won, lost"
            ),
        ),
        (
            {"closedAt": "2026-03-01T00:00:00Z"},
            "closed_at belongs to a won or lost opportunity; move it there, or leave it out",
        ),
        (
            {"pipelineId": "0190a8d2-0000-7000-8000-000000000000"},
            "pipeline_id names no pipeline of this workspace; take one from `pipelines`",
        ),
        ({"amount": "-1"}, "amount is not right: input should be greater than or equal to 0"),
        ({"currency": "yuan"}, "currency is not right: string should match pattern '^[A-Z]{3}$'"),
    ],
)
async def test_a_refused_change_says_why_and_changes_nothing(
    crew: Crew, change: dict[str, Any], message: str
) -> None:
    made = await opened(crew)
    refused = await crew.rep.do("opportunityUpdate", {"id": made["id"], **change})
    assert (refused["__typename"], refused["message"]) == ("InvalidInput", message)
    assert await crew.rep.ask(ONE, id=made["id"]) == {"opportunity": made}


async def test_a_won_deal_keeps_its_amount_and_cannot_be_created_without(crew: Crew) -> None:
    refused = await crew.rep.do("opportunityCreate", {"name": "Quick", "stage": "won"})
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "INVALID_INPUT")
    won = await opened(crew, stage="won", amount="5")
    refused = await crew.rep.do("opportunityUpdate", {"id": won["id"], "amount": None})
    assert refused["message"].startswith("amount is needed to win an opportunity")
    assert await crew.rep.ask(ONE, id=won["id"]) == {"opportunity": won}


async def test_a_stranger_neither_sees_nor_changes(crew: Crew) -> None:
    made = await opened(crew)
    for mutation, data in (("opportunityUpdate", {"stage": "proposal"}), ("opportunityDelete", {})):
        refused = await crew.stranger.do(mutation, {"id": made["id"], **data})
        assert refused["__typename"] == "NotFound"
        refused = await crew.agent.do(mutation, {"id": made["id"], **data})
        assert refused["__typename"] == "NotFound"
    assert (await crew.colleague.do("opportunityDelete", {"id": made["id"]}))["__typename"] == "Forbidden"
    assert await crew.rep.ask(ONE, id=made["id"]) == {"opportunity": made}
    assert (await crew.stranger.ask("{ opportunities { nodes { id } } }")) == {"opportunities": {"nodes": []}}


async def test_a_change_from_an_old_version_is_a_conflict_that_names_the_fields(crew: Crew) -> None:
    made = await opened(crew, amount="1")
    moved = await crew.colleague.do("opportunityUpdate", {"id": made["id"], "stage": "discovery"}, FIELDS)
    refused = await crew.rep.do(
        "opportunityUpdate", {"id": made["id"], "amount": "2", "expectedVersion": made["version"]}
    )
    assert refused["__typename"] == "Conflict"
    assert refused["fields"] == ["probability", "stage", "stageHistory"]
    moved.pop("__typename")
    assert await crew.rep.ask(ONE, id=made["id"]) == {"opportunity": moved}
