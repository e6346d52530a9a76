"""Pipelines over GraphQL: everybody who sells reads them, managers shape them."""

from typing import Any

from tests.crew import Crew

LIST = "{ pipelines { nodes { id isDefault name { zh en } stages { key } } } }"


def stage(key: str, order: int, type: str = "OPEN", probability: int = 50) -> dict[str, Any]:
    name = {"zh": key, "en": key}
    return {"key": key, "name": name, "order": order, "type": type, "probability": probability}


STAGES = [
    stage("lost", 9, "LOST", 0),
    stage("trial", 2),
    stage("start", 1, probability=5),
    stage("won", 3, "WON"),
]


async def test_every_workspace_has_its_default_pipeline_once_which_stays(crew: Crew) -> None:
    await crew.house.relay.settle()
    [found] = (await crew.rep.ask(LIST))["pipelines"]["nodes"]
    assert (found["isDefault"], found["name"]) == (True, {"zh": "标准销售流程", "en": "Standard"})
    for person, made in ((crew.manager, "InvalidInput"), (crew.rep, "Forbidden"), (crew.agent, "NotFound")):
        assert (await person.do("pipelineDelete", {"id": found["id"]}))["__typename"] == made
    assert (await crew.rep.ask(LIST))["pipelines"]["nodes"] == [found]


async def test_a_manager_shapes_a_pipeline_and_deals_move_along_it(crew: Crew) -> None:
    data = {"name": {"en": "Renewals"}, "currency": "EUR", "stages": STAGES}
    assert (await crew.rep.do("pipelineCreate", data))["__typename"] == "Forbidden"
    made = await crew.manager.do("pipelineCreate", data, "id isDefault stages { key }")
    assert (made["isDefault"], [one["key"] for one in made["stages"]]) == (
        False,
        ["start", "trial", "won", "lost"],
    )
    deal = await crew.rep.do(
        "opportunityCreate", {"name": "Renewal", "pipelineId": made["id"]}, "id stage probability currency"
    )
    assert (deal["stage"], deal["probability"], deal["currency"]) == ("start", 5, "EUR")
    wrong = await crew.rep.do("opportunityUpdate", {"id": deal["id"], "stage": "proposal"})
    assert wrong["message"].endswith("choose one of start, trial, won, lost")
    without = {"id": made["id"], "stages": [one for one in STAGES if one["key"] != "start"]}
    refused = await crew.manager.do("pipelineUpdate", without)
    assert refused["message"] == (
        "stages lack start, where opportunities stand; move those first, then remove it"
    )
    assert (await crew.manager.do("pipelineDelete", {"id": made["id"]}))["__typename"] == "InvalidInput"
    await crew.rep.do("opportunityUpdate", {"id": deal["id"], "stage": "trial"})
    changed = await crew.manager.do("pipelineUpdate", without, "stages { key }")
    assert [one["key"] for one in changed["stages"]] == ["trial", "won", "lost"]
    await crew.rep.do("opportunityDelete", {"id": deal["id"]})
    assert (await crew.manager.do("pipelineDelete", {"id": made["id"]}))["__typename"] == "Deleted"


async def test_a_pipeline_without_an_end_is_refused(crew: Crew) -> None:
    await crew.house.relay.settle()
    before = await crew.manager.ask(LIST)
    endless = {"name": {"en": "X"}, "stages": [stage("a", 1), stage("b", 2), stage("a", 3)]}
    refused = await crew.manager.do("pipelineCreate", endless)
    assert refused["message"] == "stages name a more than once; give every stage a key of its own"
    endless["stages"] = [stage("a", 1), stage("b", 2), stage("c", 3, "WON")]
    refused = await crew.manager.do("pipelineCreate", endless)
    assert refused["message"] == "stages have none of type lost; add one, so that a deal can get there"
    assert await crew.manager.ask(LIST) == before
