"""A workspace's own calibration: learned every night from what people said of answers."""

from datetime import timedelta
from typing import Any, ClassVar

import structlog
import svcs
from pydantic import Field
from pymongo import IndexModel

from assistant.confidence import AS_LEARNED, Adjustment, load_calibration
from assistant.documents import Answer, Decision, Reason
from assistant.recalibration import Labelled, Outcome, recalibrate
from backend.core.access import system_actor
from backend.core.clock import Moment
from backend.core.ids import new_id
from backend.core.records import Record
from backend.core.store import Store
from backend.core.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

MOST_ROWS = 5_000  # the latest
A_NIGHT = timedelta(hours=20)  # between two tries: the job looks every hour, also after a restart
RUNS_SHOWN = 60


class CalibrationRun(Record):
    """One night's try: ``kept`` when it answers better than what was in force, else ``why`` not.

    ``before`` and ``after`` are log loss, Brier score and ECE on rows that were not learned from; ``drift``
    is the population stability index of confidences, the newer half of the rows against the older.
    """

    kind: ClassVar[str] = "calibration_run"

    at: Moment
    calibration: str = ""  # the learned one that it adjusts; of another it says nothing
    rows: int
    wrong: int
    kept: bool
    why: str
    slope: float = 1.0
    offset: float = 0.0
    before: dict[str, float] = Field(default_factory=dict)
    after: dict[str, float] = Field(default_factory=dict)
    drift: float | None = None
    drifted: bool = False

    def principals(self) -> list[str]:
        return []

    class Settings:
        name = "calibration_runs"
        indexes: ClassVar = [IndexModel([("workspace_id", 1), ("kept", 1), ("at", -1)])]


async def adjustment_of(uow: UnitOfWork) -> Adjustment:
    """Return the calibration that is in force in the workspace, whoever asks.

    What was fitted to another learned calibration went with it: its confidences meant something else.
    """
    where = {"kept": True, "calibration": load_calibration().name}
    kept = await uow.as_house().find_one(CalibrationRun, where, sort=[("at", -1)])
    return Adjustment(f"feedback-{kept.id}", kept.slope, kept.offset) if kept else AS_LEARNED


async def find_runs(uow: UnitOfWork) -> list[CalibrationRun]:
    """Return the nights that the actor may read, latest first."""
    return await uow.find(CalibrationRun, sort=[("at", -1)], limit=RUNS_SHOWN)


async def recalibrate_workspace(uow: UnitOfWork) -> CalibrationRun | None:
    """Learn from what was said of answers, and note the try.

    None when the last try is not a night ago, or nothing was said since.
    """
    last = await uow.find_one(CalibrationRun, {}, sort=[("at", -1)])
    if last is not None and uow.at - last.at < A_NIGHT:
        return None
    rows = await labelled_rows(uow)
    said = (load_calibration().name, len(rows), _wrong(rows))
    if not rows or (last is not None and (last.calibration, last.rows, last.wrong) == said):
        return None
    outcome = recalibrate(rows, await adjustment_of(uow))
    name, n, wrong = said
    run = CalibrationRun(id=new_id(), at=uow.at, calibration=name, rows=n, wrong=wrong, **_figures(outcome))
    uow.save(run)
    return run


async def labelled_rows(uow: UnitOfWork) -> list[Labelled]:
    """Return what the answers of the workspace taught, oldest first.

    A review of ours counts before the asker's thumb; an asker who after an answer wants a person was not
    helped by it. Only answers from articles say anything about the confidence, and only those judged by the
    learned calibration of today: of another it is another number.
    """
    answered = {"$or": [{"decision": Decision.ANSWERED}, {"parts.decision": Decision.ANSWERED}]}
    answers = await uow.find(Answer, answered, sort=[("created_at", -1)], limit=MOST_ROWS)
    handed = await uow.find(
        Answer, {"reason": Reason.CUSTOMER_ASKED_FOR_HUMAN}, sort=[("created_at", -1)], limit=MOST_ROWS
    )
    gave_up: dict[str, list[Answer]] = {}
    for one in handed:
        gave_up.setdefault(one.conversation_id, []).append(one)
    rows = []
    for answer in filter(_teaches, reversed(answers)):
        label = _label(answer, gave_up.get(answer.conversation_id, []), answers)
        if label is not None:
            rows.append(Labelled(answer.raw_confidence, label))
    return rows


def _teaches(answer: Answer) -> bool:
    is_judged_as_today = load_calibration().name in answer.model_ids
    return is_judged_as_today and answer.reason is Reason.FOUND_IN_ARTICLE and answer.raw_confidence > 0


def _label(answer: Answer, handed: list[Answer], answers: list[Answer]) -> bool | None:
    if answer.review is not None:
        return answer.review.right
    if answer.feedback is not None:
        return answer.feedback.helpful
    after = [
        one for one in handed if one.created_at and answer.created_at and one.created_at > answer.created_at
    ]
    if not after:
        return None
    soonest = min(after, key=lambda one: one.version)
    between = [
        one
        for one in answers
        if one.conversation_id == answer.conversation_id and answer.version < one.version < soonest.version
    ]
    return None if between else False


def _wrong(rows: list[Labelled]) -> int:
    return sum(not row.right for row in rows)


def _figures(outcome: Outcome) -> dict[str, Any]:
    return {
        "kept": outcome.kept,
        "why": outcome.why,
        "slope": outcome.slope,
        "offset": outcome.offset,
        "before": outcome.before,
        "after": outcome.after,
        "drift": outcome.drift,
        "drifted": outcome.drifted,
    }


async def recalibrate_all(services: svcs.Container) -> None:
    """Recalibrate every workspace; a job of the house."""
    store = await services.aget(Store)
    for workspace_id in await store.workspace_ids():
        run = await store.write(system_actor(workspace_id), recalibrate_workspace)
        if run is not None:
            tell = log.warning if run.drifted else log.info
            figures = {"kept": run.kept, "why": run.why, "rows": run.rows, "drifted": run.drifted}
            tell("assistant.recalibrated", workspace=workspace_id, **figures)
