"""What people say of answers, and the night that learns from it: kept only when it is better."""

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import svcs
from hypothesis import given
from hypothesis import strategies as st

from assistant.calibration_runs import (
    CalibrationRun,
    adjustment_of,
    labelled_rows,
    recalibrate_all,
    recalibrate_workspace,
)
from assistant.confidence import AS_LEARNED, Adjustment, load_calibration
from assistant.documents import Answer, Evidence, Feedback
from assistant.recalibration import FEWEST_ROWS, Labelled, drifts, fit_platt, recalibrate, stability_index
from backend.core.ids import new_id
from backend.core.unit_of_work import UnitOfWork
from backend.service.documents import Message
from tests.assistant.conftest import Desk
from tests.crew import Crew

RATE = "mutation($input: AnswerRateInput!) { answerRate(input: $input) { id helpful } }"
REVIEW = "mutation($input: AnswerReviewInput!) { answerReview(input: $input) { id } }"
RUNS = """{ calibrationRuns { calibration rows wrong kept why drifted
    before { logLoss ece brier } after { logLoss ece } } }"""
PORTS = "Which firewall ports have to be open for the gateway?"


async def test_the_last_thumb_of_who_asked_counts(desk: Desk) -> None:
    answer = await desk.ask(desk.crew.customer, PORTS)
    for helpful in (True, False):
        rated = await desk.crew.customer.ask(RATE, input={"id": answer["id"], "helpful": helpful})
        assert rated["answerRate"] == {"id": answer["id"], "helpful": helpful}
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.feedback is not None
    assert (stored.feedback.helpful, stored.feedback.by) == (False, desk.crew.customer.user_id)


