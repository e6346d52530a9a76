"""What staff are shown of an answer's grounds, and customers are not."""

from typing import Any

from assistant.documents import Answer, Evidence
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from knowledge.articles import create_article
from tests.assistant.conftest import START
from tests.crew import Crew

GROUNDS = """query($id: ID!) { answerGrounds(id: $id) {
    question askedAs intent threshold modelIds latencyMs draftRefused answer { id confidence }
    evidence { passage { quote article { id version title } } score dense lexical cited }
    review { right text by } } }"""
REVIEW = "mutation($input: AnswerReviewInput!) { answerReview(input: $input) { id } }"


async def answered(crew: Crew) -> tuple[str, dict[str, str]]:
    """Store an answer to the customer that looked at a public and at an internal article; return ids."""
    data = await crew.customer.ask(START, input={"subject": "Chat"})
    ids = {"answer": new_id(), "public": new_id(), "internal": new_id()}

    async def create(uow: UnitOfWork) -> None:
        for visibility in ("public", "internal"):
            fields = {"title": visibility, "body": f"Open {visibility}.", "locale": "en"}
            await create_article(
                uow, {**fields, "visibility": visibility, "publish": True}, id=ids[visibility]
            )
        evidence = [
            Evidence(
                article_id=ids[one], article_version=1, title=one, locale="en", quote=f"Open {one}.",
                start=0, end=6 + len(one), score=2.5, dense=0.9, lexical=4.0, cited=one == "public",
            )
            for one in ("public", "internal")
        ]  # fmt: skip
        uow.save(
            Answer(
                id=ids["answer"], conversation_id=data["startConversation"]["id"], question="What is open?",
                language="en", intent="question", text="Open public.", mode="extractive", decision="answered",
                reason="found_in_article", confidence=0.9, threshold=0.7, evidence=evidence, latency_ms=40,
                model_ids=["e5", "calibration-1"],
            )
        )  # fmt: skip

    await crew.house.store.write(crew.system, create)
    return ids["answer"], ids


async def grounds(crew: Crew, name: str, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await crew.people[name].ask(GROUNDS, id=id))["answerGrounds"]
    return found


async def test_who_takes_over_sees_what_was_asked_looked_at_and_how_sure_it_was(crew: Crew) -> None:
    id, ids = await answered(crew)
    given = {"id": id, "right": False, "text": "Nothing is open."}
    await crew.agent.ask(REVIEW, input=given)
    found = await grounds(crew, "agent", id)
    assert (found["question"], found["threshold"], found["answer"]) == (
        "What is open?", 0.7, {"id": id, "confidence": 0.9},
    )  # fmt: skip
    assert (found["modelIds"], found["latencyMs"], found["draftRefused"]) == (["e5", "calibration-1"], 40, "")
    assert [(one["passage"]["article"]["id"], one["cited"]) for one in found["evidence"]] == [
        (ids["public"], True),
        (ids["internal"], False),
    ]
    assert (found["evidence"][0]["score"], found["evidence"][0]["dense"]) == (2.5, 0.9)
    assert found["review"] == {"right": False, "text": "Nothing is open.", "by": crew.agent.user_id}


async def test_what_may_not_be_read_any_more_is_left_out(crew: Crew) -> None:
    id, ids = await answered(crew)
    assert (await crew.manager.do("articleDelete", {"id": ids["internal"]}))["__typename"] == "Deleted"
    found = await grounds(crew, "agent", id)
    assert [one["passage"]["article"]["id"] for one in found["evidence"]] == [ids["public"]]


async def test_customers_and_strangers_see_no_grounds(crew: Crew) -> None:
    id, _ = await answered(crew)
    for person, code in ((crew.customer, "FORBIDDEN"), (crew.stranger, "NOT_FOUND")):
        refused = await person.post(GROUNDS, id=id)
        assert refused["data"] is None
        assert [error["extensions"]["code"] for error in refused["errors"]] == [code]
        assert "Open internal." not in str(refused)