@pytest.mark.parametrize("name", ["agent", "stranger"])
async def test_nobody_rates_for_somebody_else(desk: Desk, name: str) -> None:
    answer = await desk.ask(desk.crew.customer, PORTS)
    body = await desk.crew.people[name].post(RATE, input={"id": answer["id"], "helpful": True})
    assert body["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "NOT_FOUND")
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.feedback is None


async def test_an_agent_corrects_an_answer_and_sends_it(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    answer = await desk.ask(desk.crew.customer, PORTS, conversation_id=conversation_id)
    given = {"id": answer["id"], "right": False, "text": "Please open TCP 8883.", "send": True}
    await desk.crew.agent.ask(REVIEW, input=given)
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.review is not None
    assert (stored.review.right, stored.review.text) == (False, "Please open TCP 8883.")
    said = sorted(await desk.find(Message, conversation_id=conversation_id), key=lambda m: m.at)
    assert [m.body for m in said][-1] == "Please open TCP 8883."
    for wrong in ({"send": True, "text": ""}, {"text": "x" * 20_001}):
        body = await desk.crew.agent.post(REVIEW, input={"id": answer["id"], "right": True, **wrong})
        assert body["errors"][0]["extensions"]["code"] == "INVALID_INPUT"
    refused = await desk.crew.customer.post(REVIEW, input={"id": answer["id"], "right": True})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_turns_of_a_conversation_are_read_by_who_may(desk: Desk) -> None:
    conversation_id = await desk.start(desk.crew.customer)
    await desk.ask(desk.crew.customer, PORTS, conversation_id=conversation_id)
    await desk.ask(desk.crew.agent, "How much goodwill may an agent give?", conversation_id=conversation_id)
    query = f'{{ answers(conversationId: "{conversation_id}") {{ text decision mode }} }}'
    assert len((await desk.crew.agent.ask(query))["answers"]) == 2
    (own,) = (await desk.crew.customer.ask(query))["answers"]
    assert own["mode"] == "EXTRACTIVE"
    body = await desk.crew.stranger.post(query)
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def fill(crew: Crew, rows: list[Labelled], *, calibration: str = "") -> None:
    """Store answered turns with thumbs, as asking leaves them, one commit after the other."""
    conversation_id = (
        await crew.customer.ask('mutation { startConversation(input: {subject: "Chat"}) { id } }')
    )["startConversation"]["id"]

    async def create(uow: UnitOfWork) -> None:
        for row in rows:
            uow.save(
                Answer(
                    id=new_id(),
                    conversation_id=conversation_id,
                    question="q",
                    language="en",
                    intent="question",
                    text="a",
                    mode="extractive",
                    decision="answered",
                    reason="found_in_article",
                    confidence=row.chance,
                    raw_confidence=row.chance,
                    threshold=0.5,
                    model_ids=["e5", calibration or load_calibration().name],
                    feedback=Feedback(helpful=row.right, by=crew.customer.user_id, at=uow.at),
                )
            )

    await crew.house.store.write(crew.system, create)


async def nights(crew: Crew) -> list[dict[str, Any]]:
    async with svcs.Container(crew.house.registry) as services:
        await recalibrate_all(services)
    found: list[dict[str, Any]] = (await crew.admin.ask(RUNS))["calibrationRuns"]
    return found


def too_sure(n: int, *, seed: int = 1) -> list[Labelled]:
    """Return answers whose confidence promises far more than half of them keep."""
    chance = random.Random(seed)
    return [Labelled(chance.uniform(0.75, 0.98), chance.random() < 0.55) for _ in range(n)]


def honest(n: int, *, seed: int = 2) -> list[Labelled]:
    chance = random.Random(seed)
    rows = [chance.uniform(0.5, 0.98) for _ in range(n)]
    return [Labelled(one, chance.random() < one) for one in rows]


async def test_a_night_learns_what_makes_answers_honest_and_the_next_has_nothing_to_do(crew: Crew) -> None:
    await fill(crew, too_sure(200))
    (run,) = await nights(crew)
    assert (run["rows"], run["kept"]) == (200, True)
    assert run["after"]["logLoss"] < run["before"]["logLoss"]
    assert run["after"]["ece"] < run["before"]["ece"]
    adjustment = await adjustment_of(crew.house.store.unit_of_work(crew.customer.actor))
    assert 0.4 < adjustment.apply(0.9) < 0.7
    await fill(crew, too_sure(10, seed=9))
    assert len(await nights(crew)) == 1  # not twice in a night, whatever was said

    async def next_night(uow: UnitOfWork) -> CalibrationRun | None:
        uow.at += timedelta(days=1)
        return await recalibrate_workspace(uow)

    later = await crew.house.store.write(crew.system, next_night)
    assert later is not None
    assert (later.rows, later.kept) == (210, False)  # what is in force is as good already


async def test_a_worse_calibration_is_never_deployed(crew: Crew) -> None:
    await fill(crew, honest(200))
    (run,) = await nights(crew)
    assert (run["kept"], run["why"]) == (False, "no better on answers it had not seen")
    assert await adjustment_of(crew.house.store.unit_of_work(crew.system)) == AS_LEARNED


async def test_what_another_calibration_judged_is_neither_learned_from_nor_in_force(crew: Crew) -> None:
    """After an upgrade the same confidence means something else."""
    await fill(crew, too_sure(200), calibration="calibration-of-before")
    assert await nights(crew) == []
    await fill(crew, too_sure(200))
    (run,) = await nights(crew)
    assert (run["rows"], run["kept"], run["calibration"]) == (200, True, load_calibration().name)
    unit = crew.house.store.unit_of_work(crew.system)
    assert (await adjustment_of(unit)).name

    async def upgrade(uow: UnitOfWork) -> None:
        (kept,) = await uow.entailed(CalibrationRun, {})
        kept.calibration = "calibration-of-before"
        uow.entail(kept)

    await crew.house.store.write(crew.system, upgrade)
    assert await adjustment_of(crew.house.store.unit_of_work(crew.system)) == AS_LEARNED


async def test_too_little_is_said_and_nothing_learned(crew: Crew) -> None:
    await fill(crew, too_sure(FEWEST_ROWS - 1))
    (run,) = await nights(crew)
    assert not run["kept"]
    assert run["why"].startswith(f"too little was said: {FEWEST_ROWS - 1} answers")
    assert (run["before"], run["after"]) == (None, None)


async def test_runs_are_for_managers_and_admins(crew: Crew) -> None:
    await fill(crew, too_sure(70))
    await nights(crew)
    assert len((await crew.manager.ask(RUNS))["calibrationRuns"]) == 1
    for person in (crew.agent, crew.customer):
        assert (await person.ask(RUNS))["calibrationRuns"] == []
    unit = crew.house.store.unit_of_work(crew.system)
    assert len(await unit.find(CalibrationRun)) == 1


async def test_an_asker_who_then_wants_a_person_was_not_helped(desk: Desk) -> None:
    before = sum(not row.right for row in await labelled_rows(desk.unit()))
    conversation_id = await desk.start(desk.crew.customer)
    answer = await desk.ask(desk.crew.customer, PORTS, conversation_id=conversation_id)
    assert answer["decision"] == "ANSWERED"
    assert sum(not row.right for row in await labelled_rows(desk.unit())) == before
    await desk.ask(desk.crew.customer, "I want to talk to a human", conversation_id=conversation_id)
    assert sum(not row.right for row in await labelled_rows(desk.unit())) == before + 1


async def test_what_one_of_ours_finds_teaches_more_than_the_askers_thumb(desk: Desk) -> None:
    def said(rows: list[Labelled]) -> tuple[int, int]:
        return sum(row.right for row in rows), sum(not row.right for row in rows)

    right, wrong = said(await labelled_rows(desk.unit()))
    answer = await desk.ask(desk.crew.customer, PORTS)
    assert said(await labelled_rows(desk.unit())) == (right, wrong)  # nothing was said of it yet
    await desk.crew.customer.ask(RATE, input={"id": answer["id"], "helpful": True})
    assert said(await labelled_rows(desk.unit())) == (right + 1, wrong)
    given = {"id": answer["id"], "right": False, "text": "Open TCP 8883, 443 and UDP 123."}
    await desk.crew.agent.ask(REVIEW, input=given)
    assert said(await labelled_rows(desk.unit())) == (right, wrong + 1)
    (stored,) = await desk.find(Answer, _id=answer["id"])
    assert stored.raw_confidence in [row.chance for row in await labelled_rows(desk.unit())]


def test_feedback_that_says_the_opposite_of_the_evidence_is_not_believed() -> None:
    chance = random.Random(3)
    rows = [
        Labelled(one, chance.random() > one) for one in (chance.uniform(0.05, 0.95) for _ in range(4_000))
    ]
    outcome = recalibrate(rows, AS_LEARNED)
    assert (outcome.kept, outcome.why) == (False, "feedback says the opposite of the evidence")


def test_drift_is_seen_and_stillness_is_not() -> None:
    still = np.array([row.chance for row in honest(400)])
    assert (stability_index(still) or 0) < 0.25
    moved = np.concatenate([still[:200], still[200:] * 0.5])
    assert (stability_index(moved) or 0) > 0.25
    assert stability_index(still[:20]) is None
    rows = [Labelled(float(one), True) for one in moved]
    assert recalibrate(rows, AS_LEARNED).drifted


def test_a_calibration_that_is_sure_and_often_wrong_is_mended() -> None:
    """Of answers all told as 96 to 99 % half were wrong: whole Newton steps end at chances of 0 and 1."""
    rows = [Labelled(0.96 + 0.0004 * n, n % 2 == 0) for n in range(86)]
    found = recalibrate(rows, AS_LEARNED)
    assert found.before["log_loss"] > 1.5
    assert found.after["log_loss"] < 0.9
    assert found.kept
    assert Adjustment("", found.slope, found.offset).apply(0.975) == pytest.approx(0.5, abs=0.15)


def test_a_calibration_that_is_right_is_not_replaced_by_chance() -> None:
    """Of 60 answers one in seven would be, without asking whether the gain is more than chance."""
    rng = np.random.default_rng(1)

    def night(told: float) -> bool:
        chances = rng.beta(4, 1.5, 60)
        right = rng.random(60) < chances * told
        return recalibrate(
            [Labelled(float(c), bool(r)) for c, r in zip(chances, right, strict=True)], AS_LEARNED
        ).kept

    assert sum(night(1.0) for _ in range(100)) == 0
    assert sum(night(0.5) for _ in range(20)) >= 18


@pytest.mark.parametrize("n", [60, 100, 400])
def test_few_answers_that_stand_still_are_not_called_drift(n: int) -> None:
    """The index alone would cry wolf: of 60 rows it is above the usual limit five times in six."""
    rng = np.random.default_rng(7)
    found = [stability_index(rng.beta(5, 2, n)) or 0.0 for _ in range(200)]
    assert sum(drifts(one, n) for one in found) <= 4
    if n == 60:
        assert sum(one > 0.25 for one in found) > 100
    moved = np.concatenate([rng.beta(5, 2, n // 2), rng.beta(2, 5, n // 2)])
    assert drifts(stability_index(moved) or 0.0, n)


@given(st.floats(0.001, 0.999), st.floats(0.1, 3), st.floats(-2, 2))
def test_an_adjustment_keeps_order_and_range(chance: float, slope: float, offset: float) -> None:
    adjustment = Adjustment("", slope, offset)
    assert 0 <= adjustment.apply(chance) <= 1
    assert adjustment.apply(chance) <= adjustment.apply(min(0.9999, chance + 0.0005))


def test_what_is_calibrated_already_stays() -> None:
    rows = honest(2_000)
    slope, offset = fit_platt(np.array([r.chance for r in rows]), np.array([float(r.right) for r in rows]))
    assert abs(slope - 1) < 0.25
    assert abs(offset) < 0.25


async def test_an_answer_is_outdated_when_its_article_says_something_else(crew: Crew) -> None:
    article = {"title": "Returns", "body": "Within 30 days.", "locale": "en", "visibility": "PUBLIC"}
    made = await crew.manager.ask(
        "mutation($input: ArticleCreateInput!) { articleCreate(input: $input) { ... on Article { id } } }",
        input=article | {"publish": True},
    )
    article_id = made["articleCreate"]["id"]
    start = 'mutation { startConversation(input: {subject: "Chat"}) { id } }'
    conversation_id = (await crew.customer.ask(start))["startConversation"]["id"]

    async def create(uow: UnitOfWork) -> None:
        cited = Evidence(
            article_id=article_id, article_version=1, title="Returns", locale="en", quote="Within 30 days.",
            start=0, end=15, score=1, dense=1, lexical=1, cited=True,
        )  # fmt: skip
        uow.save(
            Answer(
                id=new_id(), conversation_id=conversation_id, question="q", language="en", intent="question",
                text="a", mode="extractive", decision="answered", reason="found_in_article", confidence=0.9,
                threshold=0.5, evidence=[cited],
            )
        )  # fmt: skip

    await crew.house.store.write(crew.system, create)
    query = f'{{ answers(conversationId: "{conversation_id}") {{ outdated }} }}'
    assert (await crew.customer.ask(query))["answers"] == [{"outdated": False}]
    await crew.manager.do("articleUpdate", {"id": article_id, "body": "Within 14 days."})
    assert (await crew.customer.ask(query))["answers"] == [{"outdated": True}]
